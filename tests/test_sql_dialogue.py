"""The files of sql/ about subtitles and chapters, over a few rows each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlrows import SOURCE, Database, box, frame, frame_id, identity


def line(number: int, start: float, end: float, text: str, **more: Any) -> dict[str, Any]:
    columns = {
        "line_id": f"{SOURCE}-{number}",
        "source_id": SOURCE,
        "start_s": start,
        "end_s": end,
        "text": text,
    }
    return columns | {"kind": "dialogue", "show": "Show"} | more


@pytest.mark.sql("views/lines.sql")
@pytest.mark.sql("views/chapters.sql")
@pytest.mark.sql("views/frame_lines.sql")
def test_lines_have_the_frames_from_their_start_to_before_their_end() -> None:
    database = Database(
        lines=[line(1, 1.0, 3.0, "hello"), line(2, 2.0, 2.5, "Exit", kind="sign")],
        chapters=[{"chapter_id": "c", "source_id": SOURCE, "number": 0, "start_s": 0.0, "title": "A"}],
        frames=[frame(n) for n in range(5)],
    )
    assert database.sql("SELECT frame_id, text, kind FROM frame_lines ORDER BY ALL") == [
        (frame_id(1), "hello", "dialogue"),
        (frame_id(2), "Exit", "sign"),
        (frame_id(2), "hello", "dialogue"),
    ]
    assert database.sql("SELECT text, \"show\" FROM lines WHERE kind = 'sign'") == [("Exit", "Show")]
    assert database.sql("SELECT number, title FROM chapters") == [(0, "A")]


@pytest.mark.sql("views/dialogue.sql")
def test_dialogue_has_one_row_per_face_and_leaves_signs_out() -> None:
    database = Database(
        lines=[line(1, 0.0, 2.0, "hello", speaker="Emi"), line(2, 0.0, 2.0, "Exit", kind="sign")],
        frames=[frame(0), frame(1)],
        detections=[box(0), box(0, 1)],
        identities=[identity(box(0), "Emi")],
    )
    assert database.sql("SELECT frame_id, face_id, character FROM dialogue ORDER BY ALL") == [
        (frame_id(0), f"{frame_id(0)}-f0", "Emi"),
        (frame_id(0), f"{frame_id(0)}-f1", None),
        (frame_id(1), None, None),
    ]


def segment(name: str, kind: str, start: float, end: float) -> dict[str, Any]:
    return {"segment_id": name, "source_id": SOURCE, "kind": kind, "start_s": start, "end_s": end}


@pytest.mark.sql("views/segments.sql")
def test_a_chapter_wins_over_shared_shots_and_these_over_lyrics() -> None:
    chapters = [
        segment("", kind, start, end) for kind, start, end in (("opening", 0, 90), ("preview", 300, 330))
    ]
    database = Database(
        chapters=[
            {"chapter_id": f"c{n}", **{k: v for k, v in c.items() if k != "segment_id"}}
            for n, c in enumerate(chapters)
        ],
        segments=[segment("s1", "opening", 2, 88), segment("s2", "recap", 95, 110)],
        lines=[
            line(1, 5, 10, "la", kind="song", song="opening"),
            line(2, 70, 85, "la", kind="song", song="opening"),
            line(3, 200, 210, "la", kind="song", song="ending"),
            line(4, 260, 285, "la", kind="song", song="ending"),
        ],
        frames=[frame(n * 10, shot=n) for n in range(40)],
    )
    columns = 'segment_id, kind, "by", start_s, end_s, first_shot, last_shot, n_frames'
    assert database.sql(f"SELECT {columns} FROM segments ORDER BY start_s") == [
        ("c0", "opening", "chapter", 0, 90, 0, 8, 9),
        ("s2", "recap", "shots", 95, 110, None, None, None),
        (f"{SOURCE}-ending", "ending", "lyrics", 200, 285, 20, 28, 9),
    ]


@pytest.mark.sql("steps/search/said.sql")
def test_said_finds_lines_with_all_words_and_the_phrase_first() -> None:
    database = Database(
        lines=[
            line(1, 0.0, 0.5, "Keep it. I promise."),
            line(2, 3.2, 3.4, "I promise: keep it"),
            line(3, 50.0, 51.0, "I promise"),
            line(4, 2.0, 3.0, "keep"),
        ],
        frames=[frame(n) for n in range(6)],
    )
    given = {"words": ["promise", "keep"], "phrase": "promise: keep", "k": 9, "within_s": 10.0}
    found = database.step("search/said.sql", given, {"lines": "true", "where": "true"})
    assert [(row["frame_id"], row["line_id"]) for row in found] == [
        (frame_id(3), f"{SOURCE}-2"),
        (frame_id(0), f"{SOURCE}-1"),
    ]


@pytest.mark.sql("steps/classify/voices.sql")
def test_voices_propose_who_is_on_the_screen() -> None:
    """A speaks in five lines, with Emi on the screen in four of them; B's lines show Ryo, and once Emi as well."""
    lines = [line(n, n, n + 0.5, "x", speaker="A" if n < 5 else "B") for n in range(8)]
    faces = [box(n) for n in range(8)] + [box(7, 1, (0.7, 0.2, 0.9, 0.4))]
    names = ["Emi"] * 4 + ["Ryo"] * 4
    database = Database(
        lines=lines,
        frames=[frame(n, show="Show") for n in range(8)],
        detections=faces,
        identities=[identity(face, name) for face, name in zip(faces, [*names, "Emi"], strict=True)],
    )
    rows = database.step("classify/voices.sql", {"min_lines": 3})
    shown = [
        (r["speaker"], r["character"], r["lines"], r["seen"], r["shown"], r["alone"], r["proposed"])
        for r in rows
    ]
    assert shown == [
        ("A", "Emi", 5, 5, 4, 4, True),
        ("A", "Ryo", 5, 5, 1, 1, False),
        ("B", "Ryo", 3, 3, 3, 2, True),
        ("B", "Emi", 3, 3, 1, 0, False),
    ]
