"""Hair in layers: behind the body, on the skull, and the bangs over the face.

A layer is one smooth outlined shape with shadow and light inside it, as in anime.
"""

from __future__ import annotations

from .cuts import draw_cut_back, draw_cut_crown
from .draft import Draft
from .pen import Pen, Points, mix, shade
from .tresses import MORE_BANGS, fine_strands, light_on_hair, shaded, uneven, uneven_spikes

Tips = list[tuple[float, float]]

_WHITE = (255, 255, 255)
_BANGS: dict[str, Tips] = {  # tip and valley by turns, from the right temple to the left one
    "zigzag": [
        (0.37, 0.1),
        (0.31, -0.1),
        (0.22, 0.04),
        (0.15, -0.12),
        (0.02, 0.06),
        (-0.08, -0.12),
        (-0.2, 0.04),
        (-0.3, -0.1),
        (-0.37, 0.1),
    ],
    "blunt": [
        (0.39, 0.06),
        (0.36, -0.02),
        (0.25, -0.0),
        (0.13, -0.005),
        (0.0, 0.0),
        (-0.13, -0.005),
        (-0.25, 0.0),
        (-0.36, -0.02),
        (-0.39, 0.06),
    ],
    "parted": [
        (0.39, 0.16),
        (0.33, -0.04),
        (0.24, 0.04),
        (0.16, -0.14),
        (0.02, -0.36),
        (-0.14, -0.14),
        (-0.25, 0.04),
        (-0.33, -0.04),
        (-0.39, 0.16),
    ],
    "swept": [
        (0.4, 0.2),
        (0.34, 0.0),
        (0.27, 0.08),
        (0.12, -0.1),
        (0.08, 0.02),
        (-0.08, -0.16),
        (-0.12, -0.06),
        (-0.24, -0.28),
        (-0.37, 0.0),
    ],
    "messy": [
        (0.39, 0.08),
        (0.32, -0.14),
        (0.28, 0.02),
        (0.18, -0.18),
        (0.12, 0.0),
        (0.05, -0.2),
        (-0.1, 0.04),
        (-0.16, -0.16),
        (-0.26, 0.03),
        (-0.31, -0.14),
        (-0.39, 0.08),
    ],
}


def _lock(
    pen: Pen,
    root: tuple[float, float],
    tip: tuple[float, float],
    width: float,
    bow: float,
    draft: Draft,
    tone: float = 1.0,
) -> None:
    """Draw one strand: wide at its root, bowed sideways, ending in a point."""
    (x0, y0), (x1, y1) = root, tip
    mx, my = (x0 + x1) / 2 + bow, (y0 + y1) / 2
    shape = [
        (x0 - width / 2, y0),
        (x0 + width / 2, y0),
        (mx + width * 0.5, my),
        (x1, y1),
        (x1, y1),
        (mx - width * 0.5, my),
    ]
    pen.blob(shape, shade(draft.hair, tone))


def draw_back_hair(draft: Draft) -> None:
    """Draw the hair behind head and body. Seen from behind, `draw_crown` covers everything instead."""
    look = draft.look
    if draft.detail.cut:
        draw_cut_back(draft)
        return
    if look.hair_style == "ponytail" and not draft.behind:
        _ponytail(draft)
    if look.hair_style == "twintails" and not draft.behind:
        _twintails(draft)
    if not draft.behind:
        _mane(draft, draft.head, 0.82)
        if look.hair_style == "spiky":
            _spikes(draft)


def _mane(draft: Draft, pen: Pen, tone: float) -> None:
    """The loose hair around and behind the head, down to where it ends."""
    end = _loose_end(draft)
    wide = (0.53 if draft.girl else 0.49) * draft.style.volume
    shift = -0.07 * draft.turn - (0.1 * draft.turn if draft.profile else 0)
    flare = 0.05 if end > 1 else 0.0
    if draft.look.hair_style == "bob":
        wide, flare = wide * 1.05, -0.03
    x = wide + flare
    tips: Tips = []
    count = 5
    for i in range(count):
        left, right = x - 2 * x * i / count, x - 2 * x * (i + 1) / count
        middle = (left + right) / 2 * 1.02
        drop = 0.0 if i % 2 == 0 else 0.05
        tips += [(middle, end + drop), (middle, end + drop), (right * 0.97, end - 0.09)]
    top = [
        (-wide * 1.0, 0.1),
        (-wide * 0.96, -0.3),
        (-0.3, -0.56),
        (0, -0.63),
        (0.3, -0.56),
        (wide * 0.96, -0.3),
    ]
    body = [*top, (wide, 0.1), (x, (end + 0.3) / 2 + 0.1), *tips[:-1], (-x, (end + 0.3) / 2 + 0.1)]
    placed = [(px + shift, py) for px, py in body]
    pen.blob(placed, shade(draft.hair, tone))
    shaded(draft, placed, 0.1)
    if end > 0.8:
        for k in (-0.8, -0.4, 0.4, 0.8):
            strand = [
                (k * wide + shift, 0.5),
                (k * x + shift, (0.5 + end) / 2),
                (k * x * 0.95 + shift, end - 0.15),
            ]
            pen.stroke(strand, 0.014, shade(draft.hair, tone * 0.78))


def _loose_end(draft: Draft) -> float:
    style = draft.look.hair_style
    if style == "bun":
        return 0.3
    if style in ("twintails", "ponytail", "braid"):
        return 0.4
    if style == "bob":
        return 0.5
    if style == "spiky":
        return 0.42
    return draft.hair_end() if draft.girl or draft.look.hair_length != "short" else 0.34


def _tail(draft: Draft, pen: Pen, side: float, root: tuple[float, float], swing: float) -> None:
    """One gathered tail from its tie to where the hair ends."""
    x, y = root
    end = draft.hair_end()
    out = x + side * swing
    shape = [
        (x - side * 0.05, y - 0.08),
        (x + side * 0.16, y - 0.14),
        (out + side * 0.12, y + 0.25),
        (out + side * 0.14, (y + end) / 2),
        (out - side * 0.02, end),
        (out - side * 0.02, end),
        (out - side * 0.1, (y + end) / 2 + 0.1),
        (out - side * 0.14, y + 0.3),
    ]
    pen.blob(shape, draft.hair)
    shaded(draft, shape, y)
    for k, depth in ((0.03, 0.86), (0.07, 0.74)):
        strand = [
            (x + side * k, y),
            (out + side * k, (y + end) / 2),
            (out + side * (k - 0.04), y + (end - y) * depth),
        ]
        pen.stroke(strand, 0.014, shade(draft.hair, 0.72))


def _twintails(draft: Draft) -> None:
    for side in (-1, 1):
        squeeze = 1 - 0.3 * max(0.0, side * draft.turn)
        x = side * 0.46 * squeeze - 0.05 * draft.turn
        _tail(draft, draft.head, side, (x, -0.3), 0.2)


def _ponytail(draft: Draft) -> None:
    side = -1 if draft.turn > 0 else 1
    _tail(draft, draft.head, side, (side * 0.34, -0.46), 0.3)


def draw_ties(draft: Draft) -> None:
    """Draw the ties of twintails."""
    if draft.look.hair_style != "twintails":
        return
    for side in (-1, 1):
        x = side * 0.48 * (1 - 0.3 * max(0.0, side * draft.turn)) - 0.05 * draft.turn
        draft.head.oval(x, -0.34, 0.07, 0.085, draft.trim, outline=True)


def draw_crown(draft: Draft) -> None:
    """Draw the hair over the skull with the bangs, side locks, shine; or the whole back of the head."""
    if draft.detail.cut:
        draw_cut_crown(draft)
        return
    if draft.behind:
        _crown_behind(draft)
        return
    _buns(draft)
    _side_locks(draft)
    bangs = _bang_tips(draft)
    cap = _cap(draft, bangs)
    if draft.style.shading != "flat" and not draft.profile:
        alpha = 60 if draft.style.shading == "soft" else 90
        cheek = 0.02 * draft.turn
        shadow = [(min(0.36 + cheek, max(cheek - 0.36, x)), y + 0.045) for x, y in bangs]
        top = [(shadow[-1][0], -0.3), (shadow[0][0], -0.3)]
        draft.head.blob([*shadow, *top], (*shade(draft.skin, 0.62), alpha), outline=False)
    spiky = draft.look.hair_style == "spiky"
    draft.head.blob(cap, draft.hair, outline=not spiky)
    if spiky:
        draft.head.curve(bangs)
    shaded(draft, cap, -0.35)
    fine_strands(draft, bangs)
    _shine(draft)
    _strands(draft, bangs)
    if draft.look.hair_style == "twintails":
        draw_ties(draft)


def _bang_tips(draft: Draft) -> Points:
    """The lower edge of the bangs on the turned head, tips doubled into points."""
    shift = 0.13 * draft.turn
    name = draft.look.bangs
    tips = uneven(_BANGS.get(name) or MORE_BANGS[name], draft)
    edge: Tips = []
    for i, (x, y) in enumerate(tips):
        y = draft.lifted(y) if draft.pose.pitch else y
        place = (x * (1 - 0.1 * abs(draft.turn)) + shift, y)
        if draft.profile:
            back = max(0.0, -x * draft.turn) if draft.turn > 0 else max(0.0, x * -draft.turn)
            place = (place[0], y + 0.25 * back)
        edge += [place, place] if i % 2 == 0 else [place]
    return edge


def _cap(draft: Draft, bangs: Points) -> Points:
    v = draft.style.volume
    s = -0.04 * draft.turn
    left = [(-0.46 * v + s, 0.06), (-0.49 * v + s, -0.16), (-0.42 * v + s, -0.42), (-0.22 + s, -0.585)]
    right = [(0.22 + s, -0.585), (0.42 * v + s, -0.42), (0.49 * v + s, -0.16), (0.46 * v + s, 0.06)]
    return [*left, (0.0 + s, -0.63), *right, *bangs]


def _shine(draft: Draft) -> None:
    """Draw the ring of light on the hair."""
    if draft.style.shading == "flat" or light_on_hair(draft):
        return
    light = mix(draft.hair, _WHITE, 0.42)
    soft = draft.style.shading == "soft"
    colour = (*light, 150 if soft else 210)
    s = 0.05 * draft.turn
    upper = [(-0.37 + s, -0.2), (-0.25 + s, -0.31), (0.0 + s, -0.37), (0.25 + s, -0.31), (0.37 + s, -0.2)]
    lower = [(0.3 + s, -0.2), (0.2 + s, -0.27), (0.11 + s, -0.25), (0.0 + s, -0.31), (-0.12 + s, -0.25)]
    lower += [(-0.2 + s, -0.27), (-0.3 + s, -0.2)]
    draft.head.blob([*upper, *lower], colour, outline=False, smooth=False)


def _strands(draft: Draft, bangs: Points) -> None:
    dark = shade(draft.hair, 0.66)
    root = (0.03 * draft.turn, -0.56)
    for x, y in list(bangs)[2::3]:
        if abs(x - root[0]) < 0.36:
            start = (root[0] + (x - root[0]) * 0.5, -0.42 + 0.1 * abs(x))
            draft.head.stroke([start, (x * 0.93 + root[0] * 0.07, y - 0.16), (x, y - 0.03)], 0.012, dark)


def _side_locks(draft: Draft) -> None:
    """The strands before the ears."""
    if draft.look.hair_style == "spiky":
        reach = 0.3
    else:
        reach = {"short": 0.36, "medium": 0.55, "long": 0.66, "very_long": 0.74}[draft.look.hair_length]
    if not draft.girl:
        reach = min(reach, 0.26)
    for side in (-1, 1):
        if draft.profile and side * draft.turn > 0:
            continue
        x = side * (0.41 - 0.05 * abs(draft.turn)) + 0.03 * draft.turn
        if draft.profile:
            x = -0.12 * draft.turn
        _lock(draft.head, (x, -0.16), (x - side * 0.03, reach), 0.13, side * 0.035, draft, 0.95)


def _spikes(draft: Draft) -> None:
    spikes: Tips = [(-0.57, 0.34), (-0.68, 0.04), (-0.6, -0.2), (-0.66, -0.46), (-0.42, -0.64), (-0.3, -0.84)]
    spikes += [
        (0.02, -0.74),
        (0.2, -0.88),
        (0.44, -0.68),
        (0.66, -0.52),
        (0.62, -0.2),
        (0.7, 0.04),
        (0.56, 0.34),
    ]
    spikes = uneven_spikes(spikes, draft)
    outline: Tips = [(-0.4, 0.2)]
    for i, (x, y) in enumerate(spikes):
        outline += [(x, y), (x, y)]
        if i + 1 < len(spikes):
            nx, ny = spikes[i + 1]
            outline.append(((x + nx) * 0.43, (y + ny) * 0.43))
    outline.append((0.4, 0.2))
    draft.head.blob([(x * 0.97 - 0.04 * draft.turn, y * 0.93 + 0.02) for x, y in outline], draft.hair)


def _buns(draft: Draft) -> None:
    if draft.look.hair_style != "bun":
        return
    for side in (-1, 1):
        x = side * 0.37 - 0.05 * draft.turn
        draft.head.oval(x, -0.54, 0.19, 0.18, draft.hair, outline=True)
        draft.head.stroke([(x - 0.08, -0.56), (x, -0.62), (x + 0.09, -0.54)], 0.014, shade(draft.hair, 0.66))
        draft.head.oval(x - 0.02 * side, -0.43, 0.1, 0.05, draft.trim, outline=True)


def draw_braid(draft: Draft) -> None:
    """Draw a braid over the shoulder, before the body."""
    if draft.look.hair_style != "braid":
        return
    side = -1 if draft.turn > 0 else 1
    end = draft.hair_end()
    x, y, step = side * 0.4, 0.36, 0.15
    while y < end - 0.1:
        for lean in (-1, 1):
            draft.pen.oval(x + lean * 0.045, y + (lean * 0.03), 0.085, 0.095, draft.hair, outline=True)
        x -= side * 0.008
        y += step
    draft.pen.oval(x, y - 0.02, 0.07, 0.05, draft.trim, outline=True)
    _lock(draft.pen, (x, y + 0.02), (x, y + 0.2), 0.13, 0, draft)


def _crown_behind(draft: Draft) -> None:
    style = draft.look.hair_style
    if style == "twintails":
        _twintails(draft)
    _buns(draft)
    if style == "spiky":
        _spikes(draft)
    _mane(draft, draft.head, 1.0)
    _shine(draft)
    for k in (-0.6, -0.2, 0.25, 0.65):
        bottom = min(_loose_end(draft) - 0.12, 0.6)
        draft.head.stroke(
            [(k * 0.2, -0.5), (k * 0.5, -0.1), (k * 0.55, bottom)], 0.014, shade(draft.hair, 0.72)
        )
    if style == "ponytail":
        _tail(draft, draft.head, 1, (-0.06, -0.22), 0.06)
        draft.head.oval(0, -0.26, 0.1, 0.07, draft.trim, outline=True)
    if style == "twintails":
        draw_ties(draft)
