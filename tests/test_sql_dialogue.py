"""The files of sql/ about subtitles and chapters, over a few rows each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlrows import SOURCE, Database, box, frame, frame_id, identity, label


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


@pytest.mark.sql("layers/speaker_names.sql")
@pytest.mark.sql("views/lines.sql")
@pytest.mark.sql("views/dialogue.sql")
def test_lines_are_said_by_the_character_that_a_person_confirmed_for_their_speaker() -> None:
    database = Database(
        lines=[
            line(1, 0, 1, "a", speaker="EMI"),
            line(2, 1, 2, "b", speaker="Boy A"),
            line(3, 2, 3, "c", speaker="Boy B"),
            line(4, 3, 4, "d"),
        ],
        frames=[frame(0), frame(1)],
        labels=[
            label(1, "speaker", "Ryo", subject="EMI"),
            label(2, "speaker", "Emi", subject="EMI"),
            label(3, "name", "Emi Sato", subject="Emi"),
            label(4, "speaker", "Ryo", subject="Boy A"),
            label(5, "act", "act4", "undo"),
            label(6, "speaker", "Ryo", subject="Boy B"),
            label(7, "speaker", None, "remove", subject="Boy B"),
        ],
    )
    said = [("a", "Emi Sato"), ("b", None), ("c", None), ("d", None)]
    assert database.sql("SELECT text, said_by FROM lines ORDER BY text") == said
    assert database.sql("SELECT text, said_by FROM dialogue ORDER BY text") == said[:2]
    assert database.sql("SELECT label_id, speaker, said_by FROM speaker_names") == [
        ("0002", "EMI", "Emi Sato")
    ]
    rows = database.sql("SELECT subject, value FROM labels WHERE field = 'speaker'")
    assert rows == [("EMI", "Emi")]


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
def test_the_exact_phrase_comes_first_and_then_the_score() -> None:
    texts = ["Keep it. I promise.", "I promise: keep it", "promises kept, keep", "promise, keep"]
    rows = [
        line(n, n, n + 0.5, text) | {"score": float(n), "frame_id": frame_id(n), "away_s": 0.0}
        for n, text in enumerate(texts)
    ]
    shown = pa.Table.from_pylist([dict.fromkeys(("speaker", "language")) | row for row in rows])
    found = Database(frames=[frame(n) for n in range(6)]).step(
        "search/said.sql",
        {"phrase": "promise: keep", "k": 9},
        {"frames": "frames", "where": "time_s < 3"},
        shown=shown,
    )
    assert [(row["frame_id"], row["line_id"], row["score"]) for row in found] == [
        (frame_id(1), f"{SOURCE}-1", 1),
        (frame_id(2), f"{SOURCE}-2", 2),
        (frame_id(0), f"{SOURCE}-0", 0),
    ]


@pytest.mark.sql("tables/search_said.sql")
def test_the_frames_of_lines_with_words_are_frames_with_their_line() -> None:
    found = {"frame_id": frame_id(1), "line_id": f"{SOURCE}-1", "away_s": 0.5, "score": 2.0}
    database = Database(
        said_frames=lambda words: [found, found | {"frame_id": frame_id(2)}] if words == "promise" else [],
        lines=[line(1, 1.5, 1.6, "I promise", speaker="Emi")],
        frames=[frame(n) for n in range(3)],
    )
    sql = "SELECT frame_id, text, speaker, away_s, score FROM search_said('promise') WHERE time_s < 2"
    assert database.sql(sql) == [(frame_id(1), "I promise", "Emi", 0.5, 2)]
    assert database.sql("SELECT frame_id FROM search_said('nothing')") == []


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
        labels=[label(1, "speaker", "Emi", subject="A")],
    )
    rows = database.step("classify/voices.sql", {"min_lines": 3})
    assert [r["character"] for r in rows if r["confirmed"]] == ["Emi"] and rows[0]["confirmed"]
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


@pytest.mark.sql("steps/export/voices.sql")
def test_lines_of_a_character_are_left_out_if_others_speak_or_sing() -> None:
    emi = {"speaker": "EMI", "track": 2, "language": "eng"}
    database = Database(
        lines=[
            line(1, 1, 2, "alone", **emi),
            line(2, 1, 2, "alone", **emi, layer=1),  # its shadow
            line(3, 3, 4, "with Ryo", **emi),
            line(4, 3.5, 4.5, "with Emi", speaker="RYO", track=2, language="eng"),
            line(5, 5, 6, "with a song", **emi),
            line(6, 5.5, 9, "la", kind="song", track=4),
            line(7, 10, 10.4, "short", **emi),
            line(8, 12, 13, "in the ending", **emi),
            line(9, 15, 16, "a sign stands there", **emi),
            line(10, 15, 16, "EXIT", kind="sign", track=2),
            line(11, 1, 1.9, "allein", track=3, language="deu"),
            line(12, 15, 18, "too long", track=3, language="deu"),
            line(13, 1, 2, "alone", **emi | {"track": 5}),  # another track with the same speaker
        ],
        chapters=[
            {
                "chapter_id": "c",
                "source_id": SOURCE,
                "kind": "ending",
                "start_s": 12.5,
                "end_s": 15.0,
                "number": 0,
            }
        ],
        labels=[label(1, "speaker", "Emi", subject="EMI")],
    )

    def found(language: str | None) -> list[tuple[Any, ...]]:
        rows = database.step("export/voices.sql", {"character": "Emi", "language": language})
        return [(row["start_s"], row["text"], row["language"], row["why"]) for row in rows]

    disturbed = [(3, "overlap"), (5, "song"), (10, "short"), (12, "song")]
    assert [(start, why) for start, _, _, why in found(None) if why] == disturbed
    assert [row for row in found("eng") if row[3] is None] == [
        (1, "alone", "eng", None),
        (15, "a sign stands there", "eng", None),
    ]
    assert [row for row in found("deu") if row[0] in (1, 15)] == [
        (1, "allein", "deu", None),
        (15, None, "deu", "untranslated"),
    ]
