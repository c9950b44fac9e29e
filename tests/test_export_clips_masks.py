"""Masks of clips: the same cut, crop and size as the clip, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clipping import SIZE, clip, drawn_database, picture
from PIL import Image

from animeds_db.dataset import Dataset
from animeds_db.errors import UsageError
from animeds_db.export import ClipOptions, MaskOptions, rebuild
from animeds_db.media import Video

FRAMES = 5
"""Frames of the clip. The last one has no mask: it gets that of the one before."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dataset, str]]:
    dataset, source, pts = drawn_database(tmp_path_factory.mktemp("drawn"), every=1)
    with dataset:
        for number in range(FRAMES - 1):
            dataset.set_mask(source.frame_ids[number], box_of(number))
        yield dataset, clip(pts, 0, FRAMES - 1)


def box_of(number: int) -> np.ndarray:
    """Return where the box of a frame is: bool [height, width]."""
    shown: np.ndarray = (picture(number)[..., 2] == 20) & (picture(number)[..., 0] == 250)
    return shown


def export(made: tuple[Dataset, str], out: Path, layout: str = "plain", **more: Any) -> tuple[str, ...]:
    dataset, clip_id = made
    options = {"masks": MaskOptions(("character",)), "fps": None, "frames": "any", "captions": False}
    rows = f"SELECT '{clip_id}' AS clip_id, [0, 0.125, 0.875, 0.875] AS crop"
    return dataset.export_clips(rows, out, options=ClipOptions(layouts=(layout,), **(options | more))).notes


def grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_every_frame_of_a_clip_has_its_mask(made: tuple[Dataset, str], tmp_path: Path) -> None:
    notes = export(made, tmp_path / "frames", frame_folders=True)
    assert any("some frames of 1 clip have no mask" in note for note in notes)
    [shown] = (tmp_path / "frames").glob("*.frames")
    wanted = [box_of(number)[8:56, :84] for number in (0, 1, 2, 3, 3)]
    masks = [grey(path) for path in sorted((tmp_path / "frames" / "mask" / shown.name).iterdir())]
    assert [mask.shape for mask in masks] == [(48, 84)] * FRAMES
    assert all(np.array_equal(mask > 127, box) for mask, box in zip(masks, wanted, strict=True))
    export(made, tmp_path / "video", max_size=42)
    [moving] = (tmp_path / "video" / "mask").iterdir()
    with Video(moving) as video, Video(tmp_path / "video" / moving.name) as clip_itself:
        stored = [frame.pixels() for frame in video.frames()]
        for mask, frame, box in zip(stored, clip_itself.frames(), wanted, strict=True):
            pixels = frame.pixels()
            assert mask.shape == pixels.shape == (24, 42, 3)
            share = box.reshape(24, 2, 42, 2).mean(axis=(1, 3))
            assert np.abs(mask / 255 - share[..., None]).max() < 0.3 and (mask == mask[..., :1]).all()
            if box is not wanted[3]:
                assert (pixels[mask[..., 0] > 250][:, 2] < 90).all()  # the yellow box
    assert rebuild(tmp_path / "video", tmp_path / "again").differing == ()


@pytest.mark.parametrize(
    ("layout", "path"), [("diffusion-pipe", "clips.mask/{}.png"), ("onetrainer", "clips/{}-masklabel.png")]
)
def test_trainers_with_one_mask_per_clip_get_all_of_them_together(
    made: tuple[Dataset, str], tmp_path: Path, layout: str, path: str
) -> None:
    export(made, tmp_path / "out", layout, captions=True)
    [video] = (tmp_path / "out" / "clips").glob("*.mp4")
    union = np.any([box_of(number)[8:56, :84] for number in range(FRAMES - 1)], axis=0)
    assert np.array_equal(grey(tmp_path / "out" / path.format(video.stem)) > 127, union)


def test_the_background_of_a_clip_is_painted_and_cannot_be_removed(
    made: tuple[Dataset, str], tmp_path: Path
) -> None:
    export(made, tmp_path / "out", masks=MaskOptions(background="#0000ff"), lossless=True)
    [path] = (tmp_path / "out").glob("*.mp4")
    with Video(path) as video:
        for number, frame in zip((0, 1, 2, 3, 3), video.frames(), strict=True):
            behind = ~box_of(number)[8:56, :84]
            assert (frame.pixels()[behind] == (0, 0, 255)).all()
    assert SIZE == (96, 64)
    with pytest.raises(UsageError, match="A clip has no transparency"):
        ClipOptions(masks=MaskOptions(background="remove"))
