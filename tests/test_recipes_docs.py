"""docs/recipes.md tells the truth: its commands are run on the sample show."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import sampleshow
from cli_run import Runner
from documented import blocks

import animeds_db

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"


def test_the_page_works_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    (tmp_path / "episodes").symlink_to(sampleshow.episodes())
    run = Runner(capsys, monkeypatch)
    for block in blocks(PAGE, "sh"):
        for line in block.splitlines():
            done = run(*shlex.split(line)[1:])
            asks = "out-clusters.html" in done.err
            assert done.code == asks, (line, done.err)
    assert (tmp_path / "out-clusters.html").exists()
    Path("written.toml").write_text(blocks(PAGE, "toml")[0], "utf-8")
    made = animeds_db.make("written.toml", until="characters")
    assert made.question is None and not made.failed
    exec("\n".join(blocks(PAGE, "python")), {})
    assert animeds_db.make("solo.toml").exports[0].n_pictures > 0
