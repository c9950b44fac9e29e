"""Draws head crops of many characters: the training set of the character embedder.

Rule: characters come in families of four that differ in one attribute each, numbered side by side.
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
)
from training.cache import HEAD_MARGIN, HEAD_STORED
from training.degrade import degrade

FAMILY = 4
ATTRIBUTES: tuple[tuple[str, tuple[str | None, ...]], ...] = (
    ("hair_colour", tuple(HAIR_COLOURS)),
    ("eye_colour", tuple(EYE_COLOURS)),
    ("hair_style", HAIR_STYLES),
    ("hair_length", HAIR_LENGTHS),
    ("bangs", BANGS),
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
"""What a family's members differ in. Bangs, skin and length alone are told, but not asked to part characters."""


def family(rng: np.random.Generator) -> list[Look]:
    """Return a random look and three others that differ from it in one attribute people would notice."""
    base = random_look(rng)
    looks, seen = [base], {identity(base)}
    while len(looks) < FAMILY:
        name = str(rng.choice(WORTH_CHANGING))
        other = random_look(rng, None if name == "gender" else base.gender)
        changed = replace(base, **{name: getattr(other, name)})
        if name == "hair_style":
            changed = replace(changed, hair_length=other.hair_length)
        if identity(changed) not in seen:
            seen.add(identity(changed))
            looks.append(changed)
    return looks


def identity(look: Look) -> tuple[str | None, ...]:
    """Return what makes a character the same one, whatever they wear and do."""
    return tuple(getattr(look, name) for name, _ in ATTRIBUTES)


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
    if rng.random() < 0.25:
        side = float(rng.choice((-0.75, 0.75)))
        style = random_style(rng)
        unit = size / 1.7
        x, y = size * (0.5 + side), float(rng.uniform(0, 0.4)) * size
        draw_figure(image, random_look(rng), random_pose(rng), style, x, y, unit * style.heads)
    return image


def draw_head(look: Look, pose: Pose, style: Style, rng: np.random.Generator, size: int = 256) -> Image.Image:
    """Return the square around a head, `HEAD_MARGIN` wider than the crop that a detected face would give."""
    image = backdrop(size, rng)
    face = 0.7 if pose.facing.startswith("profile") else 0.8  # the longer side of the face box, in heads
    unit = size / (SIDE * HEAD_MARGIN * face)
    turn = {"left": -0.06, "right": 0.06, "profile_left": -0.17, "profile_right": 0.17}.get(pose.facing, 0.0)
    middle_y = (
        size / 2 - (0.15 - RAISED * 0.7) * unit
    )  # of the skull: the face box's centre lies 0.15 heads lower
    draw_figure(image, look, pose, style, size / 2 - turn * unit, middle_y - unit / 2, unit * style.heads)
    small = int(np.exp(rng.uniform(np.log(36), np.log(size))))
    image = degrade(image.resize((small // 2 * 2, small // 2 * 2), Image.Resampling.BOX), rng)
    return image.resize((HEAD_STORED, HEAD_STORED), Image.Resampling.BICUBIC)


def random_face_pose(rng: np.random.Generator) -> Pose:
    """Return a random pose in which a face is seen."""
    pose = random_pose(rng)
    return replace(pose, facing="front") if pose.facing == "behind" else pose


def dressed(look: Look, rng: np.random.Generator) -> Look:
    """Return the character in other clothes."""
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
        show = random_style(rng)
        for member, look in enumerate(family(rng)):
            numbers = [values.index(getattr(look, name)) for name, values in ATTRIBUTES]
            for _ in range(each):
                pose = random_face_pose(rng)
                style = show if rng.random() < 0.6 else random_style(rng)
                pictures[len(names)] = np.asarray(draw_head(dressed(look, rng), pose, style, rng))
                names.append(number * FAMILY + member)
                shut = pose.eyes_closed or pose.expression == "laugh"
                attributes.append([-1 if shut and i == 1 else n for i, n in enumerate(numbers)])
        if number % 25 == 24:
            say(f"heads: {len(names)} of {total}")
    pictures.flush()
    facts = {"names": names, "attributes": attributes, "sizes": [len(v) for _, v in ATTRIBUTES]}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
