"""`animeds tag | detect | embed | drop-model` as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_run import Runner
from model_files import detector, selected_tags, wd_tagger
from model_places import only_here
from rerunning import (
    ONE_IN_THE_MIDDLE,
    TAGS,
    copy_of_ingested,
)

from animeds_db.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of_ingested(tmp_path / "show.animeds")


@pytest.fixture
def animeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> Runner:
    own = only_here(monkeypatch, tmp_path)
    selected_tags(tmp_path / "selected_tags.csv", TAGS)
    wd_tagger(tmp_path / "mine.onnx", TAGS, 64, start=5_000)
    detector(tmp_path / "faces.onnx", ONE_IN_THE_MIDDLE, sides=(64, 64), imgsz=None)
    own.write_text(
        '[models.mine]\nlike = "wd-swinv2-v3"\nfiles = { model = "mine.onnx", tags = "selected_tags.csv" }\n'
        '[models.faces]\nlike = "face-v1.4-s"\nfiles = { model = "faces.onnx" }\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANIMEDS_DB", store.uri)
    return Runner(capsys, monkeypatch)


def test_the_command_tags_the_frames_of_a_condition_and_says_so(animeds: Runner) -> None:
    done = animeds("tag", "--model", "mine", "--where", "time_s < 0.5 -- early ones", "--device", "cpu")
    assert (done.code, done.out) == (0, "")
    counted = animeds("sql", "SELECT count(*) AS n FROM taggings WHERE model LIKE 'mine%'", "--format", "csv")
    early = animeds("sql", "SELECT count(*) AS n FROM frames WHERE time_s < 0.5", "--format", "csv")
    assert counted.out == early.out and "0" not in counted.out.split()[1:]
    assert f"mine: {counted.out.split()[1]} frames processed in 2 sources" in done.err
    again = animeds("tag", "--model", "mine", "--where", "time_s < 0.5", "--use", "--device", "cpu")
    assert again.code == 0 and "a: skipped" in again.err
    counts = animeds("sql", "SELECT count(*) AS n FROM frames WHERE tagger LIKE 'mine%'", "--format", "csv")
    assert counts.out == early.out
    dropped = animeds("drop-model", "mine")
    assert dropped.code == 0 and "results deleted from" in dropped.err


def test_the_command_detects_without_vectors_when_told_so(animeds: Runner) -> None:
    assert animeds("detect", "--model", "faces", "--character", "none", "--device", "cpu").code == 0
    vectors = animeds("sql", "SELECT count(vector) AS n, count(*) > 0 AS some FROM faces", "--format", "csv")
    assert vectors.out.split() == ["n,some", "0,true"]


def test_a_character_model_that_is_not_here_is_an_error_with_the_way_out(animeds: Runner) -> None:
    done = animeds("detect", "--model", "faces", "--device", "cpu")
    assert done.code == 1 and "someone" in done.err


def test_a_condition_that_is_no_sql_is_one_line(animeds: Runner) -> None:
    done = animeds("tag", "--model", "mine", "--where", "episod = 3", "--device", "cpu")
    assert done.code == 1 and "episod" in done.err and "Traceback" not in done.err


def test_a_missing_video_gives_exit_code_3_and_its_name(animeds: Runner, store: Store) -> None:
    here = store.table("sources").to_table()
    uris = [uri + (".gone" if uri.endswith("a.mkv") else "") for uri in here["uri"].to_pylist()]
    store.replace("sources", here.set_column(here.column_names.index("uri"), "uri", [uris]))
    done = animeds("tag", "--model", "mine", "--device", "cpu")
    assert done.code == 3 and "failed: a: " in done.err and "a.mkv.gone" in done.err
    assert "b: done" in done.err
