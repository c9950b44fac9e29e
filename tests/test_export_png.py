"""PNG files of an export: the pixels come back, in files that are small and the same every time."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from animeds_db.export.pictures.png import png

SHAPES = st.one_of(
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4])),
)


def read(content: bytes) -> npt.NDArray[Any]:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG" and not image.info
        return np.asarray(image)


@settings(deadline=None)
@given(hnp.arrays(np.uint8, SHAPES))
def test_pixels_come_back(pixels: npt.NDArray[np.uint8]) -> None:
    assert np.array_equal(read(png(pixels)), pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_ffmpeg_reads_the_same_pixels_and_finds_no_damage(channels: int) -> None:
    shape = (33, 71) if channels == 1 else (33, 71, channels)
    pixels = np.random.default_rng(channels).integers(0, 256, shape, np.uint8)
    with av.open(io.BytesIO(png(pixels)), "r", options={"err_detect": "crccheck+explode"}) as container:
        (frame,) = container.decode(video=0)
    assert np.array_equal(frame.to_ndarray(), pixels)


def test_the_same_pixels_are_the_same_bytes_in_any_layout_of_memory() -> None:
    pixels = np.random.default_rng(7).integers(0, 9, (50, 60, 3), np.uint8)
    mirrored = np.asfortranarray(pixels)
    assert png(pixels) == png(pixels.copy()) == png(mirrored)
    assert np.array_equal(read(png(pixels[5:20, 7:30])), pixels[5:20, 7:30])


def test_a_smooth_picture_with_noise_takes_no_more_room_than_with_pillow() -> None:
    down, right = np.mgrid[0:400, 0:600]
    smooth = np.stack([down // 2, right // 3, (down + right) // 4], axis=-1)
    noise = np.random.default_rng(1).integers(-3, 4, smooth.shape)
    pixels = (smooth + noise).clip(0, 255).astype(np.uint8)
    other = io.BytesIO()
    Image.fromarray(pixels).save(other, "PNG", compress_level=1)
    assert len(png(pixels)) <= 1.02 * len(other.getvalue())
