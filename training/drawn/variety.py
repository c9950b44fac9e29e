"""Varied looks, poses and styles for training: what drawings of many hands have in common, and where they differ.

Rule: each function makes the sample's own random one first and then varies it with numbers of the same generator; the
demo show uses none of this. Colours stay within what people call by the name that the truth has.
"""

from __future__ import annotations

import colorsys
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from animeds_db.sample.drawing.cuts import CUTS
from animeds_db.sample.drawing.face import MOUTHS
from animeds_db.sample.drawing.gestures import COVERS
from animeds_db.sample.drawing.headwear import HATS
from animeds_db.sample.drawing.look import (
    CLOTH_COLOURS,
    EYE_COLOURS,
    SKINS,
    DetailedLook,
    Face,
    Look,
    Pose,
    Style,
    random_look,
    random_pose,
    random_style,
)
from animeds_db.sample.drawing.pen import NO_LINE, Colour
from animeds_db.sample.drawing.tresses import GLOSSES, MORE_BANGS
from training.drawn.faces import FACES

Range: TypeAlias = tuple[float, float, float, float, float, float]
"""Hue in degrees (from, to), lightness (from, to), saturation (from, to); of the HLS model, 0…1 but for the hue."""

HAIR_RANGES: dict[str, tuple[Range, ...]] = {
    "black": ((0, 360, 0.09, 0.2, 0, 0.22), (215, 265, 0.12, 0.24, 0.1, 0.3)),
    "brown": (
        (14, 32, 0.22, 0.44, 0.25, 0.6),
        (16, 36, 0.26, 0.52, 0.13, 0.28),
        (20, 34, 0.44, 0.58, 0.24, 0.5),
    ),
    "blonde": ((38, 54, 0.6, 0.82, 0.45, 0.95), (32, 46, 0.68, 0.82, 0.24, 0.5)),
    "red": ((350, 368, 0.28, 0.5, 0.5, 0.85),),
    "pink": ((322, 350, 0.66, 0.86, 0.4, 0.95),),
    "blue": ((205, 240, 0.3, 0.66, 0.32, 0.8),),
    "green": ((90, 160, 0.28, 0.62, 0.22, 0.62),),
    "purple": ((258, 296, 0.32, 0.7, 0.22, 0.62),),
    "grey": ((0, 360, 0.42, 0.72, 0.0, 0.08), (205, 260, 0.44, 0.74, 0.05, 0.15)),
    "white": ((0, 360, 0.88, 0.97, 0, 0.3), (200, 280, 0.85, 0.95, 0.1, 0.4)),
    "orange": ((16, 32, 0.48, 0.64, 0.68, 0.98),),
    "aqua": ((168, 192, 0.5, 0.78, 0.38, 0.8),),
}
"""The colours called by each name, as danbooru uses them: muted and ash browns are brown, light beige is blonde (darker
beige is brown), and grey has hardly any colour, at most a bluish one."""

OFTEN = dict.fromkeys(HAIR_RANGES, 1.0) | {"brown": 2.5, "black": 1.6, "blonde": 1.8, "grey": 1.2}
"""How often varied people have each hair colour: browns, blacks and blondes most, as in most shows."""
BOYS, HATTED = 0.42, 0.12
"""Shares of boys, and of those with nothing else on the head who wear a hat."""
CUT_BANGS = "cut"
"""The bangs of a look whose haircut has a fringe of its own."""
CUTS_AND_NONE = ("", *CUTS)
GIRL_BANGS = ("zigzag", "blunt", "parted", "swept", "messy", "curtain", "one_eye", "thin", "choppy", "side")
SKIN_STEPS: dict[str, tuple[Range, ...]] = {
    "fair": ((12, 30, 0.9, 0.95, 0.6, 1.0),),
    "light": ((16, 30, 0.84, 0.9, 0.5, 0.95),),
    "tan": ((20, 32, 0.68, 0.78, 0.4, 0.7),),
    "dark": ((16, 28, 0.36, 0.52, 0.28, 0.5),),
}


def colour_in(rng: np.random.Generator, ranges: tuple[Range, ...]) -> Colour:
    """Return a random colour (RGB) of one of the ranges."""
    h0, h1, l0, l1, s0, s1 = ranges[int(rng.integers(len(ranges)))]
    hue = float(rng.uniform(h0, h1)) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, float(rng.uniform(l0, l1)), float(rng.uniform(s0, s1)))
    return (int(red * 255), int(green * 255), int(blue * 255))


def near(rng: np.random.Generator, colour: Colour, hue: float = 0.02) -> Colour:
    """Return a colour that people would call by the same name: hue, lightness and saturation a little other."""
    h, lightness, s = colorsys.rgb_to_hls(*(c / 255 for c in colour[:3]))
    lightness = float(np.clip(lightness + rng.normal(0, 0.045), 0.05, 0.97))
    red, green, blue = colorsys.hls_to_rgb(
        (h + float(rng.normal(0, hue))) % 1, lightness, float(np.clip(s * rng.uniform(0.65, 1.15), 0, 1))
    )
    return (int(red * 255), int(green * 255), int(blue * 255))


def varied_look(
    rng: np.random.Generator, gender: str | None = None, hair_colour: str | None = None
) -> DetailedLook:
    """Return a random look with its own colours, haircut, bangs, shine, hat and build."""
    look = random_look(rng, gender or ("boy" if rng.random() < BOYS else "girl"))
    colour = str(rng.choice(tuple(OFTEN), p=np.array(tuple(OFTEN.values())) / sum(OFTEN.values())))
    return detailed(replace(look, hair_colour=hair_colour or colour), rng)


def recoloured(look: DetailedLook, other: DetailedLook, name: str) -> DetailedLook:
    """Return the look with those details of another that go with one attribute (a field of Look)."""
    fields = {
        "hair_colour": ("hair_rgb", "tips"),
        "eye_colour": ("eye_rgb",),
        "hair_style": ("cut", "bangs", "hair_length", "fringe"),
        "accessory": ("hat", "trim_rgb", "accessory_colour"),
        "gender": ("cut", "bangs", "broad", "hair_style", "hair_length", "outfit", "accessory"),
    }.get(name, ())
    return replace(look, **{field: getattr(other, field) for field in fields})


def detailed(look: Look, rng: np.random.Generator) -> DetailedLook:
    """Return a look with details of its own; what it has by name stays, but for the bangs and a boy's hair style."""
    boy = look.gender == "boy"
    own = {name: getattr(look, name) for name in Look.__dataclass_fields__}
    if look.accessory is None and rng.random() < HATTED:
        own |= {
            "accessory": "hat",
            "accessory_colour": "white" if rng.random() < 0.3 else look.accessory_colour,
        }
    if boy:
        own["accessory"] = None if look.accessory in ("bow", "hair_flower", "hairband") else own["accessory"]
        cut = str(rng.choice([c for c in CUTS if c != "pixie"])) if rng.random() < 0.78 else ""
        broad = float(rng.uniform(0.1, 1.0))
    else:
        cut = (
            "pixie"
            if look.hair_style == "straight" and look.hair_length == "short" and rng.random() < 0.4
            else ""
        )
        broad = 0.0
    if cut:
        own |= {"hair_style": "straight", "hair_length": "short"}
        own["bangs"] = str(rng.choice(tuple(MORE_BANGS))) if rng.random() < 0.4 else CUT_BANGS
    elif rng.random() < 0.6:
        own["bangs"] = str(rng.choice(GIRL_BANGS))
    hair = colour_in(rng, HAIR_RANGES[look.hair_colour])
    return DetailedLook(
        **own,
        hair_rgb=hair,
        eye_rgb=near(rng, EYE_COLOURS[look.eye_colour]),
        skin_rgb=colour_in(rng, SKIN_STEPS[look.skin]) if look.skin in SKINS else None,
        cloth_rgb=near(rng, CLOTH_COLOURS[look.outfit_colour]),
        trim_rgb=near(rng, CLOTH_COLOURS[own["accessory_colour"]]),
        tips=near(rng, hair, 0.06) if rng.random() < 0.15 else None,
        broad=broad,
        cut=cut,
        fringe=int(rng.integers(1, 1 << 30)),
        gloss=str(rng.choice(GLOSSES)),
        strands=int(rng.integers(4, 16)) if rng.random() < 0.6 else 0,
        hat=str(rng.choice(HATS)),
        hood=look.outfit == "hoodie" and own["accessory"] not in ("hat", "headphones") and rng.random() < 0.3,
        ornaments=int(rng.integers(1, 1 << 30)) if rng.random() < 0.45 and look.outfit != "swimsuit" else 0,
        eyes=(float(rng.normal(1, 0.07)), float(rng.normal(1, 0.1)), float(np.exp(rng.normal(0, 0.25)))),
        locks=int(rng.integers(2, 9)) if rng.random() < 0.4 and look.hair_style != "spiky" else 0,
    )


def varied_style(rng: np.random.Generator, face: str | None = None) -> Style:
    """Return a random style with one of the twelve faces (or the named one), a little off, and its own line."""
    names = tuple(FACES)
    name = face or names[int(rng.integers(len(names)))]
    base, eyes, heads = FACES[name]
    style = random_style(rng)
    line = float(np.exp(rng.uniform(np.log(0.003), np.log(0.02)))) if rng.random() < 0.93 else NO_LINE
    dice = rng.random()
    ink: Colour | None = None
    if dice < 0.3:
        ink = tuple(int(v) for v in rng.integers(10, 60, 3))
    elif dice < 0.5:
        ink = colour_in(rng, ((0, 30, 0.2, 0.4, 0.2, 0.6), (200, 280, 0.2, 0.4, 0.1, 0.5)))
    return replace(
        style,
        line=line,
        ink=ink,
        shading=str(rng.choice(("flat", "cel", "soft"), p=(0.2, 0.4, 0.4))),
        eye_style=eyes if rng.random() < 0.75 or eyes in ("dot", "narrow") else style.eye_style,
        heads=float(rng.uniform(*heads)),
        face=_wobbled(base, rng),
    )


def _wobbled(face: Face, rng: np.random.Generator) -> Face:
    """Return the face with its proportions a little other."""
    step = rng.normal(0, 1, 8)
    return replace(
        face,
        wide=face.wide * float(1 + 0.025 * step[0]),
        eye_y=face.eye_y + 0.012 * float(step[1]),
        eye_gap=face.eye_gap * float(1 + 0.04 * step[2]),
        eye_wide=face.eye_wide * float(1 + 0.06 * step[3]),
        eye_tall=face.eye_tall * float(1 + 0.08 * step[4]),
        mouth=str(rng.choice(MOUTHS)) if rng.random() < 0.4 else face.mouth,
        mouth_y=face.mouth_y + 0.01 * float(step[5]),
        brow=face.brow * float(np.exp(0.2 * step[6])),
        depth=float(np.clip(face.depth + 0.25 * step[7], 0, 1)),
    )


def varied_pose(rng: np.random.Generator) -> Pose:
    """Return a random pose: heads turned by any angle, lifted or lowered, now and then a hand before the face."""
    pose = random_pose(rng)
    yaw = pose.yaw
    if pose.facing in ("front", "left", "right"):
        middle = {"front": 0.0, "left": -0.55, "right": 0.55}[pose.facing]
        yaw = float(np.clip(middle + rng.normal(0, 0.16), -0.85, 0.85))
    cover = str(rng.choice(COVERS)) if rng.random() < 0.1 and pose.arms == "down" else ""
    arms = str(rng.choice(("folded", "back"))) if not cover and rng.random() < 0.1 else pose.arms
    wild = rng.random() < 0.15
    tilt = float(rng.normal(0, 20)) if wild else pose.tilt * 1.4
    lean = float(np.clip(rng.normal(0, 10), -22, 22)) if rng.random() < 0.3 else 0.0
    pitch = float(np.clip(rng.normal(0, 0.35), -0.9, 0.9)) if rng.random() < 0.6 else 0.0
    return replace(pose, yaw=yaw, pitch=pitch, cover=cover, arms=arms, tilt=tilt, lean=lean)
