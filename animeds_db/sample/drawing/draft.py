"""Shared state of the parts of a figure while it is drawn: pens, colours, proportions.

It is computed once from look, pose and style, and only read afterwards.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from PIL import Image

from .look import CLOTH_COLOURS, EYE_COLOURS, HAIR_COLOURS, SKINS, DetailedLook, Face, Look, Pose, Style
from .pen import Colour, Pen, mix, shade

TURNS = {"front": 0.0, "left": -0.6, "right": 0.6, "profile_left": -1.0, "profile_right": 1.0, "behind": 0.0}


def body_share(place: float) -> float:
    """Return the share of the height from chin to soles at which a place (as in `Draft.down`) lies."""
    return place * 0.8 if place < 0.5 else 0.4 + (place - 0.5) * 1.2


@dataclass(frozen=True)
class Draft:
    """One figure that is being drawn. The origin of both pens is the middle of the head; chin at y = 0.5.

    `turn` is -1 (looks to the picture's left) … 1; `build` is the body's height in heads without the head.
    """

    look: Look
    pose: Pose
    style: Style
    pen: Pen
    head: Pen
    turn: float
    build: float
    hair: Colour
    eye: Colour
    skin: Colour
    cloth: Colour
    trim: Colour
    detail: DetailedLook
    """The look; a plain one with the defaults of a detailed one."""

    @property
    def face(self) -> Face:
        """How faces are drawn."""
        return self.style.face

    @property
    def behind(self) -> bool:
        """True if the figure is seen from behind."""
        return self.pose.facing == "behind"

    @property
    def profile(self) -> bool:
        """True if the figure is seen exactly from the side."""
        return abs(self.turn) == 1

    @property
    def girl(self) -> bool:
        """True if the figure is a girl."""
        return self.look.gender == "girl"

    def down(self, share: float) -> float:
        """Return the y of a place on the body: 0 chin, 0.36 waist, 0.5 hips, 0.73 knees, 1 soles."""
        return 0.5 + body_share(share) * self.build

    @property
    def collar(self) -> float:
        """The y of the neck's foot."""
        return 0.53 + 0.012 * self.build

    @property
    def shoulder(self) -> float:
        """Half the width of the shoulders in heads; less when seen from the side."""
        width = (0.27 + 0.036 * self.build) * (1.0 if self.girl else 1.14) * (1 + 0.16 * self.detail.broad)
        return width * (1 - 0.18 * abs(self.turn))

    def lifted(self, y: float) -> float:
        """Return where a place of the face (y in heads) is drawn when the head is lifted or lowered."""
        pitch = self.pose.pitch
        return y + 0.13 * pitch * (1 - (y / 0.6 if pitch > 0 else 0.6 * y)) if pitch else y

    def hair_end(self) -> float:
        """Return the y in heads at which the hair ends."""
        share = {"short": 0.0, "medium": 0.07, "long": 0.28, "very_long": 0.5}[self.look.hair_length]
        rest = {"short": 0.46, "medium": 0.62, "long": 0.62, "very_long": 0.62}[self.look.hair_length]
        return rest + share * self.build


def start(
    image: Image.Image, look: Look, pose: Pose, style: Style, x: float, y: float, height: float
) -> Draft:
    """Return the draft of a figure whose skull's top is at pixel (x, y), `height` pixels above its soles."""
    unit = height / style.heads

    def tone(named: Colour, exact: Colour | None) -> Colour:
        return _toned(named if exact is None else exact, style)

    detail = look if isinstance(look, DetailedLook) else DetailedLook(**vars(look))
    hair = tone(HAIR_COLOURS[look.hair_colour], detail.hair_rgb)
    ink = mix(shade(hair, 0.3), (46, 30, 44), 0.5) if style.coloured_lines else (38, 28, 38)
    ink = style.ink or ink
    pen = Pen(image, x, y + unit / 2, unit, style.line, ink)
    pen = pen.tilted(pose.lean, (0, 0.5)) if pose.lean else pen
    return Draft(
        look=look,
        pose=pose,
        style=style,
        pen=pen,
        head=pen.tilted(pose.tilt, (0, 0.5)) if pose.tilt else pen,
        turn=TURNS[pose.facing] if pose.yaw is None else pose.yaw,
        build=style.heads - 1,
        hair=hair,
        eye=tone(EYE_COLOURS[look.eye_colour], detail.eye_rgb),
        skin=tone(SKINS[look.skin], detail.skin_rgb),
        cloth=tone(CLOTH_COLOURS[look.outfit_colour], detail.cloth_rgb),
        trim=tone(CLOTH_COLOURS[look.accessory_colour], detail.trim_rgb),
        detail=detail,
    )


def _toned(colour: Colour, style: Style) -> Colour:
    hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in colour[:3]))
    rgb = colorsys.hls_to_rgb(hue, light, min(1.0, saturation * style.saturation))
    return tuple(int(min(255, max(0, 255 * c * t))) for c, t in zip(rgb, style.tint, strict=True))
