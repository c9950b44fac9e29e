"""The page about labels tells the truth: its commands and SQL are run on the sample show, from top to bottom."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner

import animeds_db

PAGE = Path(__file__).parents[1] / "docs" / "labels.md"


def test_the_page_about_labels_works_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    shutil.copytree(sampleshow.database(), "anime.animeds")
    run = Runner(capsys, monkeypatch)
    for language, block in re.findall(r"```(sh|sql)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        if language == "sql":
            with animeds_db.open() as ds:
                assert ds.sql(block).fetchall(), block
            continue
        for line in block.splitlines():
            words, _, target = line.partition(" > ")
            done = run(*shlex.split(words)[1:])
            assert done.code == 0, (line, done.err)
            if target:
                Path(target).write_text(done.out, "utf-8")
    with animeds_db.open() as ds:
        assert ds.sql("SELECT DISTINCT character FROM characters").fetchall() == [("Red Haired Girl",)]
