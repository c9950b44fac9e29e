"""Light over a finished drawing: night, sunset, lamps, light from behind, shadows, colour grading.

Rule: pixels stay where they are, and the truth stays what it was: brown hair at night is brown hair. A light is plain
data; `relit` gives one picture in it, and `light_batches.lit` a batch of training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image

Rgb: TypeAlias = tuple[float, float, float]
"""Red, green, blue, 0…1 or a factor around 1."""
Field: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

NONE: Rgb = (0.0, 0.0, 0.0)
WHITE: Rgb = (1.0, 1.0, 1.0)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
GRID = (24, 40)
"""Height and width of the coarse map that says how far a place lies from the one light to the other."""
CAST, DARK = 1.25, 0.6
"""A light is tinted if it makes the channels of a grey differ by this factor, or white darker than this."""


@dataclass(frozen=True)
class Wash:
    """What a light does to one place: factors (multiply) and then an addition (screen), each per colour channel."""

    multiply: Rgb = WHITE
    screen: Rgb = NONE

    def terms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return factor and offset [3] that together do both: screen is 1 - (1 - x)(1 - s)."""
        screen = np.array(self.screen, np.float32)
        return np.array(self.multiply, np.float32) * (1 - screen), screen


@dataclass(frozen=True)
class Light:
    """A light: a wash here, another there, and a map that leads from the one to the other.

    `shape` of the map: `even` (only `near`), `slope` (along `angle`, degrees), `pool` (`near` around `centre`),
    `patches` (a random field of `seed`). `edge` 1 is a smooth passage, 30 a hard edge; `reach` moves it.
    `bend` -0.8 … 0.8 darkens or lightens the middle tones first; `saturation` is a factor. `on_figures` and
    `on_ground` (0 … 1) say how much of it falls on people and on the rest; `rim` lights the edge of the people.
    """

    name: str
    near: Wash = Wash()
    far: Wash = Wash()
    shape: str = "even"
    angle: float = 0.0
    centre: tuple[float, float] = (0.5, 0.5)
    reach: float = 0.5
    edge: float = 1.0
    seed: int = 0
    bend: float = 0.0
    saturation: float = 1.0
    on_figures: float = 1.0
    on_ground: float = 1.0
    rim: Rgb = NONE

    @property
    def kind(self) -> str:
        """`tinted` if colours look clearly different or much darker somewhere in this light, else `plain`."""
        washes = (self.near,) if self.shape == "even" else (self.near, self.far)
        return "tinted" if any(_tints(wash) for wash in washes) else "plain"


def _tints(wash: Wash) -> bool:
    factor, offset = wash.terms()
    grey, white = 0.6 * factor + offset, factor + offset
    return bool(grey.max() > CAST * grey.min() or white @ LUMA < DARK)


def relit(picture: Image.Image, light: Light, figures: np.ndarray | None = None) -> Image.Image:
    """Return an RGB picture in a light.

    `figures` (uint8 [height, width], 255 where people are) is needed only by lights that treat people and ground
    differently; without it the light falls on everything alike and has no rim.
    """
    x = np.asarray(picture, np.float32) / 255
    if light.bend:
        x = x + light.bend * x * (1 - x)
    if light.saturation != 1:
        grey = (x @ LUMA)[..., None]
        x = grey + light.saturation * (x - grey)
    factor, offset = light.near.terms()
    if light.shape == "even":
        out = x * factor + offset
    else:
        (far_factor, far_offset), part = light.far.terms(), passage(light, picture.size)[..., None]
        out = x * (factor + (far_factor - factor) * part) + (offset + (far_offset - offset) * part)
    if figures is not None:
        out = _where_it_falls(np.asarray(picture, np.float32) / 255, out, light, figures)
    return Image.fromarray((out.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _where_it_falls(before: np.ndarray, after: np.ndarray, light: Light, figures: np.ndarray) -> np.ndarray:
    people = figures.astype(np.float32)[..., None] / 255
    share = light.on_ground + (light.on_figures - light.on_ground) * people
    out: np.ndarray = before + (after - before) * share
    if any(light.rim):
        width = max(1, figures.shape[0] // 120)
        shift = round(width * 1.5 * np.cos(np.radians(light.angle)))
        inside = (
            np.minimum(np.roll(figures, (width, shift), (0, 1)), figures).astype(np.float32)[..., None] / 255
        )
        band = (people - inside).clip(0, 1)
        out = 1 - (1 - out) * (1 - band * np.array(light.rim, np.float32))
    return out


def passage(light: Light, size: tuple[int, int]) -> Field:
    """Return the map [height, width] of a light: 0 where the near wash is, 1 where the far one is."""
    coarse = Image.fromarray(coarse_map(light)).resize(size, Image.Resampling.BILINEAR)
    return hardened(np.asarray(coarse, np.float32), light.edge, light.reach)


def hardened(field: Field, edge: float, reach: float) -> Field:
    """Return the field with its middle at `reach` and a passage `edge` times as steep, 0 … 1."""
    hard: Field = ((field - reach) * edge + 0.5).clip(0, 1).astype(np.float32)
    return hard


def coarse_map(light: Light) -> Field:
    """Return the map of a light on `GRID` before it is made harder, float32."""
    rows, columns = GRID
    if light.shape == "patches":
        coarse = np.random.default_rng(light.seed).integers(0, 256, (7, 10), dtype=np.uint8)
        big = Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC)
        return np.asarray(big, np.float32) / np.float32(255)
    x, y = _places()
    if light.shape == "pool":
        away: Field = np.hypot((x - light.centre[0]) * 1.5, y - light.centre[1]) / 1.2
        return away.astype(np.float32)
    turn = float(np.radians(light.angle))
    along: Field = ((x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)) * 0.8 + 0.5
    return along.astype(np.float32)


@lru_cache(maxsize=1)
def _places() -> tuple[Field, Field]:
    """Return x and y (0…1) of the middles of the cells of `GRID`."""
    y, x = np.mgrid[0 : GRID[0], 0 : GRID[1]].astype(np.float32)
    return (x + 0.5) / GRID[1], (y + 0.5) / GRID[0]


def _around(rng: np.random.Generator, low: Rgb, high: Rgb) -> Rgb:
    """Return a colour between two, with one share for all channels and a little of its own for each."""
    share = rng.uniform(0, 1) + rng.normal(0, 0.08, 3)
    red, green, blue = (float(a + (b - a) * s) for a, b, s in zip(low, high, share.clip(0, 1), strict=True))
    return (red, green, blue)


def _tilt(rng: np.random.Generator, *angles: float) -> float:
    return float(rng.choice(angles) + rng.normal(0, 15))


def _day(rng: np.random.Generator) -> Light:
    glow = float(rng.uniform(0, 0.06))
    near = Wash(_around(rng, (0.94, 0.93, 0.9), (1.06, 1.05, 1.04)), (glow, glow, glow))
    return Light("day", near, bend=float(rng.uniform(-0.15, 0.15)), saturation=float(rng.uniform(0.85, 1.2)))


def _shade(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.72, 0.73, 0.78), (0.88, 0.88, 0.92)))
    return Light("shade", near, Wash(), "slope", _tilt(rng, 90, -90, 0, 180), reach=float(rng.uniform(0.2, 0.8)),
                 edge=float(rng.uniform(1, 3)), saturation=float(rng.uniform(0.8, 1.0)))  # fmt: skip


def _shadow(rng: np.random.Generator) -> Light:
    """A hard-edged shadow over one side of the people, as cel shading has it."""
    near = Wash(_around(rng, (0.66, 0.6, 0.68), (0.84, 0.8, 0.88)))
    return Light("shadow", near, Wash(), "slope", _tilt(rng, 0, 180, 60, 120), reach=float(rng.uniform(0.38, 0.62)),
                 edge=float(rng.uniform(8, 40)), on_ground=float(rng.choice((0.0, 0.0, 0.6))))  # fmt: skip


def _dapple(rng: np.random.Generator) -> Light:
    """The shadows of leaves, or light through a window's bars."""
    near = Wash(_around(rng, (0.62, 0.66, 0.7), (0.82, 0.84, 0.82)))
    far = Wash(_around(rng, (1.0, 1.0, 0.9), (1.05, 1.05, 1.0)), _around(rng, NONE, (0.12, 0.12, 0.06)))
    return Light("dapple", near, far, "patches", reach=float(rng.uniform(0.35, 0.65)), edge=float(rng.uniform(4, 16)),
                 seed=int(rng.integers(1 << 31)))  # fmt: skip


def _haze(rng: np.random.Generator) -> Light:
    low, high = (
        _around(rng, (0.12, 0.12, 0.12), (0.3, 0.3, 0.3)),
        _around(rng, (0.2, 0.2, 0.2), (0.45, 0.45, 0.42)),
    )
    return Light("haze", Wash((0.95, 0.95, 0.95), low), Wash(screen=high), "slope", _tilt(rng, 90, -90),
                 saturation=float(rng.uniform(0.7, 1.0)))  # fmt: skip


def _night(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.2, 0.26, 0.46), (0.52, 0.58, 0.85)), _around(rng, NONE, (0.05, 0.06, 0.14)))
    far = Wash(_around(rng, (0.26, 0.34, 0.6), (0.6, 0.68, 0.95)), _around(rng, NONE, (0.06, 0.1, 0.2)))
    return Light(
        "night", near, far, "slope", _tilt(rng, 90, -90, 0, 180), saturation=float(rng.uniform(0.55, 1.0))
    )


def _moonlight(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.24, 0.34, 0.4), (0.5, 0.62, 0.68)), _around(rng, NONE, (0.02, 0.08, 0.1)))
    far = Wash(_around(rng, (0.6, 0.75, 0.85), (0.8, 0.92, 1.0)), _around(rng, NONE, (0.08, 0.14, 0.2)))
    return Light("moonlight", near, far, "slope", _tilt(rng, -60, -120, 0, 180), reach=float(rng.uniform(0.4, 0.75)),
                 edge=float(rng.uniform(1, 14)), saturation=float(rng.uniform(0.5, 0.9)),
                 rim=_around(rng, NONE, (0.5, 0.6, 0.8)))  # fmt: skip


def _sunset(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.8, 0.46, 0.36), (1.05, 0.78, 0.62)), _around(rng, NONE, (0.22, 0.08, 0.02)))
    far = Wash(
        _around(rng, (0.95, 0.6, 0.36), (1.1, 0.85, 0.6)), _around(rng, (0.1, 0.03, 0), (0.4, 0.22, 0.05))
    )
    return Light("sunset", near, far, "slope", _tilt(rng, 0, 180, 90, -90), saturation=float(rng.uniform(0.75, 1.1)),
                 rim=_around(rng, NONE, (0.8, 0.6, 0.3)))  # fmt: skip


def _dusk(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.4, 0.28, 0.5), (0.72, 0.55, 0.8)), _around(rng, NONE, (0.1, 0.02, 0.08)))
    far = Wash(_around(rng, (0.75, 0.5, 0.55), (1.0, 0.75, 0.75)), _around(rng, NONE, (0.25, 0.1, 0.12)))
    return Light(
        "dusk", near, far, "slope", _tilt(rng, 90, -90, 0, 180), saturation=float(rng.uniform(0.7, 1.0))
    )


def _lamp(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.95, 0.8, 0.55), (1.1, 0.95, 0.8)), _around(rng, NONE, (0.2, 0.13, 0.04)))
    far = Wash(_around(rng, (0.26, 0.2, 0.2), (0.6, 0.48, 0.42)))
    centre = (float(rng.uniform(-0.1, 1.1)), float(rng.uniform(-0.1, 0.9)))
    return Light("lamp", near, far, "pool", centre=centre, reach=float(rng.uniform(0.25, 0.55)),
                 edge=float(rng.uniform(1, 2.5)), saturation=float(rng.uniform(0.8, 1.0)))  # fmt: skip


def _screen_glow(rng: np.random.Generator) -> Light:
    """The cold glow of a screen from below in a dark room."""
    near = Wash(_around(rng, (0.6, 0.8, 0.85), (0.85, 1.0, 1.05)), _around(rng, NONE, (0.05, 0.15, 0.2)))
    far = Wash(_around(rng, (0.12, 0.14, 0.24), (0.35, 0.36, 0.5)))
    return Light("screen", near, far, "pool", centre=(float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.7, 1.2))),
                 reach=float(rng.uniform(0.3, 0.6)), edge=float(rng.uniform(1, 2.5)))  # fmt: skip


def _neon(rng: np.random.Generator) -> Light:
    pink = Wash(_around(rng, (0.6, 0.25, 0.5), (1.0, 0.5, 0.85)), _around(rng, NONE, (0.25, 0.0, 0.15)))
    blue = Wash(_around(rng, (0.2, 0.4, 0.6), (0.5, 0.8, 1.0)), _around(rng, NONE, (0.0, 0.1, 0.25)))
    near, far = (pink, blue) if rng.random() < 0.5 else (blue, pink)
    return Light("neon", near, far, "slope", _tilt(rng, 0, 180), edge=float(rng.uniform(1, 4)),
                 reach=float(rng.uniform(0.35, 0.65)))  # fmt: skip


def _back_light(rng: np.random.Generator) -> Light:
    near = Wash(_around(rng, (0.32, 0.3, 0.38), (0.54, 0.5, 0.58)), _around(rng, NONE, (0.1, 0.08, 0.06)))
    warm = _around(rng, (0.6, 0.5, 0.3), (1.0, 0.95, 0.85))
    return Light("back_light", near, on_ground=float(rng.uniform(0, 0.4)), rim=warm, angle=_tilt(rng, 0, 180),
                 saturation=float(rng.uniform(0.7, 1.0)))  # fmt: skip


def _graded(rng: np.random.Generator) -> Light:
    """The look that a colourist gives a film: one cast in the darks, another in the lights."""
    cast = rng.normal(0, 0.11, 3)
    red, green, blue = (float(v) for v in (0.92 + cast).clip(0.6, 1.15))
    lift = rng.uniform(0, 0.16, 3) * (rng.random(3) < 0.6)
    return Light("graded", Wash((red, green, blue), (float(lift[0]), float(lift[1]), float(lift[2]))),
                 bend=float(rng.uniform(-0.45, 0.35)), saturation=float(rng.uniform(0.5, 1.25)))  # fmt: skip


LIGHTS: dict[str, Callable[[np.random.Generator], Light]] = {
    "day": _day, "shade": _shade, "shadow": _shadow, "dapple": _dapple, "haze": _haze, "night": _night,
    "moonlight": _moonlight, "sunset": _sunset, "dusk": _dusk, "lamp": _lamp, "screen": _screen_glow, "neon": _neon,
    "back_light": _back_light, "graded": _graded,
}  # fmt: skip
PLAIN = ("day", "shade", "shadow", "dapple", "haze")
TINTED = ("night", "moonlight", "sunset", "dusk", "lamp", "screen", "neon", "back_light")
"""Lights that always are plain or always are tinted; `graded` may be either."""
_OFTEN = {
    "night": 2.5,
    "sunset": 2.5,
    "back_light": 1.5,
    "lamp": 1.5,
    "graded": 1.5,
    "neon": 0.7,
    "screen": 0.7,
}


def random_light(rng: np.random.Generator, names: tuple[str, ...] | None = None) -> Light:
    """Return a random light of one of the names (of `LIGHTS`, all by default; night and sunset come more often).

    A light of the people alone is one in six of those that would fall on everything.
    """
    names = names or tuple(LIGHTS)
    weights = np.array([_OFTEN.get(name, 1.0) for name in names])
    light = LIGHTS[names[int(rng.choice(len(names), p=weights / weights.sum()))]](rng)
    if light.on_ground == 1 and rng.random() < 1 / 6:
        light = replace(light, on_ground=float(rng.choice((0.0, 0.5))))
    return light
