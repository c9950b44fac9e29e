"""The benchmark of graphics cards runs to its end on any machine; without a card, its rows say so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import gpu
import pytest
from sampleshow import episodes

from animeds_db.media import choose_hardware
from animeds_db.models.runtime import choose_device


def cells(section: str) -> list[list[str]]:
    """Return the cells of the table in a section, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.source_tree
def test_it_measures_the_processor_and_says_what_no_card_can_measure(tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir()
    shutil.copy(next(episodes().glob("*.mkv")), tmp_path / "drawn")
    head, decoding, models = gpu.run(tmp_path, gpu.QUICK)
    assert choose_device("auto").reason in head
    frames = cells(decoding)
    assert [row[:3] for row in frames[:4]] == [
        ["x264 yuv420p 320x192", what, by]
        for what in ("all frames", "key frames")
        for by in ("processor", "card")
    ]
    assert all(row[3][0] in "123456789" and not row[5] for row in frames if row[2] == "processor")
    if choose_hardware("auto").device is None:
        assert {row[5] for row in frames if row[2] == "card"} == {"not measured: no card"}
    rates = cells(models)
    stand_ins = ["wd-swinv2-v3", "face-v1.4-s", "ccip-caformer-24", "clip-vit-b32"]
    assert [row[0] for row in rates if row[1] == "cpu"] == stand_ins
    for row in rates:
        assert all(re.fullmatch(r"[\d,]+\.\d( \(memory for \d+\))?", cell) for cell in row[4:6])


@pytest.mark.source_tree
def test_nothing_more_is_measured_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "LIMIT_S", -1)
    (tmp_path / "drawn").mkdir()
    shutil.copy(next(episodes().glob("*.mkv")), tmp_path / "drawn")
    _, decoding, models = gpu.run(tmp_path, gpu.QUICK)
    assert {row[5] for row in cells(decoding) if row[2] == "processor"} == {"not measured: no time"}
    assert {cell for row in cells(models) for cell in row[4:6]} == {"no time"}
