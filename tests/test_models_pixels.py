"""Each model's input equals a reference written from the published facts, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_files import picture
from PIL import Image

from animeds_db.models.manifest import Input, load_manifest
from animeds_db.models.runners import pixels
from animeds_db.models.runners.crops import head_crop, head_square
from animeds_db.models.runners.detector import Box

CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711])


SHAPES = [(640, 360), (300, 500), (448, 448), (97, 31)]


def tensor(name: str, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return pixels.prepare([image], load_manifest().entry(name).input, size)


@pytest.mark.parametrize("shape", SHAPES)
def test_wd_taggers_get_a_white_square_in_bgr_of_0_to_255(shape: tuple[int, int]) -> None:
    image = picture(*shape)
    side = max(shape)
    square = Image.new("RGB", (side, side), (255, 255, 255))
    square.paste(Image.fromarray(image), ((side - shape[0]) // 2, (side - shape[1]) // 2))
    if side != 448:
        square = square.resize((448, 448), Image.Resampling.BICUBIC)
    wanted = np.asarray(square, dtype=np.float32)[:, :, ::-1][None]
    got = tensor("wd-swinv2-v3", image, (448, 448))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(wanted, got)


@pytest.mark.parametrize("shape", SHAPES)
def test_detectors_get_the_stretched_picture_in_rgb_of_0_to_1(shape: tuple[int, int]) -> None:
    image = picture(*shape)
    stretched = Image.fromarray(image).resize((640, 640))  # Pillow's default for RGB is bicubic
    wanted = (np.asarray(stretched, np.float32) / 255).transpose(2, 0, 1)[None]
    np.testing.assert_array_equal(wanted, tensor("face-v1.4-s", image, (640, 640)))


@pytest.mark.parametrize(
    ("shape", "fed"),
    [
        ((1920, 1080), (384, 640)),
        ((640, 360), (384, 640)),
        ((200, 100), (128, 224)),
        ((500, 1000), (640, 320)),
    ],
)
def test_aspect_keeping_detectors_shrink_but_never_grow_and_round_up_to_32(
    shape: tuple[int, int], fed: tuple[int, int]
) -> None:
    image = picture(*shape)
    how = load_manifest().entry("face-v1.4-s-keep").input
    assert fed == pixels.fitted_size(*shape, how, (640, 640))
    resized = Image.fromarray(image).resize((fed[1], fed[0]))
    wanted = (np.asarray(resized, np.float32) / 255).transpose(2, 0, 1)[None]
    np.testing.assert_array_equal(wanted, tensor("face-v1.4-s-keep", image, (640, 640)))


def test_ccip_gets_a_bilinear_384_square_with_clip_statistics() -> None:
    image = picture(233, 233)
    data = np.asarray(Image.fromarray(image).resize((384, 384), resample=Image.Resampling.BILINEAR))
    wanted = ((data.astype(np.float64) / 255 - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(wanted, tensor("ccip-caformer-24", image, (384, 384)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "resized"), [((640, 360), (398, 224)), ((333, 500), (224, 336)), ((224, 224), (224, 224))]
)
def test_clip_gets_the_centre_of_the_bicubic_224_picture(
    shape: tuple[int, int], resized: tuple[int, int]
) -> None:
    image = picture(*shape)
    small = np.asarray(Image.fromarray(image).resize(resized, Image.Resampling.BICUBIC))
    top, left = (resized[1] - 224) // 2, (resized[0] - 224) // 2
    centre = small[top : top + 224, left : left + 224]
    wanted = ((centre.astype(np.float64) / 255 - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(wanted, tensor("clip-vit-b32", image, (224, 224)), rtol=0, atol=1e-6)


def test_deepdanbooru_gets_the_picture_on_black_in_rgb_of_0_to_1() -> None:
    image = picture(640, 359)
    scale = 512.0 / 640
    width, height = int(640 * scale), int(359 * scale)
    data = np.asarray(Image.fromarray(image).resize((width, height))).astype(np.float32) / 255
    above = (512 - height) // 2
    wanted = np.pad(data, ((above, 512 - height - above), (0, 512 - width), (0, 0)))[None]
    np.testing.assert_array_equal(wanted, tensor("deepdanbooru", image, (512, 512)))


def test_the_aesthetic_classifier_gets_minus_1_to_1() -> None:
    image = picture(500, 400)
    data = np.asarray(Image.fromarray(image).resize((448, 448), Image.Resampling.BILINEAR)).astype(np.float64)
    wanted = ((data / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(wanted, tensor("anime-aesthetic", image, (448, 448)), rtol=0, atol=1e-6)


def test_golden_numbers_of_a_fixed_ramp_stay_what_they_were() -> None:
    ramp = np.add.outer(np.arange(40), np.arange(60))[..., None].repeat(3, 2) * np.array([1, 2, 0.5])
    image = ramp.astype(np.uint8)
    wd = tensor("wd-swinv2-v3", image, (8, 8))[0]
    assert wd[0].tolist() == [[255.0] * 3] * 8  # the white above the picture
    assert wd[4, 4].tolist() == GOLDEN_WD
    ccip = tensor("ccip-caformer-24", image, (4, 4))[0, :, 1, 1]
    np.testing.assert_allclose(GOLDEN_CCIP, ccip, atol=1e-5)


GOLDEN_WD = [28.0, 114.0, 56.0]  # blue, green, red
GOLDEN_CCIP = [-1.25212, -0.65653, -1.22426]


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    how=st.sampled_from(["pad", "letterbox", "stretch", "keep", "crop"]),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_fits_any_way(width: int, height: int, how: str) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    how_fed = Input(fit=how, multiple=16)
    fitted = pixels.fit(image, how_fed, (32, 48))
    assert fitted.shape == (*pixels.fitted_size(width, height, how_fed, (32, 48)), 3)
    assert fitted.shape[0] <= 32 and fitted.shape[1] <= 48


def test_a_batch_is_its_pictures_one_by_one() -> None:
    images = [picture(90, 50), picture(50, 90, 2)]
    how = load_manifest().entry("clip-vit-b32").input
    both = pixels.prepare(images, how, (224, 224))
    np.testing.assert_array_equal(
        np.concatenate([pixels.prepare([i], how, (224, 224)) for i in images]), both
    )


def test_the_head_square_is_larger_than_the_face_and_reaches_above_it() -> None:
    box = Box("face", 0.4, 0.4, 0.5, 0.6, 0.9)  # 64 × 72 px of 640 × 360, centre (288, 180)
    left, top, right, bottom = head_square(640, 360, box)
    assert right - left == bottom - top == 115  # 1.6 × 72
    assert abs((left + right) / 2 - 288) <= 1
    assert abs((top + bottom) / 2 - (180 - 0.15 * 72)) <= 1


@given(
    x=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    y=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
@settings(max_examples=60, deadline=None)
def test_a_head_crop_is_a_square_inside_the_picture(x: list[float], y: list[float]) -> None:
    image = np.zeros((36, 64, 3), np.uint8)
    crop = head_crop(image, Box("face", x[0], y[0], x[1], y[1], 1.0))
    assert crop.shape[0] == crop.shape[1] >= 1
