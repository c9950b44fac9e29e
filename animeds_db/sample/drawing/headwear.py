"""Hats of several forms and hoods: what varied drawings wear besides the sun hat of extras.py."""

from __future__ import annotations

from .draft import Draft
from .pen import mix, shade

HATS = ("sun", "cap", "beret", "beanie", "witch", "peaked", "mob")


def draw_hat(draft: Draft) -> bool:
    """Draw a hat; False if it is the sun hat, which extras.py draws."""
    kind = draft.detail.hat
    if kind == "sun":
        return False
    s, w = -0.03 * draft.turn, max(1.0, draft.face.wide * draft.style.volume)
    if kind == "beanie":
        _dome(draft, s, 0.5 * w, -0.82)
        _band(draft, s, 0.51 * w, -0.27, 0.17, shade(draft.trim, 0.86))
        draft.head.oval(s, -0.86, 0.1, 0.09, mix(draft.trim, (255, 255, 255), 0.5), outline=True)
    elif kind == "beret":
        lean = 0.16 if draft.turn <= 0 else -0.16
        shape = [
            (-0.52 * w + s, -0.38),
            (-0.6 * w + s + lean, -0.62),
            (s + lean, -0.84),
            (0.6 * w + s + lean, -0.6),
        ]
        draft.head.blob([*shape, (0.52 * w + s, -0.36), (s, -0.46)], draft.trim)
        draft.head.stroke([(s + lean, -0.84), (s + lean * 1.2, -0.91)], 0.05, shade(draft.trim, 0.8))
    elif kind == "mob":
        for k in range(9):
            x = -0.5 * w + 0.125 * w * k
            draft.head.oval(
                x + s, -0.3 - 0.12 * (1 - (x / 0.5) ** 2), 0.1, 0.09, (248, 248, 250), outline=True
            )
        puff = [
            (-0.5 * w + s, -0.36),
            (-0.58 * w + s, -0.62),
            (-0.2 + s, -0.9),
            (0.2 + s, -0.9),
            (0.58 * w + s, -0.62),
        ]
        draft.head.blob([*puff, (0.5 * w + s, -0.36), (s, -0.48)], draft.trim)
    elif kind == "witch":
        cone = [
            (-0.44 * w + s, -0.34),
            (-0.22 + s, -0.8),
            (0.14 + s, -1.2),
            (0.14 + s, -1.2),
            (0.2 + s, -0.8),
        ]
        draft.head.blob([*cone, (0.44 * w + s, -0.34), (s, -0.28)], draft.trim)
        _band(draft, s, 0.42 * w, -0.36, 0.12, shade(draft.trim, 0.55))
        brim = [
            (-0.95 + s, -0.24),
            (-0.4 + s, -0.4),
            (s, -0.34),
            (0.4 + s, -0.4),
            (0.95 + s, -0.24),
            (s, -0.14),
        ]
        draft.head.blob(brim, draft.trim)
    else:
        _cap(draft, s, w, high=kind == "peaked")
    return True


def _dome(draft: Draft, s: float, wide: float, top: float) -> None:
    side = [(wide, -0.24), (wide * 0.98, -0.46), (wide * 0.7, (top - 0.46) / 2 - 0.1)]
    shape = [(-x + s, y) for x, y in side] + [(s, top)] + [(x + s, y) for x, y in reversed(side)]
    draft.head.blob(shape, draft.trim)


def _band(draft: Draft, s: float, wide: float, y: float, high: float, colour: tuple[int, ...]) -> None:
    band = [
        (-wide + s, y - 0.04),
        (s, y + 0.02),
        (wide + s, y - 0.04),
        (wide + s, y - 0.04 - high),
        (s, y - high),
    ]
    draft.head.blob([*band, (-wide + s, y - 0.04 - high)], colour)


def _cap(draft: Draft, s: float, w: float, *, high: bool) -> None:
    """A cap with a peak over the brow; a high one, as uniforms have, widens upwards and has a badge."""
    wide, top = 0.5 * w, -0.9 if high else -0.74
    if high:
        crown = [
            (-wide + s, -0.32),
            (-wide * 1.2 + s, -0.66),
            (s, top),
            (wide * 1.2 + s, -0.66),
            (wide + s, -0.32),
        ]
        draft.head.blob([*crown, (s, -0.28)], draft.trim)
        _band(draft, s, wide * 1.02, -0.32, 0.12, shade(draft.trim, 0.6))
    else:
        _dome(draft, s, wide, top)
    if draft.behind:
        return
    x = s + 0.3 * draft.turn
    peak = [
        (-0.42 * w + x, -0.3),
        (-0.3 * w + x, -0.16),
        (x, -0.13),
        (0.3 * w + x, -0.16),
        (0.42 * w + x, -0.3),
    ]
    draft.head.blob([*peak, (x, -0.36)], shade(draft.trim, 0.75))
    if high:
        draft.head.oval(s + 0.1 * draft.turn, -0.5, 0.06, 0.07, (226, 186, 92), outline=True)


def hair_is_hidden(draft: Draft) -> bool:
    """Return whether a hood hides all hair, as it does from behind."""
    return draft.detail.hood and draft.behind


def draw_hood_back(draft: Draft) -> None:
    """Draw the inside of a hood behind the head."""
    if draft.detail.hood and not draft.behind:
        draft.head.blob(_hood(draft, 0.66, -0.8), shade(draft.cloth, 0.62))


def draw_hood(draft: Draft) -> None:
    """Draw a hood over the head: a ring around the face, or all of it from behind."""
    if not draft.detail.hood:
        return
    outer = _hood(draft, 0.66, -0.8)
    if draft.behind:
        draft.head.blob(outer, draft.cloth)
        return
    w, s = max(1.0, draft.face.wide * draft.style.volume), 0.06 * draft.turn
    inner = [(0.4, 0.5), (0.47 * w, 0.1), (0.45 * w, -0.24), (0.3, -0.5), (0.0, -0.58)]
    ring = [(x + s, y) for x, y in inner] + [(-x + s, y) for x, y in reversed(inner[:-1])]
    arch = [*outer[1:-1]]
    draft.head.blob([*arch, arch[-1], *reversed(ring), arch[0]], draft.cloth)


def _hood(draft: Draft, wide: float, top: float) -> list[tuple[float, float]]:
    w, s = max(1.0, draft.face.wide * draft.style.volume), -0.05 * draft.turn
    half = [
        (0.34, 0.62),
        (wide * w * 0.86, 0.5),
        (wide * w, 0.05),
        (wide * w * 0.94, -0.35),
        (0.34, top + 0.06),
    ]
    left = [(-x + s, y) for x, y in half]
    return [*left, (s, top), *[(-x + 2 * s, y) for x, y in reversed(left)]]
