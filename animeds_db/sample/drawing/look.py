"""A character's appearance (Look), its pose (Pose) and the drawing style (Style), and random ones of each.

This module contains only data; nothing is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pen import Colour

HAIR_COLOURS: dict[str, Colour] = {
    "black": (50, 48, 62),
    "brown": (124, 78, 52),
    "blonde": (242, 210, 116),
    "red": (194, 46, 50),
    "pink": (246, 158, 192),
    "blue": (72, 106, 204),
    "green": (84, 166, 98),
    "purple": (140, 92, 184),
    "grey": (160, 164, 176),
    "white": (238, 238, 246),
    "orange": (238, 138, 56),
    "aqua": (108, 210, 214),
}
EYE_COLOURS: dict[str, Colour] = {
    "blue": (58, 116, 220),
    "red": (206, 44, 56),
    "green": (54, 160, 84),
    "brown": (132, 80, 44),
    "purple": (136, 78, 196),
    "yellow": (232, 190, 50),
    "pink": (240, 110, 168),
    "aqua": (60, 194, 204),
    "grey": (128, 132, 146),
    "black": (44, 40, 50),
}
CLOTH_COLOURS: dict[str, Colour] = {
    "red": (204, 56, 60),
    "blue": (58, 92, 176),
    "green": (72, 142, 88),
    "black": (52, 50, 60),
    "white": (242, 242, 246),
    "pink": (244, 164, 190),
    "yellow": (242, 204, 84),
    "purple": (132, 92, 168),
    "brown": (134, 92, 62),
    "grey": (150, 152, 162),
    "orange": (236, 138, 62),
}
SKINS: dict[str, Colour] = {
    "fair": (255, 232, 218),
    "light": (252, 220, 198),
    "tan": (232, 186, 150),
    "dark": (158, 108, 80),
}
GENDERS = ("girl", "boy")
HAIR_LENGTHS = ("short", "medium", "long", "very_long")
HAIR_STYLES = ("straight", "twintails", "ponytail", "bob", "spiky", "braid", "bun")
BANGS = ("zigzag", "blunt", "parted", "swept", "messy")
OUTFITS = (
    "school_uniform",
    "dress",
    "hoodie",
    "suit",
    "kimono",
    "armor",
    "t-shirt",
    "sweater",
    "swimsuit",
)
ACCESSORIES = (
    "glasses",
    "hat",
    "bow",
    "hairband",
    "earrings",
    "scarf",
    "cat_ears",
    "hair_flower",
    "headphones",
)
FACINGS = ("front", "left", "right", "profile_left", "profile_right", "behind")
EXPRESSIONS = ("neutral", "smile", "open_mouth", "laugh", "frown", "surprised", "angry", "crying")
ARMS = ("down", "up", "wave", "hip")
EYE_STYLES = ("round", "sharp", "droopy", "tall", "simple")
SHADINGS = ("flat", "cel", "soft")

GIRL_OUTFITS = (
    "school_uniform",
    "dress",
    "hoodie",
    "kimono",
    "armor",
    "t-shirt",
    "sweater",
    "swimsuit",
    "suit",
)
BOY_OUTFITS = ("school_uniform", "hoodie", "suit", "kimono", "armor", "t-shirt", "sweater")


@dataclass(frozen=True)
class Look:
    """A character's fixed appearance, in the words of the tables above (and of danbooru).

    `accessory` colours follow `accessory_colour`, a name of CLOTH_COLOURS.
    """

    gender: str = "girl"
    hair_colour: str = "brown"
    hair_length: str = "long"
    hair_style: str = "straight"
    eye_colour: str = "blue"
    skin: str = "light"
    outfit: str = "school_uniform"
    outfit_colour: str = "blue"
    accessory: str | None = None
    bangs: str = "zigzag"
    accessory_colour: str = "red"


@dataclass(frozen=True)
class DetailedLook(Look):
    """A look with what only varied drawings have. The demo show has none of it, so that its truth stays as it is.

    The exact colours (RGB) replace those of the named ones, and should be ones that people call by that name.
    `tips` is a second colour of the hair's ends, `broad` (0 … 1) gives wide shoulders, neck and jaw, `cut` is a short
    haircut of cuts.CUTS instead of `hair_style`, `fringe` a seed that moves the tips of the bangs (0: none),
    `gloss` how light lies on the hair (of tresses.GLOSSES), `strands` the number of fine strands, `hat` its
    form (of headwear.HATS), `hood` a hood over the head, `ornaments` a seed for what is on the clothes (0: nothing),
    `locks` the number of loose locks; `eyes` are factors of the width and height of the eyes and of the brows.
    """

    hair_rgb: Colour | None = None
    eye_rgb: Colour | None = None
    skin_rgb: Colour | None = None
    cloth_rgb: Colour | None = None
    trim_rgb: Colour | None = None
    tips: Colour | None = None
    broad: float = 0.0
    cut: str = ""
    fringe: int = 0
    gloss: str = "ring"
    strands: int = 0
    hat: str = "sun"
    hood: bool = False
    ornaments: int = 0
    locks: int = 0
    eyes: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Face:
    """How a show draws faces; lengths in heads, the rest factors around 1. The defaults are the demo show's.

    `wide` and `chin` shape the skull, `low` moves the corner of the jaw down; the eyes are at `eye_y`, `eye_gap` from
    the middle; `iris` is a factor of its width, `shine` the number of lights in it; `nose` is a kind of face.NOSES and
    `mouth` of face.MOUTHS; `fringe` moves the bangs down; `depth` (0 … 1) is the strength of shading on skin and hair;
    `profile` lengthens the nose seen from the side.
    """

    wide: float = 1.0
    chin: float = 0.0
    low: float = 0.0
    eye_y: float = 0.12
    eye_gap: float = 0.19
    eye_wide: float = 1.0
    eye_tall: float = 1.0
    iris: float = 1.0
    shine: int = 2
    lash: float = 1.0
    crease: bool = True
    nose: str = "line"
    nose_y: float = 0.25
    mouth_y: float = 0.365
    mouth_wide: float = 1.0
    mouth: str = "line"
    lips: bool = False
    brow: float = 1.0
    brow_gap: float = 0.085
    blush: float = 1.0
    fringe: float = 0.0
    depth: float = 0.0
    profile: float = 0.0


@dataclass(frozen=True)
class Pose:
    """A character's pose. `left` and `right` are the picture's, three-quarter views.

    `tilt` is the head's, in degrees clockwise; `mouth_open` and `eyes_closed` add to the expression. `yaw` (-0.9 … 0.9)
    turns the head to the left or right by any amount instead of by `facing`; `pitch` (-1 … 1) lifts or lowers it;
    `cover` is a hand before the face (of gestures.COVERS); `lean` turns the whole figure about the chin, in degrees.
    """

    facing: str = "front"
    expression: str = "neutral"
    eyes_closed: bool = False
    mouth_open: bool = False
    blush: bool = False
    arms: str = "down"
    tilt: float = 0.0
    yaw: float | None = None
    pitch: float = 0.0
    cover: str = ""
    lean: float = 0.0


@dataclass(frozen=True)
class Style:
    """The drawing style of a show.

    `line` is the outline's width and `eye_size` a factor around 1, both relative to the head;
    `heads` is the figure's height in heads (2.6 chibi … 6.8); `jaw` 0 is round and 1 pointed;
    `tint` multiplies red, green and blue; `coloured_lines` draws outlines in a tone of the hair, `ink` in a colour.
    """

    line: float = 0.014
    shading: str = "cel"
    eye_style: str = "round"
    eye_size: float = 1.0
    heads: float = 5.6
    jaw: float = 0.5
    volume: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    coloured_lines: bool = False
    saturation: float = 1.0
    face: Face = Face()
    ink: Colour | None = None


def _pick(rng: np.random.Generator, options: tuple[str, ...] | dict[str, Colour]) -> str:
    names = tuple(options)
    return names[int(rng.integers(len(names)))]


def random_look(rng: np.random.Generator, gender: str | None = None) -> Look:
    """Return a random appearance; boys have mostly short hair and no dresses."""
    gender = gender or ("girl" if rng.random() < 0.65 else "boy")
    girl = gender == "girl"
    style = _pick(rng, HAIR_STYLES) if girl else ("spiky" if rng.random() < 0.5 else "straight")
    length = _pick(rng, HAIR_LENGTHS if girl else ("short", "short", "short", "medium"))
    if style in ("bob", "spiky", "bun"):
        length = "short"
    if style in ("twintails", "ponytail", "braid") and length == "short":
        length = "long"
    return Look(
        gender=gender,
        hair_colour=_pick(rng, HAIR_COLOURS),
        hair_length=length,
        hair_style=style,
        eye_colour=_pick(rng, EYE_COLOURS),
        skin=_pick(rng, ("fair", "light", "light", "fair", "tan", "dark")),
        outfit=_pick(rng, GIRL_OUTFITS if girl else BOY_OUTFITS),
        outfit_colour=_pick(rng, CLOTH_COLOURS),
        accessory=_pick(rng, ACCESSORIES) if rng.random() < 0.45 else None,
        bangs=_pick(rng, BANGS),
        accessory_colour=_pick(rng, CLOTH_COLOURS),
    )


def random_pose(rng: np.random.Generator) -> Pose:
    """Return a random pose; most people look at the viewer or a little aside."""
    facing = rng.choice(FACINGS, p=(0.42, 0.19, 0.19, 0.06, 0.06, 0.08))
    return Pose(
        facing=str(facing),
        expression=_pick(rng, EXPRESSIONS),
        eyes_closed=bool(rng.random() < 0.15),
        mouth_open=bool(rng.random() < 0.1),
        blush=bool(rng.random() < 0.2),
        arms=_pick(rng, ("down", "down", *ARMS)),
        tilt=float(np.round(rng.normal(0, 5), 1)),
    )


def random_style(rng: np.random.Generator) -> Style:
    """Return a random drawing style, one in eight of them chibi."""
    chibi = rng.random() < 0.125
    warm = float(rng.normal(0, 0.025))
    return Style(
        line=float(rng.uniform(0.006, 0.024)),
        shading=_pick(rng, ("flat", "cel", "cel", "soft")),
        eye_style=_pick(rng, ("round", "round", "sharp", "droopy", "tall", "simple")),
        eye_size=float(rng.uniform(0.82, 1.18)),
        heads=float(rng.uniform(2.5, 3.4) if chibi else rng.uniform(4.6, 6.8)),
        jaw=float(rng.uniform(0, 1)),
        volume=float(rng.uniform(0.9, 1.15)),
        tint=(1 + warm, 1 + float(rng.normal(0, 0.015)), 1 - warm),
        coloured_lines=bool(rng.random() < 0.4),
        saturation=float(rng.uniform(0.75, 1.2)),
    )
