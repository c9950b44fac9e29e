"""Draws head crops of many characters: the training set of the character embedder.

Rule: characters come in families of four, numbered side by side: those that differ in one attribute each, and strangers
who have only the colour of their hair in common.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image, ImageDraw

from animeds_db.models.runners.crops import RAISED, SIDE
from animeds_db.sample.drawing.figure import (
    Look,
    Pose,
    Style,
    draw_figure,
    random_look,
    random_pose,
    random_style,
)
from animeds_db.sample.drawing.look import (
    ACCESSORIES,
    BANGS,
    EYE_COLOURS,
    GENDERS,
    HAIR_COLOURS,
    HAIR_LENGTHS,
    HAIR_STYLES,
    SKINS,
    DetailedLook,
)
from animeds_db.sample.drawing.tresses import MORE_BANGS
from training.cache import HEAD_MARGIN, HEAD_STORED
from training.drawn.degrade import degrade
from training.drawn.lights import Light, random_light, relit
from training.drawn.negatives import scatter
from training.drawn.variety import (
    CUT_BANGS,
    CUTS_AND_NONE,
    recoloured,
    varied_look,
    varied_pose,
    varied_style,
)

FAMILY = 4
ATTRIBUTES: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    ("hair_colour", tuple(HAIR_COLOURS)),
    ("eye_colour", tuple(EYE_COLOURS)),
    ("hair_style", HAIR_STYLES),
    ("hair_length", HAIR_LENGTHS),
    ("bangs", (*BANGS, *MORE_BANGS, CUT_BANGS)),
    ("cut", CUTS_AND_NONE),
    ("accessory", (None, *ACCESSORIES)),
    ("skin", tuple(SKINS)),
    ("gender", GENDERS),
)
WORTH_CHANGING = (
    "hair_colour",
    "hair_colour",
    "hair_style",
    "hair_style",
    "eye_colour",
    "accessory",
    "gender",
)
"""What a family's members differ in. Bangs, skin and length are learned too, but do not make another character."""


VARIED, STRANGERS = 0.85, 0.5
"""Shares of the families that are varied ones, and of these, that are strangers with hair of one colour."""
LIT = 0.15
"""Share of the crops that are coded in a light of their own; training puts all of them into other lights besides."""
ERRS = 0.04
"""Standard deviation of a detected face's position and size, as a share of its longer side."""


def family(rng: np.random.Generator) -> list[Look]:
    """Return four looks: a random one with three that differ in one attribute people would notice, or strangers."""
    if rng.random() >= VARIED:
        return alike(random_look(rng), random_look, rng)
    if rng.random() < STRANGERS:
        return strangers(rng)
    return alike(varied_look(rng), varied_look, rng)


def alike(
    base: Look, maker: Callable[[np.random.Generator, str | None], Look], rng: np.random.Generator
) -> list[Look]:
    """Return a look and three others that differ from it in one attribute people would notice."""
    looks, seen = [base], {identity(base)}
    while len(looks) < FAMILY:
        name = str(rng.choice(WORTH_CHANGING))
        other = maker(rng, None if name == "gender" else base.gender)
        changed = replace(base, **{name: getattr(other, name)})
        if name == "hair_style":
            changed = replace(changed, hair_length=other.hair_length)
        if isinstance(changed, DetailedLook) and isinstance(other, DetailedLook):
            changed = recoloured(changed, other, name)
        if identity(changed) not in seen:
            seen.add(identity(changed))
            looks.append(changed)
    return looks


def strangers(rng: np.random.Generator) -> list[Look]:
    """Return four varied looks of one sex and one hair colour, each in a shade of its own, otherwise chosen freely."""
    first = varied_look(rng)
    looks, seen = [first], {identity(first)}
    while len(looks) < FAMILY:
        other = varied_look(rng, first.gender, first.hair_colour)
        if identity(other) not in seen:
            seen.add(identity(other))
            looks.append(other)
    return list(looks)


def identity(look: Look) -> tuple[str | None, ...]:
    """Return what makes a character the same one, whatever they wear and do."""
    return tuple(getattr(look, name, "") for name, _ in ATTRIBUTES)


def backdrop(size: int, rng: np.random.Generator) -> Image.Image:
    """Return a square of random colour, gradient or clutter, now and then with somebody else in it."""
    field = rng.integers(0, 256, (int(rng.integers(1, 5)), int(rng.integers(1, 5)), 3), dtype=np.uint8)
    smooth = Image.Resampling.BICUBIC if rng.random() < 0.6 else Image.Resampling.NEAREST
    image = Image.fromarray(field).resize((size, size), smooth)
    pencil = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 7))):
        x, y, w, h = rng.uniform(-0.2, 1, 4) * size
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        kind = pencil.rectangle if rng.random() < 0.5 else pencil.ellipse
        kind(
            (x, y, x + abs(w) + 4, y + abs(h) + 4),
            fill=colour,
            outline=(30, 30, 30) if rng.random() < 0.3 else None,
        )
    if rng.random() < 0.2:
        scatter(image, rng, int(rng.integers(1, 4)))
    if rng.random() < 0.25:
        side = float(rng.choice((-0.75, 0.75)))
        style = varied_style(rng)
        unit = size / 1.7
        x, y = size * (0.5 + side), float(rng.uniform(0, 0.4)) * size
        draw_figure(image, varied_look(rng), varied_pose(rng), style, x, y, unit * style.heads)
    return image


def draw_head(
    look: Look,
    pose: Pose,
    style: Style,
    rng: np.random.Generator,
    size: int = 256,
    light: Light | None = None,
) -> Image.Image:
    """Return the square around a head, `HEAD_MARGIN` wider than the crop that a detected face would give."""
    wide = size * 5 // 4
    image = backdrop(wide, rng)
    face = 0.7 if pose.facing.startswith("profile") else 0.8  # the longer side of the face box, in heads
    unit = size / (SIDE * HEAD_MARGIN * face)
    top = wide / 2 - 0.6 * unit  # the face box's centre lies about 0.6 heads below the top of the head
    figure = draw_figure(image, look, pose, style, wide / 2, top, unit * style.heads)
    image = relit(image, light) if light else image
    image = image.crop(head_in(figure.face, wide, rng))
    small = int(np.exp(rng.uniform(np.log(36), np.log(size))))
    image = degrade(image.resize((small // 2 * 2, small // 2 * 2), Image.Resampling.BOX), rng)
    return image.resize((HEAD_STORED, HEAD_STORED), Image.Resampling.BICUBIC)


def head_in(
    face: tuple[float, float, float, float] | None, wide: int, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return the square (pixels) around the head of a face box, as a detector that errs a little would give it.

    The square lies within a picture of `wide` × `wide`. Without a face it is in the middle.
    """
    left, top, right, bottom = face or (wide * 0.3, wide * 0.3, wide * 0.7, wide * 0.7)
    longer = max(right - left, bottom - top)
    x, y = rng.normal(0, ERRS, 2) * longer
    side = min(wide, round(SIDE * HEAD_MARGIN * longer * float(np.exp(rng.normal(0, ERRS)))))
    low_x = round((left + right) / 2 + x - side / 2)
    low_y = round((top + bottom) / 2 + y - RAISED * (bottom - top) - side / 2)
    low_x, low_y = (min(max(0, low), wide - side) for low in (low_x, low_y))
    return low_x, low_y, low_x + side, low_y + side


def random_face_pose(rng: np.random.Generator) -> Pose:
    """Return a random pose of the sample in which a face is seen."""
    return facing_us(random_pose(rng))


def facing_us(pose: Pose) -> Pose:
    """Return the pose, from the front instead of from behind."""
    return replace(pose, facing="front") if pose.facing == "behind" else pose


def dressed(look: Look, rng: np.random.Generator) -> Look:
    """Return the character in other clothes, the hood down."""
    if isinstance(look, DetailedLook):
        varied = varied_look(rng, look.gender)
        return replace(
            look,
            outfit=varied.outfit,
            outfit_colour=varied.outfit_colour,
            cloth_rgb=varied.cloth_rgb,
            hood=False,
        )
    other = random_look(rng, look.gender)
    return replace(look, outfit=other.outfit, outfit_colour=other.outfit_colour)


def draw_heads(folder: Path, families: int, each: int, seed: int, say: Callable[[str], None]) -> None:
    """Write `families` × 4 characters × `each` crops to `folder`; does nothing when they are there."""
    if (folder / "facts.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    total = families * FAMILY * each
    pictures = open_memmap(folder / "heads.npy", "w+", np.uint8, (total, HEAD_STORED, HEAD_STORED, 3))
    names: list[int] = []
    attributes: list[list[int]] = []
    for number in range(families):
        looks = family(rng)
        varied = isinstance(looks[0], DetailedLook)
        styles, poses = (varied_style, varied_pose) if varied else (random_style, random_pose)
        show = styles(rng)
        for member, look in enumerate(looks):
            numbers = [values.index(getattr(look, name, "")) for name, values in ATTRIBUTES]
            for _ in range(each):
                pose = facing_us(poses(rng))
                style = show if rng.random() < (0.8 if varied else 0.6) else styles(rng)
                light = random_light(rng) if varied and rng.random() < LIT else None
                pictures[len(names)] = np.asarray(
                    draw_head(dressed(look, rng), pose, style, rng, light=light)
                )
                names.append(number * FAMILY + member)
                shut = pose.eyes_closed or pose.expression == "laugh"
                attributes.append([-1 if shut and i == 1 else n for i, n in enumerate(numbers)])
        if number % 25 == 24:
            say(f"heads: {len(names)} of {total}")
    pictures.flush()
    facts = {"names": names, "attributes": attributes, "sizes": [len(v) for _, v in ATTRIBUTES]}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
