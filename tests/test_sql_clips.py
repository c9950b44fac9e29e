"""The files of sql/ about clips, over a few rows each."""

from __future__ import annotations

from functools import cache
from typing import Any

import duckdb
import pytest
from sqlrows import SOURCE, Database, box, columns, frame, frame_id, identity, label

from animeds_db.session.queries.named import find

RATE = 24
"""Frames per second of the videos of these tests. Their pts are frame numbers, unless a test says otherwise."""


def shot(number: int, first: int, frames: int, step: float = 1, **more: Any) -> dict[str, Any]:
    """A measured shot; `step`: pts from one frame to the next."""
    return {
        "shot_id": f"{SOURCE}-s{number:05d}",
        "source_id": SOURCE,
        "shot": number,
        "first_pts": first,
        "last_pts": first + round(step * (frames - 1)),
        "first_s": first / step / RATE,
        "last_s": (first / step + frames - 1) / RATE,
        "frames": frames,
        "drawn_frames": frames // 2,
        "motion": "moving",
    } | more


def stretch(
    number: int, value: str | None, first: int, last: int, op: str = "set", source: str = SOURCE
) -> dict[str, Any]:
    return label(number, "stretch", value, op, source_id=source, subject=f"{first}_{last}")


def line(number: int, start: float, end: float, text: str = "x", **more: Any) -> dict[str, Any]:
    columns = {"line_id": f"{SOURCE}-{number}", "source_id": SOURCE, "start_s": start, "end_s": end}
    return columns | {"text": text, "kind": "dialogue"} | more


def clip(first: int, last: int) -> str:
    return f"{SOURCE}-c{first}_{last}"


@pytest.mark.sql("layers/stretch_labels.sql")
def test_of_a_kept_and_a_dropped_stretch_that_touch_the_newer_one_wins() -> None:
    database = Database(
        labels=[
            stretch(1, "keep", 0, 9),  # dropped by the next one
            stretch(2, "drop", 5, 20),
            stretch(3, "keep", 10, 15),  # newer than the drop
            stretch(4, "keep", 40, 50),
            stretch(5, None, 40, 50, "remove"),
            stretch(6, "cut", 60, 60),
            stretch(7, "keep", 5, 20, source="bbbbbbbb"),
        ]
    )
    rows = database.sql("SELECT source_id, first_pts, last_pts, value FROM stretch_labels ORDER BY label_id")
    assert rows == [
        (SOURCE, 5, 20, "drop"),
        (SOURCE, 10, 15, "keep"),
        (SOURCE, 60, 60, "cut"),
        ("bbbbbbbb", 5, 20, "keep"),
    ]


@pytest.mark.sql("layers/timed_shots.sql")
@pytest.mark.sql("layers/free_stretches.sql")
def test_what_people_kept_and_dropped_is_not_proposed_again_and_no_clip_crosses_their_cuts() -> None:
    shots = [shot(0, 0, 100), shot(1, 100, 50), shot(2, 150, 30, is_blank=True), shot(3, 180, 1)]
    labels = [stretch(1, "drop", 10, 19), stretch(2, "keep", 90, 109), stretch(3, "cut", 40, 40)]
    found = Database(shots=shots, labels=labels).sql(
        "SELECT shot, from_frame, until_frame FROM free_stretches ORDER BY ALL"
    )
    assert found == [(0, 0, 10), (0, 20, 40), (0, 40, 90), (1, 10, 50)]
    timed = Database(shots=shots).sql(
        "SELECT shot, in_shot, frame_pts, frame_s FROM timed_shots ORDER BY shot"
    )
    assert [row[:3] for row in timed] == [(0, 100, 1), (1, 50, 1), (2, 30, 1)]
    assert timed[0][3] == pytest.approx(1 / RATE)


@pytest.mark.sql("layers/said_lines.sql")
@pytest.mark.sql("layers/spoken_stretches.sql")
def test_speech_is_the_time_of_lines_that_follow_each_other_in_one_track() -> None:
    database = Database(
        lines=[
            line(1, 1, 2, "one", track=2),
            line(2, 2.2, 3, "two", track=2),
            line(3, 5, 6, "three", track=2),
            line(4, 0, 9, "EXIT", track=2, kind="sign"),
            line(5, 1, 8, "eins zwei drei", track=3),
        ]
    )
    assert database.sql("SELECT text FROM said_lines ORDER BY start_s") == [("one",), ("two",), ("three",)]
    assert database.sql("SELECT * FROM spoken_stretches ORDER BY start_s") == [(SOURCE, 1, 3), (SOURCE, 5, 6)]


@pytest.mark.sql("macros/clip_length.sql")
def test_a_clip_has_the_largest_accepted_number_of_frames() -> None:
    cases = [("4n+1", 80), ("4n+1", 4), ("8n+1", 80), ("8n+1", 0), ("34,68, 102", 80), ("34", 33), ("any", 7)]
    found = [
        Database().sql("SELECT clip_length($accepted, $most)", {"accepted": accepted, "most": most})[0][0]
        for accepted, most in cases
    ]
    assert found == [77, 1, 73, None, 68, None, 7]
    with pytest.raises(duckdb.Error, match=r"frames must be 4n\+1.*It is 4n-1"):
        Database().sql("SELECT clip_length('4n-1', 5)")


@pytest.mark.sql("macros/clip_length.sql")
def test_the_frames_of_a_video_cover_those_of_the_trainer() -> None:
    cases = ["'4n+1', 5, 16, 1 / 24", "'any', 1, 16, 1 / 12", "'9', 0.5, 16, 1"]
    found = [Database().sql(f"SELECT video_frames({case})")[0][0] for case in cases]
    assert found == [116, 12, None]  # 77 of 16 per second are 115.5 of 24


@pytest.mark.sql("macros/clip_pts.sql")
def test_a_clip_begins_a_little_before_a_frame_whose_pts_is_rounded_and_ends_after_it() -> None:
    shown = "list_transform([0, 1, 5, 9], lambda n: [pts_from(s, n), pts_to(s, n)])"
    whole, rounded = (
        Database(shots=[shot(0, 100, 10, step)]).sql(f"SELECT {shown} FROM timed_shots AS s")[0][0]
        for step in (40, 1001 / 24)
    )
    assert whole == [[100, 100], [140, 140], [300, 300], [460, 460]]
    assert rounded == [[100, 110], [132, 152], [298, 318], [465, 475]]


@pytest.mark.sql("tables/clip_facts.sql")
def test_the_facts_of_a_clip_are_those_of_its_own_frames_and_lines() -> None:
    """One shot of 10 s: Emi and Ryo are seen in its first half, Emi speaks there; and a clip that crosses a cut."""
    faces = [box(1), box(1, 1, (0.7, 0.2, 0.9, 0.4)), box(7)]
    database = Database(
        shots=[shot(0, 0, 240, cadence=2, show="Show", pan_x=0.5), shot(1, 240, 24)],
        frames=[
            frame(n, pts=n * RATE, sharpness=float(n), text_lower=n / 10, is_blank=n == 2) for n in range(10)
        ],
        detections=faces,
        identities=[
            identity(faces[0], "Ryo"),
            identity(faces[1], "Emi", appearance="Hat"),
            identity(faces[2], "Emi"),
        ],
        lines=[
            line(1, 0.5, 1.5, "Come!", speaker="Emi"),
            line(2, 1.6, 2.4, "Where?", speaker="Ryo"),
            line(3, 2.4, 9, "long ago", speaker="Narrator"),
        ],
    )
    mine = columns(clip_id=[clip(0, 59), clip(216, 263), "bbbbbbbb-c0_9", "other"])
    first, second = database.rows("SELECT * FROM clip_facts('mine') ORDER BY first_pts", mine=mine)
    assert (first["shot"], first["first_s"], first["source_frames"]) == (0, 0, 60)
    assert (first["last_s"], first["seconds"]) == (pytest.approx(59 / RATE), pytest.approx(2.5))
    assert (first["drawn_frames"], first["cadence"], first["pan_x"], first["show"]) == (30, 2, 0.5, "Show")
    assert (first["characters"], first["appearances"]) == (["Emi", "Ryo"], ["Hat"])
    assert (first["line"], first["speakers"]) == ("Come! Where?", ["Emi", "Ryo"])
    assert first["frame_id"] == frame_id(1), "the sharpest that is not blank"
    assert first["text_lower"] == pytest.approx(0.2)
    assert (second["shot"], second["source_frames"], second["first_s"]) == (0, 48, pytest.approx(9))
    assert (second["characters"], second["line"], second["frame_id"]) == ([], None, frame_id(9))


@pytest.mark.sql("views/clips.sql")
def test_clips_have_accepted_lengths_and_stay_within_shots() -> None:
    database = Database(shots=[shot(0, 0, 300), shot(1, 300, 20), shot(2, 320, 100)])
    shown = "SELECT first_pts, last_pts, shot, n_frames, source_frames FROM "
    assert database.sql(f"{shown} clips ORDER BY first_pts") == [
        (0, 115, 0, 77, 116),
        (116, 231, 0, 77, 116),
        (232, 299, 0, 45, 68),  # what is left
        (320, 417, 2, 65, 98),
    ]
    assert database.sql(f"{shown} clips(fps := 24, frames := '24,48', max_s := 3) ORDER BY first_pts") == [
        *((48 * n, 48 * n + 47, 0, 48, 48) for n in range(6)),
        (320, 367, 2, 48, 48),
        (368, 415, 2, 48, 48),
    ]
    halves = "clips(fps := 24, frames := 'any', min_s := 4, max_s := 4, overlap := 0.5)"
    assert database.sql(f"{shown} {halves} WHERE shot = 0 ORDER BY first_pts") == [
        (first, first + 95, 0, 96, 96) for first in (0, 48, 96, 144, 192)
    ]
    assert Database(frames=[frame(0)]).sql("SELECT * FROM clips") == []
    with pytest.raises(duckdb.Error, match="within must be shot or line. It is scene"):
        database.sql("SELECT * FROM clips(within := 'scene')")


@pytest.mark.sql("views/clips.sql")
def test_people_make_and_unmake_clips() -> None:
    database = Database(
        shots=[shot(0, 0, 96), shot(1, 96, 96)],
        labels=[stretch(1, "drop", 0, 95), stretch(2, "keep", 20, 59), stretch(3, "cut", 130, 130)],
    )
    assert database.sql("SELECT first_pts, last_pts, n_frames, is_kept FROM clips ORDER BY first_pts") == [
        (20, 59, 25, True),
        (96, 127, 21, False),  # 34 frames before the cut would be 22 of the trainer's
        (130, 191, 41, False),
    ]


@pytest.mark.sql("views/clips.sql")
def test_clips_of_speech_lie_within_lines() -> None:
    database = Database(shots=[shot(0, 0, 96), shot(1, 96, 96)], lines=[line(1, 1, 2.5), line(2, 3, 6)])
    found = database.sql("SELECT first_s, n_frames FROM clips(within := 'line') ORDER BY first_pts")
    assert found == [(pytest.approx(1), 21), (pytest.approx(4), 29)]


@pytest.mark.sql("views/clips.sql")
def test_clips_have_their_number_of_frames_where_times_are_rounded_to_milliseconds() -> None:
    """Matroska rounds the pts of 24000/1001 frames per second: 0, 42, 83, 125, …"""
    pts = [round(n * 1001 / 24) for n in range(400)]
    first = {"last_pts": pts[299], "last_s": pts[299] / 1000}
    rest = {
        "first_pts": pts[300],
        "last_pts": pts[399],
        "first_s": pts[300] / 1000,
        "last_s": pts[399] / 1000,
    }
    database = Database(shots=[shot(0, 0, 300) | first, shot(1, 0, 100) | rest])
    found = database.sql("SELECT first_pts, last_pts, source_frames, n_frames FROM clips(max_s := 2)")
    assert len(found) == 9
    assert all(n == sum(a <= one <= b for one in pts) for a, b, n, _ in found)
    assert all(n_frames in (29, 17, 21, 25) for *_, n_frames in found)


@pytest.mark.sql("steps/labels/frames_at.sql")
def test_the_frame_of_a_time_is_the_nearest_one_of_its_shot() -> None:
    database = Database(shots=[shot(0, 0, 24), shot(1, 24, 24)])
    times = [0.0, 0.49, 23.4 / RATE, 23.6 / RATE, 99.0]
    moments = columns(source_id=[SOURCE] * 5, at_s=times)
    found = database.step("labels/frames_at.sql", moments=moments)
    rows = sorted((row["at_s"], row["shot_id"][-1], row["frame"], row["first_pts"]) for row in found)
    assert [row[1:] for row in rows] == [
        ("0", 0, 0),
        ("0", 12, 12),
        ("0", 23, 23),
        ("1", 0, 24),
        ("1", 23, 47),
    ]


@cache
def series() -> Database:
    """Four shots of 4 s: Emi alone with a line, Emi with Ryo in a pan, Emi in the opening, and nobody."""
    faces = [box(n) for n in (1, 5, 9)] + [box(5, 1, (0.7, 0.2, 0.9, 0.4))]
    return Database(
        shots=[
            shot(n, n * 4 * RATE, 4 * RATE, drawn_frames=24 - n, motion="pan" if n == 1 else "moving")
            for n in range(4)
        ],
        frames=[frame(n, pts=n * RATE, shot=n // 4) for n in range(16)],
        detections=faces,
        identities=[
            *(identity(face, "Emi", appearance="Hat" if face is faces[0] else None) for face in faces[:3]),
            identity(faces[3], "Ryo"),
        ],
        lines=[line(1, 1, 2, "I promise.", speaker="Emi")],
        chapters=[
            {
                "chapter_id": "c",
                "source_id": SOURCE,
                "number": 0,
                "start_s": 8.0,
                "end_s": 12.0,
                "kind": "opening",
            }
        ],
    )


@pytest.mark.parametrize(
    ("params", "shots"),
    [
        ({}, [0, 1, 2]),  # alone and outside the opening, with somebody, in the opening
        ({"count": 2}, [0, 1]),
        ({"motion": "pan"}, [1]),
        ({"said": "PROMISE"}, [0]),
        ({"appearance": "Hat"}, [0]),
        ({"max_s": 2}, [0, 1, 2]),  # the second halves have no frame on which she is seen
        ({"fps": 24, "frames": "96", "min_s": 4}, [0, 1, 2]),
        ({"fps": 24, "frames": "97"}, []),
        ({"per": "motion"}, [0, 1, 2]),
    ],
)
def test_clips_of_a_character_are_the_best_ones_first(params: dict[str, Any], shots: list[int]) -> None:
    query = find("clips_of", [])
    rows = series().rows(query.sql, query.bind({"character": "Emi", **params}))
    assert [round(row["first_s"] / 4) for row in rows] == shots
    assert all("Emi" in row["characters"] for row in rows)
