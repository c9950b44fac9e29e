"""Things that a detector takes for faces: lettering, patterns, lit windows, food, plush, animals, dresses, bare arms.

Rule: they are drawn before the people, or where no head is, and never have a box or a tag.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from animeds_db.sample.drawing.look import SKINS
from animeds_db.sample.drawing.pen import Colour, Pen, mix, shade
from training.drawn.variety import SKIN_STEPS, colour_in

_WORDS = ("NEW", "OPEN", "SALE!", "Cafe", "Vol.3", "LIVE", "STAGE", "07", "Hello", "?!", "BAKERY", "Star",
          "Oh no", "2nd", "END", "Sunday", "Type-A", "Moon", "LOVE", "3:00", "Q&A", "Ramen", "Book")  # fmt: skip
REACH = 2.1
"""How far a thing reaches from its middle, in halves of its size: patterns and dolls are larger than a ball."""
_BOX = tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """Where a thing is drawn: its middle and half its size in pixels, on a picture."""

    image: Image.Image
    x: float
    y: float
    r: float

    def pen(self, line: float = 0.03) -> Pen:
        """Return a pen whose unit is half the size of the thing."""
        return Pen(self.image, self.x, self.y, self.r, line, (40, 30, 40))


Draw = Callable[[Spot, np.random.Generator], None]


def scatter(
    image: Image.Image,
    rng: np.random.Generator,
    count: int,
    free: tuple[_BOX, ...] = (),
    things: Mapping[str, Draw] | None = None,
    largest: float = 0.22,
) -> None:
    """Draw up to `count` random things (of `THINGS`) on a picture, none of them around the boxes `free` (pixels).

    `largest` is half the size of the largest thing, as a share of the picture's height.
    """
    draws = tuple((things or THINGS).values())
    for _ in range(count):
        for _ in range(6):
            r = float(np.exp(rng.uniform(np.log(0.03), np.log(largest)))) * image.height
            x, y, reach = float(rng.uniform(0, image.width)), float(rng.uniform(0, image.height)), r * REACH
            if all(
                x + reach < b[0] or x - reach > b[2] or y + reach < b[1] or y - reach > b[3] for b in free
            ):
                draws[int(rng.integers(len(draws)))](Spot(image, x, y, r), rng)
                break


def random_colour(rng: np.random.Generator, low: int = 30, high: int = 256) -> Colour:
    """Return a random colour whose channels lie from `low` to below `high`."""
    return tuple(int(v) for v in rng.integers(low, high, 3))


def skin_colour(rng: np.random.Generator) -> Colour:
    """Return a random colour of skin."""
    names = tuple(SKINS)
    return colour_in(rng, SKIN_STEPS[names[int(rng.integers(len(names)))]])


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def lettering(spot: Spot, rng: np.random.Generator) -> None:
    """A word, in one colour or outlined, maybe on a plate, turned a little; or a title in large letters."""
    text, size = _WORDS[int(rng.integers(len(_WORDS)))], max(8, int(spot.r * rng.uniform(0.6, 1.4)))
    wide = int(size * (0.7 * len(text) + 1))
    stamp = Image.new("RGBA", (wide, size * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(stamp)
    if rng.random() < 0.4:
        draw.rounded_rectangle((0, 0, wide - 1, size * 2 - 1), size // 3, fill=(*random_colour(rng), 255))
    draw.text((wide / 2, size), text, font=_font(size), fill=(*random_colour(rng), 255), anchor="mm",
              stroke_width=int(rng.integers(0, max(2, size // 8))), stroke_fill=(*random_colour(rng), 255))  # fmt: skip
    stamp = stamp.rotate(float(rng.normal(0, 14)), expand=True, resample=Image.Resampling.BILINEAR)
    spot.image.paste(stamp, (int(spot.x - stamp.width / 2), int(spot.y - stamp.height / 2)), stamp)


def glyphs(spot: Spot, rng: np.random.Generator) -> None:
    """A row of characters of no script, thick, outlined and in bright colours, as in a logo."""
    count, cell = int(rng.integers(1, 7)), spot.r * float(rng.uniform(0.5, 1.0))
    fill, edge = random_colour(rng, 120), random_colour(rng)
    draw, thick = ImageDraw.Draw(spot.image), max(2, int(cell * float(rng.uniform(0.1, 0.2))))
    lines = []
    for k in range(count):
        x, y = spot.x + (k - count / 2) * cell * 1.15, spot.y - cell / 2 + float(rng.normal(0, cell * 0.08))
        grid = rng.integers(0, 4, (int(rng.integers(3, 7)), 4)) / 3
        lines += [[(x + a * cell, y + b * cell), (x + (a if i % 2 else c) * cell, y + (d if i % 2 else b) * cell)]
                  for i, (a, b, c, d) in enumerate(grid.tolist())]  # fmt: skip
    for colour, width in ((edge, thick + max(2, thick // 2) * 2), (fill, thick)):
        for line in lines:
            draw.line(line, fill=colour, width=width)


def logo(spot: Spot, rng: np.random.Generator) -> None:
    """Rings, a star or a heart in two colours, some with a letter."""
    pen, a, b = spot.pen(), random_colour(rng), random_colour(rng)
    kind = int(rng.integers(3))
    if kind == 0:
        pen.oval(0, 0, 1, 1, a, outline=True)
        pen.oval(0, 0, 0.7, 0.7, b, outline=True)
    elif kind == 1:
        turns = [math.pi * k / 5 - math.pi / 2 for k in range(10)]
        star = [(math.cos(t) * (1 if k % 2 == 0 else 0.45), math.sin(t) * (1 if k % 2 == 0 else 0.45))
                for k, t in enumerate(turns)]  # fmt: skip
        pen.blob(star, a, smooth=False)
    else:
        pen.blob([(0, 0.95), (-0.95, 0), (-0.6, -0.7), (0, -0.35), (0.6, -0.7), (0.95, 0), (0, 0.95)], a)
    if rng.random() < 0.4:
        size = max(8, int(spot.r * 0.8))
        ImageDraw.Draw(spot.image).text((spot.x, spot.y), "ABKMRSX"[int(rng.integers(7))], font=_font(size), fill=b,
                                        anchor="mm")  # fmt: skip


def pattern(spot: Spot, rng: np.random.Generator) -> None:
    """A cloth or tile of checks, stripes or dots."""
    draw, a, b = ImageDraw.Draw(spot.image), random_colour(rng), random_colour(rng)
    w, h = spot.r * rng.uniform(0.8, 2), spot.r * rng.uniform(0.8, 2)
    left, top, cell = spot.x - w, spot.y - h, max(3.0, spot.r / float(rng.uniform(2, 7)))
    draw.rectangle((left, top, left + 2 * w, top + 2 * h), fill=a)
    kind = int(rng.integers(3))
    for i in range(int(2 * w / cell)):
        if kind == 1 and i % 2:
            draw.rectangle((left + i * cell, top, left + (i + 1) * cell, top + 2 * h), fill=b)
        for j in range(int(2 * h / cell) if kind != 1 else 0):
            x, y = left + i * cell, top + j * cell
            if kind == 0 and (i + j) % 2:
                draw.rectangle((x, y, x + cell, y + cell), fill=b)
            elif kind == 2:
                draw.ellipse((x + cell * 0.25, y + cell * 0.25, x + cell * 0.75, y + cell * 0.75), fill=b)


def windows(spot: Spot, rng: np.random.Generator) -> None:
    """A wall or a carriage with rows of lit windows."""
    draw, wall = ImageDraw.Draw(spot.image), random_colour(rng, 15, 120)
    lit = mix((255, 230, 150), random_colour(rng, 120), 0.3)
    w, h = spot.r * rng.uniform(0.8, 1.8), spot.r * rng.uniform(0.6, 1.6)
    draw.rectangle((spot.x - w, spot.y - h, spot.x + w, spot.y + h), fill=wall)
    across, down = int(rng.integers(2, 7)), int(rng.integers(1, 6))
    for i in range(across):
        for j in range(down):
            if rng.random() < 0.75:
                x, y = spot.x - w + (i + 0.25) * 2 * w / across, spot.y - h + (j + 0.25) * 2 * h / down
                draw.rectangle(
                    (x, y, x + w / across, y + h / down), fill=shade(lit, float(rng.uniform(0.6, 1.1)))
                )


def food(spot: Spot, rng: np.random.Generator) -> None:
    """A bun, a rice ball, an egg on a plate, a cake: round, pale, with dark dots."""
    pen = spot.pen(0.035)
    bread = colour_in(rng, ((22, 44, 0.55, 0.93, 0.25, 0.9),))
    kind = int(rng.integers(4))
    if kind == 0:
        pen.blob([(-0.9, 0.4), (-0.7, -0.4), (0, -0.75), (0.7, -0.4), (0.9, 0.4), (0, 0.6)], bread)
        for _ in range(int(rng.integers(2, 9))):
            x, y = rng.uniform(-0.5, 0.5, 2)
            pen.oval(float(x), float(y) - 0.1, 0.05, 0.04, shade(bread, 0.45))
    elif kind == 1:
        pen.blob([(0, -0.9), (0.85, 0.6), (0, 0.75), (-0.85, 0.6)], (248, 246, 240))
        pen.blob([(-0.3, 0.2), (0.3, 0.2), (0.3, 0.75), (-0.3, 0.75)], (40, 52, 40), smooth=False)
    elif kind == 2:
        pen.oval(0, 0.1, 1.0, 0.7, (244, 244, 248), outline=True)
        pen.oval(-0.2, 0.05, 0.5, 0.36, (255, 252, 240), outline=True)
        pen.oval(-0.2, 0.05, 0.22, 0.18, (250, 190, 60), outline=True)
        pen.oval(0.5, 0.1, 0.2, 0.16, random_colour(rng), outline=True)
    else:
        pen.blob([(-0.8, -0.1), (0.8, -0.1), (0.75, 0.7), (-0.75, 0.7)], bread, smooth=False)
        pen.blob(
            [(-0.85, 0.1), (-0.8, -0.35), (0.8, -0.35), (0.85, 0.1), (0.4, 0.0), (0, 0.15)], (255, 244, 240)
        )
        pen.oval(0, -0.45, 0.18, 0.18, (214, 50, 60), outline=True)


def plush(spot: Spot, rng: np.random.Generator) -> None:
    """A toy or an animal: ears, a muzzle, button eyes; a doll without a person's proportions."""
    pen = spot.pen(0.035)
    fur = (
        random_colour(rng, 60, 250)
        if rng.random() < 0.5
        else colour_in(rng, ((20, 45, 0.3, 0.9, 0.15, 0.6),))
    )
    pointed, muzzle = rng.random() < 0.5, float(rng.uniform(0.2, 0.45))
    if rng.random() < 0.5:
        pen.blob([(-0.5, 0.5), (0.5, 0.5), (0.75, 1.7), (-0.75, 1.7)], fur)
    for side in (-1, 1):
        if pointed:
            pen.blob([(side * 0.15, -0.6), (side * 0.7, -1.25), (side * 0.8, -0.2)], fur, smooth=False)
        else:
            pen.oval(side * 0.65, -0.7, 0.32, 0.34, fur, outline=True)
    pen.oval(0, 0, 0.95, 0.82, fur, outline=True)
    pen.oval(0, 0.32, muzzle * 1.4, muzzle, mix(fur, (255, 255, 255), 0.5), outline=rng.random() < 0.5)
    eye = float(rng.uniform(0.06, 0.14))
    for side in (-1, 1):
        pen.oval(side * 0.4, -0.12, eye, eye * 1.2, (30, 26, 30))
        pen.oval(side * 0.4 - eye * 0.3, -0.17, eye * 0.3, eye * 0.3, (255, 255, 255))
    pen.blob([(-0.1, 0.18), (0.1, 0.18), (0, 0.3)], (60, 36, 40))
    pen.stroke([(-0.2, 0.42), (0, 0.36), (0.2, 0.42)], 0.04)


def bare_arms(spot: Spot, rng: np.random.Generator) -> None:
    """Folded arms, a leg, a hand or a shoulder: skin with outlines, and no face."""
    pen, skin = spot.pen(0.03), skin_colour(rng)
    cloth = random_colour(rng)
    kind = int(rng.integers(3))
    if kind == 0:
        pen.blob([(-1, -0.8), (1, -0.8), (0.9, 1), (-0.9, 1)], cloth, smooth=False)
        for side in (-1, 1):
            pen.limb(
                [(side * 1.0, -0.5), (side * 0.9, 0.2), (-side * 0.6, 0.05 * side)], (0.36, 0.34, 0.26), skin
            )
    elif kind == 1:
        pen.limb([(-0.9, 1), (0.2, -0.7), (0.9, 0.9)], (0.5, 0.46, 0.34), skin)
    else:
        pen.oval(0, 0.2, 0.45, 0.5, skin, outline=True)
        for k in range(4):
            pen.limb([(-0.3 + 0.2 * k, 0), (-0.42 + 0.28 * k, -0.75)], (0.19, 0.15), skin)
        pen.limb([(0.35, 0.3), (0.8, -0.05)], (0.22, 0.17), skin)


def dress(spot: Spot, rng: np.random.Generator) -> None:
    """A garment on a hanger: neckline, buttons, a bow, folds."""
    pen, a, b = spot.pen(0.03), random_colour(rng), random_colour(rng)
    pen.blob(
        [
            (-0.3, -0.9),
            (0.3, -0.9),
            (0.65, -0.7),
            (0.4, 0),
            (0.9, 1.2),
            (-0.9, 1.2),
            (-0.4, 0),
            (-0.65, -0.7),
        ],
        a,
    )
    pen.oval(0, -0.85, 0.22, 0.16, shade(a, 0.6), outline=True)
    for k in range(3):
        pen.oval(0, -0.5 + 0.22 * k, 0.05, 0.05, b, outline=True)
    for side in (-1, 1):
        pen.blob([(0, -0.62), (side * 0.3, -0.75), (side * 0.3, -0.5)], b, smooth=False)
        pen.stroke([(side * 0.2, 0.1), (side * 0.45, 1.1)], 0.04, shade(a, 0.7))


def orb(spot: Spot, rng: np.random.Generator) -> None:
    """A moon, a clock, a balloon or a flower: round, with marks where eyes might be."""
    pen, a = spot.pen(0.03), random_colour(rng, 90)
    kind = int(rng.integers(3))
    if kind == 0:
        for k in range(6):
            pen.oval(0.6 * math.cos(k * 1.047), 0.6 * math.sin(k * 1.047), 0.38, 0.38, a, outline=True)
        pen.oval(0, 0, 0.36, 0.36, (246, 214, 92), outline=True)
    elif kind == 1:
        pen.oval(0, 0, 0.95, 0.95, (246, 244, 236), outline=True, line=2)
        turn = float(rng.uniform(0, 6.28))
        pen.stroke([(0, 0), (0.6 * math.cos(turn), 0.6 * math.sin(turn))], 0.07)
        pen.stroke([(0, 0), (0.4 * math.cos(turn * 12), 0.4 * math.sin(turn * 12))], 0.09)
    else:
        pen.oval(0, 0, 0.95, 0.95, a, outline=rng.random() < 0.5)
        for _ in range(3):
            x, y = rng.uniform(-0.5, 0.5, 2)
            pen.oval(float(x), float(y), 0.16, 0.14, shade(a, 0.85))


THINGS: dict[str, Draw] = {
    "lettering": lettering, "glyphs": glyphs, "logo": logo, "pattern": pattern, "windows": windows, "food": food,
    "plush": plush, "bare_arms": bare_arms, "dress": dress, "orb": orb,
}  # fmt: skip
