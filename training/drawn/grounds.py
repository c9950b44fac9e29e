"""Backgrounds of many hands: the sample's places in other colours and out of focus, painted texture, patterns.

Rule: a place keeps what its tags say; only rooms and plain grounds change their colours, so a sky stays a blue one.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from animeds_db.sample.drawing.background import Background, draw_background
from animeds_db.sample.drawing.pen import mix
from training.drawn.negatives import Spot, pattern

_PAINTED = 0.5
_PETALS, _CLUTTERED = 0.15, 0.6
_TINTED_ROOM, _FOCUS = 0.4, 0.35
"""Chances that a ground is painted over with texture, that a room has another colour, that it is out of focus."""


def varied_ground(
    background: Background, rng: np.random.Generator, size: tuple[int, int]
) -> tuple[Image.Image, frozenset[str]]:
    """Return an RGB picture of the place (width, height) and its tags."""
    plain = background.place == "plain"
    if background.place == "corridor" and rng.random() < _CLUTTERED:
        return painted(cluttered_room(rng, size), rng), frozenset({"indoors"})
    image, tags = draw_background(background, size)
    if plain and "white_background" not in tags:
        image = _abstract(image, rng)
    elif background.indoors and rng.random() < _TINTED_ROOM:
        colour = tuple(int(v) for v in rng.integers(90, 256, 3))
        image = ImageChops.multiply(image, Image.new("RGB", size, mix(colour, (255, 255, 255), 0.15)))
    if rng.random() < _PETALS:
        image = _petals(image, rng)
    if "white_background" in tags:
        return image, tags
    if rng.random() < _PAINTED:
        image = painted(image, rng)
    if not plain and rng.random() < _FOCUS:
        # Blurred at an eighth of the size: a wide blur of the whole picture would take longer than all else.
        small = image.reduce(8).filter(
            ImageFilter.GaussianBlur(float(rng.uniform(0.3, 2.0)) * size[1] / 1080)
        )
        image = small.resize(size, Image.Resampling.BICUBIC)
    return image, tags


def cluttered_room(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return a room in perspective: walls and floor of random colours, furniture, shelves, frames, lamps."""
    image = Image.new("RGB", size, _any(rng, 60))
    draw, (w, h) = ImageDraw.Draw(image), size
    left, right = float(rng.uniform(0.05, 0.35)) * w, float(rng.uniform(0.65, 0.95)) * w
    top, low = float(rng.uniform(0.02, 0.2)) * h, float(rng.uniform(0.55, 0.8)) * h
    draw.polygon([(0, h), (left, low), (right, low), (w, h)], fill=_any(rng, 40))
    draw.polygon([(0, 0), (left, top), (left, low), (0, h)], fill=_any(rng, 40))
    draw.polygon([(w, 0), (right, top), (right, low), (w, h)], fill=_any(rng, 40))
    for _ in range(int(rng.integers(3, 12))):
        x, wide = float(rng.uniform(-0.1, 1.0)) * w, float(rng.uniform(0.05, 0.3)) * w
        high, base = float(rng.uniform(0.08, 0.5)) * h, low + float(rng.uniform(0, 0.3)) * h
        colour = _any(rng, 30)
        draw.rectangle((x, base - high, x + wide, base), fill=colour, outline=mix(colour, (0, 0, 0), 0.5))
        rows = int(rng.integers(1, 5))
        for k in range(rows):
            y = base - high + high * k / rows
            draw.line((x, y, x + wide, y), fill=mix(colour, (0, 0, 0), 0.4), width=max(1, size[1] // 200))
            for j in range(int(rng.integers(0, 6))):
                bx = x + wide * j / 6
                draw.rectangle(
                    (bx, y + high / rows * 0.3, bx + wide / 8, y + high / rows), fill=_any(rng, 30)
                )
    for _ in range(int(rng.integers(0, 6))):
        x, y, r = (
            float(rng.uniform(0, w)),
            float(rng.uniform(0, low * 0.7)),
            float(rng.uniform(0.03, 0.1)) * h,
        )
        draw.rectangle((x - r * 1.3, y - r, x + r * 1.3, y + r), fill=_any(rng, 60), outline=_any(rng, 20))
    return image


def _any(rng: np.random.Generator, low: int) -> tuple[int, ...]:
    return tuple(int(v) for v in rng.integers(low, 250, 3))


def _petals(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture with many petals, leaves, sparks or bubbles of one colour on it."""
    draw = ImageDraw.Draw(image, "RGBA")
    colour = (*(int(v) for v in rng.integers(120, 256, 3)), int(rng.integers(110, 256)))
    size = float(np.exp(rng.uniform(np.log(0.006), np.log(0.03)))) * image.height
    round_ones = rng.random() < 0.4
    for _ in range(int(rng.integers(15, 90))):
        x, y, r = (
            float(rng.uniform(0, image.width)),
            float(rng.uniform(0, image.height)),
            size * float(rng.uniform(0.5, 1.5)),
        )
        if round_ones:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
            continue
        turn = float(rng.uniform(0, 6.28))
        points = [(r * 1.6, 0.0), (0.0, r * 0.6), (-r * 1.2, 0.0), (0.0, -r * 0.6)]
        c, s = float(np.cos(turn)), float(np.sin(turn))
        draw.polygon([(x + a * c - b * s, y + a * s + b * c) for a, b in points], fill=colour)
    return image


def painted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture with the texture of paint, paper or clouds of colour, light and dark by turns."""
    coarse = int(rng.choice((4, 8, 20, 60)))
    field = rng.integers(0, 256, (coarse * 9 // 16 + 1, coarse), dtype=np.uint8)
    grain = Image.fromarray(field).resize(image.size, Image.Resampling.BICUBIC)
    strength = float(rng.uniform(0.08, 0.4))
    low, high = 255 * (1 - strength), 255
    factor = grain.point([int(low + (high - low) * v / 255) for v in range(256)])
    return ImageChops.multiply(image, Image.merge("RGB", (factor, factor, factor)))


def _abstract(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a plain ground with shapes, rays, dots or a pattern on it; a gradient with any colours otherwise."""
    kind = int(rng.integers(5))
    a, b = (tuple(int(v) for v in rng.integers(40, 256, 3)) for _ in range(2))
    if kind == 0:
        return image
    draw = ImageDraw.Draw(image)
    width, height = image.size
    if kind == 1:
        pattern(Spot(image, width / 2, height / 2, max(width, height) * 0.7), rng)
    elif kind == 2:
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        count = int(rng.integers(7, 20))
        for k in range(count):
            angles = np.array([k, k + 0.5]) * 2 * np.pi / count
            ends = [(x + 2 * width * float(np.cos(t)), y + 2 * width * float(np.sin(t))) for t in angles]
            draw.polygon([(x, y), *ends], fill=mix(a, b, float(rng.uniform(0, 0.3))))
    elif kind == 3:
        for _ in range(int(rng.integers(10, 50))):
            x, y, r = (
                float(rng.uniform(0, width)),
                float(rng.uniform(0, height)),
                float(rng.uniform(0.01, 0.12)) * height,
            )
            draw.ellipse((x - r, y - r, x + r, y + r), fill=mix(a, b, float(rng.random())))
    else:
        field = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        return Image.fromarray(field).resize(image.size, Image.Resampling.BICUBIC)
    return image
