"""The page on sync does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from cli_run import Runner
from PIL import Image
from synced import pictures, said, show

import animeds_db

PAGE = Path(__file__).parents[1] / "docs" / "sync.md"


def edit(out: Path) -> None:
    """Do to the first export what the page speaks of."""
    gone, moved, captioned, _ = pictures(out)
    (out / gone).unlink()
    (out / moved).rename(out / pictures(out)[-1].rpartition("/")[0] / Path(moved).name)
    (out / captioned).with_suffix(".txt").write_text("hat, red hair, 1girl")


def test_the_page_on_sync_works_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show(tmp_path).close()
    (tmp_path / "show.animeds").rename(tmp_path / "anime.animeds")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    (tmp_path / "art").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "art" / "a.png")
    (tmp_path / "art" / "a.png.tags").write_text("character: fate\ngeneral: red hair")
    run = Runner(capsys, monkeypatch)
    outputs = []
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            done = run(*shlex.split(line)[1:])
            assert done.code == 0, (line, done.err)
            outputs.append(done)
            if len(outputs) == 1:
                edit(tmp_path / "out")
    dry, synced, _, again, *_, tags = outputs[1:]
    assert dry.out == synced.out
    whats = sorted(line.split("\t")[1] for line in synced.out.splitlines()[1:])
    assert whats == ["character", "dropped", "tag added", "tag removed"]
    assert again.out == ""
    assert "fate\tcharacter" in tags.out
    assert len(pictures(tmp_path / "again")) == 3
    with animeds_db.open() as dataset:
        assert {row[0] for row in said(dataset)} == {"tag"}  # of the sidecar: the sync was undone
