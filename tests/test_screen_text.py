"""Burned-in text: what is read on frames becomes lines, and says which frames have text."""

from __future__ import annotations

import importlib.util
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sampleshow
from cli_run import Runner
from measuring import subtitled
from PIL import Image
from videos import write_video

import animeds_db
from animeds_db.models.runners.text_reader import ScreenText
from animeds_db.sample.truth import Truth
from animeds_db.store import Store
from animeds_ingest.reruns.screen_text import ReadFrame, paragraphs, screen_lines, share
from animeds_ingest.text import OCR, write_lines

READER = importlib.util.find_spec("rapidocr") is not None
needs_reader = pytest.mark.skipif(not READER, reason="needs the extra [ocr]: make test-torch")


def low(
    text: str, top: float = 0.9, height: float = 0.05, left: float = 0.3, right: float = 0.7
) -> ScreenText:
    return ScreenText(text, 0.9, left, top, right, top + height)


def told(frames: list[ReadFrame]) -> list[tuple[float, float, str, str]]:
    return [(line.start_s, line.end_s, line.kind, line.text) for line in screen_lines(frames)]


def test_the_same_text_on_frames_that_follow_each_other_is_one_line() -> None:
    read = ["Wait for me!", "Wait for mel", "Wait for me!", None, "Wait for me!", "Come back."]
    frames = [ReadFrame(n * 0.5, [low(text)] if text else []) for n, text in enumerate(read)]
    assert told(frames) == [
        (0.0, 1.5, "dialogue", "Wait for me!"),
        (2.0, 2.5, "dialogue", "Wait for me!"),
        (2.5, 3.5, "dialogue", "Come back."),
    ]


def test_a_text_ends_a_second_after_the_last_frame_that_shows_it() -> None:
    frames = [ReadFrame(0, [low("Hello there")]), ReadFrame(30, [low("Hello there")])]
    assert [line[:2] for line in told(frames)] == [(0, 1), (30, 31)]


def test_two_lines_of_a_subtitle_are_read_together_and_a_sign_apart() -> None:
    frame = ReadFrame(
        4.0, [low("HOSPITAL", top=0.2), low("I never thought", top=0.85), low("to see you.", top=0.91)]
    )
    assert told([frame]) == [(4, 5, "sign", "HOSPITAL"), (4, 5, "dialogue", "I never thought to see you.")]
    beside = [low("left", left=0.0, right=0.2), low("right", left=0.8, right=1.0)]
    assert [len(found) for found in paragraphs(beside)] == [1, 1]


def test_the_share_of_a_band_is_the_part_of_it_that_boxes_cover() -> None:
    assert share([low("x", top=0.85, height=0.1)], 0.7, 1.0) == pytest.approx(0.4 * 0.1 / 0.3)
    assert share([low("x", top=0.65, height=0.1)], 0.7, 1.0) == pytest.approx(0.4 * 0.05 / 0.3)
    assert share([low("x", top=0.2)], 0.7, 1.0) == 0


def test_lines_of_a_track_and_burned_in_lines_do_not_replace_each_other(tmp_path: Path) -> None:
    store = Store.create(str(tmp_path / "a.animeds"), 8, 8)
    lines = screen_lines([ReadFrame(1.0, [low("Burned in")])])
    write_lines(store, "aaaaaaaa", lines, origin=OCR)
    write_lines(store, "aaaaaaaa", screen_lines([ReadFrame(2.0, [low("From a track")])]))
    write_lines(store, "aaaaaaaa", lines, origin=OCR)

    def rows() -> list[tuple[str, str | None]]:
        table = store.table("lines").to_table().sort_by("line_id")
        return list(zip(table["text"].to_pylist(), table["origin"].to_pylist(), strict=True))

    assert rows() == [("Burned in", OCR), ("From a track", None)]
    version = store.version("lines")
    write_lines(store, "aaaaaaaa", lines, origin=OCR)
    assert store.version("lines") == version  # nothing new, so nothing is written
    write_lines(store, "aaaaaaaa", [], origin=OCR)
    assert rows() == [("From a track", None)]


def test_a_run_without_the_extra_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    db = str(sampleshow.database())
    wrong = run("read-text", "--where", "true", "--db", db)
    assert wrong.code == 2 and "--ocr" in wrong.err
    wrong = run("read-text", "aaaaaaaa", "--ocr", "--db", db)
    assert wrong.code == 2 and "--where" in wrong.err
    if not READER:
        missing = run("read-text", "--ocr", "--db", db)
        assert missing.code == 1 and "pip install 'animeds-db[ocr]'" in missing.err


@needs_reader
def test_burned_in_subtitles_of_a_video_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Image.fromarray(np.full((360, 640, 3), (90, 120, 160), np.uint8))
    spoken = ["Wait! The train is leaving!", None, "Then let's go together."]
    pictures = [np.asarray(subtitled(plain, text) if text else plain) for text in spoken for _ in range(24)]
    write_video(tmp_path / "burned.mkv", pictures=pictures, size=(640, 360), count=len(pictures))
    run, db = Runner(capsys, monkeypatch), str(tmp_path / "burned.animeds")
    common = ("--db", db, "--no-progress")
    assert (
        run(
            "ingest", str(tmp_path / "burned.mkv"), "--profile", "none", "--sample", "every=0.5s", *common
        ).code
        == 0
    )
    assert run("read-text", "--ocr", "--where", "true", *common).code == 0
    with animeds_db.open(db) as dataset:
        lines = dataset.sql(
            "SELECT text, start_s, end_s, kind, origin FROM lines ORDER BY start_s"
        ).fetchall()
        assert [(row[0], *row[3:]) for row in lines] == [(text, "dialogue", "ocr") for text in spoken if text]
        assert dataset.sql("SELECT count(*) FROM frames WHERE text_lower > 0.02").fetchall() == (
            dataset.sql("SELECT count(DISTINCT frame_id) FROM frame_lines").fetchall()
        )
        assert dataset.search(said="train").fetchall()
    again = run("read-text", "--ocr", "--where", "true", *common)
    assert "0 frames read" in again.err and "2 lines" in again.err
    assert run("drop-model", "rapidocr", "--db", db).code == 0
    with animeds_db.open(db) as dataset:
        assert dataset.sql("SELECT count(*) FROM lines").fetchall() == [(0,)]


@needs_reader
def test_text_on_the_frames_of_the_sample_show_is_found(tmp_path: Path) -> None:
    """Every second frame of an episode: to read one takes a second."""
    database = tmp_path / "show.animeds"
    shutil.copytree(sampleshow.database(), database)
    truth = Truth.load(sampleshow.episodes())
    with animeds_db.open(database) as dataset:
        some = "episode = 2 AND ordinal % 2 = 0"
        dataset.read_screen_text(where=some)
        found = Counter[tuple[bool, bool]]()
        for time_s, share_ in dataset.sql(f"SELECT time_s, text_lower FROM frames WHERE {some}").fetchall():
            found["subtitled" in truth.at(2, time_s).tags, share_ > 0.02] += 1
    assert found.keys() == {(True, True), (False, False)}, found
    assert min(found.values()) >= 3, found
