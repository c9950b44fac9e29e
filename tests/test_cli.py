"""What a user sees: exit codes, stdout for data, stderr for talk, errors with a way out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import videos
from cli_run import Runner

import animeds_db
from animeds_db.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    return Runner(capsys, monkeypatch)


@pytest.fixture
def ingested(run: Runner) -> Runner:
    """A runner in a folder whose default database holds one clip."""
    done = run("ingest", videos.shared_clip("h264 open"), "--profile", "none", "--show", "Clips")
    assert done.code == 0, done.err
    return run


def test_the_version_is_printed(run: Runner) -> None:
    assert run("--version").out == f"animeds-db {animeds_db.__version__}\n"


def test_ingest_talks_on_stderr_and_leaves_stdout_to_data(run: Runner) -> None:
    done = run("ingest", videos.shared_clip("h264 open"), "--profile", "none")
    assert done.out == ""
    assert "new" in done.err
    assert Path("anime.animeds/frames.lance").is_dir()


def test_a_dry_run_prints_what_was_understood_and_makes_nothing(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "My Show" / "Season 2"
    folder.mkdir(parents=True)
    (folder / "[Group] My Show - 03v2 [1080p].mkv").write_bytes(b"not looked at")
    done = run("ingest", tmp_path / "My Show", "--dry-run")
    header, row = (line.split("\t") for line in done.out.splitlines())
    told = dict(zip(header, row, strict=True))
    assert (told["show"], told["season"], told["episode"]) == ("My Show", "2", "3")
    assert not Path("anime.animeds").exists()


def test_some_failed_sources_give_exit_code_3_and_are_named(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.mkv").symlink_to(videos.shared_clip("h264 open"))
    (folder / "empty.mkv").write_bytes(b"")
    done = run("ingest", folder, "--profile", "none")
    assert done.code == 3
    assert "empty" in done.err
    assert "1 of 2 sources" in done.err


def test_all_failed_sources_give_exit_code_1(run: Runner, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mkv"
    bad.write_text("text")
    assert run("ingest", bad, "--profile", "none").code == 1


def test_rows_come_in_the_format_asked_for(ingested: Runner) -> None:
    done = ingested("sql", "SELECT count(*) AS n FROM frames", "--format", "json")
    assert done.code == 0
    assert json.loads(done.out)[0]["n"] > 0
    assert done.err == ""


def test_sql_takes_parameters_files_and_stdin(
    ingested: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = tmp_path / "q.sql"
    query.write_text("SELECT $word AS word")
    assert ingested("sql", "-f", query, "-p", "word=a=b").out == "word\na=b\n"
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 5 AS five"))
    assert ingested("sql", "-").out == "five\n5\n"


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["sql", "DROP VIEW frames"], 1, "Only SELECT is allowed", None),
        (["sql", "SELECT frme_id FROM frames"], 1, "1:8", "frame_id"),
        (["sql", "SELECT * FROM frmes"], 1, "frmes", "frames"),
        (["sql", "SELECT $a"], 1, "$a", "-p a="),
        (["sql", "SELECT 1", "-p", "novalue"], 2, "is not of the form name=value", "-p character="),
        (["sql"], 2, "Give the SQL either as text", None),
        (["query", "by_tag"], 1, "by_tag", "by_tags"),
        (["query", "by_tags", "-p", "hass=1girl"], 1, "hass", "has"),
        (["export", "out"], 2, "a query and a folder", "animeds export"),
        (["export", "--sql", "SELECT 1 AS one", "out"], 1, "no column frame_id", "frame_id"),
        (["export", "--sql", "SELECT frame_id FROM frames WHERE false", "out"], 1, "empty", None),
        (["export", "--sql", "SELECT frame_id FROM frames", "out", "--image", "tiff"], 2, "tiff", "png"),
        (["ingest", "nowhere.mkv"], 1, "nowhere.mkv", None),
        (["ingest", ".", "--sample", "sometimes"], 2, "sometimes", "keyframes"),
        (["dedup", "--threshold", "1.5"], 2, "1.5", None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_are_one_line_with_a_way_out(
    ingested: Runner, words: list[str], code: int, message: str, hint: str | None
) -> None:
    done = ingested(*words)
    first, *more = done.err.splitlines()
    assert done.code == code, done.err
    assert first.startswith("error: ")
    assert message in first
    if hint:
        assert any(line.startswith("hint: ") and hint in line for line in more), done.err
    assert "Traceback" not in done.err


def test_no_database_is_told_with_the_way_out(run: Runner) -> None:
    done = run("status")
    assert done.code == 1
    assert "anime.animeds" in done.err
    assert "hint: " in done.err


def test_wrong_flags_give_exit_code_2(run: Runner) -> None:
    assert run("sql", "--no-such-flag").code == 2


def test_debug_shows_the_traceback_of_this_run_only(run: Runner) -> None:
    assert run("status").code == 1
    told = run("--debug", "status")
    assert told.code == 1
    assert "Traceback" in told.err
    assert "error: " in told.err
    assert "Traceback" not in run("status").err


def test_the_settings_order_is_flag_variable_file_default(
    ingested: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "animeds.toml").write_text('db = "from-file.animeds"\n')
    assert "from-file.animeds" in ingested("status").err
    monkeypatch.setenv("ANIMEDS_DB", "from-variable.animeds")
    assert "from-variable.animeds" in ingested("status").err
    assert ingested("status", "--db", "anime.animeds").code == 0


def test_a_broken_settings_file_is_named(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "animeds.toml").write_text("db = ")
    done = run("status")
    assert done.code == 2
    assert "animeds.toml" in done.err


def test_status_lists_sources(ingested: Runner) -> None:
    done = ingested("status", "--format", "json")
    assert [row["show"] for row in json.loads(done.out)] == ["Clips"]


def test_the_doctor_names_versions_providers_and_settings(ingested: Runner) -> None:
    out = ingested("doctor", "--db", "anime.animeds").out
    for word in ("duckdb", "onnxruntime runs on", "h264", "db = anime.animeds  (default)", "frames"):
        assert word in out


def test_export_writes_pictures_and_captions(ingested: Runner) -> None:
    done = ingested("export", "--sql", "SELECT frame_id FROM frames", "out", "--tag", "waifu")
    assert done.code == 0, done.err
    pictures = sorted(Path("out").glob("*.png"))
    assert pictures
    assert all(p.with_suffix(".txt").read_text() == "waifu" for p in pictures)


def test_export_leaves_a_folder_of_somebody_alone(ingested: Runner, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    done = ingested("export", "--sql", "SELECT frame_id FROM frames", "out", "--overwrite")
    assert done.code == 1
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child on Windows")
def test_ctrl_c_leaves_with_130_and_a_database_that_goes_on(tmp_path: Path) -> None:
    # long enough that the signal comes before its end on a machine that does much else
    clip = videos.write_clip(tmp_path, "h264 closed", count=600, size=(160, 96))
    words = [sys.executable, "-m", "animeds_db", "ingest", str(clip), "--profile", "none", "--sample", "all"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "anime.animeds").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    # Where the signal found Python inside a module that was being loaded from C, Python ends itself by SIGINT once
    # everything is done; for a shell, that is 130 too.
    assert process.returncode in (130, -signal.SIGINT), err
    assert "interrupted" in err
    assert "Traceback" not in err
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "600 frames" in again.stderr


def test_a_query_that_ctrl_c_stopped_ends_as_other_interrupted_work_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_name: str | None) -> Callable[[], None]:
        raise RuntimeError("Query interrupted")  # as DuckDB does

    monkeypatch.setattr("animeds_db.cli.command_line", interrupted)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_closed_pipe_gives_no_traceback(ingested: Runner, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "animeds_db", "sql", "SELECT * FROM range(1000000)"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=os.environ.copy()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() in (0, 1)
