"""docs/characters.md runs as written, and a first session with corrections loses none of them."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sampleshow
from castings import tiny
from cli_run import Runner
from documented import blocks
from whoiswho import truly

import animeds_db
from animeds_db.models import Detector, Models
from animeds_db.models.runtime import Device
from animeds_ingest.reruns.running import rerun

PAGE = Path(__file__).parents[1] / "docs" / "characters.md"
EACH = 4


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of screenshots as a person would pick them: one character each, all over the show."""
    folder = tmp_path_factory.mktemp("picked")
    with animeds_db.open(sampleshow.database()) as ds:
        names = truly(ds)
        alone = Counter(face.rpartition("-")[0] for face in names)
        by_name: dict[str, list[str]] = defaultdict(list)
        for face, name in names.items():
            if alone[face.rpartition("-")[0]] == 1 and name != "extra":
                by_name[name].append(face.rpartition("-")[0])
        for name, frames in by_name.items():
            (folder / name).mkdir()
            step = max(1, len(frames) // EACH)
            for frame_id, picture in ds.images(frames[::step][:EACH]):
                picture.save(folder / name / f"{frame_id}.png")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examples: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    shutil.copytree(sampleshow.database(), tmp_path / "anime.animeds")
    shutil.copytree(examples, tmp_path / "examples")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    runner = Runner(capsys, monkeypatch)

    def twice(*words: object) -> str:
        """Run a command twice, as people do; both must do."""
        for _ in range(2):
            done = runner(*words)
            assert done.code == 0, (words, done.err)
        return done.err

    return twice


def test_the_page_on_characters_works_as_written(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Runner(capsys, monkeypatch)
    for block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            assert once(*shlex.split(line)[1:]).code == 0, line
    with animeds_db.open() as ds:
        for sql in blocks(PAGE, "sql"):
            assert ds.sql(sql).fetchall()
    for block in blocks(PAGE, "python"):
        exec(compile(block, str(PAGE), "exec"), {})


def test_a_session_with_corrections_loses_none(place: Path, run: Callable[..., Any]) -> None:
    run("characters", "add", "examples")
    run("characters", "classify")
    with animeds_db.open() as ds:
        true = truly(ds)
        named = dict(ds.sql("SELECT face_id, character FROM faces").fetchall())
        known = [face for face, name in true.items() if name != "extra"]
        assert sum(named[face] == true[face] for face in known) >= 0.8 * len(known)
        face = known[0]
        where = ds.sql(f"SELECT frame_id FROM faces WHERE face_id = '{face}'").fetchall()[0][0]
    run("label", "character", "Somebody Else", "--face", face)
    run("label", "tag", "+corrected", "--frame", where)
    run("characters", "rename", "Somebody Else", "Else")
    first = _said(face)
    assert first == ("Else", "label")
    _detect_again(place)
    with animeds_db.open() as ds:
        there = ds.sql(
            f"SELECT face_id FROM faces WHERE frame_id = '{where}' AND character = 'Else'"
        ).fetchall()
        assert len(there) == 1
        assert there[0][0] != face  # found anew by another detector
    run("characters", "classify", "--threshold", "0.6")
    with animeds_db.open() as ds:
        again = ds.sql(
            f"SELECT face_id, character, \"by\" FROM characters WHERE frame_id = '{where}'"
        ).fetchall()
        assert (there[0][0], "Else", "label") in again
        assert ds.sql(
            f"SELECT has_tag(tag_ids, 'corrected') FROM frames WHERE frame_id = '{where}'"
        ).fetchall()[0][0]
        faces = ds.sql("SELECT count(*), count(character) FROM faces").fetchall()[0]
        assert faces[0] == faces[1] > 0  # every face that was found anew has an answer


def _said(face: str) -> tuple[str, str]:
    with animeds_db.open() as ds:
        rows = ds.sql(f"SELECT character, \"by\" FROM characters WHERE face_id = '{face}'").fetchall()
    assert len(rows) == 1
    return rows[0]


def _detect_again(place: Path) -> None:
    """Run the embedded detector again under another name and threshold, twice."""
    models = tiny()
    known = models.detectors[0].files
    entry = replace(known.entry, name="stricter-face", thresholds={"conf": 0.35, "iou": 0.7})
    sha = hashlib.sha256(b"stricter").hexdigest()
    detector = Detector(replace(known, entry=entry, revision=sha, sha256=sha), Device("cpu", "test"))
    with animeds_db.open(place / "anime.animeds") as ds:
        for _ in range(2):
            assert not rerun(ds.store, Models(detectors=(detector,), character=models.character)).failed
