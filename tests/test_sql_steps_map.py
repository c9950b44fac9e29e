"""The points of the map, the values that colour them, and frames saved one by one: a few rows in, the rows expected."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, columns, frame, frame_id, identity

FATE, ARF, SECOND = box(0), box(0, 1, (0.6, 0.2, 0.8, 0.4)), box(1)
VECTOR: dict[str, Any] = {"embedding": [1.0, 0.0, 0.0, 0.0], "embedder": "image@1"}


def database() -> Database:
    """Fate and Arf on the first frame, Fate alone on the second, nobody and no vector on the third."""
    return Database(
        sources=[{"source_id": SOURCE, "state": "done", "show": "Show", "season": 1, "episode": 2}],
        frames=[frame(0, **VECTOR), frame(1, **VECTOR), frame(2)],
        detections=[face | {"vector": [1.0, 0, 0, 0], "vector_model": "face@1"} for face in (FATE, SECOND)]
        + [ARF],
        identities=[
            identity(FATE, "Fate", appearance="armour"),
            identity(ARF, "Arf"),
            identity(SECOND, "Fate", appearance="school"),
        ],
        clusters=[
            {"detection_id": face["detection_id"], "cluster": number, "similarity": 0.5}
            for face, number in ((FATE, 1), (ARF, 2), (SECOND, 1))
        ],
    )


@pytest.mark.sql("steps/map/frames.sql")
def test_the_points_are_the_frames_with_a_vector() -> None:
    rows = database().step("map/frames.sql", texts={"most": 9})
    assert rows == [
        {"id": frame_id(n), "frame_id": frame_id(n), "source_id": SOURCE, "model": "image@1"} for n in (0, 1)
    ]
    one = database().step("map/frames.sql", texts={"most": 1})
    assert len(one) == 1 and one == database().step("map/frames.sql", texts={"most": 1})


@pytest.mark.sql("steps/map/faces.sql")
def test_the_points_are_the_faces_with_a_vector() -> None:
    rows = database().step("map/faces.sql", texts={"most": 9})
    assert [(row["id"], row["frame_id"], row["model"]) for row in rows] == [
        (face["detection_id"], face["frame_id"], "face@1") for face in (FATE, SECOND)
    ]


@pytest.mark.sql("steps/web/map_frames.sql")
def test_a_frame_has_the_colour_of_what_all_its_faces_have() -> None:
    points = columns(
        id=[frame_id(n) for n in range(3)], frame_id=[frame_id(n) for n in range(3)], source_id=[SOURCE] * 3
    )

    def by(what: str) -> list[object]:
        texts = {"start": "SELECT * FROM given", "by": what}
        rows = database().step("web/map_frames.sql", texts=texts, given=points)
        return [row["value"] for row in sorted(rows, key=lambda row: str(row["id"]))]

    assert by("character") == ["several", "Fate", None]
    assert by("appearance") == ["several", "Fate · school", None]
    assert by("cluster") == ["several", "group 1", None]
    assert by("episode") == ["S01E02 Show"] * 3


@pytest.mark.sql("steps/web/map_faces.sql")
def test_a_face_has_the_colour_of_its_name_outfit_and_group() -> None:
    faces = [FATE, ARF]
    points = columns(
        id=[face["detection_id"] for face in faces],
        frame_id=[frame_id(0)] * 2,
        source_id=[SOURCE] * 2,
    )

    def by(what: str) -> dict[object, object]:
        texts = {"start": "SELECT * FROM given", "by": what}
        rows = database().step("web/map_faces.sql", texts=texts, given=points)
        return {row["id"]: row["value"] for row in rows}

    fate, arf = (face["detection_id"] for face in faces)
    assert by("character") == {fate: "Fate", arf: "Arf"}
    assert by("appearance") == {fate: "Fate · armour", arf: None}
    assert by("cluster") == {fate: "group 1", arf: "group 2"}
    assert by("episode") == dict.fromkeys((fate, arf), "S01E02 Show")


@pytest.mark.sql("tables/saved_frames.sql")
def test_frames_saved_under_a_name_are_rows() -> None:
    value = json.dumps({"sql": "SELECT 1", "frames": [frame_id(2), frame_id(0)]})
    saved = Database(
        settings=[{"name": "selection.it's", "value": value}, {"name": "sampling", "value": "changes"}]
    )
    assert saved.sql("SELECT * FROM saved_frames('it''s')") == [(frame_id(2),), (frame_id(0),)]
    assert saved.sql("SELECT * FROM saved_frames('none')") == []
