"""Accessories: glasses, hats, bows and the like.

The drawing functions return nothing; `accessory_tags` returns the tags of an accessory.
"""

from __future__ import annotations

from .draft import Draft
from .headwear import draw_hat, hair_is_hidden
from .pen import shade

_WHITE = (250, 250, 252)


def draw_behind_head(draft: Draft) -> None:
    """Draw the parts that are visible behind the hair."""
    if draft.look.accessory == "cat_ears":
        for side in (-1, 1):
            x = side * 0.3 - 0.05 * draft.turn
            ear = [
                (x - side * 0.2, -0.42),
                (x + side * 0.16, -0.84),
                (x + side * 0.16, -0.84),
                (x + side * 0.2, -0.28),
            ]
            draft.head.blob(ear, draft.hair)
            if not draft.behind:
                inner = [(x - side * 0.08, -0.48), (x + side * 0.13, -0.74), (x + side * 0.15, -0.4)]
                draft.head.blob(inner, (244, 176, 182), outline=False)
    if draft.look.accessory == "bow":
        _hair_bow(draft, behind=True)


def draw_on_face(draft: Draft) -> None:
    """Draw glasses."""
    if draft.look.accessory != "glasses" or draft.behind:
        return
    t, frame = draft.turn, shade(draft.trim, 0.6)
    y = draft.lifted(draft.face.eye_y) + 0.01
    if draft.profile:
        s = 1 if t > 0 else -1
        draft.head.oval(s * 0.285, y, 0.09, 0.14, (255, 255, 255, 50))
        _ring(draft, s * 0.285, y, 0.09, 0.14)
        draft.head.curve([(s * 0.2, y - 0.02), (-s * 0.05, y - 0.03)], frame, line=1.6)
        return
    xs = [side * draft.face.eye_gap * (1 - 0.16 * abs(t)) + 0.17 * t for side in (-1, 1)]
    for side, x in zip((-1, 1), xs, strict=True):
        rx = 0.15 * (1 - 0.3 * max(0.0, side * t))
        draft.head.oval(x, y, rx, 0.15, (255, 255, 255, 45))
        _ring(draft, x, y, rx, 0.15)
    draft.head.curve(
        [(xs[0] + 0.14, y - 0.01), ((xs[0] + xs[1]) / 2, y - 0.03), (xs[1] - 0.12, y - 0.01)], frame, line=1.6
    )


def _ring(draft: Draft, x: float, y: float, rx: float, ry: float) -> None:
    frame = shade(draft.trim, 0.6)
    around = [
        (-1, 0),
        (-0.75, -0.7),
        (0, -0.95),
        (0.75, -0.7),
        (1, 0),
        (0.72, 0.72),
        (0, 1),
        (-0.72, 0.72),
        (-1, 0),
    ]
    draft.head.curve([(x + rx * a, y + ry * b) for a, b in around], frame, line=1.7)


def draw_on_head(draft: Draft) -> None:
    """Draw accessories on the hair or beside the face."""
    kind = draft.look.accessory
    if kind == "hat":
        if not draw_hat(draft):
            _hat(draft)
    elif kind == "hairband":
        s = -0.04 * draft.turn
        band = [(-0.47 + s, -0.18), (-0.36 + s, -0.42), (0 + s, -0.53), (0.36 + s, -0.42), (0.47 + s, -0.18)]
        draft.head.curve(band, shade(draft.trim, 0.55), line=1.5 + 0.085 / draft.style.line)
        draft.head.curve(band, draft.trim, line=0.085 / draft.style.line)
    elif kind == "bow" and not draft.behind:
        _hair_bow(draft, behind=False)
    elif kind == "hair_flower" and not draft.behind:
        _flower(draft)
    elif kind == "headphones":
        _headphones(draft)
    elif kind == "earrings" and not draft.behind and not draft.profile:
        for side in (-1, 1):
            if side * draft.turn <= 0:
                x = side * 0.43 - 0.08 * draft.turn
                draft.head.oval(x, 0.3, 0.042, 0.06, draft.trim, outline=True)
                draft.head.oval(x - 0.012, 0.285, 0.012, 0.018, _WHITE)


def draw_on_neck(draft: Draft) -> None:
    """Draw a scarf; the chin lies over it."""
    if draft.look.accessory != "scarf":
        return
    y = draft.collar
    dark = shade(draft.trim, 0.82)
    draft.pen.blob([(0.1, y), (0.24, y + 0.02), (0.27, draft.down(0.3)), (0.1, draft.down(0.3))], dark)
    wrap = [
        (-0.27, y - 0.06),
        (-0.2, y - 0.16),
        (0.2, y - 0.16),
        (0.27, y - 0.06),
        (0.25, y + 0.1),
        (0, y + 0.17),
    ]
    draft.pen.blob([*wrap, (-0.25, y + 0.1)], draft.trim)
    draft.pen.stroke([(-0.2, y - 0.02), (0, y + 0.05), (0.2, y - 0.02)], 0.02, dark)


def _hair_bow(draft: Draft, *, behind: bool) -> None:
    x, y = (0.0, -0.56) if behind else (0.3 - 0.04 * draft.turn, -0.46)
    if behind and not draft.behind:
        return
    for side in (-1, 1):
        wing = [(x, y), (x + side * 0.2, y - 0.15), (x + side * 0.24, y - 0.02), (x + side * 0.19, y + 0.11)]
        draft.head.blob(wing, draft.trim)
        draft.head.stroke([(x + side * 0.04, y), (x + side * 0.14, y - 0.03)], 0.016, shade(draft.trim, 0.7))
    draft.head.oval(x, y, 0.055, 0.06, shade(draft.trim, 0.85), outline=True)


def _flower(draft: Draft) -> None:
    x, y = 0.33 - 0.04 * draft.turn, -0.34
    for dx, dy in ((0, -0.08), (0.08, -0.02), (0.05, 0.07), (-0.05, 0.07), (-0.08, -0.02)):
        draft.head.oval(x + dx, y + dy, 0.062, 0.062, draft.trim, outline=True, line=0.7)
    draft.head.oval(x, y, 0.045, 0.045, (246, 214, 92), outline=True, line=0.7)


def _hat(draft: Draft) -> None:
    s = -0.03 * draft.turn
    crown = [
        (-0.42 + s, -0.32),
        (-0.4 + s, -0.62),
        (-0.2 + s, -0.8),
        (0.2 + s, -0.8),
        (0.4 + s, -0.62),
        (0.42 + s, -0.32),
    ]
    draft.head.blob(crown, draft.trim)
    band = [
        (-0.44 + s, -0.42),
        (0, -0.36),
        (0.44 + s, -0.42),
        (0.44 + s, -0.31),
        (0, -0.25),
        (-0.44 + s, -0.31),
    ]
    draft.head.blob(band, shade(draft.trim, 0.6))
    brim = [
        (-0.74 + s, -0.26),
        (-0.4 + s, -0.36),
        (0 + s, -0.32),
        (0.4 + s, -0.36),
        (0.74 + s, -0.26),
        (0 + s, -0.2),
    ]
    draft.head.blob(brim, draft.trim)


def _headphones(draft: Draft) -> None:
    s = -0.04 * draft.turn
    band = [
        (-0.5 + s, 0.0),
        (-0.52 + s, -0.3),
        (-0.3 + s, -0.6),
        (0 + s, -0.68),
        (0.3 + s, -0.6),
        (0.52 + s, -0.3),
        (0.5 + s, 0.0),
    ]
    draft.head.curve(band, line=1 + 0.07 / draft.style.line)
    draft.head.curve(band, draft.trim, line=0.06 / draft.style.line)
    for side in (-1, 1):
        if draft.profile and side * draft.turn > 0:
            continue
        x = -0.1 * draft.turn if draft.profile else side * 0.48 - 0.06 * draft.turn
        draft.head.oval(x, 0.1, 0.09 if not draft.profile else 0.15, 0.16, draft.trim, outline=True)


def accessory_tags(draft: Draft) -> tuple[str, ...]:
    """Return the tags of the accessory from the side from which the figure is seen."""
    kind, colour = draft.look.accessory, draft.look.accessory_colour
    if kind is None or (draft.behind and kind in ("glasses", "earrings", "hair_flower")):
        return ()
    if kind == "earrings" and draft.profile:
        return ()
    under_hood = hair_is_hidden(draft) or (draft.detail.hood and kind in ("bow", "cat_ears"))
    if under_hood and kind != "scarf":
        return ()
    return {
        "glasses": ("glasses",),
        "hat": ("hat", f"{colour}_hat"),
        "bow": ("bow", "hair_bow", f"{colour}_bow"),
        "hairband": ("hairband", f"{colour}_hairband"),
        "earrings": ("earrings", "jewelry"),
        "scarf": ("scarf", f"{colour}_scarf"),
        "cat_ears": ("cat_ears", "animal_ears"),
        "hair_flower": ("hair_flower", "hair_ornament"),
        "headphones": ("headphones",),
    }[kind]
