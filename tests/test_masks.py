"""Shapes of masks, and masks that people draw."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tables import add_source, frames, new_store, rows

import animeds_db
from animeds_db.errors import QueryError, UsageError
from animeds_db.media.masks import Shape, as_png, drawn, read_png, shape_of

RNG = np.random.default_rng(3)


def disc(height: int, width: int, x: float, y: float, radius: float) -> np.ndarray:
    """Return a disc with soft edges: float [height, width], 0…1; x, y and radius in widths and heights."""
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    far = np.hypot((across[None] - x) * width, (down[:, None] - y) * height)
    return np.clip(radius * height - far + 0.5, 0, 1)


@pytest.mark.parametrize("size", [(180, 320), (1080, 1920), (401, 299)])
def test_a_shape_is_drawn_in_any_size_where_it_was(size: tuple[int, int]) -> None:
    shape = shape_of(disc(360, 640, 0.3, 0.6, 0.25))
    seen = drawn([shape], size[1], size[0])
    across, down = (np.arange(size[1]) + 0.5) / size[1], (np.arange(size[0]) + 0.5) / size[0]
    wanted = np.hypot((across[None] - 0.3) * 640, (down[:, None] - 0.6) * 360) < 0.25 * 360
    assert ((seen > 127) & wanted).sum() / ((seen > 127) | wanted).sum() > 0.985
    middle = np.argwhere(seen > 127).mean(axis=0) + 0.5
    assert np.abs(middle / size - (0.6, 0.3)).max() < 0.002
    assert shape.coverage == pytest.approx(np.pi * (0.25 * 360) ** 2 / (640 * 360), rel=0.01)


def test_a_shape_in_its_own_size_is_exact_and_small() -> None:
    values = disc(288, 512, 0.5, 0.5, 0.4)
    shape = shape_of(values)
    seen = drawn([shape], 512, 288).astype(int)
    assert np.abs(seen - values * 255).max() < 8  # what is faint counts as nothing
    assert shape.png is not None and len(shape.png) < 4000
    assert shape_of(np.round(values * 255).astype(np.uint8)) == shape


def test_a_mask_that_reaches_the_edge_of_the_frame_stays_white_there() -> None:
    values = np.zeros((40, 60), np.uint8)
    values[20:, 10:30] = 255
    values[39, 40] = 255
    seen = drawn([shape_of(values)], 600, 400)
    assert (seen[398:, 110:290] == 255).all() and not seen[:190].any()


def test_rectangles_and_empty_masks_have_no_picture() -> None:
    half = shape_of(np.ones((10, 10), np.bool_), (0.25, 0.0, 0.75, 0.5))
    assert half == Shape(0.25, 0.0, 0.75, 0.5, None) and half.coverage == 0.25
    seen = drawn([half], 6, 4)  # its edges lie in the middle of pixels
    assert seen[:2].tolist() == [[0, 128, 255, 255, 128, 0]] * 2 and not seen[2:].any()
    nothing = shape_of(np.zeros((10, 10)))
    assert nothing.png is None and nothing.coverage == 0 and not drawn([nothing], 8, 8).any()


def test_several_shapes_are_one_mask() -> None:
    values = RNG.integers(0, 256, (16, 16)).astype(np.uint8)
    other = RNG.integers(0, 256, (16, 16)).astype(np.uint8)
    both = drawn([shape_of(values), shape_of(other)], 16, 16)
    assert np.abs(both.astype(int) - np.maximum(values, other)).max() < 8  # what is faint counts as nothing


def test_what_is_not_a_mask_is_refused() -> None:
    for wrong in (
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((0, 4)),
        np.zeros((2, 2), np.int64),
        np.full((2, 2), np.nan),
    ):
        with pytest.raises(UsageError, match="mask has"):
            shape_of(wrong)
    with pytest.raises(UsageError, match="not a PNG"):
        read_png(b"GIF89a")
    transparent = io.BytesIO()
    Image.new("RGBA", (2, 2), (255, 255, 255, 0)).save(transparent, "PNG")
    assert not read_png(transparent.getvalue()).any()


def test_a_png_with_16_bits_keeps_its_greys() -> None:
    deep = io.BytesIO()
    Image.fromarray(np.array([[0, 300, 32768, 65535]], np.uint16)).save(deep, "PNG")
    assert read_png(deep.getvalue()).tolist() == [[0, 1, 128, 255]]


def test_a_drawn_mask_wins_is_undone_and_removed(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    frame = "aaaaaaaa-000000000"
    person = {"detection_id": f"{frame}-p0", "frame_id": frame, "source_id": "aaaaaaaa", "kind": "person"}
    edges = {"left": 0.5, "top": 0.0, "right": 1.0, "bottom": 0.5}
    store.upsert("detections", rows(store, "detections", person | edges))
    of_model = {
        "mask_id": f"{frame}-p0@m@1",
        "detection_id": f"{frame}-p0",
        "frame_id": frame,
        "part": "character",
    }
    store.upsert("masks", rows(store, "masks", of_model | edges | {"source_id": "aaaaaaaa", "model": "m@1"}))
    store.upsert("models", rows(store, "models", {"model_id": "m@1"}))
    sql = 'SELECT detection_id, "by", round(coverage, 3), shape FROM masks'
    with animeds_db.open(store.uri) as dataset:
        [before] = dataset.sql(sql).fetchall()
        assert before[1] == "model"
        dataset.set_mask(f"{frame}-p0", np.tri(64, dtype=np.bool_))
        [(box, by, coverage, shape)] = dataset.sql(sql).fetchall()
        assert (box, by, coverage) == (f"{frame}-p0", "person", pytest.approx(0.25 * 65 / 128, abs=0.001))
        assert np.array_equal(read_png(shape), np.tri(64) * 255)
        assert dataset.history().fetchall()[0][3] == "mask of character drawn by hand"
        dataset.undo()
        assert dataset.sql(sql).fetchall() == [before]
        dataset.set_mask(frame, as_png(np.zeros((9, 16))), part="character")  # nobody is in this frame
        [(box, by, coverage, _)] = dataset.sql(sql).fetchall()
        assert (box, by, coverage) == (None, "person", 0)
        dataset.remove_mask(frame)
        assert dataset.sql(sql).fetchall() == [before]
        with pytest.raises(UsageError, match="Nobody has drawn a mask of character"):
            dataset.remove_mask(frame)
        with pytest.raises(QueryError, match="There is no frame aaaaaaaa-9"):
            dataset.set_mask("aaaaaaaa-9", np.zeros((2, 2)))
