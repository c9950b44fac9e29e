"""Every layout for clips is read by its trainer, as clip_readers.py restates it: each clip whole, and once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from clip_readers import READERS
from clipping import clip, drawn_database

from animeds_db.dataset import Dataset
from animeds_db.errors import ExportError
from animeds_db.export import LAYOUTS, ClipOptions

CONTROLLED = ("plain", "zip", "musubi", "diffusion-pipe", "ai-toolkit")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dataset, list[int]]]:
    dataset, _, pts = drawn_database(tmp_path_factory.mktemp("drawn"))
    with dataset:
        yield dataset, pts


def selection(pts: list[int], *, control: bool = False) -> pa.Table:
    """Four clips of three lengths in two folders, one of which is shown twice."""
    ids = [clip(pts, 0, 30), clip(pts, 36, 70), clip(pts, 40, 83), clip(pts, 12, 40)]
    rows = {"clip_id": ids, "folder": ["emi", "emi", "fate/school", "emi"], "repeats": [1, 1, 3, 1]}
    return pa.table(rows | ({"control_id": ids[::-1]} if control else {}))


def test_each_layout_for_clips_has_a_reader() -> None:
    assert sorted(READERS) == sorted(name for name, layout in LAYOUTS.items() if layout.clips)
    assert all(layout.clips.name == name for name, layout in LAYOUTS.items() if layout.clips)


@pytest.fixture(scope="module")
def exported(made: tuple[Dataset, list[int]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One export with all layouts: the clips are encoded once."""
    out = tmp_path_factory.mktemp("layouts") / "out"
    dataset, pts = made
    options = ClipOptions(layouts=tuple(READERS), max_size=64)
    dataset.export_clips(selection(pts), out, options=options)
    return out


@pytest.mark.parametrize("name", READERS)
def test_a_trainer_reads_every_clip_whole_and_once(exported: Path, name: str) -> None:
    found = READERS[name](exported / name)
    assert sorted(frames for _, _, frames in found.values()) == [17, 17, 21, 29]
    assert all(caption and "1girl" in caption for caption, _, _ in found.values())
    clips = LAYOUTS[name].clips
    assert clips is not None
    repeats = sorted(times for _, times, _ in found.values())
    assert repeats == ([1, 1, 1, 3] if clips.repeats else [1, 1, 1, 1])


def test_controls_and_folders_of_frames_are_named_to_the_trainers_that_read_them(
    made: tuple[Dataset, list[int]], tmp_path: Path
) -> None:
    dataset, pts = made
    rows = selection(pts, control=True)
    options = ClipOptions(layouts=CONTROLLED, max_size=32)
    dataset.export_clips(rows, tmp_path / "out", options=options)
    for name in CONTROLLED:
        assert len(READERS[name](tmp_path / "out" / name)) == 4
    with pytest.raises(ExportError, match="simpletuner cannot hold the controls"):
        dataset.export_clips(rows, tmp_path / "other", options=ClipOptions(layouts=("simpletuner",)))
    with pytest.raises(ExportError, match="1 of 4 clips have no control"):
        some = rows.set_column(3, "control_id", pa.array([*rows["control_id"].to_pylist()[:3], None]))
        dataset.export_clips(some, tmp_path / "other", options=options)
    folders = ClipOptions(layouts=("musubi",), frame_folders=True, image_format="jpg", max_size=32)
    dataset.export_clips(selection(pts), tmp_path / "frames", options=folders)
    assert {Path(path).suffix for path in READERS["musubi"](tmp_path / "frames")} == {".frames"}
