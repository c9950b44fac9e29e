"""Every model of the manifest against dghs-imgutils, without weights: `make test-peers`.

A random network with the names, shapes and types of the real one goes through the peer's own package and through ours.
The answers must be the same. The peer needs other versions of NumPy than we allow, so that it runs in an environment of
its own. PEERS_PYTHON names its Python; PEERS_TABLE, if set, is a file that the table of results is written to.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import model_files
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
import networks

from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry, Manifest, load_manifest
from animeds_db.models.runners.classifier import Classifier
from animeds_db.models.runners.detector import Detector
from animeds_db.models.runners.embedder import Embedder, difference, unit
from animeds_db.models.runners.pixels import linear
from animeds_db.models.runners.segmenter import Segmenter
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runners.text import load as load_text
from animeds_db.models.runtime import choose_device

COMMIT = "0" * 40
SAME = 1e-5
SIZES = ((640, 360), (300, 500), (512, 512), (1000, 210))
"""Width and height of the pictures: a frame, a tall one, a square, and one much wider than a model's input."""
TEXTS = ["red hair", "blue", "smiling smiling red"]
NO_PEER = {
    "cl-tagger": "not in imgutils",
    "idolsankaku": "not in imgutils",
    "xenova": "not in imgutils: the files of transformers.js",
}
"""Parts of the names of entries that imgutils cannot run, and why."""
N_TAGS = {"pixai": 13_461, "camie": 70_527, "animetimm": 12_476, "deepdanbooru": 9_176}
PAD = {"type": "pad_to_size", "size": [512, 512], "background_color": "white", "interpolation": "bilinear"}
TENSOR = [
    {"type": "maybe_to_tensor"},
    {"type": "normalize", "mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
]


@dataclass
class Case:
    """One entry: what the peer is asked, and how our answer is computed."""

    entry: Entry
    job: dict[str, Any]
    ours: Callable[[list[np.ndarray]], np.ndarray]
    fed: str
    """What both were fed, in words."""
    peers: np.ndarray = field(default_factory=lambda: np.zeros(0))


class Hub:
    """A folder as huggingface_hub keeps its downloads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, repo: str, name: str) -> Path:
        """Return where a file of a repository lies."""
        top = self.folder / f"models--{repo.replace('/', '--')}"
        if not (top / "refs").exists():
            (top / "refs").mkdir(parents=True)
            (top / "refs" / "main").write_text(COMMIT)
        path = top / "snapshots" / COMMIT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def files(self, entry: Entry) -> Files:
        """Return the files of an entry, as after a pull."""
        assert entry.repo
        paths = {role: self.path(entry.repo, name) for role, name in entry.files.items()}
        return Files(entry, paths, COMMIT, "")

    def write(self, repo: str, name: str, content: object) -> None:
        """Write a JSON file."""
        self.path(repo, name).write_text(json.dumps(content))


def seed_of(entry: Entry) -> int:
    return zlib.crc32(entry.name.encode())


def tagger(entry: Entry, hub: Hub) -> Case:
    """WD taggers, DeepDanbooru, and those with their own preprocess.json."""
    repo, seed = entry.repo or "", seed_of(entry)
    n_tags = next((n for name, n in N_TAGS.items() if name in entry.name), model_files.WD_TAGS)
    own = "preprocess" in entry.files
    side = entry.input.size[0]
    if own:
        side = 512 if "camie" in entry.name else 384 if "animetimm" in entry.name else 448
    shape = [3, side, side] if own or entry.input.layout == "NCHW" else [side, side, 3]
    output = entry.output.name or "output"
    outputs = {output: (n_tags, "sigmoid"), "embedding": (1024, "none")}
    if own:
        outputs["logits"] = (n_tags, "none")
    if "camie" in entry.name:  # the peer asks for the first and the refined results
        outputs |= {f"initial/{name}": kind for name, kind in outputs.items()}
    path = hub.path(repo, entry.files["model"])
    if "deepdanbooru" in entry.name:
        outputs.pop("embedding")
    networks.vision(
        path,
        entry.input.name or "input",
        shape,
        outputs,
        seed=seed,
        scale=255.0 if entry.input.divide == 1 and not own else 1.0,
    )
    _tags(hub.path(repo, entry.files["tags"]), n_tags)
    stages = _stages(entry, side)
    if own:
        hub.write(repo, entry.files["preprocess"], stages)
        names = {0: "general", 4: "character", 9: "rating"}
        hub.write(repo, "categories.json", [{"category": n, "name": name} for n, name in names.items()])
        _thresholds(hub.path(repo, entry.files["thresholds"]))
    job, fed = _tagger_job(entry, hub, path)
    fed = f"{fed}, {n_tags:,} tags, {'×'.join(map(str, shape))}"
    return Case(entry, job, lambda pictures: Tagger(hub.files(entry), choose_device("cpu"))(pictures), fed)


def _tagger_job(entry: Entry, hub: Hub, path: Path) -> tuple[dict[str, Any], str]:
    repo = entry.repo or ""
    if "camie" in entry.name:
        return {"way": "camie"}, "pad_to_size, tensor, normalize"
    if "pixai" in entry.name:
        version = repo.removeprefix("deepghs/pixai-tagger-").removesuffix("-onnx")
        return {"way": "pixai", "version": version}, "resize bilinear, tensor, normalize"
    if "animetimm" in entry.name:
        return {"way": "timm", "repo": repo}, "resize of the shorter side, centre, tensor, normalize"
    if "deepdanbooru" in entry.name:
        return {"way": "deepdanbooru"}, "letterbox"
    together, original = "deepghs/wd14_tagger_with_embeddings", repo
    if repo == together:
        original = str(Path(entry.files["model"]).parent)
        np.savez(
            hub.path(repo, entry.files["weights"]),
            weights=np.zeros((1024, model_files.WD_TAGS), np.float32),
            bias=np.zeros(model_files.WD_TAGS, np.float32),
        )
        model_files.selected_tags(hub.path(original, "selected_tags.csv"))
    else:
        place = hub.path(together, f"{original}/model.onnx")
        place.unlink(missing_ok=True)
        place.symlink_to(path)
    return {"way": "wd14", "repo": original}, "white square, BGR"


def _stages(entry: Entry, side: int) -> dict[str, Any]:
    if "camie" in entry.name:
        return {"stages": [PAD, *TENSOR]}
    if "animetimm" in entry.name:
        square = [side, side]
        test = [
            {"type": "resize", "size": side + 32, "interpolation": "bicubic"},
            {"type": "center_crop", "size": square},
            *TENSOR,
        ]
        return {"test": test, "val": test}
    return {"stages": [{"type": "resize", "size": [side, side], "interpolation": "bilinear"}, *TENSOR]}


def _tags(path: Path, n_tags: int) -> None:
    """Write a list of tags with the columns that any of the peers reads."""
    ratings = ("general", "sensitive", "questionable", "explicit")
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["tag_id", "name", "real_name", "category", "count", "ips", "best_threshold"])
        for n in range(n_tags):
            name = ratings[n] if n < 4 else f"tag_{n}"
            category = 9 if n < 4 else 4 if n > n_tags * 3 // 4 else 0
            rows.writerow([n, name, name, category, 100, "[]", 0.4])


def _thresholds(path: Path) -> None:
    if path.suffix == ".json":
        modes = {"balanced": {"threshold": 0.5}}
        categories = ("rating", "year", "general", "artist", "copyright", "character", "meta")
        path.write_text(json.dumps(dict.fromkeys(categories, modes)))
    else:
        path.write_text("category,name,threshold\n0,general,0.35\n4,character,0.75\n9,rating,0.5\n")


def classifier(entry: Entry, hub: Hub) -> Case:
    """The classifiers of deepghs. Of one with an order, also the value and the percentile of each picture."""
    repo, model = entry.repo or "", entry.files["model"]
    names = list(entry.output.ranked) or [f"label_{n}" for n in range(5)]
    side = entry.input.size[0]
    outputs = {entry.output.name or "output": (len(names), "softmax")}
    path = hub.path(repo, model)
    networks.vision(path, entry.input.name or "input", [3, side, side], outputs, seed=seed_of(entry))
    hub.write(repo, entry.files["labels"], {"labels": names})
    job = {"way": "classifier", "repo": repo, "model": str(Path(model).parent)}
    fed = f"stretched to {side}×{side}, {len(names)} labels"
    if "samples" in entry.files:
        grid = np.linspace(0, 6, 50)
        np.savez(hub.path(repo, entry.files["samples"]), np.stack([grid, (grid / 6) ** 2]))
        job, fed = {"way": "aesthetic", "model": job["model"]}, f"{fed}; value and percentile"

    def ours(pictures: list[np.ndarray]) -> np.ndarray:
        found = Classifier(hub.files(entry), choose_device("cpu"))
        if "samples" not in entry.files:
            return found(pictures)
        return np.array([[answer.value, answer.percentile] for answer in found.answers(pictures)])

    return Case(entry, job, ours, fed)


def detector(entry: Entry, hub: Hub) -> Case:
    """The detectors of deepghs."""
    repo, model = entry.repo or "", entry.files["model"]
    decode = "one-to-many" if entry.output.decode == "auto" else entry.output.decode
    labels = list(entry.output.kinds) or ["face"]
    networks.detector(hub.path(repo, model), labels, decode=decode, seed=seed_of(entry))
    folder = str(Path(model).parent)
    if decode == "rt-detr":
        hub.write(repo, f"{folder}/model_type.json", {"model_type": "rtdetr"})
    conf, iou = (entry.thresholds.get(name, usual) for name, usual in (("conf", 0.25), ("iou", 0.7)))
    job: dict[str, Any] = {"way": "detector", "repo": repo, "model": folder, "labels": labels}
    job |= {"conf": conf, "iou": iou, "keep": entry.input.fit == "keep"}
    kinds = [entry.output.kinds.get(label, label) for label in labels]
    job["kinds"] = kinds

    def ours(pictures: list[np.ndarray]) -> np.ndarray:
        found = Detector(hub.files(entry), choose_device("cpu"))
        rows = []
        for n, picture in enumerate(pictures):  # with fit = "keep", pictures of one size only
            wide, high = picture.shape[1], picture.shape[0]
            for box in found([picture])[0]:
                sides = (box.left * wide, box.top * high, box.right * wide, box.bottom * high)
                rows.append([n, *np.round(sides), kinds.index(box.kind), box.score])
        return np.array(rows, np.float64).reshape(-1, 7)

    fit = "sides in multiples of 32" if job["keep"] else "stretched to 640×640"
    return Case(entry, job, ours, f"{fit}, {len(labels)} classes, {decode}")


def character(entry: Entry, hub: Hub) -> Case:
    """CCIP's features."""
    model = Path(entry.files["model"]).parent.name
    _ccip(hub, entry)
    return Case(
        entry,
        {"way": "character", "model": model},
        lambda pictures: Embedder(hub.files(entry), choose_device("cpu"))(pictures),
        f"stretched to 384×384, width {entry.width}",
    )


def metric(entry: Entry, hub: Hub) -> Case:
    """CCIP's difference, from pictures on, against our formula."""
    features = next(e for e in shipped().entries.values() if e.metric == entry.name)
    _ccip(hub, features)
    model_files.ccip_metric(hub.path(entry.repo or "", entry.files["model"]))
    return Case(
        entry,
        {"way": "metric", "model": Path(entry.files["model"]).parent.name},
        lambda pictures: difference(Embedder(hub.files(features), choose_device("cpu"))(pictures)),
        "features of all pictures, each with each",
    )


def _ccip(hub: Hub, entry: Entry) -> None:
    assert entry.width
    side = entry.input.size[0]
    outputs = {"output": (entry.width, "none")}
    path = hub.path(entry.repo or "", entry.files["model"])
    networks.vision(path, "input", [3, side, side], outputs, seed=seed_of(entry))


def image(entry: Entry, hub: Hub) -> Case:
    """CLIP's picture tower."""
    repo, width = entry.repo or "", entry.width or 512
    folder = str(Path(entry.files["model"]).parent)
    outputs = {"encodings": (64, "none"), "embeddings": (width, "none")}
    networks.vision(
        hub.path(repo, entry.files["model"]), "pixel_values", [3, 224, 224], outputs, seed=seed_of(entry)
    )
    normalize = {"type": "normalize", "mean": entry.input.mean, "std": entry.input.std}
    stages = [
        {"type": "resize", "size": 224, "interpolation": "bicubic"},
        {"type": "center_crop", "size": [224, 224]},
        {"type": "maybe_to_tensor"},
        normalize,
    ]
    hub.write(repo, f"{folder}/preprocessor.json", {"stages": stages})
    return Case(
        entry,
        {"way": "clip", "repo": repo, "model": folder},
        lambda pictures: Embedder(hub.files(entry), choose_device("cpu"))(pictures),
        f"shorter side to 224, centre, width {width}",
    )


def text(entry: Entry, hub: Hub) -> Case:
    """CLIP's text tower."""
    repo, width = entry.repo or "", entry.width or 512
    networks.text(hub.path(repo, entry.files["model"]), width=width, seed=seed_of(entry))
    model_files.tokenizer(hub.path(repo, entry.files["tokenizer"]))
    job = {"way": "clip_text", "repo": repo, "model": str(Path(entry.files["model"]).parent), "texts": TEXTS}
    return Case(entry, job, lambda _: _said(hub.files(entry)), f"{len(TEXTS)} sentences, width {width}")


def _said(files: Files) -> np.ndarray:
    tower = load_text(files, choose_device("cpu"))
    return tower(TEXTS)


def segmenter(entry: Entry, hub: Hub) -> Case:
    """The matting network of skytnt, whose masks the peer resizes to the size of the picture."""
    side = entry.input.size[0]
    path = hub.path(entry.repo or "", entry.files["model"])
    networks.matting(path, entry.input.name or "img", "mask", side, seed=seed_of(entry))

    def ours(pictures: list[np.ndarray]) -> np.ndarray:
        found = Segmenter(hub.files(entry), choose_device("cpu"))(pictures)
        masks = [
            linear(one.mask, *picture.shape[:2]).ravel() for one, picture in zip(found, pictures, strict=True)
        ]
        return np.concatenate(masks)

    return Case(entry, {"way": "matting"}, ours, f"letterbox on black, {side}×{side}")


WAYS = {
    "tagger": tagger,
    "classifier": classifier,
    "detector": detector,
    "character": character,
    "metric": metric,
    "image": image,
    "text": text,
    "segmenter": segmenter,
}
"""How a case is made of an entry of each task."""
SCALED = ("character", "image", "text")
"""Tasks whose vectors we scale to length 1."""


def shipped() -> Manifest:
    """Return the manifest of the package alone."""
    return load_manifest(Path(os.devnull))


def entries() -> list[Entry]:
    """Return the entries of the shipped manifest with an ONNX file on the hub."""
    return [e for e in shipped().entries.values() if e.engine == "onnx" and e.repo]


def peerless(entry: Entry) -> str | None:
    """Return why there is no peer for an entry."""
    return next((why for part, why in NO_PEER.items() if part in entry.name), None)


COMPARED = [entry.name for entry in entries() if peerless(entry) is None]


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    return [model_files.picture(*size, seed=n) for n, size in enumerate(SIZES)]


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory, pictures: list[np.ndarray]) -> dict[str, Case]:
    """The entries with the answers of the peer, all by one process."""
    folder = tmp_path_factory.mktemp("peers")
    hub = Hub(folder / "hub")
    made = [WAYS[e.task](e, hub) for e in entries() if peerless(e) is None]
    paths = []
    for n, picture in enumerate(pictures):
        paths.append(str(folder / f"{n}.png"))
        Image.fromarray(picture).save(paths[-1])
    jobs = [{**case.job, "pictures": paths} for case in made]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    hidden = {"HF_HUB_CACHE": str(hub.folder), "HF_HUB_OFFLINE": "1"}
    command = [os.environ["PEERS_PYTHON"], str(Path(__file__).with_name("imgutils_peer.py"))]
    subprocess.run(
        [*command, str(folder / "jobs.json"), str(folder / "results.npz")],
        check=True,
        env=os.environ | hidden,
    )
    with np.load(folder / "results.npz") as results:
        return {case.entry.name: replace(case, peers=results[str(n)]) for n, case in enumerate(made)}


@pytest.fixture(scope="session", autouse=True)
def table() -> Iterator[list[str]]:
    """The results in words, a line each: written to PEERS_TABLE at the end."""
    lines = ["| entry | fed | greatest difference | boxes |", "| --- | --- | --- | --- |"]
    yield lines
    lines += [f"| {e.name} | – | not compared | {peerless(e)} |" for e in entries() if peerless(e)]
    if os.environ.get("PEERS_TABLE"):
        Path(os.environ["PEERS_TABLE"]).write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize("name", COMPARED)
def test_an_entry_gives_what_its_peer_gives(
    name: str, cases: dict[str, Case], pictures: list[np.ndarray], table: list[str]
) -> None:
    case = cases[name]
    ours, peers = case.ours(pictures), case.peers
    assert ours.shape == peers.shape
    if case.entry.task == "detector":
        kinds = list(case.entry.output.kinds.values())  # several classes may be one kind
        peers[:, 5] = [kinds.index(kinds[int(label)]) for label in peers[:, 5]]
        order = [np.lexsort(rows.T) for rows in (ours, peers)]
        ours, peers = ours[order[0]], peers[order[1]]
        same = bool((ours[:, :6] == peers[:, :6]).all())
        worst = float(np.abs(ours[:, 6] - peers[:, 6]).max())
        table.append(
            f"| {name} | {case.fed} | {worst:.1e} | {len(ours)}, {'all equal' if same else 'not equal'} |"
        )
        assert same and len(ours) >= 20
    else:
        peers = unit(peers) if case.entry.task in SCALED else peers
        worst = float(np.abs(ours - peers).max())
        table.append(f"| {name} | {case.fed} | {worst:.1e} | |")
        assert float(np.std(peers)) > 1e-3, "the answers depend on nothing"
    assert worst <= SAME


def test_every_entry_has_a_peer_or_a_reason() -> None:
    assert {e.task for e in entries() if peerless(e) is None} <= WAYS.keys()
