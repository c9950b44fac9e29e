"""The statements of sql/steps/clusters, over a few rows each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlrows import (
    SOURCE,
    Database,
    box,
    box_label,
    columns,
    frame,
    frame_id,
    identity,
)

FATE = box(0, 0, (0.1, 0.2, 0.3, 0.5))
ARF = box(0, 1, (0.6, 0.2, 0.8, 0.4))
STRANGER = box(1)


def database(**more: Any) -> Database:
    """Fate and Arf on the first frame, and somebody unknown on the second."""
    tables: dict[str, Any] = {
        "frames": [frame(0), frame(1)],
        "detections": [FATE, ARF, STRANGER],
        "identities": [identity(FATE, "Fate"), identity(ARF, "Arf"), identity(STRANGER, "unknown")],
    }
    return Database(**tables | more)


@pytest.mark.sql("steps/clusters/faces.sql")
def test_the_faces_that_are_grouped_and_whether_they_are_clear() -> None:
    examples = [{"example_id": "e", "character": "Arf", "face_id": ARF["detection_id"]}]
    found = database(
        examples=examples,
        labels=[box_label(1, "character", "Fate", FATE)],
        detections=[FATE, ARF, STRANGER | {"score": 0.2}],
    )
    rows = found.step("clusters/faces.sql")
    assert [(r["face_id"], r["character"], r["clear"]) for r in rows] == [
        (FATE["detection_id"], "Fate", True),
        (ARF["detection_id"], "Arf", True),
        (STRANGER["detection_id"], None, False),
    ]


@pytest.mark.sql("steps/clusters/words.sql")
def test_labels_of_clusters_hold_for_the_faces_that_overlap_them() -> None:
    rows = database(labels=[box_label(1, "cluster", "one person", FATE)]).step("clusters/words.sql")
    assert rows == [{"act": "act1", "value": "one person", "face_id": FATE["detection_id"]}]


@pytest.mark.sql("steps/clusters/apart.sql")
def test_faces_of_one_frame_are_apart_unless_they_overlap() -> None:
    boxes = columns(
        row=[0, 1, 2, 3],
        frame_id=["a", "a", "a", "b"],
        left=[0.1, 0.6, 0.11, 0.6],
        top=[0.1] * 4,
        right=[0.3, 0.8, 0.31, 0.8],
        bottom=[0.3] * 4,
    )
    rows = Database().step("clusters/apart.sql", boxes=boxes)
    assert [(r["a"], r["b"]) for r in rows] == [(0, 1), (1, 2)]


@pytest.mark.sql("steps/clusters/tracks.sql")
def test_a_face_that_stays_at_its_position_is_the_same_in_the_next_frame_of_the_shot() -> None:
    here, moved, far = (0.1, 0.1, 0.3, 0.3), (0.13, 0.1, 0.33, 0.3), (0.6, 0.1, 0.8, 0.3)
    faces = [(0, here), (0, far), (1, moved), (1, here), (2, here), (3, here), (4, here)]
    found = Database(
        frames=[
            frame(n, shot=int(n > 2), ordinal=n, time_s=at) for n, at in enumerate((0.0, 1.0, 2.0, 3.0, 6.0))
        ]
    )
    boxes = columns(
        row=list(range(len(faces))),
        frame_id=[frame_id(n) for n, _ in faces],
        **{
            side: [edges[i] for _, edges in faces]
            for i, side in enumerate(("left", "top", "right", "bottom"))
        },
    )
    rows = found.step("clusters/tracks.sql", boxes=boxes)
    # 3 is nearer to 0 than 2 is; between 4 and 5 lies a cut, between 5 and 6 three seconds.
    assert [(r["a"], r["b"]) for r in rows] == [(0, 3), (3, 4)]


@pytest.mark.sql("steps/clusters/sheet.sql")
def test_a_sheet_shows_a_quarter_of_the_least_typical_faces() -> None:
    faces = [box(n) for n in range(8)]
    found = Database(
        detections=faces,
        identities=[identity(faces[0], "Fate")],
        clusters=[
            {"detection_id": face["detection_id"], "cluster": 1, "similarity": n / 8, "source_id": SOURCE}
            for n, face in enumerate(faces)
        ],
    )
    rows = found.step("clusters/sheet.sql", {"count": 4, "only": []})
    assert len(rows) == 4
    assert faces[0]["detection_id"] in {r["face_id"] for r in rows}
    assert {(r["n_faces"], r["min_similarity"], r["name"], r["n_episodes"]) for r in rows} == {
        (8, 0.0, "Fate", 1)
    }
    assert found.step("clusters/sheet.sql", {"count": 4, "only": [2]}) == []
