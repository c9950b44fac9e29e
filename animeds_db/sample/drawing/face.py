"""The front of the head: skull, ears, eyes, brows, nose, mouth, blush and tears.

All positions go through `_across`, which converts a frontal x into the x of the turned head, and `Draft.lifted`, which
does the same for y and a head that is lifted or lowered.
"""

from __future__ import annotations

from dataclasses import dataclass

from .draft import Draft
from .pen import Pen, Points, mix, shade

_WHITE = (255, 255, 255)
_EYE_SIZES = {
    "round": (0.225, 0.25),
    "sharp": (0.24, 0.2),
    "droopy": (0.23, 0.225),
    "tall": (0.185, 0.275),
    "simple": (0.12, 0.2),
    "narrow": (0.215, 0.115),
    "cat": (0.25, 0.215),
    "dot": (0.075, 0.115),
}
_CORNER_LIFT = {"round": -0.015, "sharp": -0.05, "droopy": 0.035, "tall": -0.01, "simple": 0.0, "narrow": -0.02,
                "cat": -0.075, "dot": 0.0}  # fmt: skip
MOUTHS = ("line", "cat", "fang", "corner")
NOSES = ("line", "dot", "side", "bridge", "shadow", "none")


def _across(draft: Draft, x: float) -> float:
    turn = draft.turn
    return x * (1 - 0.16 * abs(turn)) + 0.17 * turn


def draw_skull(draft: Draft) -> None:
    """Draw the head's skin with ears, and for a profile the nose."""
    if draft.profile:
        _profile_skull(draft)
        return
    pen, jaw, t, face = draft.head, draft.style.jaw, draft.turn, draft.face
    for side in (-1, 1):
        if side * t <= 0:
            _ear(draft, side * 0.41 * face.wide - 0.08 * t)
    broad = draft.detail.broad
    chin = 0.07 + 0.06 * (1 - jaw) + face.chin + 0.045 * broad
    low = 0.36 - 0.05 * jaw + face.low + 0.02 * broad
    contour: list[tuple[float, float]] = []
    for side in (1, -1):
        bulge = 0.02 * t * side
        half: list[tuple[float, float]] = [
            (0.37 * face.wide, -0.3),
            (0.4 * face.wide, -0.02),
            (0.385 * face.wide + bulge, 0.16),
            ((0.31 + 0.03 * (1 - jaw) + 0.025 * broad) * face.wide + bulge, low),
            ((0.17 + 0.05 * (1 - jaw) + 0.04 * broad) * face.wide, 0.445 - 0.01 * jaw),
            (chin, 0.495),
        ]
        placed = [(side * x + 0.05 * t * (0.4 + y), y) for x, y in half]
        contour += placed if side == 1 else placed[::-1]
    pen.blob(contour, draft.skin)
    _shade_skin(draft, contour)


def _shade_skin(draft: Draft, contour: Points) -> None:
    """Darken the side of the face that lies away from the light, and the lower edge."""
    depth = draft.face.depth
    if not depth:
        return
    dark = mix(shade(draft.skin, 0.74), (170, 60, 70), 0.12)
    side = 0.1 * draft.turn
    soft = [(0.06 + 0.045 * k + side, int(20 * k * depth)) for k in range(1, 7)]
    hard = [(0.24 * draft.face.wide + side, int(130 * depth))]
    draft.head.glaze(contour, dark, soft if draft.style.shading == "soft" else hard, down=False)


def _profile_skull(draft: Draft) -> None:
    s, tip, broad = 1 if draft.turn > 0 else -1, draft.face.profile, draft.detail.broad
    contour: Points = [
        (0.3, -0.36),
        (0.365, -0.14),
        (0.36, 0.06),
        (0.4 + 0.5 * tip, 0.16),
        (0.45 + tip, 0.225),
        (0.45 + tip, 0.225),
        (0.385, 0.265),
        (0.395, 0.315),
        (0.37, 0.345),
        (0.385, 0.385),
        (0.34 + 0.03 * broad, 0.475),
        (0.24 + 0.04 * broad, 0.495),
        (0.08, 0.41),
        (-0.06, 0.25),
        (-0.12, -0.3),
    ]
    draft.head.blob([(s * x, y) for x, y in contour], draft.skin)


def _ear(draft: Draft, x: float) -> None:
    draft.head.oval(x, 0.13, 0.065, 0.105, draft.skin, outline=True)
    draft.head.oval(x, 0.135, 0.03, 0.06, shade(draft.skin, 0.86))


def draw_features(draft: Draft) -> None:
    """Draw blush, nose, mouth, eyes and tears (not the brows: they lie over the hair)."""
    _blush(draft)
    _mouth(draft)
    if not draft.profile:
        _nose(draft)
    for eye in _eyes(draft):
        _draw_eye(draft, eye)
    if draft.pose.expression == "crying":
        _tears(draft)


def _nose(draft: Draft) -> None:
    pen, kind = draft.head, draft.face.nose
    x, y, t = _across(draft, 0.0) + 0.05 * draft.turn, draft.lifted(draft.face.nose_y), draft.turn
    nose = shade(draft.skin, 0.72)
    side = 1 if t >= 0 else -1
    if kind == "line":
        pen.stroke([(x - 0.008, y), (x + 0.012 + 0.02 * t, y + 0.018)], 0.016, nose)
    elif kind == "dot":
        pen.oval(x + 0.02 * t, y + 0.01, 0.011, 0.009, nose)
    elif kind == "side":
        pen.stroke([(x, y - 0.09), (x + side * 0.035, y + 0.005), (x - side * 0.005, y + 0.022)], 0.014, nose)
    elif kind == "bridge":
        pen.stroke(
            [(x - side * 0.03, y - 0.2), (x + side * 0.01, y - 0.1), (x + side * 0.045, y)], 0.013, nose
        )
        pen.stroke([(x - 0.045, y + 0.012), (x, y + 0.03), (x + 0.045, y + 0.012)], 0.017, shade(nose, 0.8))
    elif kind == "shadow":
        patch = [(x, y - 0.08), (x + side * 0.055, y + 0.012), (x - side * 0.01, y + 0.024)]
        pen.blob(patch, (*nose, 130), outline=False, smooth=False)


@dataclass(frozen=True)
class _Eye:
    """One eye: middle, width and height in heads; `side` points to its outer corner."""

    x: float
    y: float
    width: float
    height: float
    side: int


def _eyes(draft: Draft) -> list[_Eye]:
    face, y = draft.face, draft.lifted(draft.face.eye_y)
    width, height = (v * draft.style.eye_size for v in _EYE_SIZES[draft.style.eye_style])
    own = draft.detail.eyes
    width, height = width * face.eye_wide * own[0], height * face.eye_tall * own[1]
    height *= 1 - 0.22 * draft.detail.broad
    if draft.pose.pitch:
        height *= 1 - 0.2 * abs(draft.pose.pitch)
    if draft.pose.expression == "surprised":
        height *= 1.1
    if draft.profile:
        s = 1 if draft.turn > 0 else -1
        return [_Eye(s * 0.255, y, width * 0.6, height, -s)]
    gap = face.eye_gap
    eyes = []
    for side in (-1, 1):
        far = max(0.0, side * draft.turn)
        eyes.append(_Eye(_across(draft, side * gap), y, width * (1 - 0.3 * far), height, side))
    return eyes


def eyes_shut(draft: Draft) -> bool:
    """Return True if the eyes are drawn closed."""
    return draft.pose.eyes_closed or draft.pose.expression == "laugh"


def _draw_eye(draft: Draft, eye: _Eye) -> None:
    if eyes_shut(draft):
        _closed_eye(draft, eye)
        return
    if draft.style.eye_style == "dot":
        draft.head.oval(eye.x, eye.y, eye.width / 2, eye.height / 2, shade(draft.eye, 0.35))
        draft.head.oval(
            eye.x - 0.1 * eye.width, eye.y - 0.2 * eye.height, eye.width * 0.14, eye.height * 0.12, _WHITE
        )
        return
    simple = draft.style.eye_style == "simple"
    if not simple:
        draft.head.blob(_lid(draft, eye), (252, 252, 255), outline=False)
    _iris(draft, eye, simple=simple)
    if not simple:
        _lashes(draft, eye)


def _lid(draft: Draft, eye: _Eye) -> Points:
    w, h, s = eye.width / 2, eye.height / 2, eye.side
    lift = _CORNER_LIFT[draft.style.eye_style]
    points = [
        (-s * w, 0.2 * h),
        (-s * 0.62 * w, -0.72 * h),
        (0.1 * s * w, -h),
        (s * 0.78 * w, -0.7 * h + lift * 0.6),
        (s * w, -0.1 * h + lift),
        (s * 0.7 * w, 0.8 * h),
        (-s * 0.2 * w, h),
        (-s * 0.78 * w, 0.78 * h),
    ]
    return [(eye.x + x, eye.y + y) for x, y in points]


def _iris(draft: Draft, eye: _Eye, *, simple: bool) -> None:
    pen, colour = draft.head, draft.eye
    rx = eye.width * (0.5 if simple else 0.345) * draft.face.iris
    ry = eye.height * (0.5 if simple else 0.475)
    if draft.pose.expression == "surprised" and not simple:
        rx, ry = rx * 0.72, ry * 0.72
    x = eye.x + 0.1 * eye.width * draft.turn + (0 if draft.turn else -eye.side * 0.06 * eye.width)
    y = eye.y + 0.01 * eye.height
    pen.oval(x, y, rx, ry, shade(colour, 0.5))
    pen.oval(x, y + 0.13 * ry, rx * 0.86, ry * 0.84, colour)
    pen.oval(x, y + 0.5 * ry, rx * 0.62, ry * 0.42, mix(colour, _WHITE, 0.42))
    pen.oval(x, y - 0.02 * ry, rx * 0.42, ry * 0.48, shade(colour, 0.3))
    pen.oval(x, y - 0.66 * ry, rx * 0.78, ry * 0.3, (*shade(colour, 0.3), 150))
    shine = draft.face.shine
    if shine:
        pen.oval(x - 0.36 * rx, y - 0.38 * ry, rx * 0.34, ry * 0.27, _WHITE)
    if shine > 1:
        pen.oval(x + 0.4 * rx, y + 0.45 * ry, rx * 0.17, ry * 0.14, _WHITE)
    if shine > 2:
        pen.oval(x + 0.1 * rx, y + 0.66 * ry, rx * 0.4, ry * 0.16, (*mix(colour, _WHITE, 0.75), 200))


def _lashes(draft: Draft, eye: _Eye) -> None:
    pen = draft.head
    lid = list(_lid(draft, eye))
    thick = (0.052 if draft.girl else 0.04) * draft.face.lash * (1 - 0.3 * draft.detail.broad)
    wing = (lid[4][0] + eye.side * 0.028, lid[4][1] - (0.015 if draft.girl else -0.005))
    pen.stroke([(lid[0][0], lid[0][1] - 0.03), lid[1], lid[2], lid[3], wing], thick)
    if draft.girl:
        start = lid[3]
        pen.stroke([start, (start[0] + eye.side * 0.05, start[1] - 0.028)], 0.022)
    crease = [(x, y - 0.05) for x, y in (lid[1], lid[2], lid[3])]
    if draft.face.crease:
        pen.stroke(crease, 0.01, mix(pen.ink, draft.skin, 0.45))
    pen.stroke([lid[5], lid[6]], 0.014)


def _closed_eye(draft: Draft, eye: _Eye) -> None:
    w = eye.width / 2
    happy = draft.pose.expression in ("laugh", "smile")
    sag = -0.075 if happy else 0.055
    y = eye.y + (0.06 if happy else 0.02)
    arc = [(eye.x - w, y), (eye.x - w / 2, y + sag * 0.8), (eye.x, y + sag)]
    arc += [(eye.x + w / 2, y + sag * 0.8), (eye.x + w, y)]
    draft.head.stroke(arc, 0.04)
    if not happy and draft.girl:
        for k in (0.45, 0.8):
            x = eye.x + eye.side * w * k
            draft.head.stroke([(x, y + 0.03), (x + eye.side * 0.025, y + 0.06)], 0.016)


def draw_brows(draft: Draft) -> None:
    """Draw the eyebrows. Their slope shows the mood."""
    slope = {"angry": 0.07, "frown": -0.045, "crying": -0.06, "surprised": -0.01}.get(
        draft.pose.expression, -0.008
    )
    raised = {"surprised": 0.05, "angry": -0.045, "laugh": 0.02}.get(draft.pose.expression, 0.0)
    colour = shade(draft.hair, 0.5)
    for eye in _eyes(draft):
        w = max(eye.width, 0.17) * 0.46
        y = eye.y - eye.height * 0.5 - draft.face.brow_gap - raised
        inner, outer = eye.x - eye.side * w, eye.x + eye.side * w
        points = [(inner, y + slope), (eye.x, y - 0.022), (outer, y + 0.012 - slope * 0.5)]
        thick = (0.03 if draft.girl else 0.042) * draft.face.brow * (1 + 0.5 * draft.detail.broad)
        thick *= draft.detail.eyes[2]
        draft.head.stroke(points, thick, colour)


def _mouth(draft: Draft) -> None:
    pen, kind = draft.head, draft.pose.expression
    x = (0.31 if draft.turn > 0 else -0.31) if draft.profile else _across(draft, 0) + 0.03 * draft.turn
    size = (0.6 if draft.profile else 1 - 0.15 * abs(draft.turn)) * draft.face.mouth_wide
    y = draft.lifted(draft.face.mouth_y)
    if draft.face.lips and not draft.profile:
        rose = (*mix(draft.skin, (196, 70, 84), 0.6), 150)
        lips = [(x - 0.07 * size, y), (x, y - 0.022), (x + 0.07 * size, y), (x, y + 0.036)]
        pen.blob(lips, rose, outline=False)
    if kind in ("laugh",) or (kind in ("smile",) and draft.pose.mouth_open):
        _open_mouth(pen, x, y - 0.02, 0.1 * size, 0.1)
    elif kind == "surprised":
        pen.oval(x, y + 0.015, 0.038 * size, 0.05, (168, 62, 66), outline=True, line=0.8)
    elif kind == "open_mouth" or draft.pose.mouth_open:
        _open_mouth(pen, x, y - 0.015, 0.068 * size, 0.075)
    elif kind == "angry":
        pen.stroke([(x - 0.07 * size, y + 0.03), (x, y - 0.01), (x + 0.07 * size, y + 0.035)], 0.022)
    elif kind in ("smile", "neutral") and draft.face.mouth != "line":
        _small_mouth(draft, x, y, size)
    elif kind == "smile":
        pen.stroke([(x - 0.09 * size, y - 0.02), (x, y + 0.025), (x + 0.09 * size, y - 0.02)], 0.019)
    elif kind in ("frown", "crying"):
        pen.stroke([(x - 0.06 * size, y + 0.025), (x, y - 0.012), (x + 0.06 * size, y + 0.025)], 0.019)
    else:
        pen.stroke([(x - 0.042 * size, y), (x, y + 0.006), (x + 0.042 * size, y)], 0.017)


def _small_mouth(draft: Draft, x: float, y: float, size: float) -> None:
    """A closed mouth of another kind than a line: two arcs of a cat, a fang, or a corner drawn up."""
    pen, kind, up = draft.head, draft.face.mouth, 0.03 if draft.pose.expression == "smile" else 0.008
    if kind == "cat":
        for side in (-1, 1):
            arc = [(x, y - 0.005), (x + side * 0.035 * size, y + 0.022), (x + side * 0.075 * size, y - up)]
            pen.stroke(arc, 0.016)
        return
    pen.stroke([(x - 0.06 * size, y - up * 0.4), (x, y + up * 0.6), (x + 0.065 * size, y - up)], 0.017)
    if kind == "fang":
        tooth = [(x + 0.02 * size, y + 0.002), (x + 0.05 * size, y - 0.002), (x + 0.036 * size, y + 0.035)]
        pen.blob(tooth, _WHITE, smooth=False, line=0.6)
    else:
        pen.stroke([(x + 0.05 * size, y - up - 0.012), (x + 0.075 * size, y - up + 0.008)], 0.012)


def _open_mouth(pen: Pen, x: float, y: float, w: float, h: float) -> None:
    corner = [(x - w, y), (x - w, y)]
    shape = [*corner, (x, y + 0.008), (x + w, y), (x + w, y), (x + 0.62 * w, y + 0.75 * h), (x, y + h)]
    shape.append((x - 0.62 * w, y + 0.75 * h))
    pen.blob(shape, (158, 52, 58), outline=False)
    pen.oval(x, y + 0.76 * h, w * 0.5, h * 0.2, (238, 128, 128))
    pen.blob(
        [(x - 0.7 * w, y), (x + 0.7 * w, y), (x + 0.55 * w, y + 0.17 * h), (x - 0.55 * w, y + 0.17 * h)],
        _WHITE,
        outline=False,
        smooth=False,
    )
    pen.blob(shape, (0, 0, 0, 0), line=0.8)


def _blush(draft: Draft) -> None:
    strong = draft.pose.blush
    for side in (-1, 1):
        if draft.profile and side * draft.turn < 0:
            continue
        x = side * 0.2 if draft.profile else _across(draft, side * 0.255)
        rx = 0.085 if not draft.profile else 0.06
        y = draft.lifted(0.285) if draft.pose.pitch else 0.285
        rose = mix(draft.skin, (240, 84, 96), 0.75)
        draft.head.oval(x, y, rx, 0.045, (*rose, 130 if strong else int(48 * draft.face.blush)))
        if strong:
            draft.head.oval(x, y, rx * 1.25, 0.062, (*rose, 70))
            for k in (-0.5, 0.0, 0.5):
                dash = [(x + k * rx + 0.014, y - 0.023), (x + k * rx - 0.014, y + 0.02)]
                draft.head.curve(dash, mix(draft.skin, (206, 56, 70), 0.8), line=0.7)


def _tears(draft: Draft) -> None:
    for eye in _eyes(draft):
        x, y = eye.x + eye.side * eye.width * 0.22, eye.y + eye.height * 0.42
        trail = [(x - 0.028, y), (x + 0.028, y), (x + 0.034, y + 0.2), (x, y + 0.25), (x - 0.034, y + 0.2)]
        draft.head.blob(trail, (172, 218, 250), line=0.6)
        draft.head.oval(x - 0.008, y + 0.17, 0.01, 0.03, _WHITE)
