"""Databases of faces whose vectors a test chooses, and drawn pictures of people for the embedded models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tables import add_source, frame, rows

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.models import Models, load_profile
from animeds_db.sample.cast import draw_cast
from animeds_db.sample.drawing.background import Background
from animeds_db.sample.drawing.look import Pose
from animeds_db.sample.scene import Scene, compose, place
from animeds_db.store import Store

WIDTH = 32
MODEL = "look@1"
BOX = (0.4, 0.2, 0.6, 0.5)
PEOPLE = ("Akari", "Mio", "Rin")


def around(person: int, seed: int, spread: float = 0.12) -> np.ndarray:
    """Return a vector of a person, float32 [WIDTH] of length 1: people are at right angles."""
    vector = np.eye(WIDTH)[person] + spread * np.random.default_rng([person, seed]).standard_normal(WIDTH) / 2
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@dataclass(frozen=True)
class Face:
    """A face of a frame: its vector (None: not embedded), its box, and its kind."""

    vector: np.ndarray | None
    box: tuple[float, float, float, float] = BOX
    kind: str = "face"


def faces_of(
    folder: Path,
    frames: Sequence[Sequence[Face]],
    *,
    shots: Sequence[int] | None = None,
    tags: Sequence[Mapping[str, int]] | None = None,
    model: str = MODEL,
    source: str = "aaaaaaaa",
    into: Store | None = None,
) -> Dataset:
    """One finished source with these faces per frame; a frame is its own shot unless `shots` says else.

    tags: per frame names of characters that the tagger sees, with scores in per cent. `into` a database that is
    there, else a new one.
    """
    store = into or Store.create(str(folder / "cast.animeds"), 4, WIDTH)
    add_source(store, source, uri=f"/gone/{source}.mkv", kind="video")
    ids = store.ensure_tags([(tag, "character") for tag in sorted({t for some in tags or () for t in some})])
    values, boxes = [], []
    for number, found in enumerate(frames):
        borne = tags[number] if tags else {}
        columns: dict[str, Any] = {"shot": shots[number] if shots else number, "tagger": "tagger@1"}
        columns |= {"tags": [ids[tag] for tag in borne], "tag_scores": list(borne.values())}
        values.append(frame(source, number, **columns))
        boxes += [_box_row(values[-1]["frame_id"], index, one, model) for index, one in enumerate(found)]
    store.upsert("frames", rows(store, "frames", *values))
    store.upsert("detections", rows(store, "detections", *boxes))
    return Dataset(store)


def face_id(number: int, index: int = 0, letter: str = "f") -> str:
    """Return the id of a detection in frame `number`."""
    return f"aaaaaaaa-{number * 1000:09d}-{letter}{index}"


def _box_row(frame_id: str, index: int, face: Face, model: str) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(("left", "top", "right", "bottom"), face.box, strict=True))
    return row | {
        "detection_id": schema.detection_id(frame_id, face.kind, index),
        "frame_id": frame_id,
        "source_id": frame_id[:8],
        "kind": face.kind,
        "score": 0.9,
        "model": "finder@1",
        "vector": face.vector,
        "vector_model": None if face.vector is None else model,
    }


def give_examples(ds: Dataset, *given: tuple[str, str, np.ndarray], model: str = MODEL) -> None:
    """Add examples (id, character or character/appearance, vector)."""
    values = []
    for example, name, vector in given:
        character, _, appearance = name.partition("/")
        row = {
            "example_id": example,
            "character": character,
            "appearance": appearance or None,
            "origin": "file",
        }
        values.append(row | {"vector": vector, "vector_model": model})
    ds.store.upsert("examples", rows(ds.store, "examples", *values))


def three_people(ds: Dataset, each: int = 5) -> None:
    """Give `each` examples of everybody in PEOPLE."""
    give_examples(
        ds,
        *(
            (f"{name}-{n}", name, around(person, 100 + n))
            for person, name in enumerate(PEOPLE)
            for n in range(each)
        ),
    )


def identities(ds: Dataset) -> dict[str, dict[str, Any]]:
    """Return the rows of `identities` by detection."""
    return {
        row["detection_id"]: row for row in ds.sql("SELECT * FROM identities").to_arrow_table().to_pylist()
    }


@cache
def tiny() -> Models:
    """Return the embedded detector and character model."""
    return load_profile(
        "none", overrides={"detector": "tiny-face", "character": "tiny-character"}, device="cpu"
    )


def tiny_database(folder: Path) -> Dataset:
    """Return a database with one face that the embedded models found: examples can be looked at with them."""
    models = tiny()
    assert models.character is not None
    store = Store.create(str(folder / "tiny.animeds"), 4, models.character.width)
    add_source(store, "aaaaaaaa", uri="/gone/episode.mkv", kind="video")
    store.upsert("frames", rows(store, "frames", frame("aaaaaaaa", 0, shot=0)))
    vector = np.eye(models.character.width, dtype=np.float32)[0]
    row = _box_row(schema.frame_id("aaaaaaaa", 0), 0, Face(vector), models.character.id)
    store.upsert("detections", rows(store, "detections", row | {"model": models.detectors[0].id}))
    return Dataset(store)


def portrait(
    person: int, *others: int, facing: str = "front", size: tuple[int, int] = (320, 180)
) -> Image.Image:
    """Draw people of a cast of eight side by side; the first is drawn larger where `others` has negative numbers."""
    cast = draw_cast(7, 8)
    shown = (person, *others)
    figures = []
    for at, number in enumerate(shown):
        crop = "upper_body" if number >= 0 else "full_body"
        look = cast.characters[abs(number)].looks[0]
        x = (at + 0.5) / len(shown)
        figures.append(place(look, Pose(facing=facing), cast.style, crop, x))
    return compose(Scene(Background("plain"), tuple(figures), cast.style), size).image
