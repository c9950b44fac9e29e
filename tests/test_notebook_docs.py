"""The page about notebooks tells the truth: each row's command and Python call are run, and do the same."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_run import Runner
from sampleshow import episodes

import animeds_db
from animeds_db.dataset import Dataset

PAGE = Path(__file__).parents[1] / "docs" / "notebook.md"
ROW = re.compile(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


def contents(path: str) -> dict[str, object]:
    """What a database holds, without times and paths."""
    with animeds_db.open(path) as ds:
        return {
            name: ds.sql(f"SELECT {columns} FROM {name} ORDER BY ALL").fetchall()
            for name, columns in {
                "sources": "source_id, n_damaged, sampling",
                "frames": "frame_id, tags, tag_scores",
                "detections": "detection_id, kind, model",
                "characters": "face_id, character, score",
                "examples": "face_id, character",
                "duplicates": "frame_id, group_id",
                "labels": "frame_id, field, op, value",
            }.items()
        }


def python(line: str) -> Callable[[Dataset], object]:
    return lambda ds: eval(line, {"ds": ds, "animeds_db": animeds_db})


def test_each_call_in_python_does_what_its_command_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert len(rows) >= 10
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    run = Runner(capsys, monkeypatch)
    for folder in ("typed", "called"):
        (tmp_path / folder / "episodes").mkdir(parents=True)
        first = min(path for path in episodes().iterdir() if path.suffix != ".json")
        shutil.copy(first, tmp_path / folder / "episodes")
    for what, command, call in rows:
        monkeypatch.chdir(tmp_path / "typed")
        done = run(*shlex.split(command)[1:])
        assert done.code == 0, (what, done.err)
        monkeypatch.chdir(tmp_path / "called")
        path = Path("anime.animeds")
        with animeds_db.open(path) if path.exists() else animeds_db.create(path, profile="tiny") as ds:
            result = python(call)(ds)
        if ".pl()" in call:
            assert len(result) > 0, what  # type: ignore[arg-type]
        assert contents(str(tmp_path / "typed" / "anime.animeds")) == contents(str(path)), what
    for name in ("out", "copy.animeds"):
        assert (tmp_path / "typed" / name).is_dir() and (tmp_path / "called" / name).is_dir()
    pictures = [
        sorted(p.name for p in (tmp_path / folder / "out").glob("*.png")) for folder in ("typed", "called")
    ]
    assert pictures[0] == pictures[1] and pictures[0]
