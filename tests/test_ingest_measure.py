"""What is measured on a frame, checked on pictures whose measures are known."""

from __future__ import annotations

import io
import os
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from videos import write_video

from animeds_db import schema
from animeds_db.media import Frame, Pictures, Video
from animeds_ingest.borders import Borders, find_borders
from animeds_ingest.burned_text import text_share, text_shares
from animeds_ingest.measure import (
    Measures,
    brightness_and_contrast,
    is_blank,
    measure,
    saturation_of,
    sharpness_of,
    thumbnail,
)
from animeds_ingest.phash import distance, phash
from animeds_ingest.views import grey, small

MATERIAL = Path(os.environ.get("ANIMEDS_TEST_MATERIAL", Path(__file__).parents[2] / "shared" / "data"))


def drawn(seed: int = 1, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """A picture with flat colours and dark outlines, as cel animation has them, at any size the same."""
    rng = np.random.default_rng(seed)
    scale = size[1] / 360
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(90, 200, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(30, 190, 2) * scale
        fill = tuple(int(v) for v in rng.integers(40, 256, 3))
        shape = pen.ellipse if rng.random() < 0.6 else pen.rectangle
        shape(
            (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
            fill=fill,
            outline=(20, 15, 25),
            width=max(1, round(3 * scale)),
        )
    return image


def luma(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def frame_of(folder: Path, image: Image.Image) -> Frame:
    image.convert("RGB").save(folder / "picture.bmp")
    with Pictures(folder) as pictures:
        return next(pictures.frames())


def subtitled(
    image: Image.Image, text: str, *, fill: int = 255, size: int = 19, top: bool = False
) -> Image.Image:
    """Lay outlined text over a picture, as a player burns subtitles in."""
    image = image.copy()
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    left, upper, right, lower = pen.multiline_textbbox((0, 0), text, font=font, stroke_width=2)
    place = ((image.width - right + left) // 2, 12 if top else image.height - int(lower - upper) - 22)
    pen.multiline_text(
        place, text, font=font, fill=(fill,) * 3, stroke_width=2, stroke_fill=(0, 0, 0), align="center"
    )
    return image


# All together


def test_measures_are_columns_of_the_frames_table() -> None:
    names = set(schema.frames(8).schema.names)
    assert {field.name for field in fields(Measures)} <= names


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
def test_video_measures_as_the_pictures_it_was_made_of(tmp_path: Path, pix_fmt: str) -> None:
    image = drawn(size=(320, 180))
    path = write_video(tmp_path / "a.mkv", pictures=[np.asarray(image)], pix_fmt=pix_fmt, lossless=True)
    of_video = measure(next(Video(path).keyframes()))
    of_picture = measure(frame_of(tmp_path, image))
    assert distance(of_video.phash, of_picture.phash) <= 3
    assert of_video.brightness == pytest.approx(of_picture.brightness, abs=0.01)
    assert of_video.contrast == pytest.approx(of_picture.contrast, abs=0.01)
    assert of_video.saturation == pytest.approx(of_picture.saturation, abs=0.03)
    assert of_video.sharpness == pytest.approx(of_picture.sharpness, rel=0.1)
    assert not of_video.is_blank and of_video.border_top == 0


def test_measuring_twice_gives_the_same_numbers(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", count=4, gop=2)
    assert [measure(f) for f in Video(path).keyframes()] == [measure(f) for f in Video(path).keyframes()]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_can_be_measured(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    frame = frame_of(tmp_path_factory.mktemp("any"), Image.fromarray(noise))
    m = measure(frame)
    assert -(2**63) <= m.phash < 2**63
    assert m.sharpness >= 0 and 0 <= m.brightness <= 1 and 0 <= m.contrast <= 0.5 and 0 <= m.saturation <= 1
    assert m.border_left + m.border_right < 1 and m.border_top + m.border_bottom < 1
    assert 0 <= m.text_upper <= 1 and 0 <= m.text_lower <= 1
    assert Image.open(io.BytesIO(thumbnail(frame))).size == (width, height)


def test_all_measures_of_a_turned_and_stretched_video_are_of_what_is_shown(tmp_path: Path) -> None:
    boxed = np.zeros((180, 320, 3), np.uint8)
    boxed[30:150] = np.asarray(drawn(size=(320, 120)))
    path = write_video(tmp_path / "a.mp4", pictures=[boxed], rotation=90, sar=Fraction(4, 3), lossless=True)
    frame = next(Video(path).keyframes())
    m = measure(frame)
    assert (m.border_left, m.border_right) == pytest.approx((30 / 180, 30 / 180), abs=0.01)
    assert (m.border_top, m.border_bottom) == (0, 0)
    assert grey(frame).shape == (round(360 * frame.height / frame.width), 360)
    assert small(frame).shape[0] == 256


# The two small pictures


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1920, 1080), (360, 640)), ((640, 480), (360, 480)), ((160, 96), (360, 600)), ((3, 900), (1440, 5))],
)
def test_the_grey_picture_has_one_size_whatever_the_frames(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert grey(frame_of(tmp_path, Image.new("RGB", size, "grey"))).shape == expected


def test_limited_and_full_range_give_the_same_grey(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(0, 256, dtype=np.uint8)[None, :, None], 144, axis=0).repeat(3, axis=2)
    pictures = []
    for name, full in (("limited.mkv", False), ("full.mkv", True)):
        path = write_video(
            tmp_path / name, pictures=[ramp], full_range=full, lossless=True, pix_fmt="yuv444p"
        )
        pictures.append(grey(next(Video(path).keyframes())).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 2
    assert pictures[0].min() <= 1 and pictures[0].max() >= 254


def test_a_thumbnail_is_webp_with_a_longer_edge_of_256(tmp_path: Path) -> None:
    data = thumbnail(frame_of(tmp_path, drawn(size=(640, 360))))
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("WEBP", (256, 144))
    wanted = np.asarray(drawn(size=(640, 360)).resize((256, 144), Image.Resampling.BOX), int)
    assert np.abs(np.asarray(image.convert("RGB"), int) - wanted).mean() < 6


# Perceptual hash


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.25, 0.4, 0.75, 1.5]), st.sampled_from([30, 60, 90]))
def test_the_hash_survives_another_size_and_jpeg(seed: int, scale: float, quality: int) -> None:
    image = drawn(seed)
    file = io.BytesIO()
    image.resize((int(640 * scale), int(360 * scale)), Image.Resampling.BICUBIC).save(
        file, "JPEG", quality=quality
    )
    assert distance(phash(luma(image)), phash(luma(Image.open(file)))) <= 8


def test_hashes_of_other_pictures_are_far_apart() -> None:
    hashes = [phash(luma(drawn(seed))) for seed in range(40)]
    distances = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 10
    assert 28 < float(np.mean(distances)) < 36


def test_the_hash_fills_a_signed_64_bit_column() -> None:
    hashes = [phash(luma(drawn(seed))) for seed in range(20)]
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert distance(-1, 0) == 64 and distance(-(2**63), 0) == 1 and distance(5, 5) == 0


def test_the_hash_is_the_one_of_the_published_formula() -> None:
    square = np.random.default_rng(2).integers(0, 256, (32, 32), np.uint8)
    n = np.arange(32)
    basis = np.cos(np.pi / 32 * np.outer(np.arange(8), n + 0.5))
    waves = basis @ square.astype(float) @ basis.T
    bits = (waves > np.median(waves)).ravel()
    assert phash(square) & 0xFFFF_FFFF_FFFF_FFFF == int("".join(str(int(b)) for b in bits), 2)


# Sharpness, brightness, contrast, saturation


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (30, 40), np.uint8)
    p = picture.astype(float)
    laplacian = p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1] - 4 * p[1:-1, 1:-1]
    assert sharpness_of(picture) == pytest.approx(laplacian.var())


def test_the_blurrier_the_picture_the_lower_its_sharpness() -> None:
    image = drawn()
    values = [sharpness_of(luma(image.filter(ImageFilter.GaussianBlur(radius)))) for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 5 * values[1]


def test_sharpness_compares_between_resolutions(tmp_path: Path) -> None:
    values = []
    for height in (480, 720, 1080):
        full = drawn(size=(1920, 1080)).resize((height * 16 // 9, height), Image.Resampling.BOX)
        values.append(measure(frame_of(tmp_path, full)).sharpness)
    assert max(values) < 1.35 * min(values)
    enlarged = drawn(size=(320, 180)).resize((1920, 1080), Image.Resampling.BICUBIC)
    assert measure(frame_of(tmp_path, enlarged)).sharpness < 0.6 * min(values)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_brightness_contrast_and_saturation_are_what_numpy_says(seed: int, height: int, width: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    grey_picture = picture[:, :, 0]
    brightness, contrast = brightness_and_contrast(grey_picture)
    assert brightness == pytest.approx(grey_picture.mean() / 255)
    assert contrast == pytest.approx(grey_picture.std() / 255, abs=1e-6)
    most, least = picture.max(axis=2).astype(float), picture.min(axis=2)
    shares = np.where(most >= 8, (most - least) / np.maximum(most, 1), 0)
    assert saturation_of(picture) == pytest.approx(shares.mean())


def test_grey_has_no_saturation_and_pure_red_all_of_it() -> None:
    assert saturation_of(np.full((9, 9, 3), 120, np.uint8)) == 0
    assert saturation_of(np.tile(np.array([255, 0, 0], np.uint8), (9, 9, 1))) == 1
    assert saturation_of(np.tile(np.array([3, 0, 0], np.uint8), (9, 9, 1))) == 0  # noise in the dark


def test_bars_do_not_darken_the_picture_they_frame(tmp_path: Path) -> None:
    picture = drawn(size=(640, 270))
    boxed = Image.new("RGB", (640, 360))
    boxed.paste(picture, (0, 45))
    inside, outside = measure(frame_of(tmp_path, boxed)), brightness_and_contrast(luma(boxed))
    alone = brightness_and_contrast(luma(picture))
    assert inside.brightness == pytest.approx(alone[0], abs=0.01)
    assert inside.contrast == pytest.approx(alone[1], abs=0.01)
    assert outside[0] < 0.8 * alone[0]


# Blank frames


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


# Borders


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


# Burned-in text

LINES = (
    "I never said that you could go.",
    "Wait, where are you going\nin the middle of the night?",
    "The meeting starts tomorrow at nine.",
    "Good morning, everyone!",
)


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("fill", [255, 225])
def test_subtitles_are_found_in_the_band_they_are_in(text: str, fill: int) -> None:
    for seed in range(6):
        upper, lower = text_shares(luma(subtitled(drawn(seed), text, fill=fill)))
        assert upper == 0 and 0.01 < lower < 0.4
        upper, lower = text_shares(luma(subtitled(drawn(seed), text, fill=fill, top=True)))
        assert lower == 0 and 0.01 < upper < 0.4


@pytest.mark.parametrize("size", [15, 18, 22])
def test_more_text_covers_more(size: int) -> None:
    shares = [
        text_shares(luma(subtitled(drawn(7), "Good morning, everyone!" + more, size=size)))[1]
        for more in ("", "\nDid you sleep well last night?")
    ]
    assert 0 < shares[0] < shares[1]


def test_pictures_without_text_have_none() -> None:
    shares = [text_shares(luma(drawn(seed))) for seed in range(60)]
    assert sum(upper > 0 or lower > 0 for upper, lower in shares) == 0


def test_stripes_noise_and_bright_lines_are_no_text() -> None:
    y, x = np.mgrid[0:360, 0:640]
    fence = np.where(x % 24 < 12, 250, 30).astype(np.uint8)
    lines = np.where(y % 20 < 3, 250, 30).astype(np.uint8)
    windows = np.where((x % 40 < 18) & (y % 40 < 24), 240, 40).astype(np.uint8)
    rain = np.where((x + 3 * y) % 97 < 2, 220, 60).astype(np.uint8)
    for picture in (fence, lines, windows, rain, np.full((360, 640), 255, np.uint8)):
        assert text_shares(picture) == (0, 0)


@given(st.integers(0, 20), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_a_band_of_any_size_has_a_share(height: int, width: int, seed: int) -> None:
    band = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    assert 0 <= text_share(band) <= 1


@pytest.mark.skipif(not (MATERIAL / "real_clip.mp4").exists(), reason="the real clip is not here")
def test_in_the_real_clip_just_the_frames_with_subtitles_have_text() -> None:
    with Video(MATERIAL / "real_clip.mp4") as video:
        frames = [
            frame for i, frame in enumerate(video.frames()) if i in (0, 60, 84, 96, 105, 120, 160, 172, 180)
        ]
    found = [text_shares(grey(frame)) for frame in frames]
    assert [lower > 0.03 for _, lower in found] == [True, True, True, False, False, True, True, False, False]
    assert all(upper == 0 for upper, _ in found)


@pytest.mark.skipif(not MATERIAL.exists(), reason="the real pictures are not here")
@pytest.mark.parametrize("name", ["real_1face.jpg", "real_7faces.jpg", "real_9faces.jpg"])
def test_illustrations_are_neither_blank_nor_framed_nor_subtitled(tmp_path: Path, name: str) -> None:
    m = measure(frame_of(tmp_path, Image.open(MATERIAL / name)))
    assert not m.is_blank and m.text_upper < 0.02 and m.text_lower < 0.02 and m.sharpness > 100
