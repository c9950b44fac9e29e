"""Subtitles and chapters in a database: written by ingest and read-text, joined with frames and faces, searched."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cli_run import Runner
from documented import blocks
from ingesting import a_store, everything, run
from labelled import box_row
from subtitled import ass_track, text_track, write_episode, write_srt

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError
from animeds_db.store import Store
from animeds_db.upkeep import indexes

PAGE = Path(__file__).parents[1] / "docs" / "dialogue.md"
EVENTS = [
    (0.0, 3.0, "OP-Romaji", "", r"{\k20}ya{\k30}ku{\k25}so{\k40}ku"),
    (4.0, 5.5, "Default", "Emi", r"You {\i1}promised{\i0}!\NDidn't you?"),
    (6.0, 8.0, "Sign", "", r"{\pos(320,40)}School gate"),
    (6.2, 6.7, "Default", "Ryo", "I will keep my promise."),
    (9.0, 11.0, "Default", "Emi", "Promise me again."),
]
JAPANESE = [(4.0, 5.5, "約束したじゃない！"), (9.0, 11.0, "もう一度約束して🎉")]
CHAPTERS = [(0, 4, "Opening"), (4, 9, "Part A"), (9, 12, "Preview")]


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_episode(
        tmp_path_factory.mktemp("episode") / "Show - 01.mkv",
        audio=["jpn", "eng"],
        tracks=[ass_track(EVENTS), text_track(JAPANESE)],
        chapters=CHAPTERS,
    )


@pytest.fixture
def store(tmp_path: Path, episode: Path) -> Store:
    store = a_store(tmp_path)
    report = run(store, episode)
    assert [outcome.notes for outcome in report.outcomes] == [()]
    return store


@pytest.fixture
def animeds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def answers(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with animeds_db.open(store.uri) as dataset:
        return dataset.sql(sql).fetchall()


def test_every_line_and_chapter_of_an_episode_is_in_the_tables(store: Store) -> None:
    lines = answers(
        store, "SELECT start_s, end_s, kind, text, speaker, language FROM lines ORDER BY track, start_s"
    )
    assert lines == [
        (0.0, 3.0, "song", "yakusoku", None, "eng"),
        (4.0, 5.5, "dialogue", "You promised! Didn't you?", "Emi", "eng"),
        (6.0, 8.0, "sign", "School gate", None, "eng"),
        (6.2, 6.7, "dialogue", "I will keep my promise.", "Ryo", "eng"),
        (9.0, 11.0, "dialogue", "Promise me again.", "Emi", "eng"),
        (4.0, 5.5, "dialogue", "約束したじゃない！", None, "jpn"),
        (9.0, 11.0, "dialogue", "もう一度約束して🎉", None, "jpn"),
    ]
    chapters = answers(store, "SELECT number, start_s, end_s, title, kind FROM chapters ORDER BY number")
    assert chapters == [
        (0, 0, 4, "Opening", "opening"),
        (1, 4, 9, "Part A", None),
        (2, 9, 12, "Preview", "preview"),
    ]


def test_the_opening_is_marked_by_its_chapter(store: Store) -> None:
    [found] = answers(store, 'SELECT kind, start_s, end_s, n_frames, "by", episode FROM segments')
    assert found == ("opening", 0, 4, 4, "chapter", 1)


def test_search_by_what_is_said_finds_the_frame(store: Store, animeds: Runner) -> None:
    with animeds_db.open(store.uri) as dataset:
        found = dataset.search(said="promise").select("time_s, speaker, away_s, text").fetchall()
        assert [row[:2] for row in found] == [
            (9.0, "Emi"),  # the shortest line with it is the best
            (10.0, "Emi"),
            (4.0, "Emi"),
            (5.0, "Emi"),
            (6.0, "Ryo"),
        ]
        assert [round(row[2], 3) for row in found] == [
            0,
            0,
            0,
            0,
            0.2,
        ]  # no frame within Ryo's line: the nearest
        best = dataset.search(said="KEEP my Promise").select("time_s").fetchall()
        assert best == [(6.0,)]
        for words in ("約束", "🎉", "一度約束して🎉"):
            assert dataset.search(said=words, where="time_s > 8").select("time_s").fetchall()[0] == (9.0,)
        assert dataset.search(said="the of !? %_ \" ' OR --").fetchall() == []
        for words, times in (
            ("the", []),
            ("my", [6.0]),  # a word in nearly every text is a word, too
            ("promises", [9.0, 10.0, 4.0, 5.0, 6.0]),
            ('"promise me"', [9.0, 10.0]),
            ('"me promise"', []),
            ("me promise", [9.0, 10.0]),
            ("promise 🎉", []),
            ("約束 🎉", [9.0, 10.0]),
            ("「もう一度」", [9.0, 10.0]),
            ("?!", []),
            ('promise" OR "x', []),
        ):
            assert dataset.search(said=words).select("time_s").fetchall() == [(t,) for t in times], words
        for words in ("  ", '""', "x" * 1001):
            with pytest.raises(UsageError, match=r"no words|longer than 1000"):
                dataset.search(said=words)
    ran = animeds("search", "--said", "promise", "--db", store.uri, "--format", "csv")
    assert ran.code == 0 and "I will keep my promise." in ran.out and ran.out.startswith("frame_id,")
    assert animeds("search", "--said", "x", "--pairs", "0.9", "--db", store.uri).code == 2


def test_running_again_changes_nothing(store: Store, episode: Path) -> None:
    before, versions = everything(store), {name: store.version(name) for name in ("lines", "chapters")}
    assert [outcome.state for outcome in run(store, episode).outcomes] == ["skipped"]
    with animeds_db.open(store.uri) as dataset:
        [read] = dataset.read_text()
    assert (read.lines, read.chapters, read.notes, read.error) == (7, 3, (), None)
    assert everything(store) == before
    assert {name: store.version(name) for name in versions} == versions
    run(store, episode, replace=True)
    assert everything(store)["lines"] == before["lines"]


def test_read_text_fills_a_database_of_before_and_takes_new_files(
    tmp_path: Path, animeds: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    video = write_episode(tmp_path / "Show - 01.mkv", seconds=4, tracks=[text_track([(1, 2, "約束")])])
    store = a_store(tmp_path)
    run(store, video)
    store.delete("lines", "true")  # as in a database of an earlier release
    write_srt(tmp_path / "Show - 01.en.srt", [("00:00:02,000", "00:00:03,000", "I promise")])
    ran = animeds("read-text", "--db", store.uri)
    assert (ran.code, ran.out) == (0, "") and "2 lines, 0 chapters" in ran.err
    assert answers(store, "SELECT text, language, track_title FROM lines ORDER BY start_s") == [
        ("約束", "jpn", None),
        ("I promise", "en", "Show - 01.en.srt"),
    ]
    (tmp_path / "Show - 01.en.srt").unlink()
    video.write_bytes(video.read_bytes() + b"\0" * 5000)
    ran = animeds("read-text", "--db", store.uri)
    assert ran.code == 1 and "has changed since it was ingested" in ran.err
    assert answers(store, "SELECT count(*) FROM lines") == [(2,)]
    assert animeds("read-text", "nosuchid", "--db", store.uri).code == 2


def test_bad_subtitles_are_a_note_of_their_source(tmp_path: Path) -> None:
    video = write_episode(tmp_path / "Show - 01.mkv", seconds=2)
    (tmp_path / "Show - 01.srt").write_bytes(b"\x00\xff\x13" * 50)
    store = a_store(tmp_path)
    [outcome] = run(store, video).outcomes
    assert outcome.state == "new" and outcome.frames > 0
    assert len(outcome.notes) == 1 and outcome.notes[0].startswith("Show - 01.srt was not read")
    assert answers(store, "SELECT state, error FROM sources") == [("done", outcome.notes[0])]


def test_dialogue_joins_lines_with_frames_and_faces(store: Store) -> None:
    [(first,), (second,)] = answers(store, "SELECT frame_id FROM frames WHERE time_s IN (4, 5) ORDER BY 1")
    boxes = [box_row(first, 0, (0.1, 0.1, 0.3, 0.3)), box_row(first, 1, (0.5, 0.1, 0.7, 0.3))]
    store.upsert("detections", pa.Table.from_pylist(boxes, store.schema("detections").schema))
    with animeds_db.open(store.uri) as dataset:
        dataset.label("character", "set", "Emi", [f"{first}-f0"])
        rows = dataset.sql(
            "SELECT frame_id, face_id, speaker, character FROM dialogue "
            "WHERE language = 'eng' AND start_s = 4 ORDER BY ALL"
        ).fetchall()
    assert rows == [
        (first, f"{first}-f0", "Emi", "Emi"),
        (first, f"{first}-f1", "Emi", None),
        (second, None, "Emi", None),
    ]


def test_the_index_of_words_gives_the_same_as_a_scan(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    questions = (
        "promise",
        "約束",
        "promise me",
        "🎉",
        "m",
        "school GATE",
        "nothing like it",
        "?!",
        '"my promise"',
    )

    def all_found(dataset: Dataset) -> list[list[tuple[Any, ...]]]:
        return [
            dataset.search(said=words, where=where).fetchall()
            for words in questions
            for where in (None, "episode = 1", "episode = 2", "time_s < 30")
        ]

    with animeds_db.open(store.uri) as dataset:
        scanned = all_found(dataset)
        assert indexes.tend(store, "lines") is None and not indexes.has_words(store, "lines")
        monkeypatch.setattr(indexes, "MIN_TEXTS", 1)
        assert indexes.tend(store, "lines") == "indexed the words of 7 lines"
        assert indexes.has_words(store, "lines")
        assert all_found(dataset) == scanned
        assert indexes.tend(store, "lines") is None


def test_a_speaker_with_a_characters_name_is_proposed(store: Store, animeds: Runner) -> None:
    logging.getLogger("animeds").setLevel(logging.WARNING)
    ran = animeds("characters", "voices", "--db", store.uri)
    assert ran.code == 0 and "No speaker has lines with a named face" in ran.err


def test_who_a_speaker_is_can_be_confirmed_and_undone(store: Store, animeds: Runner) -> None:
    ran = animeds("label", "speaker", "Emi", "Emi Sato", "--db", store.uri)
    assert ran.code == 0 and "no face has the name Emi Sato so far" in ran.err
    said_by = "SELECT DISTINCT said_by FROM lines WHERE speaker = 'Emi'"
    assert answers(store, said_by) == [("Emi Sato",)]
    assert answers(store, "SELECT what FROM label_history") == [("speaker Emi is Emi Sato",)]
    assert animeds("label", "undo", "--db", store.uri).code == 0
    assert answers(store, said_by) == [(None,)]
    ran = animeds("label", "speaker", "Emy", "Emi", "--db", store.uri)
    assert ran.code == 2 and 'No line has the speaker "Emy"' in ran.err and "Emi" in ran.err
    assert animeds("label", "speaker", "Emi", "--db", store.uri).code == 2


def test_the_page_about_dialogue_works_as_written(
    store: Store, animeds: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    first = answers(store, "SELECT frame_id FROM frames WHERE time_s = 4")[0][0]
    boxes = [box_row(first, 0, (0.1, 0.1, 0.3, 0.3))]
    store.upsert("detections", pa.Table.from_pylist(boxes, store.schema("detections").schema))
    with animeds_db.open(store.uri) as dataset:
        dataset.label("character", "set", "Emi", [f"{first}-f0"])
        for query in blocks(PAGE, "sql"):
            assert dataset.sql(query).fetchall(), query
    for block in blocks(PAGE, "sh"):
        for command in block.splitlines():
            ran = animeds(*shlex.split(command)[1:])
            assert ran.code == 0 and (ran.out or "read-text" in command), (command, ran.err)
    assert "Emi" in animeds("characters", "voices", "--format", "csv").out
