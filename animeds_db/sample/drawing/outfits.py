"""The clothes, one function each, and their danbooru tags.

Each function draws legs, torso and arms in that order and returns the tags of the upper and lower part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .body import draw_arms, draw_legs, draw_neck, draw_torso, half_widths
from .draft import Draft
from .pen import Colour, shade

_WHITE = (246, 246, 250)
_DARK = (58, 54, 66)
_GOLD = (226, 186, 92)
_NAVY = (44, 52, 92)


@dataclass(frozen=True)
class Worn:
    """Tags of clothes seen when the chest is visible, and when the legs are too."""

    upper: tuple[str, ...]
    lower: tuple[str, ...] = ()


def draw_outfit(draft: Draft) -> Worn:
    """Draw the body in its clothes, without the head."""
    return _CUTS[draft.look.outfit](draft)


def _skirt(
    draft: Draft, colour: Colour, low: float, flare: float, *, top: float = 0.36, pleats: int = 0
) -> None:
    _, w, h = half_widths(draft)
    y0, y1 = draft.down(top), draft.down(low)
    wide = h * flare
    hem = [
        (wide, y1),
        (wide, y1),
        (wide * 0.4, y1 + 0.03),
        (-wide * 0.4, y1 + 0.03),
        (-wide, y1),
        (-wide, y1),
    ]
    draft.pen.blob([(-w, y0), (-w, y0), (w, y0), (w, y0), (h * 1.05, (y0 + y1) / 2), *hem], colour)
    for i in range(pleats):
        k = -0.75 + 1.5 * i / max(1, pleats - 1)
        draft.pen.stroke([(k * w, y0 + 0.08), (k * wide, y1 - 0.01)], 0.014, shade(colour, 0.68))


def _collar(draft: Draft, colour: Colour, line: Colour) -> None:
    """A sailor's collar: a V before, a square behind."""
    s, top = draft.shoulder, draft.collar + 0.02
    low = draft.down(0.15) + 0.06
    if draft.behind:
        draft.pen.blob(
            [(-s * 0.72, top + 0.05), (s * 0.72, top + 0.05), (s * 0.66, low), (-s * 0.66, low)],
            colour,
            smooth=False,
        )
        return
    x = 0.05 * draft.turn
    for side in (-1, 1):
        flap = [
            (side * 0.1, top - 0.02),
            (side * s * 0.74, top + 0.07),
            (side * s * 0.5, top + 0.24),
            (x, low),
        ]
        draft.pen.blob(flap, colour, smooth=False)
        draft.pen.curve([(side * s * 0.62, top + 0.09), (side * s * 0.42, top + 0.21)], line, line=0.8)
    draft.pen.blob(
        [(x - 0.08, top), (x + 0.08, top), (x, low - 0.12)], draft.skin, outline=False, smooth=False
    )


def _bow(draft: Draft, x: float, y: float, size: float, colour: Colour) -> None:
    for side in (-1, 1):
        wing = [(x, y), (x + side * size, y - size * 0.55), (x + side * size * 1.05, y + size * 0.5)]
        draft.pen.blob(wing, colour, smooth=False)
        tail = [(x, y), (x + side * size * 0.2, y + size * 1.3), (x + side * size * 0.6, y + size * 1.1)]
        draft.pen.blob(tail, shade(colour, 0.88), smooth=False)
    draft.pen.oval(x, y, size * 0.25, size * 0.25, shade(colour, 0.85), outline=True)


def _school_uniform(draft: Draft) -> Worn:
    name = draft.look.outfit_colour
    if not draft.girl:
        return _gakuran(draft)
    draw_legs(draft, draft.skin, _NAVY if name != "white" else _DARK, (92, 60, 48))
    draw_arms(draft, _WHITE, 0.34, loose=1.25, flare=1.1)
    draw_neck(draft)
    draw_torso(draft, _WHITE, 0.01, 0.42)
    _skirt(draft, draft.cloth, 0.62, 1.5, top=0.37, pleats=6)
    stripe = _WHITE if name != "white" else _DARK
    _collar(draft, draft.cloth, stripe)
    front: tuple[str, ...] = ()
    if not draft.behind:
        _bow(draft, 0.05 * draft.turn, draft.down(0.15) + 0.07, 0.13, draft.trim)
        front = ("bowtie", f"{draft.look.accessory_colour}_bowtie")
    lower = ("skirt", "pleated_skirt", f"{name}_skirt")
    return Worn(("school_uniform", "serafuku", f"{name}_sailor_collar", *front), lower)


def _gakuran(draft: Draft) -> Worn:
    draw_legs(draft, shade(draft.cloth, 0.9), None, _DARK, wide=1.15)
    draw_arms(draft, draft.cloth, 0.96, loose=1.05)
    draw_neck(draft)
    draw_torso(draft, draft.cloth, 0.02, 0.54)
    top = draft.collar + 0.03
    draft.pen.blob(
        [(-0.13, top - 0.05), (0.13, top - 0.05), (0.15, top + 0.07), (-0.15, top + 0.07)],
        draft.cloth,
        smooth=False,
    )
    if not draft.behind:
        x = 0.07 * draft.turn
        draft.pen.curve([(x, top + 0.02), (x, draft.down(0.53))], line=0.8)
        for share in (0.12, 0.22, 0.32, 0.42):
            draft.pen.oval(x + 0.035, draft.down(share), 0.026, 0.026, _GOLD, outline=True, line=0.6)
    return Worn(("school_uniform", "gakuran", f"{draft.look.outfit_colour}_jacket"), _trousers(draft))


def _trousers(draft: Draft, name: str | None = None) -> tuple[str, ...]:
    return ("pants", f"{name or draft.look.outfit_colour}_pants")


def _dress(draft: Draft) -> Worn:
    draw_legs(draft, draft.skin, None, shade(draft.trim, 0.8))
    draw_neck(draft)
    draw_torso(draft, draft.cloth, 0.0, 0.42)
    _skirt(draft, draft.cloth, 0.7, 1.9, top=0.34, pleats=4)
    _, w, h = half_widths(draft)
    y = draft.down(0.7)
    hem = [
        (-h * 1.9, y - 0.1),
        (h * 1.9, y - 0.1),
        (h * 1.93, y + 0.01),
        (0, y + 0.06),
        (-h * 1.93, y + 0.01),
    ]
    draft.pen.blob(hem, mix_white(draft.cloth))
    waist = draft.down(0.34)
    draft.pen.blob([(-w, waist), (w, waist), (w, waist + 0.09), (-w, waist + 0.09)], draft.trim, smooth=False)
    draw_arms(draft, draft.cloth, 0.24, loose=1.75, flare=0.8)
    if not draft.behind:
        top = draft.collar + 0.05
        for side in (-1, 1):
            lapel = [(0.04 * draft.turn, top + 0.14), (side * 0.12, top - 0.04), (side * 0.21, top + 0.1)]
            draft.pen.blob(lapel, _WHITE if draft.look.outfit_colour != "white" else draft.trim, smooth=False)
    return Worn(("dress", f"{draft.look.outfit_colour}_dress", "short_sleeves"))


def mix_white(colour: Colour) -> Colour:
    """Return the lighter tone of a cloth, for hems and ribs."""
    return shade(colour, 1.35)


def _hoodie(draft: Draft) -> Worn:
    _, _w, h = half_widths(draft)
    short = draft.girl
    draw_legs(draft, draft.skin if short else _DARK, None, _WHITE, wide=1.0 if short else 1.15)
    lower: tuple[str, ...] = ("pants", "black_pants")
    if short:
        _skirt(draft, _DARK, 0.6, 1.15, top=0.45)
        lower = ("skirt", "black_skirt")
    top = draft.collar + 0.02
    draw_arms(draft, draft.cloth, 0.93, loose=1.3, flare=0.9)
    draw_neck(draft)
    hood = [(-0.3, top - 0.02), (-0.2, top - 0.16), (0.2, top - 0.16), (0.3, top - 0.02), (0.26, top + 0.16)]
    draft.pen.blob([*hood, (-0.26, top + 0.16)], shade(draft.cloth, 0.78))
    draw_torso(draft, draft.cloth, 0.05, 0.5)
    y = draft.down(0.5)
    draft.pen.blob(
        [(-h - 0.05, y - 0.07), (h + 0.05, y - 0.07), (h + 0.02, y + 0.03), (-h - 0.02, y + 0.03)],
        shade(draft.cloth, 0.82),
        smooth=False,
    )
    if draft.behind:
        draft.pen.blob(
            [(-0.3, top), (0.3, top), (0.22, top + 0.36), (0, top + 0.42), (-0.22, top + 0.36)],
            shade(draft.cloth, 0.86),
        )
    else:
        x, p0, p1 = 0.05 * draft.turn, draft.down(0.34), draft.down(0.46)
        pocket = [(x - 0.14, p0), (x + 0.14, p0), (x + 0.24, p1), (x - 0.24, p1)]
        draft.pen.blob(pocket, shade(draft.cloth, 0.88), smooth=False)
        draft.pen.blob(
            [(x - 0.11, top - 0.03), (x + 0.11, top - 0.03), (x, top + 0.16)], draft.skin, outline=False
        )
        for side in (-1, 1):
            rim = [(side * 0.12 + x, top - 0.06), (side * 0.25 + x, top + 0.05), (x, top + 0.26)]
            draft.pen.blob(rim, shade(draft.cloth, 0.88), smooth=False)
            draft.pen.stroke([(side * 0.06 + x, top + 0.2), (side * 0.08 + x, top + 0.5)], 0.028, _WHITE)
    return Worn(("hoodie", f"{draft.look.outfit_colour}_hoodie", "long_sleeves"), lower)


def _suit(draft: Draft) -> Worn:
    draw_legs(draft, shade(draft.cloth, 0.92), None, _DARK, wide=1.12)
    draw_arms(draft, draft.cloth, 0.95, loose=1.05)
    draw_neck(draft)
    draw_torso(draft, draft.cloth, 0.025, 0.52)
    tags: tuple[str, ...] = ("suit", f"{draft.look.outfit_colour}_suit", "long_sleeves")
    if not draft.behind:
        top, low, x = draft.collar + 0.01, draft.down(0.28), 0.06 * draft.turn
        shirt = _WHITE if draft.look.outfit_colour != "white" else (206, 214, 232)
        draft.pen.blob([(-0.14, top), (0.14, top), (x, low)], shirt, smooth=False)
        draft.pen.blob(
            [
                (x - 0.05, top + 0.1),
                (x + 0.05, top + 0.1),
                (x + 0.06, low - 0.1),
                (x, low),
                (x - 0.06, low - 0.1),
            ],
            draft.trim,
            smooth=False,
        )
        draft.pen.blob(
            [(x - 0.06, top + 0.03), (x + 0.06, top + 0.03), (x, top + 0.14)],
            shade(draft.trim, 0.85),
            smooth=False,
        )
        for side in (-1, 1):
            lapel = [(side * 0.13, top), (side * 0.28, top + 0.16), (side * 0.2, top + 0.3), (x, low)]
            draft.pen.blob(lapel, shade(draft.cloth, 0.82), smooth=False)
        draft.pen.curve([(x, low), (x, draft.down(0.52))], line=0.8)
        tags += ("necktie", f"{draft.look.accessory_colour}_necktie")
    return Worn(tags, _trousers(draft))


def _kimono(draft: Draft) -> Worn:
    w = half_widths(draft)[1]
    draw_legs(draft, draft.skin, None, (150, 104, 66))
    draw_neck(draft)
    _skirt(draft, draft.cloth, 0.93, 1.15, top=0.3)
    draw_torso(draft, draft.cloth, 0.02, 0.4)
    top, x = draft.collar, 0.05 * draft.turn
    if not draft.behind:
        low = draft.down(0.27)
        draft.pen.blob(
            [(x - 0.1, top), (x + 0.1, top), (x, top + 0.24)], draft.skin, outline=False, smooth=False
        )
        for side in (1, -1):
            band = [
                (side * 0.11, top - 0.03),
                (side * 0.2, top),
                (x - side * 0.08, low),
                (x - side * 0.17, low),
            ]
            draft.pen.blob(band, _WHITE if side == 1 else mix_white(draft.cloth), smooth=False)
        draft.pen.curve([(x + 0.06, draft.down(0.42)), (x + 0.12, draft.down(0.92))], line=0.8)
    y0, y1 = draft.down(0.27), draft.down(0.4)
    draft.pen.blob(
        [(-w - 0.02, y0), (w + 0.02, y0), (w + 0.04, y1), (-w - 0.04, y1)], draft.trim, smooth=False
    )
    draft.pen.curve([(-w, (y0 + y1) / 2), (w, (y0 + y1) / 2)], shade(draft.trim, 1.4), line=1.6)
    if draft.behind:
        _bow(draft, 0, (y0 + y1) / 2, 0.22, draft.trim)
    draw_arms(draft, draft.cloth, 0.84, loose=1.35, flare=2.0)
    return Worn(("kimono", f"{draft.look.outfit_colour}_kimono", "obi", "japanese_clothes", "wide_sleeves"))


def _armor(draft: Draft) -> Worn:
    s, w, h = half_widths(draft)
    metal, plate = draft.cloth, shade(draft.cloth, 1.3)
    draw_legs(draft, shade(metal, 0.62), metal, metal, wide=1.15)
    draw_neck(draft)
    draw_torso(draft, shade(metal, 0.6), 0.0, 0.5)
    y0, y1 = draft.down(0.05) + 0.06, draft.down(0.33)
    chest = [(-s * 0.7, y0), (s * 0.7, y0), (s * 0.86, (y0 + y1) / 2), (w, y1), (0, y1 + 0.06), (-w, y1)]
    draft.pen.blob([*chest, (-s * 0.86, (y0 + y1) / 2)], metal)
    draft.pen.stroke([(-s * 0.4, y0 + 0.12), (-s * 0.5, (y0 + y1) / 2)], 0.05, plate)
    if not draft.behind:
        draft.pen.curve([(0.06 * draft.turn, y0 + 0.05), (0.06 * draft.turn, y1)], line=0.8)
        draft.pen.oval(0.06 * draft.turn, y0 + 0.12, 0.06, 0.06, draft.trim, outline=True)
    for i in range(-1, 2):
        tasset = [
            (i * h * 0.62 - 0.17, y1 + 0.06),
            (i * h * 0.62 + 0.17, y1 + 0.06),
            (i * h * 0.8 + 0.15, draft.down(0.55)),
        ]
        draft.pen.blob([*tasset, (i * h * 0.8 - 0.15, draft.down(0.55))], shade(metal, 0.85), smooth=False)
    draw_arms(draft, metal, 0.92, loose=1.1)
    for side in (-1, 1):
        draft.pen.oval(side * s * 0.98, y0 + 0.12, 0.19, 0.17, metal, outline=True)
        draft.pen.curve(
            [(side * s - 0.14, y0 + 0.17), (side * s, y0 + 0.22), (side * s + 0.14, y0 + 0.17)],
            plate,
            line=1.5,
        )
    return Worn(("armor", "shoulder_armor", "breastplate"))


def _tshirt(draft: Draft) -> Worn:
    jeans = (74, 96, 146) if draft.look.outfit_colour != "blue" else (96, 92, 90)
    legs = "blue" if draft.look.outfit_colour != "blue" else "grey"
    draw_legs(draft, jeans, None, _WHITE, wide=1.08)
    draw_arms(draft, draft.cloth, 0.36, loose=1.35, flare=1.1)
    draw_neck(draft)
    draw_torso(draft, jeans, 0.0, 0.54)
    draw_torso(draft, draft.cloth, 0.02, 0.46)
    if not draft.behind:
        x, top = 0.06 * draft.turn, draft.collar + 0.03
        draft.pen.blob(
            [(-0.13, top), (0.13, top), (0.08, top + 0.1), (-0.08, top + 0.1)], draft.skin, line=0.7
        )
        mark = draft.trim if draft.look.accessory_colour != draft.look.outfit_colour else _WHITE
        draft.pen.oval(x, draft.down(0.22), 0.13, 0.12, mark)
    tags = ("shirt", "t-shirt", f"{draft.look.outfit_colour}_shirt", "short_sleeves")
    return Worn(tags, _trousers(draft, legs))


def _sweater(draft: Draft) -> Worn:
    below = shade(draft.trim, 0.8)
    draw_legs(draft, draft.skin if draft.girl else _DARK, _DARK if draft.girl else None, _DARK)
    draw_arms(draft, draft.cloth, 0.95, loose=1.2)
    draw_neck(draft)
    lower: tuple[str, ...] = ("pants", "black_pants")
    if draft.girl:
        _skirt(draft, below, 0.62, 1.35, top=0.42)
        lower = ("skirt", f"{draft.look.accessory_colour}_skirt")
    draw_torso(draft, draft.cloth, 0.03, 0.48)
    top = draft.collar + 0.05
    rib = mix_white(draft.cloth) if draft.look.outfit_colour != "white" else shade(draft.cloth, 0.9)
    draft.pen.blob([(-0.14, top - 0.1), (0.14, top - 0.1), (0.17, top + 0.06), (-0.17, top + 0.06)], rib)
    _, w, h = half_widths(draft)
    y = draft.down(0.48)
    draft.pen.blob(
        [(-h - 0.03, y - 0.07), (h + 0.03, y - 0.07), (h, y + 0.02), (-h, y + 0.02)], rib, smooth=False
    )
    if not draft.behind:
        for k in (-0.35, 0.0, 0.35):
            draft.pen.stroke(
                [(k * w, draft.down(0.12)), (k * w, draft.down(0.44))], 0.024, shade(draft.cloth, 0.86)
            )
    return Worn(("sweater", f"{draft.look.outfit_colour}_sweater", "turtleneck", "long_sleeves"), lower)


def _swimsuit(draft: Draft) -> Worn:
    draw_legs(draft, draft.skin, None, draft.skin)
    draw_arms(draft, None, 0)
    draw_neck(draft)
    draw_torso(draft, draft.skin, 0.0, 0.5)
    s, w, h = half_widths(draft)
    y0 = draft.down(0.11)
    suit = [
        (-s * 0.5, y0),
        (0, y0 + 0.13),
        (s * 0.5, y0),
        (s * 0.78, draft.down(0.19)),
        (w, draft.down(0.34)),
    ]
    suit += [(h * 0.98, draft.down(0.46)), (h * 0.3, draft.down(0.54)), (-h * 0.3, draft.down(0.54))]
    suit += [(-h * 0.98, draft.down(0.46)), (-w, draft.down(0.34)), (-s * 0.78, draft.down(0.19))]
    draft.pen.blob(suit, draft.cloth)
    for side in (-1, 1):
        strap = [(side * s * 0.5, y0 + 0.05), (side * s * 0.52, draft.collar + 0.07)]
        draft.pen.limb(strap, (0.07, 0.07), draft.cloth, outline=False)
    name = draft.look.outfit_colour
    return Worn(
        ("swimsuit", "one-piece_swimsuit", f"{name}_one-piece_swimsuit", "bare_shoulders"), ("bare_legs",)
    )


_CUTS: dict[str, Callable[[Draft], Worn]] = {
    "school_uniform": _school_uniform,
    "dress": _dress,
    "hoodie": _hoodie,
    "suit": _suit,
    "kimono": _kimono,
    "armor": _armor,
    "t-shirt": _tshirt,
    "sweater": _sweater,
    "swimsuit": _swimsuit,
}
