"""Databases of frames with boxes and tags that a test chooses, to say something about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from tables import WIDTH, add_source, empty_store, frame, rows

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.store import Store

Box = tuple[float, float, float, float]
LEFT: Box = (0.1, 0.2, 0.3, 0.5)
RIGHT: Box = (0.6, 0.2, 0.8, 0.5)
SOURCE = "aaaaaaaa"


def frame_of(number: int, source: str = SOURCE) -> str:
    return f"{source}-{number * 1000:09d}"


def face_of(number: int, index: int = 0, letter: str = "f") -> str:
    return f"{frame_of(number)}-{letter}{index}"


def box_row(frame_id: str, index: int, box: Box, kind: str = "face", model: str = "old@1") -> dict[str, Any]:
    letter = {"face": "f", "head": "h", "person": "p", "halfbody": "b"}[kind]
    edges = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
    row = {"detection_id": f"{frame_id}-{letter}{index}", "frame_id": frame_id, "source_id": frame_id[:8]}
    return row | edges | {"kind": kind, "score": 0.9, "model": model}


def add_boxes(store: Store, *boxes: Mapping[str, Any]) -> None:
    store.upsert("detections", rows(store, "detections", *boxes))


def dataset(
    folder: Path,
    tags: Sequence[Sequence[str] | None] = ((), (), (), ()),
    faces: Sequence[Sequence[Box]] = ((LEFT,), (RIGHT,), (LEFT, RIGHT), ()),
    source: str = SOURCE,
) -> Dataset:
    """One finished source: per frame a list of tags (scores fall from 90 by 20) and a list of face boxes."""
    store = empty_store(folder / "test.animeds", WIDTH, WIDTH)
    names = sorted({tag for some in tags for tag in some or ()})
    ids = store.ensure_tags([(tag, "general") for tag in names])
    add_source(store, source)
    values = []
    for number, some in enumerate(tags):
        numbers = None if some is None else [ids[tag] for tag in some]
        scores = None if some is None else [90 - 20 * place for place in range(len(some))]
        values.append(frame(source, number, tags=numbers, tag_scores=scores, tagger="tagger@1"))
    store.upsert("frames", rows(store, "frames", *values))
    add_boxes(
        store,
        *(
            box_row(frame_of(number, source), index, box)
            for number, boxes in enumerate(faces)
            for index, box in enumerate(boxes)
        ),
    )
    return Dataset(store)


def detect_again(store: Store, model: str, *boxes: Mapping[str, Any], at: str = "2030-01-01") -> None:
    """Let a second detector have found these boxes in all frames of the database, and none besides."""
    frames = store.table("frames").to_table(columns=["frame_id", "source_id"]).to_pylist()
    add_boxes(store, *(dict(box) | {"model": model} for box in boxes))
    added = pa.array([at]).cast(pa.timestamp("us")).to_pylist()[0]
    store.upsert("models", rows(store, "models", {"model_id": model, "task": "detector", "added_at": added}))
    marks = [
        row | {"detected_id": f"{row['frame_id']}@{model}", "model": model, "kinds": ["face"], "n_found": 0}
        for row in frames
    ]
    store.upsert("detected", rows(store, "detected", *marks))


def identify(store: Store, **of: tuple[str, float]) -> None:
    """Let the classifier have named faces: detection id (with _ for -) = (character, score)."""
    identities = [
        {
            "detection_id": key.replace("_", "-"),
            "frame_id": key.replace("_", "-").rpartition("-")[0],
            "source_id": SOURCE,
            "character": character,
            "score": score,
            "margin": score / 2,
            "by": "examples",
        }
        for key, (character, score) in of.items()
    ]
    store.rewrite("identities", rows(store, "identities", *identities))


def named(ds: Dataset) -> dict[str, str]:
    return dict(ds.sql("SELECT face_id, character FROM characters").fetchall())


def say_often(path: str, number: int, times: int) -> None:
    """Label again and again; what another process of a test does."""
    with animeds_db.open(path) as ds:
        for n in range(times):
            ds.label_all(
                [("tag", "add", f"tag {number}-{n}", frame_of(n % 4)), ("tag", "add", "both", frame_of(3))]
            )
