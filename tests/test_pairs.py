"""Pairs of frames of the drawn show, judged by the truth, and their export as pictures with controls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import whoiswho
from control_readers import CONTROL_READERS
from drawntruth import drawn_faces, truth
from PIL import Image

import animeds_db
from animeds_db.captions import CaptionProfile
from animeds_db.dataset import Dataset
from animeds_db.errors import ExportError
from animeds_db.export import ExportOptions, MaskOptions, rebuild
from animeds_db.export.pictures.drawings import FLAT_COLOURS
from animeds_db.sample.truth import Person

UNIFORM = frozenset({"school_uniform", "serafuku", "gakuran"})
TRUTH = "SELECT frame_id, episode, time_s FROM frames"


def worn(person: Person) -> str:
    """Return what somebody wears in truth; every character has one outfit of each kind."""
    return "school" if UNIFORM & set(person.tags) else "free"


@pytest.fixture(scope="module")
def ds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """The show with the true names and outfits of all faces. Do not change it."""
    path = whoiswho.named_show(tmp_path_factory.mktemp("pairs"))
    with animeds_db.open(path) as opened:
        opened.dedup()
        faces = [face for face in drawn_faces(opened) if face.person and face.person.name]
        opened.label_all(
            ("appearance", "set", worn(face.person), face.face_id) for face in faces if face.person
        )
        yield opened


def test_no_pair_shares_a_shot_and_all_share_character_and_outfit(ds: Dataset) -> None:
    rows = ds.sql("SELECT frame_id, control_id, character FROM pairs()").fetchall()
    shown = {frame: (episode, truth().at(episode, time)) for frame, episode, time in ds.sql(TRUTH).fetchall()}
    for frame, control, name in rows:
        (episode, state), (other_episode, other) = shown[frame], shown[control]
        assert (episode, state.shot) != (other_episode, other.shot)
        one, two = (next(p for p in s.people if p.name == name) for s in (state, other))
        assert worn(one) == worn(two), (frame, control)
    assert len(rows) >= 30 and len({name for _, _, name in rows}) >= 3


def test_pairs_of_one_character_in_another_outfit_or_episode(ds: Dataset) -> None:
    asked = (
        "pairs(character := 'Daichi', same := 'character', different := 'appearance', ranked_by := 'pose')"
    )
    rows = ds.sql(f"SELECT character, appearance, control_appearance, likeness FROM {asked}").fetchall()
    assert rows and {name for name, *_ in rows} == {"Daichi"}
    assert all(outfit != other and 0 <= likeness <= 1 for _, outfit, other, likeness in rows)
    rows = ds.sql("SELECT frame_id, control_id FROM pairs(different := 'source')").fetchall()
    assert rows and all(one[:8] != two[:8] for one, two in rows)


def test_trainers_find_the_control_of_every_picture(ds: Dataset, tmp_path: Path) -> None:
    rows = ds.sql("SELECT frame_id, control_id FROM pairs() WHERE place = 1 LIMIT 6").to_arrow_table()
    options = ExportOptions(
        layouts=tuple(CONTROL_READERS), max_size=160, profile=CaptionProfile(activation_tag="waifu")
    )
    ds.export(rows, tmp_path / "out", options=options)
    wanted = dict(zip(rows["frame_id"].to_pylist(), rows["control_id"].to_pylist(), strict=True))
    everyone = [{"frame_id": frame, "filename": frame} for frame in {*wanted, *wanted.values()}]
    ds.export(pa.Table.from_pylist(everyone), tmp_path / "all", options=ExportOptions(max_size=160))
    frames = {path.read_bytes(): path.stem for path in (tmp_path / "all").glob("*.png")}
    for name, read in CONTROL_READERS.items():
        found = read(tmp_path / "out" / name)
        shown = {
            frames[(tmp_path / "out" / name / path).read_bytes()]: [
                frames[(tmp_path / "out" / name / control).read_bytes()] for control in controls
            ]
            for path, controls in found.items()
        }
        assert shown == {frame: [control] for frame, control in wanted.items()}, name
    assert not rebuild(tmp_path / "out", tmp_path / "again").differing


def test_several_controls_of_the_same_frame(ds: Dataset, tmp_path: Path) -> None:
    rows = ds.sql("""SELECT frame_id, [0.2, 0.2, 0.7, 0.9] AS crop, ['frame', 'lines', 'flat', 'grade'] AS control
        FROM kept SEMI JOIN faces USING (frame_id) ORDER BY frame_id LIMIT 2""").to_arrow_table()
    options = ExportOptions(layouts=("musubi", "ai-toolkit"))
    ds.export(rows, tmp_path / "out", options=options)
    for name in options.layouts:
        for path, controls in CONTROL_READERS[name](tmp_path / "out" / name).items():
            opened = [Image.open(tmp_path / "out" / name / one) for one in (path, *controls)]
            picture, frame, lines, flat, grade = (
                np.asarray(one.convert("RGB")).astype(int) for one in opened
            )
            assert frame.shape == (360, 640, 3) and lines.shape == flat.shape == grade.shape == picture.shape
            top, left = round(0.2 * 360), round(0.2 * 640)
            high, wide, _ = picture.shape
            assert (frame[top : top + high, left : left + wide] == picture).all()
            assert lines.min() == 0 and lines.max() > 150 and lines.mean() < 60  # a few white lines on black
            assert len(np.unique(flat.reshape(-1, 3), axis=0)) <= FLAT_COLOURS
            assert np.abs(flat - picture).mean() < 15
            assert np.corrcoef(grade.mean(axis=2).ravel(), picture.mean(axis=2).ravel())[0, 1] > 0.9
            assert np.abs(grade - picture).mean() > 2


def test_a_frame_with_two_controls_in_two_rows_is_two_pictures(ds: Dataset, tmp_path: Path) -> None:
    first, second, third = [
        row[0] for row in ds.sql("SELECT frame_id FROM kept ORDER BY 1 LIMIT 3").fetchall()
    ]
    rows = pa.table({"frame_id": [first, first, first], "control_id": [second, third, third]})
    report = ds.export(rows, tmp_path / "out", options=ExportOptions(layouts=("musubi",), max_size=64))
    assert report.n_pictures == 2
    assert len({tuple(c) for c in CONTROL_READERS["musubi"](tmp_path / "out").values()}) == 2


@pytest.mark.parametrize(
    ("columns", "layout", "message"),
    [
        ("'nothing' AS control_id", "musubi", "The control nothing is not a frame in the database"),
        ("'hat' AS control", "musubi", 'There is no control "hat"'),
        ("3.5 AS control_crop, frame_id AS control_id", "musubi", "The column control_crop is"),
        (
            "frame_id AS control_id, [0.5, 0, 0.2, 1] AS control_crop",
            "musubi",
            "is not a box inside the frame",
        ),
        ("'lines' AS control", "simpletuner", "The layout simpletuner cannot hold the controls of pictures"),
        (
            "['lines', 'flat'] AS control",
            "diffusion-pipe",
            "has 2 controls. The layout diffusion-pipe can hold 1",
        ),
        (
            "'frame' AS control, [0, 0, 0.5, 1] AS crop",
            "kohya-toml",
            "size of their pictures, but 4 of 4",
        ),
        ("'lines' AS control, [0, 0, 1] AS crop", "kohya-toml", "is not a box inside the frame"),
        (
            "CASE WHEN row_number() OVER () > 1 THEN 'flat' END AS control",
            "musubi",
            "1 of 4 pictures have no control",
        ),
    ],
)
def test_controls_that_cannot_be_are_refused(
    ds: Dataset, tmp_path: Path, columns: str, layout: str, message: str
) -> None:
    rows = ds.sql(f"SELECT frame_id, {columns} FROM kept ORDER BY frame_id LIMIT 4").to_arrow_table()
    with pytest.raises(ExportError, match=message):
        ds.export(rows, tmp_path / "out", options=ExportOptions(layouts=(layout,)))


def test_an_unknown_frame_with_a_control_is_named(ds: Dataset, tmp_path: Path) -> None:
    rows = pa.table({"frame_id": ["nothing"], "control": ["lines"]})
    with pytest.raises(ExportError, match="Frame nothing is not in the database"):
        ds.export(rows, tmp_path / "out", options=ExportOptions(layouts=("kohya-toml",)))


def test_masks_and_controls_cannot_share_a_folder_of_sd_scripts(ds: Dataset, tmp_path: Path) -> None:
    rows = ds.sql("SELECT frame_id, 'lines' AS control FROM kept LIMIT 1").to_arrow_table()
    options = ExportOptions(layouts=("kohya-toml",), masks=MaskOptions(out=("border",)))
    with pytest.raises(ExportError, match="kohya-toml cannot hold both masks and controls"):
        ds.export(rows, tmp_path / "out", options=options)


def test_a_picture_whose_control_was_dropped_is_left_out(ds: Dataset, tmp_path: Path) -> None:
    frames = [row[0] for row in ds.sql("SELECT frame_id FROM kept ORDER BY 1 LIMIT 3").fetchall()]
    rows = pa.table({"frame_id": frames[:2], "control_id": frames[1:]})
    act = ds.label("frame", "set", "drop", [frames[2]])
    try:
        options = ExportOptions(layouts=("musubi",), max_size=64)
        report = ds.export(rows, tmp_path / "out", options=options)
        assert report.n_pictures == 1
        assert any("1 picture left out: a person dropped the control" in note for note in report.notes)
        again = ds.export(rows, tmp_path / "all", options=options, include_dropped=True)
        assert again.n_pictures == 2
    finally:
        ds.undo(act.id)
