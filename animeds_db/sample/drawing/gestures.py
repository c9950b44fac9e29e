"""Hands and arms before face and chest: what hides part of a face, and folded arms."""

from __future__ import annotations

import math

from .draft import Draft
from .pen import shade

COVERS = ("mouth", "cheek", "eye", "chin", "sign")
_PLACES = {
    "mouth": (0.04, 0.4),
    "cheek": (0.33, 0.3),
    "eye": (0.2, 0.14),
    "chin": (0.08, 0.56),
    "sign": (0.5, 0.2),
}


def draw_gesture(draft: Draft) -> None:
    """Draw a hand before the face, with its forearm; nothing from behind."""
    kind = draft.pose.cover
    if not kind or draft.behind:
        return
    x, y = _PLACES[kind]
    x = x * (1 - 0.16 * abs(draft.turn)) + 0.17 * draft.turn
    elbow = (draft.shoulder + 0.08, draft.collar + 0.19 + 0.17 * draft.build)
    thick = 0.09 + 0.016 * draft.build
    sleeve = draft.cloth if draft.look.outfit not in ("t-shirt", "dress", "swimsuit") else draft.skin
    wrist = (x + 0.12, y + 0.2)
    draft.pen.limb([elbow, ((elbow[0] + wrist[0]) / 2 + 0.02, (elbow[1] + wrist[1]) / 2), wrist],
                   (thick, thick * 0.9, thick * 0.75), sleeve)  # fmt: skip
    _hand(draft, x, y, spread=kind == "sign")


def _hand(draft: Draft, x: float, y: float, *, spread: bool) -> None:
    """Draw a hand with its back to the viewer, fingers up and a little to the left."""
    size = 0.8 + 0.02 * draft.build
    draft.pen.oval(x + 0.05 * size, y + 0.09 * size, 0.1 * size, 0.11 * size, draft.skin, outline=True)
    for k in range(4):
        lean = math.radians(-34 + 16 * k + (10 * (k - 1.5) if spread else 0))
        root = (x + (0.0 + 0.042 * k - 0.02) * size, y + 0.04 * size)
        folded = spread and k in (0, 3)
        long = (0.09 if folded else 0.2 - 0.02 * abs(k - 1.5)) * size
        tip = (root[0] + math.sin(lean) * long, root[1] - math.cos(lean) * long)
        draft.pen.limb([root, tip], (0.05 * size, 0.04 * size), draft.skin)
    thumb = [(x + 0.1 * size, y + 0.12 * size), (x + 0.17 * size, y + 0.02 * size)]
    draft.pen.limb(thumb, (0.06 * size, 0.045 * size), draft.skin)
    draft.pen.oval(x + 0.05 * size, y + 0.08 * size, 0.075 * size, 0.08 * size, draft.skin)


def draw_folded_arms(draft: Draft) -> None:
    """Draw folded arms over the chest, one hand on the other arm."""
    if draft.pose.arms != "folded" or draft.behind:
        return
    bare = draft.look.outfit in ("t-shirt", "dress", "swimsuit")
    colour = draft.skin if bare else draft.cloth
    s, y, thick = draft.shoulder, draft.down(0.24), 0.1 + 0.02 * draft.build
    for side in (1, -1):
        points = [
            (side * (s + 0.04), y + 0.04),
            (0, y + 0.02 * side),
            (-side * s * 0.72, y - 0.03 - 0.03 * side),
        ]
        draft.pen.limb(points, (thick * 1.1, thick, thick * 0.8), colour)
        draft.pen.oval(points[2][0], points[2][1], thick * 0.5, thick * 0.55, draft.skin, outline=True)
    draft.pen.stroke([(-s * 0.5, y + thick * 0.5), (s * 0.5, y + thick * 0.55)], 0.016, shade(colour, 0.7))
