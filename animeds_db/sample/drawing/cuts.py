"""Short haircuts that leave ears and neck free: cropped, combed back, parted, tousled, curly, undercut, shaggy.

A cut is a fringe over the forehead and an outline around the skull, which runs from ear to ear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .draft import Draft
from .pen import Points, shade
from .tresses import MORE_BANGS, fine_strands, light_on_hair, shaded, uneven


@dataclass(frozen=True)
class Cut:
    """A haircut: distance from the skull, number, size and form of the tufts, where it ends, and how the sides are.

    `out` and `tuft` are in heads; `round_tufts` draws curls instead of points; `nape` is the y at which the back ends;
    `sides` is the tone of the hair above the ears (0.6: cut very short).
    """

    out: float
    tufts: int
    tuft: float
    round_tufts: bool
    nape: float
    fringe: str
    sides: float = 0.9


CUTS: dict[str, Cut] = {
    "crop": Cut(0.03, 14, 0.02, False, 0.2, "peak"),
    "slick": Cut(0.06, 3, 0.01, True, 0.22, "back"),
    "parting": Cut(0.07, 6, 0.03, False, 0.24, "side"),
    "tousled": Cut(0.08, 11, 0.09, False, 0.28, "choppy"),
    "shaggy": Cut(0.09, 9, 0.1, False, 0.4, "one_eye"),
    "curly": Cut(0.1, 15, 0.055, True, 0.3, "thin"),
    "undercut": Cut(0.09, 7, 0.05, False, 0.05, "side", 0.6),
    "pixie": Cut(0.06, 9, 0.04, False, 0.3, "thin"),
}


def _skull(angle: float, out: float) -> tuple[float, float]:
    """Return the point of the skull's outline at an angle (0 right, 90° up) and `out` heads away from it."""
    return ((0.43 + out) * math.cos(angle), -0.06 - (0.47 + out) * math.sin(angle))


def outline(draft: Draft) -> list[tuple[float, float]]:
    """Return the outer edge of the hair from the right ear over the top to the left one, in heads."""
    cut = CUTS[draft.detail.cut]
    rng = np.random.default_rng(draft.detail.fringe)
    v, edge = draft.style.volume, []
    start, stop = math.radians(-12), math.radians(192)
    for k in range(cut.tufts):
        a = start + (stop - start) * k / cut.tufts
        b = start + (stop - start) * (k + 0.55 + float(rng.uniform(-0.15, 0.15))) / cut.tufts
        tip = cut.tuft * float(rng.uniform(0.6, 1.3))
        edge.append(_skull(a, cut.out))
        edge += [_skull(b, cut.out + tip)] * (1 if cut.round_tufts else 2)
    edge.append(_skull(stop, cut.out))
    wide = v * draft.face.wide
    return [(x * wide - 0.05 * draft.turn, y) for x, y in edge]


def draw_cut_back(draft: Draft) -> None:
    """Draw the hair behind the head: down to the nape, no wider than the skull."""
    cut, s = CUTS[draft.detail.cut], -0.08 * draft.turn - (0.1 * draft.turn if draft.profile else 0)
    wide = (0.36 + cut.out) * draft.style.volume * draft.face.wide
    body = [
        (-wide, -0.2),
        (-wide, 0.1),
        (-wide * 0.75, cut.nape),
        (-wide * 0.75, cut.nape),
        (0, cut.nape + 0.05),
    ]
    body += [(wide * 0.75, cut.nape), (wide * 0.75, cut.nape), (wide, 0.1), (wide, -0.2), (0, -0.5)]
    draft.head.blob([(x + s, y) for x, y in body], shade(draft.hair, 0.8))


def draw_cut_crown(draft: Draft) -> None:
    """Draw the hair on the skull with its fringe, or all of it when seen from behind."""
    cut, edge = CUTS[draft.detail.cut], outline(draft)
    if draft.behind:
        w = 0.38 * draft.style.volume * draft.face.wide
        nape = [(-w, 0.2), (-w * 0.7, max(0.25, cut.nape)), (w * 0.7, max(0.25, cut.nape)), (w, 0.2)]
        draft.head.blob([*edge, *nape], draft.hair)
        shaded(draft, [*edge, *nape], -0.2)
        light_on_hair(draft)
        return
    _sideburns(draft, cut)
    fringe = fringe_points(draft)
    whole: Points = [*edge, *reversed(fringe)]
    if draft.style.shading != "flat" and not draft.profile:
        shadow = [(x, y + 0.04) for x, y in fringe]
        draft.head.blob([*shadow, (-0.3, -0.3), (0.3, -0.3)], (*shade(draft.skin, 0.66), 90), outline=False)
    draft.head.blob(whole, draft.hair)
    shaded(draft, whole, -0.3)
    fine_strands(draft, fringe)
    light_on_hair(draft)


def fringe_points(draft: Draft) -> list[tuple[float, float]]:
    """Return the lower edge of the fringe on the turned head, tips doubled into points, right to left."""
    cut = CUTS[draft.detail.cut]
    name = draft.look.bangs if draft.look.bangs in MORE_BANGS else cut.fringe
    points: list[tuple[float, float]] = []
    for i, (x, y) in enumerate(uneven(MORE_BANGS[name], draft)):
        y = draft.lifted(y) if draft.pose.pitch else y
        if draft.profile:
            y += 0.3 * max(0.0, -x * draft.turn)
        points += [(x * (1 - 0.1 * abs(draft.turn)) + 0.13 * draft.turn, y)] * (2 if i % 2 == 0 else 1)
    return points


def _sideburns(draft: Draft, cut: Cut) -> None:
    """Draw the short hair between temple and ear."""
    tone = shade(draft.hair, cut.sides)
    for side in (-1, 1):
        if draft.profile and side * draft.turn > 0:
            continue
        x = (side * 0.4 * (1 - 0.1 * abs(draft.turn)) + 0.05 * draft.turn) * draft.face.wide
        if draft.profile:
            x = -0.1 * draft.turn
        burn = [
            (x - side * 0.05, -0.24),
            (x + side * 0.05, -0.24),
            (x + side * 0.035, 0.06),
            (x - side * 0.02, 0.14),
        ]
        draft.head.blob(burn, tone, outline=False)
