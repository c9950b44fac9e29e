"""How trainers read folders of clips, restated from their code: path of each clip → (caption, times, frames used).

Frames are counted in the files, as the trainers do. A reader raises AssertionError where its trainer would stop, leave
a clip out, or cut it.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av

VIDEOS = {".mp4", ".avi", ".mov", ".webm", ".mkv", ".wmv", ".m4v", ".flv"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
Found = dict[str, tuple[str | None, float, int]]


def length(source: Path | bytes) -> tuple[int, float]:
    """Return the number of frames of a video or a folder of frames, and its rate (0: a folder)."""
    if isinstance(source, Path) and source.is_dir():
        return len([path for path in source.iterdir() if path.suffix in PICTURES]), 0.0
    with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as container:
        stream = container.streams.video[0]
        return sum(1 for _ in container.decode(stream)), float(stream.average_rate or 0)


def musubi(root: Path) -> Found:
    """Every target that fits gives the first frames once, rounded to 4n+1; a list has a control for all or none."""
    config = tomllib.loads((root / "dataset_config.toml").read_text("utf-8"))
    caches = [dataset["cache_directory"] for dataset in config["datasets"]]
    assert len(set(caches)) == len(caches)
    found: Found = {}
    for dataset in config["datasets"]:
        assert dataset["frame_extraction"] == "head"
        rows = [
            json.loads(line) for line in (root / dataset["video_jsonl_file"]).read_text("utf-8").splitlines()
        ]
        assert len({"control_path" in row for row in rows}) == 1
        for row in rows:
            frames, _ = length(root / row["video_path"])
            used = [target for target in dataset["target_frames"] if target <= frames]
            assert used == [frames] and frames % 4 == 1, "cut, or taken several times"
            if "control_path" in row:
                assert length(root / row["control_path"])[0] >= frames
            assert row["video_path"] not in found
            found[row["video_path"]] = (row["caption"], dataset["num_repeats"], frames)
    return found


def diffusion_pipe(root: Path, framerate: float = 16) -> Found:
    """A clip goes into the longest bucket that it fills at the model's rate; a shorter one is left out."""
    config = tomllib.loads((root / "dataset.toml").read_text("utf-8"))
    buckets = sorted({1, *config["frame_buckets"]})
    found: Found = {}
    for directory in config["directory"]:
        folder = root / directory["path"]
        controls = None
        if "control_path" in directory:
            controls = {path.stem for path in (root / directory["control_path"]).iterdir()}
        for file in sorted(folder.glob("*")):
            if not file.is_file() or file.suffix in (".txt", ".npz", ".json", ".parquet", ".bak", ".db"):
                continue
            assert file.suffix in VIDEOS, f"{file} is taken for media"
            count, fps = length(file)
            frames = int(count * framerate / fps)
            bucket = max(one for one in buckets if one <= frames)
            assert bucket == count > 1, "cut or left out"
            assert controls is None or file.stem in controls
            text = file.with_suffix(".txt")
            found[file.relative_to(root).as_posix()] = (
                text.read_text("utf-8"),
                directory["num_repeats"],
                bucket,
            )
    return found


def ai_toolkit(root: Path) -> Found:
    """It walks folders for videos and pictures, and spreads num_frames evenly over each video."""
    import yaml

    found: Found = {}
    for dataset in yaml.safe_load((root / "datasets.yaml").read_text("utf-8"))["datasets"]:
        assert dataset["shrink_video_to_frames"] is True
        for file in sorted((root / dataset["folder_path"]).rglob("*")):
            if file.suffix in PICTURES | VIDEOS:
                assert file.suffix in VIDEOS, "a picture would be trained on as well"
                frames, _ = length(file)
                step = (frames - 1) / (dataset["num_frames"] - 1)
                assert [round(n * step) for n in range(dataset["num_frames"])] == list(range(frames))
                if "control_path" in dataset:
                    assert (root / dataset["control_path"] / file.name).is_file()
                text = file.with_suffix(f".{dataset['caption_ext']}").read_text("utf-8")
                key = file.relative_to(root).as_posix()
                assert key not in found
                found[key] = (text, dataset["num_repeats"], frames)
    return found


def simpletuner(root: Path) -> Found:
    """Videos shorter than min_frames are left out; of longer ones num_frames are used."""
    backends = json.loads((root / "multidatabackend.json").read_text("utf-8"))
    assert len({b["id"] for b in backends}) == len(backends)
    found: Found = {}
    for backend in backends:
        if backend["dataset_type"] == "text_embeds":
            continue
        assert backend["dataset_type"] == "video"
        for file in sorted((root / backend["instance_data_dir"]).rglob("*")):
            assert file.suffix not in PICTURES, "pictures and videos must not be mixed"
            if file.suffix in VIDEOS:
                frames, _ = length(file)
                assert backend["video"]["min_frames"] == backend["video"]["num_frames"] == frames
                text = file.with_suffix(".txt").read_text("utf-8")
                found[file.relative_to(root).as_posix()] = (text, backend["repeats"] + 1, frames)
    return found


def onetrainer(root: Path) -> Found:
    found: Found = {}
    for concept in json.loads((root / "concepts.json").read_text("utf-8")):
        assert Path(concept["path"]).is_absolute()
        for file in sorted(Path(concept["path"]).iterdir()):
            if file.suffix in VIDEOS | PICTURES:
                text = file.with_suffix(".txt").read_text("utf-8")
                assert file.suffix in VIDEOS
                found[file.relative_to(root).as_posix()] = (text, concept["balancing"], length(file)[0])
    return found


def videofolder(root: Path) -> Found:
    """Every file besides the metadata must have a row."""
    rows = [json.loads(line) for line in (root / "train" / "metadata.jsonl").read_text("utf-8").splitlines()]
    files = {p.relative_to(root / "train").as_posix() for p in (root / "train").rglob("*") if p.is_file()}
    assert files == {row["file_name"] for row in rows} | {"metadata.jsonl"}
    return {
        f"train/{row['file_name']}": (
            row["text"],
            row["repeats"],
            length(root / "train" / row["file_name"])[0],
        )
        for row in rows
    }


def webdataset(root: Path) -> Found:
    """A sample is all files with the same name up to the first dot."""
    samples: dict[str, dict[str, bytes]] = {}
    for shard in sorted(root.glob("*.tar")):
        with tarfile.open(shard) as archive:
            for member in archive:
                key, ending = re.fullmatch(r"((?:.*/|)[^.]+)[.]([^/]*)", member.name).groups()  # type: ignore[union-attr]
                samples.setdefault(key, {})[ending] = archive.extractfile(member).read()  # type: ignore[union-attr]
    found: Found = {}
    for key, files in samples.items():
        told: dict[str, Any] = json.loads(files["json"])
        frames, _ = length(files["mp4"])
        assert told["n_frames"] == frames
        found[f"{key}.mp4"] = (files["txt"].decode(), told["repeats"], frames)
    return found


def plain(root: Path) -> Found:
    videos = [
        path for path in sorted(root.rglob("*")) if path.suffix in VIDEOS and ".control" not in str(path)
    ]
    return {
        path.relative_to(root).as_posix(): (path.with_suffix(".txt").read_text("utf-8"), 1, length(path)[0])
        for path in videos
    }


def zipped(root: Path) -> Found:
    with zipfile.ZipFile(root / "dataset.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".mp4") and ".control" not in name]
        return {
            name: (archive.read(name[:-4] + ".txt").decode(), 1, length(archive.read(name))[0])
            for name in names
        }


READERS: dict[str, Callable[[Path], Found]] = {
    "plain": plain,
    "zip": zipped,
    "musubi": musubi,
    "diffusion-pipe": diffusion_pipe,
    "ai-toolkit": ai_toolkit,
    "simpletuner": simpletuner,
    "onetrainer": onetrainer,
    "imagefolder": videofolder,
    "webdataset": webdataset,
}
