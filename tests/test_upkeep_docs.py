"""The page on upkeep does what it says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner

from animeds_db.upkeep import compaction, indexes

PAGE = Path(__file__).parents[1] / "docs" / "upkeep.md"


def test_the_page_on_upkeep_works_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sampleshow.database(), tmp_path / "anime.animeds")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    run = Runner(capsys, monkeypatch)
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            done = run(*shlex.split(line)[1:])
            assert done.code == 0, (line, done.err)
    folders = [
        {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("out", "again")
    ]
    assert folders[0] == folders[1]
    assert (tmp_path / "restored.animeds" / "sources.lance").is_dir()


def test_the_page_tells_the_numbers_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    assert f"more than {compaction.MAX_PIECES} " in " ".join(text.split())
    assert f"{indexes.LEAST_ROWS:,} rows" in text
