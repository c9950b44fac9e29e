"""Which masks the pictures of an export get: sql/steps/export/masks.sql."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from sqlrows import SOURCE, Database, box, frame, frame_id, identity

PERSON, OTHER = box(0, 0, (0.1, 0.1, 0.4, 1.0), "person"), box(0, 1, (0.6, 0.1, 0.9, 1.0), "person")
FACE = box(0, 0, (0.2, 0.2, 0.3, 0.3))
MODEL = {"model_id": "seg@1", "added_at": datetime.datetime(2026, 1, 1)}


def mask(
    frame_number: int, *edges: float, of: dict[str, Any] | None = None, part: str = "character"
) -> dict[str, Any]:
    """A mask that fills a region of a frame, of one of its boxes or of all of it."""
    left, top, right, bottom = edges
    area = (right - left) * (bottom - top)
    return {
        "mask_id": f"{frame_number}/{of['detection_id'] if of else ''}/{part}",
        "frame_id": frame_id(frame_number),
        "source_id": SOURCE,
        "detection_id": of["detection_id"] if of else None,
        "part": part,
        "model": "seg@1",
        **dict(zip(("left", "top", "right", "bottom"), edges, strict=True)),
        "coverage": area,
    }


DATABASE: dict[str, Any] = {
    "frames": [frame(n, pts=n, width=640, height=360) for n in range(3)],
    "detections": [PERSON, OTHER, FACE],
    "identities": [identity(PERSON, "Emi"), identity(OTHER, "Rin")],
    "models": [MODEL],
    "masks": [
        mask(0, 0.1, 0.1, 0.9, 1.0),
        mask(0, 0.1, 0.1, 0.4, 1.0, of=PERSON),
        mask(0, 0.6, 0.1, 0.9, 1.0, of=OTHER),
        mask(0, 0.0, 0.9, 1.0, 1.0, part="logo"),
        mask(1, 0.0, 0.0, 0.0, 0.0),
    ],
}


@cache
def database() -> Database:
    return Database(**DATABASE)


def found(
    *parts: str, names: tuple[str, ...] = (), out: tuple[str, ...] = (), **picture: Any
) -> list[tuple[Any, ...]]:
    row = {"picture": 0, "source_id": SOURCE, "frame_id": frame_id(0), "crop": None, "face_id": None}
    row |= {"first_pts": None, "last_pts": None} | picture
    kinds = {
        "picture": pa.int64(),
        "crop": pa.list_(pa.float64()),
        "first_pts": pa.int64(),
        "last_pts": pa.int64(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in row])
    rows = database().step(
        "export/masks.sql",
        {"parts": list(parts), "names": list(names), "out": list(out)},
        pictures=pa.Table.from_pylist([row], schema),
    )

    def edges(regions: list[dict[str, Any]]) -> list[tuple[float, ...]]:
        return [tuple(round(r[side], 2) for side in ("left", "top", "right", "bottom")) for r in regions]

    return [(r["frame_id"], r["is_known"], edges(r["shown"]), edges(r["out"])) for r in rows]


EMI, RIN, BOTH, LOGO = (0.1, 0.1, 0.4, 1.0), (0.6, 0.1, 0.9, 1.0), (0.1, 0.1, 0.9, 1.0), (0.0, 0.9, 1.0, 1.0)
WHOLE = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.sql("steps/export/masks.sql")
def test_a_picture_gets_the_masks_of_what_was_asked_for() -> None:
    first = frame_id(0)
    assert found("character") == [(first, True, [BOTH], [])]
    assert found("person") == [(first, True, [EMI, RIN], [])]
    assert found(names=("Rin",)) == [(first, True, [RIN], [])]
    assert found(names=("Arf",)) == [(first, True, [], [])]
    assert found("person", frame_id=frame_id(1)) == [(frame_id(1), True, [], [])]
    assert found("logo", out=("logo",)) == [(first, True, [LOGO], [LOGO])]
    assert found(out=("logo",)) == [(first, True, [WHOLE], [LOGO])]


@pytest.mark.sql("steps/export/masks.sql")
def test_in_a_crop_a_person_is_the_one_in_its_box() -> None:
    crop: dict[str, Any] = {"crop": [0.2, 0.2, 0.7, 0.5]}
    assert found("person", **crop) == [(frame_id(0), True, [EMI, RIN], [])]
    assert found("person", **crop, face_id=FACE["detection_id"]) == [(frame_id(0), True, [EMI], [])]
    assert found("person", **crop, face_id=OTHER["detection_id"]) == [(frame_id(0), True, [RIN], [])]
    outside: dict[str, Any] = {"crop": [0.0, 0.0, 0.55, 0.5]}
    assert found(names=("Rin",), **outside, out=("logo",)) == [(frame_id(0), True, [], [])]


@pytest.mark.sql("steps/export/masks.sql")
def test_a_clip_gets_the_masks_of_all_its_frames() -> None:
    rows = found("character", first_pts=0, last_pts=2)
    assert rows == [
        (frame_id(0), True, [BOTH], []),
        (frame_id(1), True, [], []),  # nobody is there
        (frame_id(2), False, [], []),  # nobody has looked
    ]


@pytest.mark.sql("steps/web/masks.sql")
def test_the_page_of_a_frame_has_its_masks() -> None:
    rows = database().step("web/masks.sql", texts={"id": f"'{frame_id(0)}'"})
    seen = [(row["part"], row["detection_id"], row["character"], row["by"]) for row in rows]
    assert seen == [
        ("character", None, None, "model"),
        ("character", PERSON["detection_id"], "Emi", "model"),
        ("character", OTHER["detection_id"], "Rin", "model"),
        ("logo", None, None, "model"),
    ]
    assert all((row["width"], row["height"]) == (640, 360) for row in rows)
    [nothing] = database().step("web/masks.sql", texts={"id": f"'{frame_id(2)}'"})
    assert nothing["part"] is None
