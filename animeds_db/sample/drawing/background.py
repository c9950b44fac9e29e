"""Backgrounds: rooms, streets and skies, by day, at sunset or by night.

A background is drawn from its own seed and in shares of the canvas, so it looks the same at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .pen import Colour, mix, shade

PLACES = ("classroom", "bedroom", "corridor", "street", "park", "beach", "forest", "sky", "plain")
TIMES = ("day", "sunset", "night")
_INDOORS = frozenset({"classroom", "bedroom", "corridor"})
_SKIES: dict[str, tuple[Colour, Colour]] = {
    "day": ((98, 172, 240), (214, 236, 252)),
    "sunset": ((110, 84, 150), (255, 170, 96)),
    "night": ((14, 20, 52), (58, 70, 128)),
}


@dataclass(frozen=True)
class Background:
    """A place (of PLACES) at a time (of TIMES); `seed` varies furniture and colours."""

    place: str = "classroom"
    time: str = "day"
    seed: int = 0

    @property
    def indoors(self) -> bool:
        """True if the place is indoors."""
        return self.place in _INDOORS


class _Brush:
    """A draw object in shares of the canvas (0 … 1 both ways)."""

    def __init__(self, image: Image.Image, light: tuple[Colour, float]) -> None:
        self._light = light
        self._solid = ImageDraw.Draw(image)
        self._glaze = ImageDraw.Draw(image, "RGBA")
        self.width, self.height = image.size

    def _draw(self, fill: Colour) -> tuple[ImageDraw.ImageDraw, Colour]:
        """Return the draw object, and the colour in the light of this time of day."""
        lit = (*mix(fill, *self._light), *fill[3:])
        return (self._glaze if len(fill) == 4 else self._solid), lit

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        x0, y0 = int(left * self.width), int(top * self.height)
        x1, y1 = int(right * self.width) - 1, int(bottom * self.height) - 1
        if x1 >= x0 and y1 >= y0:
            draw, colour = self._draw(fill)
            draw.rectangle((x0, y0, x1, y1), fill=colour)

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        draw, colour = self._draw(fill)
        draw.polygon([(x * self.width, y * self.height) for x, y in points], fill=colour)

    def disc(self, x: float, y: float, radius: float, fill: Colour, flat: float = 1.0) -> None:
        """A circle with the radius in shares of the height, `flat` times as high."""
        r = radius * self.height
        cx, cy = x * self.width, y * self.height
        draw, colour = self._draw(fill)
        draw.ellipse((cx - r, cy - r * flat, cx + r, cy + r * flat), fill=colour)

    def line(self, points: list[tuple[float, float]], fill: Colour, width: float = 0.004) -> None:
        flat = [(x * self.width, y * self.height) for x, y in points]
        draw, colour = self._draw(fill)
        draw.line(flat, fill=colour, width=max(1, round(width * self.height)))


def draw_background(background: Background, size: tuple[int, int]) -> tuple[Image.Image, frozenset[str]]:
    """Return an RGB picture of the place, and its tags."""
    rng = np.random.default_rng(background.seed)
    if background.place == "plain":
        return _plain(rng, size)
    light = _light(background)
    top, low = _SKIES[background.time]
    image = _gradient(mix(top, *light), mix(low, *light), size)
    brush = _Brush(image, light)
    tags = set(_PLACES[background.place](brush, background, rng))
    tags |= {"indoors"} if background.indoors else {"outdoors"}
    return image, frozenset(tags)


def _light(background: Background) -> tuple[Colour, float]:
    """Return the tint of this time of day and its strength."""
    if background.time == "night":
        return (16, 20, 70), 0.37 if background.indoors else 0.27
    return (255, 120, 40), 0.14 if background.time == "sunset" else 0.0


def _gradient(top: Colour, bottom: Colour, size: tuple[int, int]) -> Image.Image:
    share = np.linspace(0, 1, size[1])[:, None]
    rows = np.array(top[:3]) * (1 - share) + np.array(bottom[:3]) * share
    return Image.fromarray(rows[:, None].astype(np.uint8)).resize(size, Image.Resampling.NEAREST)


def _plain(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Image.Image, frozenset[str]]:
    if rng.random() < 0.35:
        return Image.new("RGB", size, (255, 255, 255)), frozenset({"simple_background", "white_background"})
    a = tuple(int(v) for v in rng.integers(90, 245, 3))
    b = mix(a, tuple(int(v) for v in rng.integers(120, 255, 3)), 0.5)
    return _gradient(a, b, size), frozenset({"simple_background", "gradient_background"})


def _tone(rng: np.random.Generator, *colours: Colour) -> Colour:
    base = colours[int(rng.integers(len(colours)))]
    return tuple(int(v) for v in np.clip(np.array(base) + rng.integers(-12, 13, 3), 0, 255))


def _window(brush: _Brush, time: str, left: float, top: float, right: float, bottom: float) -> None:
    sky, low = _SKIES[time]
    brush.box(left - 0.008, top - 0.014, right + 0.008, bottom + 0.014, (236, 232, 224))
    brush.box(left, top, right, bottom, mix(sky, low, 0.4))
    brush.box(left, (top + 2 * bottom) / 3, right, bottom, mix(sky, low, 0.8))
    if time == "day":
        brush.disc(left + (right - left) * 0.3, top + (bottom - top) * 0.4, 0.03, (255, 255, 255), 0.5)
        brush.disc(left + (right - left) * 0.45, top + (bottom - top) * 0.43, 0.04, (255, 255, 255), 0.5)
    middle = (left + right) / 2
    brush.box(middle - 0.004, top, middle + 0.004, bottom, (236, 232, 224))


def _classroom(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    brush.box(0, 0, 1, 1, _tone(rng, (236, 226, 204), (226, 230, 220)))
    brush.box(0, 0.78, 1, 1, _tone(rng, (186, 142, 98), (170, 130, 96)))
    tags = {"classroom"}
    if rng.random() < 0.5:
        brush.box(0.1, 0.1, 0.9, 0.56, (150, 110, 74))
        brush.box(0.112, 0.12, 0.888, 0.54, (52, 98, 80))
        brush.line([(0.2, 0.2), (0.34, 0.2)], (230, 236, 230, 170))
        brush.line([(0.2, 0.26), (0.42, 0.26)], (230, 236, 230, 150))
        tags.add("chalkboard")
    else:
        for k in range(4):
            _window(brush, background.time, 0.04 + 0.245 * k, 0.1, 0.225 + 0.245 * k, 0.52)
        tags.add("window")
    for k in range(5):
        x = -0.05 + 0.25 * k + float(rng.uniform(-0.02, 0.02))
        brush.box(x, 0.7, x + 0.14, 0.735, (214, 168, 112))
        brush.box(x + 0.015, 0.735, x + 0.025, 0.88, (120, 120, 128))
        brush.box(x + 0.115, 0.735, x + 0.125, 0.88, (120, 120, 128))
    return tags


def _bedroom(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    brush.box(0, 0, 1, 1, _tone(rng, (246, 222, 226), (222, 230, 244), (240, 232, 210)))
    brush.box(0, 0.8, 1, 1, _tone(rng, (196, 158, 120)))
    _window(brush, background.time, 0.34, 0.12, 0.62, 0.52)
    curtain = _tone(rng, (244, 170, 180), (150, 190, 230), (190, 220, 170))
    for left in (0.29, 0.6):
        brush.box(left, 0.08, left + 0.07, 0.58, curtain)
        for k in range(3):
            brush.line(
                [(left + 0.015 + 0.02 * k, 0.1), (left + 0.012 + 0.02 * k, 0.57)], shade(curtain, 0.85)
            )
    cover = _tone(rng, (120, 160, 220), (230, 140, 160), (160, 200, 150))
    brush.box(0.66, 0.66, 1, 0.92, cover)
    brush.box(0.66, 0.66, 1, 0.71, shade(cover, 1.5))
    brush.disc(0.9, 0.64, 0.07, (252, 250, 246), 0.5)
    brush.box(0.03, 0.2, 0.2, 0.8, (158, 112, 76))
    for row in range(3):
        brush.box(0.04, 0.24 + 0.18 * row, 0.19, 0.38 + 0.18 * row, (110, 76, 52))
        for k in range(6):
            brush.box(
                0.045 + 0.023 * k,
                0.26 + 0.18 * row,
                0.064 + 0.023 * k,
                0.38 + 0.18 * row,
                tuple(int(v) for v in rng.integers(70, 230, 3)),
            )
    return {"bedroom", "window", "curtains"}


def _corridor(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    wall, floor = _tone(rng, (230, 226, 214), (214, 222, 226)), _tone(rng, (176, 156, 126), (150, 160, 160))
    brush.box(0, 0, 1, 1, wall)
    brush.shape([(0, 1), (1, 1), (0.58, 0.6), (0.42, 0.6)], floor)
    brush.shape([(0, 0), (1, 0), (0.58, 0.3), (0.42, 0.3)], shade(wall, 0.9))
    brush.box(0.42, 0.3, 0.58, 0.6, shade(wall, 1.5))
    for near, far in ((0.0, 0.14), (0.19, 0.28), (0.31, 0.37)):
        slope = 0.3 / 0.42
        y0, y1 = 0.14 + near * slope * 0.6, 0.14 + far * slope * 0.6
        b0, b1 = 0.64 - near * 0.28, 0.64 - far * 0.28
        sky = mix(*_SKIES[background.time], 0.6)
        brush.shape([(near, y0), (far, y1), (far, b1), (near, b0)], sky)
        door = [(1 - near, y0 + 0.02), (1 - far, y1 + 0.02), (1 - far, b1 + 0.12), (1 - near, b0 + 0.24)]
        brush.shape(door, (168, 122, 84))
    return {"hallway", "window"}


def _clouds(brush: _Brush, background: Background, rng: np.random.Generator, low: float) -> set[str]:
    if background.time == "night":
        for _ in range(40):
            brush.disc(float(rng.random()), float(rng.uniform(0, low)), 0.003, (255, 255, 240))
        if rng.random() < 0.5:
            brush.disc(0.82, 0.16, 0.07, (250, 244, 206))
            return {"night", "night_sky", "star_(sky)", "sky"}
        return {"night", "night_sky", "star_(sky)", "sky"}
    tint: Colour = (255, 255, 255, 220) if background.time == "day" else (255, 206, 180, 200)
    for _ in range(4):
        x, y = float(rng.random()), float(rng.uniform(0.06, low * 0.7))
        for _ in range(5):
            brush.disc(
                x + float(rng.uniform(-0.07, 0.07)), y + float(rng.uniform(-0.015, 0.015)), 0.05, tint, 0.5
            )
    return {"sky", "cloud", "day", "blue_sky"} if background.time == "day" else {"sky", "cloud", "sunset"}


def _street(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    tags = _clouds(brush, background, rng, 0.4)
    x = -0.04
    while x < 1:
        width, top = float(rng.uniform(0.1, 0.2)), float(rng.uniform(0.18, 0.45))
        house = _tone(rng, (198, 178, 160), (170, 184, 200), (214, 196, 150), (186, 160, 170))
        brush.box(x, top, x + width, 0.78, house)
        brush.box(x, top, x + width, top + 0.02, shade(house, 0.7))
        lit: Colour = (255, 232, 150) if background.time == "night" else shade(house, 0.6)
        for row in range(3):
            for column in range(2):
                left, y = x + width * (0.16 + 0.4 * column), top + 0.06 + 0.11 * row
                if y < 0.68:
                    brush.box(left, y, left + width * 0.25, y + 0.06, lit)
        x += width + 0.005
    brush.box(0, 0.76, 1, 0.84, (196, 194, 190))
    brush.box(0, 0.84, 1, 1, (104, 106, 114))
    for k in range(5):
        brush.box(0.02 + 0.22 * k, 0.92, 0.12 + 0.22 * k, 0.935, (236, 236, 230))
    return tags | {"street", "building"}


def _tree(brush: _Brush, x: float, y: float, size: float, green: Colour) -> None:
    brush.box(x - size * 0.05, y - size * 0.4, x + size * 0.05, y, (116, 80, 56))
    for dx, dy, r in ((-0.14, -0.5, 0.3), (0.14, -0.52, 0.3), (0, -0.75, 0.34)):
        brush.disc(x + dx * size, y + dy * size, r * size, green)
    brush.disc(x - 0.06 * size, y - 0.82 * size, 0.16 * size, shade(green, 1.2))


def _park(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    tags = _clouds(brush, background, rng, 0.45)
    brush.box(0, 0.62, 1, 1, _tone(rng, (120, 184, 96)))
    brush.shape([(0.3, 1), (0.6, 1), (0.52, 0.62), (0.48, 0.62)], (224, 204, 164))
    for _ in range(6):
        _tree(
            brush,
            float(rng.random()),
            float(rng.uniform(0.64, 0.74)),
            float(rng.uniform(0.3, 0.5)),
            _tone(rng, (84, 156, 84), (96, 170, 80)),
        )
    return tags | {"tree", "grass", "park"}


def _beach(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    tags = _clouds(brush, background, rng, 0.45)
    sea = mix(_SKIES[background.time][0], (40, 130, 190), 0.5)
    brush.box(0, 0.5, 1, 0.72, sea)
    for k in range(8):
        y = 0.53 + 0.022 * k
        x = float(rng.random())
        brush.line([(x, y), (x + 0.12, y)], shade(sea, 1.4))
    edge = [(0, 0.73), (0.25, 0.7), (0.5, 0.73), (0.75, 0.7), (1, 0.73)]
    brush.shape([*edge, (1, 1), (0, 1)], (255, 255, 255))
    brush.shape([*[(x, y + 0.015) for x, y in edge], (1, 1), (0, 1)], _tone(rng, (244, 224, 176)))
    return tags | {"beach", "ocean"}


def _forest(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    brush.box(0, 0, 1, 1, _tone(rng, (140, 190, 130)))
    for depth, tone in ((0, 0.95), (1, 0.75), (2, 0.55)):
        for _ in range(7):
            x, w = float(rng.random()), 0.012 + 0.012 * depth
            brush.box(x - w, 0, x + w, 0.72 + 0.06 * depth, shade((128, 104, 80), tone))
        for _ in range(10):
            brush.disc(float(rng.random()), float(rng.uniform(0, 0.2)), 0.12, shade((104, 168, 92), tone))
    brush.box(0, 0.8, 1, 1, _tone(rng, (96, 146, 78)))
    return {"forest", "tree", "nature"} | ({"night"} if background.time == "night" else {"day"})


def _sky(brush: _Brush, background: Background, rng: np.random.Generator) -> set[str]:
    return _clouds(brush, background, rng, 0.95)


_PLACES: dict[str, Callable[[_Brush, Background, np.random.Generator], set[str]]] = {
    "classroom": _classroom,
    "bedroom": _bedroom,
    "corridor": _corridor,
    "street": _street,
    "park": _park,
    "beach": _beach,
    "forest": _forest,
    "sky": _sky,
}
