"""Blank frames and borders: bars of any colour are found to the pixel, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import drawn, luma, subtitled
from PIL import Image, ImageDraw

from animeds_ingest.measures.borders import Borders, find_borders
from animeds_ingest.measures.frame import (
    is_blank,
)


@pytest.mark.parametrize("colour", ["black", "white", (30, 90, 200)])
def test_a_frame_of_one_colour_is_blank_even_with_noise(colour: str) -> None:
    picture = np.asarray(Image.new("RGB", (256, 144), colour)).astype(int)
    picture = picture + np.random.default_rng(0).integers(-4, 5, picture.shape)
    assert is_blank(np.clip(picture, 0, 255).astype(np.uint8))


def test_a_word_on_black_or_a_soft_gradient_is_not_blank() -> None:
    title = subtitled(Image.new("RGB", (256, 144)), "The End", size=14)
    assert not is_blank(np.asarray(title))
    gradient = np.repeat(np.linspace(20, 60, 144).astype(np.uint8)[:, None, None], 256, axis=1).repeat(
        3, axis=2
    )
    assert not is_blank(gradient)


def test_colours_of_one_brightness_are_not_blank() -> None:
    picture = np.full((100, 100, 3), (200, 60, 60), np.uint8)
    picture[:, 50:] = (40, 128, 60)
    assert not is_blank(picture)


def framed(
    picture: np.ndarray,
    left: int = 0,
    top: int = 0,
    right: int = 0,
    bottom: int = 0,
    colour: int = 0,
    noise: int = 0,
) -> np.ndarray:
    """Paint bars over the edges of a picture."""
    height, width = picture.shape
    out = np.full_like(picture, colour)
    out[top : height - bottom, left : width - right] = picture[top : height - bottom, left : width - right]
    if noise:
        out = np.clip(out + np.random.default_rng(1).integers(-noise, noise + 1, out.shape), 0, 255).astype(
            np.uint8
        )
    return out


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1000),
    st.integers(8, 60),
    st.integers(0, 90),
    st.sampled_from([0, 16, 128, 255]),
    st.integers(0, 3),
)
def test_bars_of_any_colour_are_found_to_the_pixel(
    seed: int, rows: int, columns: int, colour: int, noise: int
) -> None:
    columns = 0 if columns < 8 else columns
    inside = np.random.default_rng(seed).integers(0, 256, (360, 640)).astype(np.uint8)
    boxed = framed(inside, columns, rows, columns, rows, colour, noise)
    found = find_borders(boxed)
    assert (found.top * 360, found.bottom * 360) == pytest.approx((rows, rows))
    assert (found.left * 640, found.right * 640) == pytest.approx((columns, columns))


@pytest.mark.parametrize("seed", range(8))
def test_letterbox_and_pillarbox_of_drawn_pictures_are_found(seed: int) -> None:
    wide = find_borders(framed(luma(drawn(seed)), top=44, bottom=44))
    assert (wide.top, wide.bottom, wide.left, wide.right) == pytest.approx((44 / 360, 44 / 360, 0, 0))
    narrow = find_borders(framed(luma(drawn(seed)), left=80, right=80))
    assert (narrow.left, narrow.right, narrow.top, narrow.bottom) == pytest.approx((0.125, 0.125, 0, 0))


@pytest.mark.parametrize("seed", range(20))
def test_a_full_picture_has_no_border(seed: int) -> None:
    assert find_borders(luma(drawn(seed))) == Borders()


def test_a_dark_scene_has_no_border() -> None:
    night = (np.asarray(drawn(3).convert("L")).astype(int) // 12).astype(np.uint8)
    night[:140] = 2  # a black sky
    assert find_borders(night) == Borders()
    night[300:] = 3  # and black ground
    assert find_borders(night) == Borders()


def test_a_black_frame_and_a_title_on_black_have_no_border() -> None:
    assert find_borders(np.zeros((360, 640), np.uint8)) == Borders()
    title = subtitled(Image.new("RGB", (640, 360)), "Episode 7\nThe Harbour", size=40, top=True)
    centred = np.roll(luma(title), 120, axis=0)
    assert find_borders(centred) == Borders()


def test_a_figure_on_white_paper_has_no_border() -> None:
    page = Image.new("L", (400, 600), 255)
    ImageDraw.Draw(page).ellipse((110, 80, 290, 520), fill=120, outline=0, width=4)
    assert find_borders(np.asarray(page)) == Borders()


def test_subtitles_in_a_bar_do_not_hide_the_other_bar() -> None:
    boxed = Image.fromarray(framed(luma(drawn(4)), top=44, bottom=44)).convert("RGB")
    found = find_borders(luma(subtitled(boxed, "I never said that you could go.", size=17)))
    assert (found.top, found.bottom) == pytest.approx((44 / 360, 44 / 360))


def test_a_black_sky_behind_a_bar_does_not_widen_it() -> None:
    sky = luma(drawn(5)).copy()
    sky[:150] = 1
    found = find_borders(framed(sky, top=44, bottom=44))
    assert (found.top, found.bottom) == pytest.approx((44 / 360, 44 / 360))


def test_a_large_centred_title_is_not_framed_by_its_black() -> None:
    title = subtitled(Image.new("RGB", (640, 360)), "The Harbour of Stars", size=52, top=True)
    assert find_borders(luma(title)) == Borders()


def test_a_dark_scene_between_bars_keeps_the_bars_width() -> None:
    night = (luma(drawn(5)).astype(int) // 3 + 12).astype(np.uint8)
    found = find_borders(framed(night, top=44, bottom=44))
    assert (found.top, found.bottom) == pytest.approx((44 / 360, 44 / 360))


def test_what_is_inside_the_borders_is_cut_out() -> None:
    picture = np.arange(200).reshape(10, 20)
    assert (Borders(0.1, 0.2, 0.25, 0.1).inside(picture) == picture[2:9, 2:15]).all()
    assert Borders().inside(picture).shape == (10, 20)
