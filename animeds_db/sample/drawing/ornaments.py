"""Ornaments on clothes and loose locks of hair: what makes a drawing busy. They have no tags."""

from __future__ import annotations

import math

import numpy as np

from .body import half_widths
from .draft import Draft
from .pen import Colour, mix, shade

_WHITE = (250, 250, 252)


def draw_ornaments(draft: Draft) -> None:
    """Draw two to five random ornaments on the clothes of a varied look, from before only."""
    seed = draft.detail.ornaments
    if not seed or draft.behind:
        return
    rng = np.random.default_rng(seed)
    drawers = (_frill, _buttons, _belt, _ribbon, _badge, _stripes, _cape)
    for k in rng.permutation(len(drawers))[: int(rng.integers(2, 6))]:
        drawers[k](draft, _colour(draft, rng), rng)


def _colour(draft: Draft, rng: np.random.Generator) -> Colour:
    options = (_WHITE, draft.trim, shade(draft.cloth, 0.6), mix(draft.cloth, _WHITE, 0.5), (226, 186, 92))
    return options[int(rng.integers(len(options)))]


def _frill(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    """A row of scallops around the neck, along the hem of a jacket or on the shoulders."""
    s, _, h = half_widths(draft)
    y = (draft.collar + 0.06, draft.down(0.45), draft.down(0.16))[int(rng.integers(3))]
    wide = (s * 0.55, h * 1.1, s * 0.95)[int(rng.integers(3))]
    count = int(rng.integers(5, 10))
    for k in range(count):
        x = -wide + 2 * wide * (k + 0.5) / count
        draft.pen.oval(
            x, y + 0.03 * (1 - (x / wide) ** 2), wide / count * 1.1, 0.06, colour, outline=True, line=0.7
        )


def _buttons(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    x, rows = 0.06 * draft.turn, (0.0,) if rng.random() < 0.6 else (-0.09, 0.09)
    for share in np.linspace(0.14, 0.46, int(rng.integers(3, 6))):
        for side in rows:
            draft.pen.oval(x + side, draft.down(float(share)), 0.026, 0.026, colour, outline=True, line=0.6)


def _belt(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    w, y = half_widths(draft)[1] + 0.03, draft.down(float(rng.uniform(0.32, 0.44)))
    draft.pen.blob([(-w, y), (w, y), (w + 0.01, y + 0.08), (-w - 0.01, y + 0.08)], colour, smooth=False)
    draft.pen.oval(0.05 * draft.turn, y + 0.04, 0.055, 0.05, shade(colour, 0.7), outline=True)


def _ribbon(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    x, y, size = 0.05 * draft.turn, draft.collar + 0.1, float(rng.uniform(0.1, 0.24))
    for side in (-1, 1):
        wing = [(x, y), (x + side * size, y - size * 0.5), (x + side * size * 1.1, y + size * 0.45)]
        draft.pen.blob(wing, colour)
        draft.pen.blob(
            [(x, y), (x + side * size * 0.3, y + size * 1.6), (x + side * size * 0.7, y + size * 1.4)], colour
        )
    draft.pen.oval(x, y, size * 0.25, size * 0.27, shade(colour, 0.85), outline=True)


def _badge(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    s = half_widths(draft)[0]
    x, y, r = float(rng.choice((-0.5, 0.5))) * s, draft.down(0.2), float(rng.uniform(0.05, 0.1))
    points = [(x + r * math.cos(a) * (1, 0.5)[k % 2], y + r * math.sin(a) * (1, 0.5)[k % 2])
              for k, a in enumerate(np.linspace(0, 2 * math.pi, 10, endpoint=False))]  # fmt: skip
    draft.pen.blob(points, colour, smooth=False)


def _stripes(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    s = half_widths(draft)[0] * 0.78
    for k in range(int(rng.integers(2, 5))):
        y = draft.down(0.16 + 0.08 * k)
        draft.pen.blob(
            [(-s, y), (s, y), (s, y + 0.035), (-s, y + 0.035)], colour, outline=False, smooth=False
        )


def _cape(draft: Draft, colour: Colour, rng: np.random.Generator) -> None:
    s, low = half_widths(draft)[0], draft.down(float(rng.uniform(0.12, 0.24)))
    for side in (-1, 1):
        flap = [
            (side * 0.12, draft.collar + 0.02),
            (side * (s + 0.04), draft.collar + 0.14),
            (side * (s + 0.12), low),
        ]
        draft.pen.blob([*flap, (side * s * 0.45, low - 0.04)], colour)


def draw_loose_locks(draft: Draft) -> None:
    """Draw wavy locks that fly out of the hair behind the head. Their form comes from the look's own seed."""
    count = draft.detail.locks
    if not count or draft.detail.cut:
        return
    rng = np.random.default_rng(draft.detail.fringe + 2)
    end = max(0.5, draft.hair_end())
    for k in range(count):
        side = -1 if k % 2 else 1
        x = side * float(rng.uniform(0.3, 0.5)) - 0.06 * draft.turn
        low, out = float(rng.uniform(0.3, 1.0)) * end, float(rng.uniform(0.0, 0.45))
        width = float(rng.uniform(0.06, 0.16))
        tip = (x + side * out, low + 0.15)
        middle = (x + side * (out * 0.2 + float(rng.uniform(0.0, 0.18))), low * 0.45)
        shape = [(x - width, -0.3), (x + width, -0.3), (middle[0] + width, middle[1]), tip, tip]
        draft.head.blob(
            [*shape, (middle[0] - width, middle[1])], shade(draft.hair, float(rng.uniform(0.78, 1.0)))
        )


def draw_tuft(draft: Draft) -> None:
    """Draw a lock that stands up on the crown, for every third look with loose locks."""
    if (
        draft.detail.locks
        and draft.detail.fringe % 3 == 0
        and draft.look.accessory != "hat"
        and not draft.detail.hood
    ):
        side = 1 if draft.detail.fringe % 2 else -1
        points = [(0.0, -0.58), (side * 0.06, -0.76), (side * 0.24, -0.84), (side * 0.3, -0.7)]
        draft.head.limb(points, (0.09, 0.06, 0.015), draft.hair)
