"""What is measured on a frame, checked on pictures whose measures are known."""

from __future__ import annotations

import io
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import MATERIAL, drawn, frame_of, luma
from PIL import Image, ImageFilter
from videos import write_video

from animeds_db import schema
from animeds_db.media import Video, VideoFrame
from animeds_ingest.measures.frame import (
    Measures,
    brightness_and_contrast,
    measure,
    saturation_of,
    sharpness_of,
    thumbnail,
)
from animeds_ingest.measures.phash import distance, phash
from animeds_ingest.measures.shots import Signature, scene_frames
from animeds_ingest.measures.views import grey, small

# All together


def test_measures_are_columns_of_the_frames_table() -> None:
    names = set(schema.frames(8).schema.names)
    assert {field.name for field in fields(Measures)} <= names


def test_text_hash_sharpness_light_and_shots_share_two_reductions_of_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = next(Video(write_video(tmp_path / "a.mkv", size=(640, 384), count=2)).frames())
    reduced: list[tuple[str, tuple[int, int]]] = []
    resize, scaled = Image.Image.resize, VideoFrame.scaled

    def resized(self: Image.Image, size: tuple[int, int], *how: object, **more: object) -> Image.Image:
        if self.size == (640, 384):
            reduced.append(("grey", size))
        return resize(self, size, *how, **more)  # type: ignore[arg-type]

    def small_of(self: VideoFrame, width: int, height: int) -> np.ndarray:
        reduced.append(("colours", (width, height)))
        return scaled(self, width, height)

    monkeypatch.setattr(Image.Image, "resize", resized)
    monkeypatch.setattr(VideoFrame, "scaled", small_of)
    list(scene_frames(iter([frame])))
    measure(frame)
    thumbnail(frame)
    Signature.of(frame)
    assert sorted(reduced) == [("colours", (256, 154)), ("grey", (600, 360))]


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


@pytest.mark.skipif(not MATERIAL.exists(), reason="the real pictures are not here")
@pytest.mark.parametrize("name", ["real_1face.jpg", "real_7faces.jpg", "real_9faces.jpg"])
def test_illustrations_are_neither_blank_nor_framed_nor_subtitled(tmp_path: Path, name: str) -> None:
    m = measure(frame_of(tmp_path, Image.open(MATERIAL / name)))
    assert not m.is_blank and m.text_upper < 0.02 and m.text_lower < 0.02 and m.sharpness > 100
