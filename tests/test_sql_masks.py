"""The SQL of masks: those of models, those that people drew, and those that follow from measures."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, frame, frame_id, label

PERSON = box(0, 0, (0.2, 0.1, 0.6, 1.0), "person")
OTHER = box(0, 1, (0.7, 0.1, 0.9, 1.0), "person")
BORDERS: dict[str, Any] = {f"border_{side}": 0.0 for side in ("left", "top", "right", "bottom")}
MODELS = [
    {"model_id": name, "added_at": datetime.datetime(2026, 1, day)}
    for day, name in ((1, "old@1"), (2, "new@1"))
]


def mask(of: str, model: str = "new@1", **columns: Any) -> dict[str, Any]:
    """One row of `masks`: the left half of the frame."""
    whole = {"left": 0.0, "top": 0.0, "right": 0.5, "bottom": 1.0, "coverage": 0.5, "shape": b"grey"}
    return (
        {
            "mask_id": f"{of}@{model}",
            "frame_id": frame_id(0),
            "source_id": SOURCE,
            "part": "character",
            "model": model,
        }
        | whole
        | columns
    )


def drawn(number: int, part: str, of: dict[str, Any] | None = None, op: str = "set") -> dict[str, Any]:
    """One label: a mask that a person drew of frame 0 or of a box, whose PNG is `grey`."""
    about = {name: of[name] for name in ("kind", "left", "top", "right", "bottom")} if of else {}
    row = label(number, "mask", "0.25,Z3JleQ==" if op == "set" else None, op, subject=part, **about)
    return row | {"frame_id": frame_id(0), "source_id": SOURCE}


@pytest.mark.sql("layers/model_masks.sql")
def test_of_several_models_the_one_that_was_added_last_counts() -> None:
    masks = [
        mask(frame_id(0)),
        mask(frame_id(0), "old@1"),
        mask(PERSON["detection_id"], "old@1", detection_id=PERSON["detection_id"]),
        mask("gone", detection_id=f"{frame_id(0)}-p7"),
        mask(f"{SOURCE}/logo1", frame_id=None, part="logo"),
    ]
    database = Database(frames=[frame(0), frame(1)], detections=[PERSON], models=MODELS, masks=masks)
    rows = database.sql("SELECT mask_id, frame_id, kind, part, model FROM model_masks ORDER BY ALL")
    assert rows == [
        (f"{frame_id(0)}-p0@old@1", frame_id(0), "person", "character", "old@1"),
        (f"{frame_id(0)}/logo1@new@1", frame_id(0), None, "logo", "new@1"),
        (f"{frame_id(0)}@new@1", frame_id(0), None, "character", "new@1"),
        (f"{frame_id(1)}/logo1@new@1", frame_id(1), None, "logo", "new@1"),
    ]


@pytest.mark.sql("layers/measured_masks.sql")
def test_borders_and_text_are_rectangles() -> None:
    read = {
        "screen_text_id": "1",
        "frame_id": frame_id(1),
        "source_id": SOURCE,
        "model": "reader@1",
        "texts": ["Wait!"],
        "scores": [0.9],
        "boxes": [0.25, 0.75, 0.5, 0.875],
    }
    measures = {"text_upper": 0.01, "text_lower": 0.2}
    database = Database(
        frames=[
            frame(0, **BORDERS | measures | {"border_top": 0.125, "border_right": 0.25}),
            frame(1, **BORDERS | measures),
            frame(2),
        ],
        screen_texts=[read],
    )
    sql = 'SELECT frame_id, part, model, "left", top, "right", bottom FROM measured_masks ORDER BY ALL'
    found = database.sql(sql)
    assert [row[:6] for row in found] == [
        (frame_id(0), "border", None, 0, 0, 1),
        (frame_id(0), "border", None, 0.75, 0, 1),
        (frame_id(0), "text", None, 0, pytest.approx(0.7), 1),
        (frame_id(1), "text", "reader@1", 0.25, 0.75, 0.5),
    ]
    assert [row[6] for row in found] == [0.125, 1, 1, 0.875]


@pytest.mark.sql("layers/drawn_labels.sql", "layers/drawn_masks.sql")
def test_the_newest_drawn_mask_of_each_part_counts() -> None:
    moved = PERSON | {"left": 0.25}
    labels = [
        drawn(1, "character"),
        drawn(2, "character", moved),
        drawn(3, "logo"),
        drawn(4, "logo", op="remove"),
        drawn(5, "character", OTHER | {"left": 0.0, "right": 0.1}),
    ]
    database = Database(detections=[PERSON], labels=labels)
    sql = 'SELECT part, kind, detection_id, "left", shape, coverage FROM drawn_masks ORDER BY label_id'
    assert database.sql(sql) == [
        ("character", None, None, 0, b"grey", 0.25),
        ("character", "person", PERSON["detection_id"], 0.25, b"grey", 0.25),
        ("character", "person", None, 0, b"grey", 0.25),
    ]
    assert database.sql("SELECT count(*) FROM box_labels") == [(0,)]
    assert database.sql("SELECT DISTINCT value FROM labels") == [("drawn by hand",)]


@pytest.mark.sql("views/masks.sql")
def test_a_mask_that_a_person_drew_replaces_those_of_models() -> None:
    masks = [
        mask(frame_id(0)),
        mask(PERSON["detection_id"], detection_id=PERSON["detection_id"]),
        mask(OTHER["detection_id"], detection_id=OTHER["detection_id"]),
    ]
    sql = 'SELECT detection_id, part, "by", coverage FROM masks ORDER BY ALL'
    there: dict[str, Any] = {
        "frames": [frame(0, **BORDERS | {"border_top": 0.25})],
        "detections": [PERSON, OTHER],
        "models": MODELS,
        "masks": masks,
    }
    border = (None, "border", "model", 0.25)
    assert Database(**there, labels=[drawn(1, "character", PERSON)]).sql(sql) == [
        (PERSON["detection_id"], "character", "person", 0.25),
        (OTHER["detection_id"], "character", "model", 0.5),
        border,
        (None, "character", "model", 0.5),
    ]
    assert Database(**there, labels=[drawn(1, "character"), drawn(2, "border")]).sql(sql) == [
        (None, "border", "person", 0.25),
        (None, "character", "person", 0.25),
    ]


@pytest.mark.sql("views/masks.sql")
def test_a_drawn_mask_of_the_whole_frame_replaces_what_was_drawn_for_boxes_before() -> None:
    there: dict[str, Any] = {"frames": [frame(0, **BORDERS)], "detections": [PERSON, OTHER]}
    sql = "SELECT detection_id, part FROM masks ORDER BY ALL"
    labels = [
        drawn(1, "character", PERSON),
        drawn(2, "logo", PERSON),
        drawn(3, "character"),
        drawn(4, "character", OTHER),
    ]
    later = [(PERSON["detection_id"], "logo"), (OTHER["detection_id"], "character")]
    assert Database(**there, labels=labels).sql(sql) == [*later, (None, "character")]
    removed = [*labels, drawn(5, "character", op="remove")]
    assert Database(**there, labels=removed).sql(sql) == [(PERSON["detection_id"], "character"), *later]
