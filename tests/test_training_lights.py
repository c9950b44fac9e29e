"""Lights of the training drawings: pixels stay in place, names and kinds are true, a batch gets the same light."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from PIL import Image

from training.drawn.lights import LIGHTS, PLAIN, TINTED, Light, Wash, random_light, relit

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def _picture(seed: int = 0, size: tuple[int, int] = (60, 40)) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


@pytest.mark.parametrize("name", sorted(LIGHTS))
def test_a_light_keeps_the_shape_and_the_same_seed_gives_the_same_light(name: str) -> None:
    one, two = (random_light(np.random.default_rng(5), (name,)) for _ in range(2))
    assert one == two and one.name == name
    picture = _picture()
    before = np.asarray(picture).copy()
    lit = relit(picture, one)
    assert lit.size == picture.size and lit.mode == "RGB"
    assert np.array_equal(np.asarray(picture), before)
    assert np.array_equal(np.asarray(lit), np.asarray(relit(picture, two)))


def test_named_lights_are_plain_or_tinted_as_listed() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        assert {random_light(rng, (name,)).kind for name in PLAIN} == {"plain"}
        assert {random_light(rng, (name,)).kind for name in TINTED} == {"tinted"}


def test_night_makes_a_picture_dark_and_blue_and_sunset_makes_it_red() -> None:
    grey = Image.new("RGB", (40, 40), (160, 160, 160))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        red, _, blue = np.asarray(relit(grey, random_light(rng, ("night",))), float).mean((0, 1))
        assert blue > red * 1.15 and red < 140
        red, _, blue = np.asarray(relit(grey, random_light(rng, ("sunset",))), float).mean((0, 1))
        assert red > blue * 1.15


def test_a_light_of_the_people_alone_leaves_the_ground_as_it_was() -> None:
    people = np.zeros((40, 60), np.uint8)
    people[:, :30] = 255
    lit = np.asarray(relit(_picture(), Light("dark", Wash((0.5, 0.5, 0.5)), on_ground=0.0), people))
    before = np.asarray(_picture())
    assert np.array_equal(lit[:, 30:], before[:, 30:])
    assert np.abs(lit[:, :30] - before[:, :30] / 2.0).max() <= 1


def test_a_hard_shadow_has_two_tones_and_lies_where_its_angle_says() -> None:
    grey = Image.new("RGB", (60, 40), (200, 200, 200))
    light = Light("shadow", Wash((0.5, 0.5, 0.5)), Wash(), "slope", angle=0.0, edge=30.0)
    lit = np.asarray(relit(grey, light))[..., 0]
    assert np.all(lit[:, :25] == 100) and np.all(lit[:, 35:] == 200)


def test_a_rim_brightens_only_the_edge_of_the_people() -> None:
    people = np.zeros((240, 240), np.uint8)
    people[80:160, 80:160] = 255
    lit = np.asarray(relit(Image.new("RGB", (240, 240)), Light("rim", rim=(1.0, 1.0, 1.0)), people))[..., 0]
    assert lit[80:160, 80:160].any() and not lit[100:150, 100:150].any()
    assert not lit[people == 0].any()


@needs_torch
def test_a_batch_gets_the_light_of_single_pictures() -> None:
    from training.batches import to_float
    from training.drawn.light_batches import in_lights

    rng = np.random.default_rng(2)
    lights = [random_light(rng, (name,)) for name in LIGHTS]
    pictures = np.stack([np.asarray(_picture(i)) for i in range(len(lights))])
    batch = in_lights(to_float(pictures), lights).permute(0, 2, 3, 1).numpy() * 255
    for got, picture, light in zip(batch, pictures, lights, strict=True):
        wanted = np.asarray(relit(Image.fromarray(picture), light), float)
        assert np.abs(got - wanted).max() < 3, light.name


@needs_torch
def test_only_a_share_of_a_batch_is_lit_and_the_rest_is_unchanged() -> None:
    from training.batches import to_float
    from training.drawn.light_batches import lit

    pictures = to_float(np.stack([np.asarray(_picture(i)) for i in range(40)]))
    out = lit(pictures, [frozenset({"night"})] * 40, np.random.default_rng(1), 0.5)
    changed = [bool((out[i] != pictures[i]).any()) for i in range(40)]
    assert 8 < sum(changed) < 32
    assert lit(pictures, [frozenset()] * 40, np.random.default_rng(1), 0.0) is pictures
