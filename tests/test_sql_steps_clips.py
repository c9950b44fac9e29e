"""The statements of sql/steps/export that plan an export of clips, over a few rows each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlrows import SOURCE, Database, box, columns, frame, frame_id, identity, label

SHOT = {"shot_id": f"{SOURCE}-s00000", "source_id": SOURCE, "shot": 0, "first_pts": 0, "last_pts": 2000}
VIDEO = {"source_id": SOURCE, "uri": "/a.mkv", "kind": "video", "title": "Show - 01", "state": "done"}


def line(number: int, start: float, end: float, text: str, speaker: str | None) -> dict[str, Any]:
    return {
        "line_id": f"l{number}",
        "source_id": SOURCE,
        "start_s": start,
        "end_s": end,
        "kind": "dialogue",
        "text": text,
        "speaker": speaker,
        "track": 2,
    }


@pytest.mark.sql("steps/export/clip_stretches.sql")
def test_a_clip_or_shot_says_which_frames_of_which_source_it_has() -> None:
    found = Database(sources=[VIDEO], shots=[SHOT], frames=[frame(0, stream=1)])
    selection = columns(
        clip_id=pa.array([f"{SOURCE}-c40_120", None, "nobody-c0_1", f"{SOURCE}-c9_3"], pa.string()),
        shot_id=pa.array([None, SHOT["shot_id"], None, None], pa.string()),
        selection_row=[0, 1, 2, 3],
    )
    rows = found.step("export/clip_stretches.sql", selection=selection)
    assert [(r["source_id"], r["first_pts"], r["last_pts"], r["stream"]) for r in rows] == [
        (SOURCE, 40, 120, 1),
        (SOURCE, 0, 2000, 1),
        (None, 0, 1, None),
        (None, 9, 3, None),
    ]
    assert rows[1]["clip_id"] == f"{SOURCE}-c0_2000" and rows[0]["title"] == "Show - 01"


def stretches(*pts: tuple[int, int], control: tuple[int, int] | None = None) -> pa.Table:
    """Stretches of a video with 10 frames per second and pts in milliseconds, for clips with 5 per second.

    control: that of all of them.
    """
    n = len(pts)
    first, last = control or (None, None)
    return columns(
        selection_row=list(range(n)),
        source_id=[SOURCE] * n,
        first_pts=[first for first, _ in pts],
        last_pts=[last for _, last in pts],
        start_pts=[0] * n,
        time_base=[0.001] * n,
        rate=[10.0] * n,
        fps=[5.0] * n,
        control_source_id=pa.array([SOURCE if control else None] * n, pa.string()),
        control_first_pts=pa.array([first] * n, pa.int64()),
        control_last_pts=pa.array([last] * n, pa.int64()),
    )


@pytest.mark.sql("steps/export/clips.sql")
def test_a_clip_has_a_length_a_frame_that_represents_it_and_what_is_said() -> None:
    found = Database(
        sources=[VIDEO],
        shots=[SHOT, SHOT | {"shot_id": f"{SOURCE}-s00001", "shot": 1, "first_pts": 2100, "last_pts": 9000}],
        frames=[
            frame(1, pts=1000, sharpness=5.0),
            frame(2, pts=2000, sharpness=9.0, is_blank=True),
            frame(4, pts=4000, sharpness=2.0),
            frame(5, pts=5000, sharpness=8.0),
        ],
        labels=[
            label(1, "frame", "drop", frame_id=frame_id(5)),
            label(2, "stretch", "drop", subject="7000_7900", source_id=SOURCE),
            label(3, "stretch", "cut", subject="3500_3500", source_id=SOURCE),
        ],
        lines=[line(1, 0.5, 1.5, "Wait.", "Emi"), line(2, 1.6, 1.9, "Why?", None)],
    )
    given = stretches((0, 2000), (4000, 5900), (0, 100), (6000, 7400), (3000, 4000), (8000, 9000))
    params = {"frames": "4n+1", "max_frames": 9, "dropped": False}
    rows = found.step("export/clips.sql", params, stretches=given)
    assert [(r["source_frames"], r["n_possible"], r["n_frames"], r["why"]) for r in rows] == [
        (21, 10, 9, None),
        (20, 10, 9, None),
        (2, 1, 1, "no_frame"),
        (15, 7, 5, "dropped"),
        (11, 5, 5, "cut"),
        (11, 5, 5, "no_frame"),
    ]
    assert [r["frame_id"] for r in rows[:2]] == [frame_id(1), frame_id(4)]
    assert (rows[0]["said"], rows[0]["first_s"], rows[0]["last_s"]) == ('Emi says: "Wait." "Why?"', 0.0, 2.0)
    assert [r["n_cuts"] for r in rows] == [0, 0, 0, 0, 0, 0]
    (crossing,) = found.step(
        "export/clips.sql", params | {"dropped": True}, stretches=stretches((1000, 2300))
    )
    assert (crossing["n_cuts"], crossing["why"]) == (1, None)
    with_dropped = stretches((0, 2000), control=(7000, 8000))
    (pair,) = found.step("export/clips.sql", params, stretches=with_dropped)
    assert pair["why"] == "control"
    (pair,) = found.step("export/clips.sql", params | {"dropped": True}, stretches=with_dropped)
    assert pair["why"] is None
    (short,) = found.step("export/clips.sql", params | {"frames": "9,17"}, stretches=stretches((0, 1000)))
    assert (short["n_frames"], short["why"]) == (None, "short")


@pytest.mark.sql("steps/export/clip_boxes.sql")
def test_a_crop_follows_the_boxes_of_the_same_character() -> None:
    boxes = [
        box(0, 0),
        box(0, 1, (0.1, 0.1, 0.2, 0.2)),
        box(1, 0, (0.5, 0.2, 0.7, 0.4)),
        box(1, 1),
        box(9, 0),
    ]
    names = ["Emi", "Arf", "Emi", "Arf", "Emi"]
    found = Database(
        frames=[frame(n, pts=n * 1000) for n in (0, 1, 9)],
        detections=boxes,
        identities=[identity(one, name) for one, name in zip(boxes, names, strict=True)],
    )
    crops = columns(
        picture=[3], face_id=[boxes[0]["detection_id"]], source_id=[SOURCE], first_pts=[0], last_pts=[2000]
    )
    rows = found.step("export/clip_boxes.sql", crops=crops)
    assert [(r["picture"], r["time_s"], round(r["left"], 3)) for r in rows] == [(3, 0.0, 0.4), (3, 1.0, 0.5)]
