"""Slips on the command line get the cause and the way out."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from cli_run import Runner
from export_material import database, picture_source
from labelled import dataset, face_of, frame_of


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(capsys, monkeypatch)


def test_a_folder_of_other_things_is_not_offered_for_a_database(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("")
    for path in (tmp_path, tmp_path / "hosts"):
        done = run("status", "--db", path)
        assert done.code == 1 and "not a database" in done.err
        assert f"--db {path}`" not in done.err and "./anime.animeds" in done.err


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_rows_of_sql_are_piped_into_label_with_their_header(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    ds = dataset(tmp_path)
    frames = run(
        "sql", "SELECT episode, frame_id FROM frames ORDER BY 2 LIMIT 2", "--format", form, "--db", ds.uri
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(frames.out))
    assert run("label", "drop", "--frame", "-", "--db", ds.uri).code == 0
    dropped = ds.sql("SELECT frame_id FROM frame_labels WHERE value = 'drop' ORDER BY 1").fetchall()
    assert dropped == [(frame_of(0),), (frame_of(1),)]
    faces = run(
        "sql",
        "SELECT frame_id, face_id FROM faces WHERE face_id LIKE '%f1'",
        "--format",
        form,
        "--db",
        ds.uri,
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(faces.out))
    assert run("label", "character", "Rin", "--face", "-", "--db", ds.uri).code == 0
    assert ds.sql("SELECT face_id FROM characters").fetchall() == [(face_of(2, 1),)]


def test_bare_ids_are_still_read(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = dataset(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{frame_of(0)}\n{frame_of(1)}, {frame_of(2)}\n"))
    assert run("label", "keep", "--frame", "-", "--db", ds.uri).code == 0
    assert ds.sql("SELECT count(*) FROM frame_labels").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export", "out7", "character_solo"], "animeds export character_solo out7"),
        (["export", "character_solo", "-p", "character", "Akane", "out"], "-p character=VALUE"),
        (["query", "character_solo", "-p", "character", "Akane"], "-p character=VALUE"),
        (["caption", "by_tags", "-p", "has", "1girl"], "-p has=VALUE"),
    ],
)
def test_swapped_and_loose_words_get_their_cause(run: Runner, words: list[str], told: str) -> None:
    done = run(*words)
    assert done.code == 2 and told in done.err


def test_an_exported_folder_is_not_ingested_unasked(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = database(tmp_path / "db", [picture_source(tmp_path / "caps")])
    out = tmp_path / "set"
    run("export", "--sql", "SELECT frame_id, 'deep' AS folder FROM frames", out, "--db", store.uri)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    for path in (out, out / "deep", tmp_path):
        done = run("ingest", path, "--db", tmp_path / "new.animeds", "--profile", "none")
        assert done.code == 2 and f"{out} was written by `animeds export`" in done.err
        assert "--yes" in done.err and not (tmp_path / "new.animeds").exists()
    done = run("ingest", out, "--db", tmp_path / "new.animeds", "--profile", "none", "--yes")
    assert done.code == 0 and (tmp_path / "new.animeds").exists()
