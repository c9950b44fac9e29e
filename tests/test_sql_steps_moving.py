"""The timeline of a video, and the clips of the page of clips: a few rows in, the rows expected."""

from __future__ import annotations

from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, frame, frame_id, identity

FATE, ARF = box(1), box(3)


def shot(number: int, first_s: float, frames: int) -> dict[str, Any]:
    """An exact shot of a video with 10 frames per second."""
    first = round(first_s * 1000)
    return {
        "shot_id": f"{SOURCE}-s{number:05d}",
        "source_id": SOURCE,
        "shot": number,
        "first_pts": first,
        "last_pts": first + 100 * (frames - 1),
        "first_s": first_s,
        "last_s": first_s + (frames - 1) / 10,
        "frames": frames,
        "drawn_frames": frames,
        "motion": "moving",
        "is_blank": False,
    }


def line(start_s: float, end_s: float, text: str, **columns: Any) -> dict[str, Any]:
    about = {
        "line_id": f"{SOURCE}-{text}",
        "source_id": SOURCE,
        "kind": "dialogue",
        "speaker": "Fate",
        "track": 2,
    }
    return about | {"start_s": start_s, "end_s": end_s, "text": text} | columns


def database() -> Database:
    """Two shots of two seconds. Fate is in the first one, Arf in the second one; two tracks of subtitles."""
    return Database(
        sources=[{"source_id": SOURCE, "state": "done", "duration_s": 4.0}],
        frames=[frame(n, shot=n // 2, pts=1000 * n) for n in range(4)],
        shots=[shot(0, 0.0, 20), shot(1, 2.0, 20)],
        detections=[FATE, ARF],
        identities=[identity(FATE, "Fate"), identity(ARF, "Arf")],
        lines=[
            line(0.5, 1.5, "Hello."),
            line(2.2, 2.8, "Good bye."),
            line(0.5, 1.5, "Bonjour.", track=3),
            line(0.0, 4.0, "(a song)", kind="song"),
        ],
        chapters=[
            {
                "chapter_id": "c0",
                "source_id": SOURCE,
                "number": 0,
                "start_s": 0.0,
                "end_s": 2.5,
                "title": "A",
            },
            {
                "chapter_id": "c1",
                "source_id": SOURCE,
                "number": 1,
                "start_s": 2.5,
                "end_s": 4.0,
                "title": "B",
            },
        ],
    )


@pytest.mark.sql("steps/web/timeline.sql")
def test_what_happens_when_in_a_video_is_one_row() -> None:
    (row,) = database().step("web/timeline.sql", texts={"source": f"'{SOURCE}'"})
    assert row["duration_s"] == 4.0
    assert [(one["shot"], one["first_s"], one["end_s"]) for one in row["shots"]] == [
        (0, 0.0, 2.0),
        (1, 2.0, 4.0),
    ]
    assert row["characters"] == [
        {"name": "Arf", "spans": [{"first_s": 2.0, "end_s": 4.0, "frame_id": frame_id(3)}]},
        {"name": "Fate", "spans": [{"first_s": 0.0, "end_s": 2.0, "frame_id": frame_id(1)}]},
    ]
    assert [(one["text"], one["speaker"], one["frame_id"]) for one in row["lines"]] == [
        ("Hello.", "Fate", frame_id(1)),
        ("Good bye.", "Fate", frame_id(2)),
    ]
    assert [(one["title"], one["frame_id"]) for one in row["chapters"]] == [
        ("A", frame_id(0)),
        ("B", frame_id(3)),
    ]
    (nothing,) = database().step("web/timeline.sql", texts={"source": "'bbbbbbbb'"})
    assert set(nothing.values()) == {None}


@pytest.mark.sql("steps/web/clips.sql")
def test_clips_have_the_limits_of_their_shots() -> None:
    trainer = "fps := 10, frames := '4n+1', min_s := 1, max_s := 5"
    rows = database().step("web/clips.sql", texts={"trainer": trainer, "condition": "c.characters = ['Arf']"})
    assert [
        (row["first_s"], row["source_frames"], row["shot_first_s"], row["shot_end_s"]) for row in rows
    ] == [(2.0, 17, 2.0, 4.0)]
    every = database().step("web/clips.sql", texts={"trainer": trainer, "condition": "true"})
    assert [row["n_frames"] for row in every] == [17, 17]
