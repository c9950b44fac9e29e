"""Two sets of small models, and a database of two clips that was ingested with the first; made once, for tests."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import videos
from ingesting import run
from model_files import detector, embedder, selected_tags, wd_tagger, wd_tagger_with_vectors

from animeds_db.models import Detector, Embedder, Models, Tagger
from animeds_db.models.files import Files
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runtime import Device
from animeds_db.session import Session
from animeds_db.store import Store

CPU = Device("cpu", "test")
TAGS = 40
LEFT_AND_RIGHT = np.array([[16, 48], [32, 32], [10, 10], [10, 10], [0.9, 0.8]], np.float32)  # in 64 × 64
ONE_IN_THE_MIDDLE = np.array([[32], [32], [20], [20], [0.7]], np.float32)
NOTHING = np.array([[32], [32], [20], [20], [0.1]], np.float32)


def files(name: str, like: str, model: Path) -> Files:
    entry = load_manifest().entry(like)
    paths = {role: model.parent / Path(usual).name for role, usual in entry.files.items()} | {"model": model}
    sha = hashlib.sha256(model.read_bytes()).hexdigest()
    return Files(replace(entry, name=name), paths, sha, sha)


def a_tagger(folder: Path, name: str, start: int) -> Tagger:
    selected_tags(folder / name / "selected_tags.csv", TAGS)
    model = wd_tagger(folder / name / "model.onnx", TAGS, 64, start=start)
    return Tagger(files(name, "wd-swinv2-v3", model), CPU)


def a_tagger_with_vectors(folder: Path, name: str) -> Files:
    selected_tags(folder / name / "tags_info.csv", TAGS)
    model, _ = wd_tagger_with_vectors(folder / name / "model.onnx", TAGS, 8)
    return files(name, "wd-swinv2-v3-vectors", model)


def a_detector(folder: Path, name: str, answer: np.ndarray, kind: str = "face") -> Detector:
    model = detector(
        folder / name / "model.onnx", answer, names=f"{{0: '{kind}'}}", sides=(64, 64), imgsz=None
    )
    like = {"face": "face-v1.4-s", "head": "head-v2.0-s", "person": "person-v1.3-s"}[kind]
    return Detector(files(name, like, model), CPU)


def an_embedder(folder: Path, name: str, width: int, task: str = "image") -> Embedder:
    made = embedder(folder / name / "model.onnx", width, (32, 32), names=("pixel_values", "embeddings"))
    of_entry = files(name, "clip-vit-b32", made)
    return Embedder(replace(of_entry, entry=replace(of_entry.entry, width=None, task=task)), CPU)


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="animeds-reruns-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def first() -> Models:
    """The models of the ingest."""
    folder = _folder() / "first"
    return Models(
        tagger=a_tagger(folder, "old-tagger", 0),
        detectors=(a_detector(folder, "old-faces", LEFT_AND_RIGHT),),
        character=an_embedder(folder, "someone", 8, "character"),
        image=an_embedder(folder, "old-image", 8),
    )


@cache
def second(stage: str) -> Models:
    """The model that is run again by this stage: tag, detect or embed."""
    folder = _folder() / "second"
    if stage == "tag":
        return Models(tagger=a_tagger(folder, "new-tagger", 5_000))
    if stage == "detect":
        faces = a_detector(folder, "new-faces", ONE_IN_THE_MIDDLE)
        return Models(detectors=(faces,), character=first().character)
    return Models(image=an_embedder(folder, "new-image", 12))


STAGES = ("tag", "detect", "embed")


@cache
def ingested() -> Path:
    """A folder with two clips and show.animeds, ingested with the first models. Do not change it."""
    folder = _folder() / "ingested"
    folder.mkdir()
    for name, clip in (("a.mkv", "h264 open"), ("b.mp4", "h264 mp4")):
        shutil.copyfile(videos.shared_clip(clip), folder / name)
    store = Store.create(str(folder / "show.animeds"), 8, 8)
    run(store, folder / "a.mkv", folder / "b.mp4", how="every=0.25s", models=first())
    return folder


def copy_of_ingested(path: Path) -> Store:
    """Copy that database, to be changed."""
    shutil.copytree(ingested() / "show.animeds", path)
    return Store.open(str(path))


def ask(store: Store, sql: str) -> list[tuple[Any, ...]]:
    session = Session(store)
    try:
        return session.sql(sql).fetchall()
    finally:
        session.close()


def seen_by(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every call of this kind of model adds how many pictures it was given."""
    counts: list[int] = []
    kind = type(model)
    call = kind.__call__

    def counting(self: Any, images: Sequence[np.ndarray]) -> Any:
        counts.append(len(images))
        return call(self, images)

    monkeypatch.setattr(kind, "__call__", counting)
    return counts
