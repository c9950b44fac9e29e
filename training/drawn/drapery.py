"""What covers a body and is taken for a face: folds, lace, bows, hands that hold something, spirals, heaps of shapes.

Rule: as with `negatives`, nothing here has a box or a tag. It is drawn before people, beside them, or on their bodies.
"""

from __future__ import annotations

import math

import numpy as np

from animeds_db.sample.drawing.pen import Colour, Pen, mix, shade
from training.drawn.negatives import Draw, Spot, random_colour, skin_colour


def _wave(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return `count` heights of a random smooth walk, about -1 … 1."""
    steps = rng.normal(0, 1, count).cumsum()
    return np.asarray((steps - steps.mean()) / max(1e-6, float(np.abs(steps - steps.mean()).max())))


def _inked(spot: Spot, rng: np.random.Generator, colour: Colour) -> Pen:
    """Return a pen whose ink suits a colour: dark, or a deep tone of it."""
    pen = spot.pen(float(rng.uniform(0.008, 0.04)))
    pen.ink = (40, 30, 40) if rng.random() < 0.5 else shade(colour, 0.4)
    return pen


def folds(spot: Spot, rng: np.random.Generator) -> None:
    """A hanging cloth: long folds that meet above, each with a light side and a dark one."""
    cloth = random_colour(rng) if rng.random() < 0.7 else mix(random_colour(rng), (250, 250, 250), 0.8)
    pen = _inked(spot, rng, cloth)
    turned = pen.tilted(float(rng.uniform(-60, 60)), (0, 0))
    count = int(rng.integers(4, 10))
    top, low = np.sort(rng.uniform(-0.7, 0.7, count)), np.sort(rng.uniform(-1.3, 1.3, count))
    ends = 1.2 + 0.2 * _wave(rng, count)
    for k in range(count - 1):
        bend = float(rng.normal(0, 0.15))
        tone = shade(cloth, float(rng.uniform(0.55, 1.35)))
        middle = (top[k] + low[k]) / 2 + bend
        after = (top[k + 1] + low[k + 1]) / 2 + bend
        turned.blob(
            [(top[k], -1.1), (middle, 0), (low[k], ends[k]), (low[k + 1], ends[k + 1]), (after, 0), (top[k + 1], -1.1)],
            tone,
            outline=rng.random() < 0.7,
        )  # fmt: skip


def lace(spot: Spot, rng: np.random.Generator) -> None:
    """One to three rows of frills along a curve: scallops that overlap, some with holes."""
    white = mix(random_colour(rng), (252, 250, 248), float(rng.uniform(0.5, 0.95)))
    pen = _inked(spot, rng, white)
    turned = pen.tilted(float(rng.uniform(-180, 180)), (0, 0))
    count, size = int(rng.integers(5, 14)), float(rng.uniform(0.14, 0.34))
    holes = rng.random() < 0.5
    bend = float(rng.uniform(-0.4, 0.4))
    for row in range(int(rng.integers(1, 4))):
        for k in range(count):
            x = (k / (count - 1) - 0.5) * 2.4 + float(rng.normal(0, 0.03))
            y = bend * x * x + row * size * 0.9 - 0.4
            tone = shade(white, float(rng.uniform(0.8, 1.0)))
            turned.blob(
                [(x - size * 0.7, y - size), (x + size * 0.7, y - size), (x + size, y + size * 0.4),
                 (x + size * 0.3, y + size), (x - size * 0.4, y + size * 0.9), (x - size, y + size * 0.3)],
                tone,
            )  # fmt: skip
            turned.stroke(
                [(x, y - size), (x + float(rng.normal(0, 0.05)), y + size * 0.5)], 0.025, shade(white, 0.7)
            )
            if holes:
                turned.oval(x, y + size * 0.45, size * 0.16, size * 0.16, shade(white, 0.55))


def bow(spot: Spot, rng: np.random.Generator) -> None:
    """A large bow with a knot, folds and hanging ends, some striped at the edge."""
    colour, edge = random_colour(rng), random_colour(rng)
    pen = _inked(spot, rng, colour)
    turned = pen.tilted(float(rng.uniform(-35, 35)), (0, 0))
    striped, droop = rng.random() < 0.4, float(rng.uniform(-0.2, 0.5))
    for side in (-1, 1):
        turned.blob(
            [(0, 0.1), (side * 0.3, 0.4), (side * 0.45, 1.3), (side * 0.85, 1.2), (side * 0.4, 0.2)],
            shade(colour, 0.8),
            smooth=False,
        )
        top, low = -0.65 + droop, 0.4 + droop
        wing = [(0, -0.05), (side * 0.7, top), (side * 1.15, (top + low) / 2), (side * 1.1, low), (0, 0.12)]
        turned.blob(wing, edge if striped else colour)
        if striped:
            turned.blob([(x * 0.86, y * 0.8) for x, y in wing], colour)
        for _ in range(int(rng.integers(1, 4))):
            turned.stroke(
                [(side * 0.1, 0.02), (side * 0.7, float(rng.uniform(-0.3, 0.3)) + droop)],
                0.05,
                shade(colour, 0.6),
            )
    turned.oval(0, 0.02, 0.2, 0.24, shade(colour, 1.1), outline=True)


def held_thing(spot: Spot, rng: np.random.Generator) -> None:
    """A hand that holds something flat, such as an open book: fingers side by side before it."""
    colour, skin = random_colour(rng), skin_colour(rng)
    pen = _inked(spot, rng, colour)
    turned = pen.tilted(float(rng.uniform(-60, 60)), (0, 0))
    wide, high = float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.6, 1.1))
    turned.blob([(-wide, -high), (wide, -high), (wide, high), (-wide, high)], colour, smooth=False)
    if rng.random() < 0.6:
        near, far, above, below = -wide * 0.85, wide * 1.1, -high * 0.9, high * 0.85
        pages = [(near, above), (far, above), (far, below), (near, below)]
        turned.blob(pages, (248, 244, 236), smooth=False)
    side = float(rng.choice((-1, 1)))
    sleeve = mix(random_colour(rng), (255, 255, 255), float(rng.uniform(0, 0.8)))
    turned.limb([(side * 1.35, 1.1), (side * 1.05, 0.75)], (0.7, 0.55), sleeve)
    turned.oval(side * 0.75, 0.4, 0.45, 0.42, skin, outline=True)
    for k in range(4):
        y = 0.05 + 0.22 * k
        turned.limb([(side * 0.8, y + 0.1), (side * float(rng.uniform(-0.1, 0.25)), y)], (0.2, 0.15), skin)


def spiral(spot: Spot, rng: np.random.Generator) -> None:
    """A spiral on a pale triangle or oval of cloth."""
    ground = mix(random_colour(rng), (255, 255, 255), float(rng.uniform(0.3, 1.0)))
    sign = random_colour(rng)
    pen = _inked(spot, rng, ground)
    turned = pen.tilted(float(rng.uniform(-40, 40)), (0, 0))
    if rng.random() < 0.5:
        turned.blob([(0, -1), (1.2, 0.8), (-1.2, 0.8)], ground, smooth=rng.random() < 0.5)
    else:
        turned.oval(0, 0, 1.1, float(rng.uniform(0.6, 1.1)), ground, outline=True)
    turns, width = float(rng.uniform(1.2, 3)), float(rng.uniform(0.06, 0.16))
    around = np.linspace(0, turns * 2 * math.pi, int(10 * turns))
    reach = np.linspace(0.08, 0.6, len(around))
    turned.stroke([(float(r * math.cos(a)), float(r * math.sin(a)) + 0.1) for a, r in zip(around, reach, strict=True)],
                  width, sign)  # fmt: skip


def heap(spot: Spot, rng: np.random.Generator) -> None:
    """A heap of strands, leaves and patches in a few colours, one over another, with highlights and dark dots."""
    tones = [random_colour(rng) for _ in range(int(rng.integers(2, 5)))]
    if rng.random() < 0.4:
        tones[0] = skin_colour(rng)
    pen = _inked(spot, rng, tones[0])
    for _ in range(int(rng.integers(6, 22))):
        turned = pen.tilted(float(rng.uniform(-180, 180)), (0, 0))
        tone = shade(tones[int(rng.integers(len(tones)))], float(rng.uniform(0.6, 1.3)))
        x, y = (float(v) for v in rng.uniform(-0.75, 0.75, 2))
        long = float(rng.uniform(0.2, 0.9))
        kind = int(rng.integers(4))
        if kind == 0:
            bend = float(rng.normal(0, 0.25))
            turned.blob([(x, y - long), (x + 0.16 + bend, y), (x, y + long), (x - 0.12 + bend, y)], tone)
        elif kind == 1:
            turned.oval(x, y, long * 0.5, long * float(rng.uniform(0.2, 0.5)), tone, outline=True)
        elif kind == 2:
            turned.stroke([(x - long, y), (x, y + float(rng.normal(0, 0.3))), (x + long, y)], 0.08, tone)
        else:
            small = float(rng.uniform(0.04, 0.12))
            turned.oval(x, y, small, small * 1.3, shade(tone, 0.35))
            turned.oval(x - small * 0.3, y - small * 0.4, small * 0.4, small * 0.4, (255, 255, 255))


DRAPERY: dict[str, Draw] = {
    "folds": folds, "lace": lace, "bow": bow, "held_thing": held_thing, "spiral": spiral, "heap": heap,
}  # fmt: skip
