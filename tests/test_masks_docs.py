"""The page about masks tells the truth, and tiny-mask finds the people of a show that it was not trained on."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import sampleshow
from cli_run import Runner

import animeds_db
from animeds_db.media.masks import Shape, drawn
from animeds_db.models.manifest import load_manifest
from animeds_db.sample.show import show_shapes
from animeds_db.sample.truth import Truth

PAGE = Path(__file__).parents[1] / "docs" / "masks.md"
FOUND = """
SELECT time_s, [m.left, m.top, m.right, m.bottom]::DOUBLE[] AS region, shape
FROM masks AS m JOIN frames USING (frame_id)
WHERE part = 'character' AND detection_id IS NULL AND m.episode = 1 ORDER BY time_s
"""


def test_the_page_about_masks_works_as_written_and_the_masks_are_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANIMEDS_DB", raising=False)
    shutil.copytree(sampleshow.database(), "anime.animeds")
    run = Runner(capsys, monkeypatch)
    [commands], [python], [toml] = (
        re.findall(rf"```{name}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        for name in ("sh", "python", "toml")
    )
    for line in commands.splitlines():
        done = run(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)
    assert "character" in done.out
    Path("models.toml").write_text(toml, "utf-8")
    own = load_manifest(Path("models.toml")).entries
    assert own["my-matting"].input.size == (1024, 1024)
    assert dict(own["my-persons"].output.kinds) == {"person": "character"}
    exec(compile(python, str(PAGE), "exec"), {})
    with animeds_db.open() as ds:
        assert ds.sql("""SELECT count(*) FROM masks WHERE "by" = 'person'""").fetchall() == [(0,)]  # undone
        rows = ds.sql(FOUND).fetchall()
        assert len(rows) == ds.sql("SELECT count(*) FROM frames WHERE episode = 1").fetchall()[0][0]
        shares = overlaps(rows, Truth.load(sampleshow.episodes()))
        assert len(shares) > 10 and np.mean(shares) >= 0.9, shares
        persons, boxes = (
            ds.sql(f"SELECT count(*) FROM {table} WHERE kind = 'person'").fetchall()
            for table in ("masks", "detections")
        )
        assert persons == boxes != [(0,)]
        wrong = run("segment")
        assert wrong.code == 2 and "Give --model NAME or --logos" in wrong.err


def overlaps(rows: list[tuple[float, list[float], bytes | None]], truth: Truth) -> list[float]:
    """Return the IoU of each mask with the people that were drawn, of frames with people."""
    film, shares = truth.episode(1), []
    numbers = [round(time_s * film.fps) for time_s, *_ in rows]
    for (_, region, png), shapes in zip(rows, show_shapes(truth, 1, numbers), strict=True):
        there = (shapes > 127).any(axis=0)
        if there.any():
            left, top, right, bottom = region
            seen = drawn([Shape(left, top, right, bottom, png)], truth.width, truth.height) > 127
            shares.append(float((seen & there).sum() / (seen | there).sum()))
    return shares
