"""What makes hair look drawn by hand: uneven bangs, fine strands, several kinds of shine, a second colour at its ends.

Only varied drawings use it; each part does nothing for a plain look.
"""

from __future__ import annotations

import numpy as np

from .draft import Draft
from .pen import Points, mix, shade

_WHITE = (255, 255, 255)
GLOSSES = ("ring", "band", "streaks", "soft", "none")
MORE_BANGS: dict[str, list[tuple[float, float]]] = {  # tip and valley by turns, as in hair.py
    "curtain": [
        (0.41, 0.32), (0.36, 0.04), (0.3, 0.16), (0.2, -0.1), (0.06, -0.33),
        (-0.16, -0.1), (-0.3, 0.16), (-0.36, 0.04), (-0.41, 0.32),
    ],
    "one_eye": [
        (0.4, 0.28), (0.33, 0.16), (0.24, 0.3), (0.14, 0.1), (0.02, 0.1),
        (-0.12, -0.16), (-0.2, -0.02), (-0.3, -0.2), (-0.38, 0.06),
    ],
    "thin": [
        (0.38, 0.02), (0.3, -0.2), (0.2, 0.02), (0.12, -0.24), (0.02, 0.08),
        (-0.03, -0.24), (-0.16, 0.03), (-0.28, -0.2), (-0.38, 0.02),
    ],
    "choppy": [
        (0.4, 0.14), (0.34, 0.0), (0.27, 0.1), (0.22, 0.0), (0.15, 0.12), (0.07, -0.02), (0.0, 0.09),
        (-0.08, -0.02), (-0.14, 0.12), (-0.22, 0.0), (-0.28, 0.08), (-0.35, 0.0), (-0.4, 0.12),
    ],
    "back": [
        (0.39, -0.08), (0.35, -0.2), (0.28, -0.27), (0.14, -0.34), (0.0, -0.36),
        (-0.14, -0.34), (-0.28, -0.27), (-0.35, -0.2), (-0.39, -0.08),
    ],
    "peak": [
        (0.38, -0.06), (0.33, -0.22), (0.26, -0.28), (0.12, -0.33), (0.0, -0.24),
        (-0.12, -0.33), (-0.26, -0.28), (-0.33, -0.22), (-0.38, -0.06),
    ],
    "side": [
        (0.39, -0.02), (0.35, -0.16), (0.3, -0.12), (0.16, -0.2), (0.02, -0.12),
        (-0.1, -0.26), (-0.2, -0.34), (-0.3, -0.26), (-0.39, -0.06),
    ],
}  # fmt: skip


def uneven(tips: list[tuple[float, float]], draft: Draft) -> list[tuple[float, float]]:
    """Return the tips and valleys of bangs, moved a little by the look's own seed and by the show's face."""
    seed, down = draft.detail.fringe, draft.face.fringe
    if not seed and not down:
        return tips
    moves = (
        np.random.default_rng(seed).normal(0, 1, (len(tips), 2)) * (0.018, 0.034)
        if seed
        else [(0, 0)] * len(tips)
    )
    return [
        (x * draft.face.wide + float(dx), min(y + down + float(dy), 0.34))
        for (x, y), (dx, dy) in zip(tips, moves, strict=True)
    ]


def uneven_spikes(spikes: list[tuple[float, float]], draft: Draft) -> list[tuple[float, float]]:
    """Return the tips of spiky hair, some of them shorter by the look's own seed."""
    if not draft.detail.fringe:
        return spikes
    reach = np.random.default_rng(draft.detail.fringe).uniform(0.76, 1.0, len(spikes))
    return [(x * float(r), y * float(r)) for (x, y), r in zip(spikes, reach, strict=True)]


def fine_strands(draft: Draft, outline: Points) -> None:
    """Draw thin darker and lighter strands from the crown down to the outline of the bangs."""
    count = draft.detail.strands
    if not count or draft.head.unit < 30:
        return
    rng = np.random.default_rng(draft.detail.fringe + 1)
    ends = [p for p in outline if p[1] < 0.3]
    for k in range(count):
        x, y = ends[int(rng.integers(len(ends)))]
        x, y = x + float(rng.normal(0, 0.03)), y - float(rng.uniform(0.02, 0.12))
        root = (0.03 * draft.turn + x * 0.35, float(rng.uniform(-0.58, -0.44)))
        tone = shade(draft.hair, 0.8) if k % 3 else mix(draft.hair, _WHITE, 0.25)
        middle = ((root[0] + x) / 2 + x * 0.12, (root[1] + y) / 2 - 0.03)
        draft.head.stroke([root, middle, (x, y)], float(rng.uniform(0.006, 0.014)), tone)


def light_on_hair(draft: Draft) -> bool:
    """Draw the shine of a varied look; False if the shine is the demo show's ring, which hair.py draws."""
    kind, s = draft.detail.gloss, 0.05 * draft.turn
    if kind == "ring":
        return False
    light = mix(draft.hair, _WHITE, 0.45)
    if kind == "band":
        teeth: list[tuple[float, float]] = []
        for k in range(13):
            x = -0.39 + 0.065 * k
            teeth.append((x + s, -0.3 + 0.45 * x * x + (0.05 if k % 2 else -0.04)))
        upper = [(x, y - 0.1) for x, y in reversed(teeth)]
        draft.head.blob([*teeth, *upper], (*light, 170), outline=False, smooth=False)
    elif kind == "streaks":
        for x, low in ((-0.3, -0.12), (-0.2, -0.2), (0.12, -0.16), (0.2, -0.24), (0.32, -0.1)):
            draft.head.stroke([(x * 0.7 + s, -0.47), (x * 0.92 + s, -0.34), (x + s, low)], 0.03, light)
    elif kind == "soft":
        for grow in (1.0, 0.75, 0.5):
            draft.head.oval(-0.12 + s, -0.38, 0.24 * grow, 0.12 * grow, (*light, 60))
    return True


def shaded(draft: Draft, points: Points, end: float) -> None:
    """Darken the lower part of a mass of hair and give its ends their second colour, in a few steps."""
    tips, depth = draft.detail.tips, draft.face.depth
    low = max(y for _, y in points)
    count = 8 if draft.style.shading == "soft" else 1
    if depth:
        dark = mix(shade(draft.hair, 0.62), (60, 40, 110), 0.15)
        draft.head.glaze(points, dark, _steps(end, low, count, int(150 * depth)))
    if tips:
        draft.head.glaze(points, tips, _steps(end + (low - end) * 0.3, low, count, 255))


def _steps(start: float, stop: float, count: int, most: int) -> list[tuple[float, int]]:
    """Return positions and opacities that grow to `most` in `count` steps; one step begins in the middle."""
    return [
        (start + (stop - start) * (k + 0.5) / (count + 0.5), most * (k + 1) // count) for k in range(count)
    ]
