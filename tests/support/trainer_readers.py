"""How trainers read folders, written from their documents: path of each picture → (caption, times per epoch).

Independent of the code that writes: a picture that a reader misses, or an orphan that it meets, shows.
"""

from __future__ import annotations

import glob
import io
import json
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Found = dict[str, tuple[str | None, float]]
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


def pictures_in(folder: Path, *, recursive: bool = False) -> list[Path]:
    places = folder.rglob("*") if recursive else folder.iterdir()
    return sorted(p for p in places if p.suffix.lower() in PICTURES)


def with_texts(root: Path, pictures: Iterable[Path], times: float, ending: str = ".txt") -> Found:
    found = {}
    for place in pictures:
        text = place.with_suffix(ending)
        caption = text.read_text("utf-8") if text.exists() else None
        found[place.relative_to(root).as_posix()] = (caption, times)
    return found


def kohya_folders(root: Path, ending: str = ".txt") -> Found:
    """`N_name`, one level; a folder without a number is ignored."""
    found: Found = {}
    for folder in sorted(p for p in root.iterdir() if p.is_dir()):
        match = re.match(r"(\d+)_", folder.name)
        if match:
            found |= with_texts(root, pictures_in(folder), int(match[1]), ending)
    return found


SUBSET = {"image_dir", "num_repeats", "is_reg", "caption_extension", "class_tokens", "enable_wildcard"}
SUBSET |= {"shuffle_caption", "keep_tokens_separator", "keep_tokens", "alpha_mask", "conditioning_data_dir"}


def kohya_toml(root: Path) -> Found:
    config = tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))
    assert set(config) == {"general", "datasets"}
    found: Found = {}
    for dataset in config["datasets"]:
        for subset in dataset["subsets"]:
            assert set(subset) <= SUBSET
            folder = root / subset["image_dir"]
            ending = subset.get("caption_extension", ".caption")
            found |= with_texts(root, pictures_in(folder), subset["num_repeats"], ending)
    return found


def everydream(root: Path) -> Found:
    """Every folder with its own multiply.txt; nothing is inherited."""
    found: Found = {}
    for folder in (root, *sorted(p for p in root.rglob("*") if p.is_dir())):
        place = folder / "multiply.txt"
        times = float(place.read_text()) if place.exists() else 1.0
        found |= with_texts(root, pictures_in(folder), times)
    return found


def onetrainer(root: Path) -> Found:
    found: Found = {}
    for concept in json.loads((root / "concepts.json").read_text("utf-8")):
        assert concept["balancing_strategy"] == "REPEATS" and concept["text"]["prompt_source"] == "sample"
        folder = Path(concept["path"])
        assert folder.is_absolute(), "OneTrainer changes to its own folder before it reads"
        pictures = pictures_in(folder, recursive=concept["include_subdirectories"])
        found |= with_texts(root, pictures, concept["balancing"])
    return found


def ai_toolkit(root: Path) -> Found:
    import yaml

    found: Found = {}
    for dataset in yaml.safe_load((root / "datasets.yaml").read_text("utf-8"))["datasets"]:
        folder = root / dataset["folder_path"]
        more = with_texts(
            root, pictures_in(folder, recursive=True), dataset["num_repeats"], f".{dataset['caption_ext']}"
        )
        assert not found.keys() & more.keys(), "a picture is read twice"
        found |= more
    return found


def diffusion_pipe(root: Path) -> Found:
    """Every file of a directory that is no text is taken for a picture or video; captions.json goes before texts."""
    found: Found = {}
    for directory in tomllib.loads((root / "dataset.toml").read_text("utf-8"))["directory"]:
        folder = root / directory["path"]
        media = [p for p in folder.iterdir() if p.is_file() and p.suffix not in (".txt", ".json")]
        assert sorted(media) == pictures_in(folder)
        found |= with_texts(root, media, directory["num_repeats"])
        if (folder / "captions.json").exists():
            listed = json.loads((folder / "captions.json").read_text("utf-8"))
            for place in media:
                captions = listed[place.name]
                assert isinstance(captions, list)
                found[place.relative_to(root).as_posix()] = ("\n".join(captions), directory["num_repeats"])
    return found


def simpletuner(root: Path) -> Found:
    found: Found = {}
    backends = json.loads((root / "multidatabackend.json").read_text("utf-8"))
    assert len({b["id"] for b in backends}) == len(backends)
    assert [b["default"] for b in backends if b["dataset_type"] == "text_embeds"] == [True]
    for backend in backends:
        if backend["dataset_type"] == "image":
            folder = root / backend["instance_data_dir"]
            more = with_texts(root, pictures_in(folder, recursive=True), backend["repeats"] + 1)
            assert not found.keys() & more.keys(), "a picture is read twice"
            found |= more
    return found


def musubi(root: Path) -> Found:
    config = tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))
    caches = [dataset["cache_directory"] for dataset in config["datasets"]]
    assert len(set(caches)) == len(caches)
    # The reader looks for its cache with a pattern, and does not escape the folder.
    assert all(glob.has_magic(cache) is False for cache in caches)
    found: Found = {}
    for dataset in config["datasets"]:
        folder = root / dataset["image_directory"]
        found |= with_texts(
            root, pictures_in(folder), dataset["num_repeats"], config["general"]["caption_extension"]
        )
    return found


def imagefolder(root: Path) -> Found:
    lines = (root / "train" / "metadata.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({tuple(row) for row in rows}) <= 1, "rows differ in their columns"
    assert all((root / "train" / row["file_name"]).is_file() for row in rows)
    return {f"train/{row['file_name']}": (row["text"], row["repeats"]) for row in rows}


def webdataset(root: Path) -> Found:
    """Group files by what stands before the first dot of their name, side by side."""
    samples: dict[str, dict[str, bytes]] = {}
    last = None
    for shard in sorted(root.glob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                key, ending = re.fullmatch(r"((?:.*/|)[^.]+)[.]([^/]*)", member.name).groups()  # type: ignore[union-attr]
                assert key == last or key not in samples, "files of one sample lie apart"
                assert (member.mtime, member.uid, member.uname) == (0, 0, "")
                last = key
                samples.setdefault(key, {})[ending] = archive.extractfile(member).read()  # type: ignore[union-attr]
    found: Found = {}
    for key, files in samples.items():
        (ending,) = {f".{name}" for name in files} & PICTURES
        told: dict[str, Any] = json.loads(files["json"])
        text = files["txt"].decode() if "txt" in files else None
        assert told["text"] == text
        found[key + ending] = (text, told["repeats"])
    return found


def zipped(root: Path) -> Found:
    with zipfile.ZipFile(io.BytesIO((root / "dataset.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        names = [member.filename for member in archive.infolist()]
        assert len(set(names)) == len(names)
        found: Found = {}
        for name in names:
            place = Path(name)
            if place.suffix in PICTURES:
                text = place.with_suffix(".txt").as_posix()
                found[name] = (archive.read(text).decode() if text in names else None, 1)
        return found


def plain(root: Path) -> Found:
    return with_texts(root, pictures_in(root, recursive=True), 1)


READERS: dict[str, Callable[[Path], Found]] = {
    "plain": plain,
    "kohya": kohya_folders,
    "kohya-toml": kohya_toml,
    "everydream": everydream,
    "onetrainer": onetrainer,
    "ai-toolkit": ai_toolkit,
    "diffusion-pipe": diffusion_pipe,
    "simpletuner": simpletuner,
    "musubi": musubi,
    "imagefolder": imagefolder,
    "webdataset": webdataset,
    "zip": zipped,
}
