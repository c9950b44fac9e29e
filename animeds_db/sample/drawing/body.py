"""Legs, torso and arms of a figure, as bare skin and as tubes of cloth; the clothes are cut in outfits.py.

Heights are shares of the body (`Draft.down`), so that a chibi is the same drawing, only compressed.
"""

from __future__ import annotations

from .draft import Draft
from .pen import Colour, Points, shade


def half_widths(draft: Draft) -> tuple[float, float, float]:
    """Return half the width at shoulder, waist and hip in heads."""
    s = draft.shoulder
    return (s, s * 0.66, s * 0.78) if draft.girl else (s, s * 0.78, s * 0.76)


def draw_neck(draft: Draft) -> None:
    """Draw the neck with the chin's shadow."""
    pen, top = draft.pen, draft.collar + 0.03
    x, more = -0.03 * draft.turn, 0.06 * draft.detail.broad
    pen.blob(
        [
            (x - 0.1 - more, 0.3),
            (x + 0.1 + more, 0.3),
            (0.115 + more, top + 0.05),
            (-0.115 - more, top + 0.05),
        ],
        draft.skin,
        smooth=False,
    )
    if draft.style.shading != "flat" and not draft.behind:
        shadow = (*shade(draft.skin, 0.7), 150)
        pen.blob(
            [(x - 0.1, 0.35), (x + 0.1, 0.35), (0.1, 0.54), (0, 0.6), (-0.1, 0.54)], shadow, outline=False
        )


def torso_points(draft: Draft, grow: float = 0.0, low: float = 0.5) -> Points:
    """Return the torso's outline from the neck to a share `low` of the body, widened by `grow` heads."""
    s, w, h = half_widths(draft)
    top = draft.collar + 0.04
    right = [
        (0.1, top),
        (s * 0.62, top + 0.03),
        (s + grow, top + 0.13),
        (s * 0.9 + grow, draft.down(0.17) + 0.05),
        (w + grow, draft.down(0.34)),
        (h + grow, draft.down(low)),
        (h + grow, draft.down(low)),
    ]
    return [*right, *[(-x, y) for x, y in reversed(right)]]


def draw_torso(draft: Draft, colour: Colour, grow: float = 0.0, low: float = 0.5) -> None:
    """Draw the torso in a colour, with a shadow along its right side."""
    points = torso_points(draft, grow, low)
    draft.pen.blob(points, colour)
    if draft.style.shading == "flat":
        return
    s, w, h = half_widths(draft)
    dark = (*shade(colour, 0.72), 120 if draft.style.shading == "cel" else 70)
    side = [
        (s * 0.86 + grow, draft.down(0.1)),
        (w + grow - 0.02, draft.down(0.34)),
        (h + grow - 0.03, draft.down(low) - 0.06),
        (h * 0.6, draft.down(low) - 0.04),
        (w * 0.62, draft.down(0.3)),
    ]
    draft.pen.blob(side, dark, outline=False)


def draw_legs(draft: Draft, skin: Colour, sock: Colour | None, shoe: Colour, *, wide: float = 1.0) -> None:
    """Draw both legs in `skin` (or a trouser's colour), with knee socks and shoes."""
    _, _, h = half_widths(draft)
    hip, knee, ankle, sole = draft.down(0.48), draft.down(0.73), draft.down(0.95), draft.down(1.0)
    thick = (0.1 + 0.022 * draft.build) * wide
    for side in (-1, 1):
        x = side * h * 0.52
        widths = (thick * 1.35, thick * 1.0, thick * (0.72 if wide <= 1 else 0.95))
        draft.pen.limb([(x, hip), (x * 1.02, knee), (x, ankle)], widths, skin)
        if sock:
            top = draft.down(0.76)
            draft.pen.limb(
                [(x * 1.02, top), (x, (top + ankle) / 2), (x, ankle)],
                (thick * 0.98, thick * 0.95, thick * 0.74),
                sock,
            )
        toe = 0.05 * draft.turn + side * 0.02
        foot = [
            (x - 0.08, ankle - 0.01),
            (x + 0.08, ankle - 0.01),
            (x + 0.1 + toe, sole),
            (x - 0.1 + toe, sole),
        ]
        draft.pen.blob(foot, shoe, smooth=False)


def arm_points(draft: Draft, side: int) -> list[tuple[float, float]]:
    """Return shoulder, elbow and hand of one arm; `side` -1 is the picture's left."""
    s = draft.shoulder
    x, y = side * (s - 0.06), draft.collar + 0.19
    upper, lower = 0.18 * draft.build, 0.17 * draft.build
    pose = draft.pose.arms
    if pose == "up" or (pose == "wave" and side == 1):
        # Hands stay beside the head even on a chibi, whose arms are shorter than the head is high.
        if pose == "up":
            return [
                (x, y),
                (x + side * 0.3, y - 0.12 * draft.build),
                (x + side * 0.16, y - 0.3 * draft.build),
            ]
        return [(x, y), (x + side * 0.26, y + 0.05 * draft.build), (x + side * 0.36, y - 0.17 * draft.build)]
    if pose == "folded":
        chest = draft.down(0.24)
        return [
            (x, y),
            (x + side * 0.12, chest + 0.06),
            (x - side * draft.shoulder * 1.5, chest - 0.03 * side),
        ]
    if pose == "back":
        return [(x, y), (x + side * 0.12, y + upper), (x - side * 0.1, y + upper + lower * 0.5)]
    if draft.pose.cover and side == 1:  # gestures.py draws the forearm
        return [(x, y), (x + 0.14, y + upper * 0.9), (x + 0.12, y + upper)]
    if pose == "hip":
        return [(x, y), (x + side * 0.25, y + upper * 0.95), (x - side * 0.06, y + upper + lower * 0.62)]
    return [(x, y), (x + side * 0.07, y + upper), (x + side * 0.05, y + upper + lower)]


def draw_arms(
    draft: Draft, sleeve: Colour | None, reach: float, *, loose: float = 1.0, flare: float = 1.0
) -> None:
    """Draw both arms: skin to the hand and a sleeve over `reach` (0 … 1) of it.

    `loose` widens the sleeve, `flare` its opening.
    """
    thick = 0.1 + 0.02 * draft.build
    for side in (-1, 1):
        shoulder, elbow, hand = arm_points(draft, side)
        draft.pen.limb([shoulder, elbow, hand], (thick, thick * 0.85, thick * 0.66), draft.skin)
        draft.pen.oval(*_beyond(elbow, hand, 1.06), thick * 0.44, thick * 0.48, draft.skin, outline=True)
        if sleeve:
            points = _part([shoulder, elbow, hand], reach)
            wide = thick * 1.2 * loose
            widths = [wide, wide * (1.0 + (flare - 1) * 0.4), wide * flare][: len(points)]
            if len(points) == 2:
                widths = [wide, wide * flare]
            draft.pen.limb(points, widths, sleeve)


def _beyond(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _part(points: list[tuple[float, float]], reach: float) -> list[tuple[float, float]]:
    shoulder, elbow, hand = points
    if reach <= 0.5:
        return [shoulder, _beyond(shoulder, elbow, reach * 2)]
    return [shoulder, elbow, _beyond(elbow, hand, reach * 2 - 1)]
