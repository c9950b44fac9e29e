"""A complete picture: a background, people and effects. Also random pictures for training.

The tags of a picture come from what its parts actually show.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from .drawing.background import PLACES, TIMES, Background, draw_background
from .drawing.draft import body_share
from .drawing.effects import Effects, apply_effects, bar_pixels
from .drawing.figure import Box, Figure, Sketch, seen_together, sketch
from .drawing.look import Look, Pose, Style, random_look, random_pose, random_style
from .stencils import Shapes, stencil, visible

__all__ = ["Background", "Drawn", "Effects", "Placed", "Scene", "compose", "random_scene", "scene_shapes"]

LINES = (
    "I never thought I'd see you here.",
    "Wait! The train is leaving!",
    "Is it really the last day?",
    "Then let's go together.",
    "What did you just say?",
    "Thank you... for everything.",
    "It can't be helped.",
    "Good morning, everyone!",
)
_TITLES = ("Episode 3", "The Promise", "To Be Continued", "Summer Stars", "Next Time", "The End")


@dataclass(frozen=True)
class Placed:
    """A person in a scene.

    `x` is the middle of the figure in shares of the width, `y` the skull's top in shares of the height,
    `height` the figure's (skull to soles) in heights of the picture: above 1 gives portraits.
    """

    look: Look
    pose: Pose
    x: float
    y: float
    height: float
    name: str | None = None


@dataclass(frozen=True)
class Scene:
    """The content of a picture. Figures are drawn in order, later ones in front."""

    background: Background = field(default_factory=Background)
    figures: tuple[Placed, ...] = ()
    style: Style = field(default_factory=Style)
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True)
class Drawn:
    """A finished RGB picture; figures in the scene's order, boxes in its pixels; tags of the whole."""

    image: Image.Image
    figures: tuple[Figure, ...]
    tags: frozenset[str] = field(default_factory=frozenset)


def compose(scene: Scene, size: tuple[int, int] = (640, 360), supersample: int = 2) -> Drawn:
    """Return the scene drawn at (width, height), antialiased by drawing `supersample` times as large."""
    big = (size[0] * supersample, size[1] * supersample)
    canvas, tags = draw_background(scene.background, big)
    bar = bar_pixels(scene.effects.letterbox, size[1]) * supersample
    window = (0.0, bar, float(big[0]), big[1] - bar)
    figures = seen_together(drawn_people(canvas, scene), window)
    small = canvas.reduce(supersample) if supersample > 1 else canvas
    image = apply_effects(small, scene.effects)
    figures = tuple(scaled(figure, 1 / supersample) for figure in figures)
    return Drawn(image, figures, scene_tags(tags, figures, scene.effects))


def drawn_people(canvas: Image.Image, scene: Scene) -> list[Sketch]:
    """Draw the people of a scene on a canvas, the nearest last, and return them in this order."""
    width, height = canvas.size
    return [
        sketch(canvas, p.look, p.pose, scene.style, p.x * width, p.y * height, p.height * height)
        for p in scene.figures
    ]


def scene_shapes(scene: Scene, size: tuple[int, int] = (640, 360), supersample: int = 2) -> Shapes:
    """Return the shapes of a scene's people as `compose` draws them: uint8 [people, height, width], 255 = visible.

    They are in the scene's order. What a nearer person or a black bar hides is 0.
    """
    width, height = size[0] * supersample, size[1] * supersample
    alone = [
        stencil((width, height), p.look, p.pose, scene.style, p.x * width, p.y * height, p.height * height)[0]
        for p in scene.figures
    ]
    shapes = visible(alone, size, supersample)
    bar = bar_pixels(scene.effects.letterbox, size[1])
    shapes[:, :bar] = 0
    shapes[:, size[1] - bar :] = 0
    return shapes


def scene_tags(place: frozenset[str], figures: tuple[Figure, ...], effects: Effects) -> frozenset[str]:
    """Return the tags of a picture from those of its background, people and effects."""
    seen = [figure for figure in figures if figure.person]
    tags = set(place) | effects.tags
    tags.update(*(figure.tags for figure in seen))
    tags -= {"1girl", "1boy"}
    for kind in ("girl", "boy"):
        count = sum(f"1{kind}" in figure.tags for figure in seen)
        if count == 1:
            tags.add(f"1{kind}")
        elif count > 1:
            tags |= {f"{min(count, 6)}{'+' if count >= 6 else ''}{kind}s", f"multiple_{kind}s"}
    if len(seen) < 2:
        tags.add("solo" if seen else "no_humans")
    tags.add("sensitive" if "swimsuit" in tags else "general")
    return frozenset(tags)


def scaled(figure: Figure, factor: float) -> Figure:
    """Return a figure with its boxes `factor` times as large, as in a picture of another size."""

    def box(value: Box | None) -> Box | None:
        return (
            None
            if value is None
            else (value[0] * factor, value[1] * factor, value[2] * factor, value[3] * factor)
        )

    return replace(
        figure,
        face=box(figure.face),
        head=box(figure.head),
        halfbody=box(figure.halfbody),
        person=box(figure.person),
    )


_CROPS = ("portrait", "upper_body", "cowboy_shot", "full_body")


def place(
    look: Look, pose: Pose, style: Style, crop: str, x: float, name: str | None = None, top: float = 0.14
) -> Placed:
    """Return a person placed so that the picture's lower edge gives the crop (portrait … full_body)."""
    lowest = {  # the place on the body at the lower edge
        "portrait": 0.1,
        "upper_body": 0.36,
        "cowboy_shot": 0.66,
        "full_body": 1.04,
    }[crop]
    shown = 1 + body_share(lowest) * (style.heads - 1)
    return Placed(look, pose, x, top, (1 - top) / shown * style.heads, name)


def random_scene(rng: np.random.Generator, people: int | None = None) -> Scene:
    """Return a random picture with 0 to 3 people whose heads do not cover each other."""
    if people is None:
        people = int(rng.choice(4, p=(0.08, 0.56, 0.24, 0.12)))
    style = random_style(rng)
    crop = _CROPS[int(rng.integers(4))]
    if people > 1 and crop == "portrait":
        crop = "upper_body"
    if people > 2 and crop == "upper_body":
        crop = "cowboy_shot"
    slots = (np.arange(people) + 0.5) / max(1, people) + rng.uniform(-0.06, 0.06, people)
    figures = tuple(
        place(random_look(rng), random_pose(rng), style, crop, float(x), top=float(rng.uniform(0.12, 0.26)))
        for x in slots
    )
    if crop == "cowboy_shot" and rng.random() < 0.12:  # the camera starts at the shoes
        figures = tuple(replace(p, y=-1.15 * p.height / style.heads) for p in figures)
    background = Background(
        place=PLACES[int(rng.integers(len(PLACES)))],
        time=TIMES[int(rng.choice(3, p=(0.6, 0.15, 0.25)))],
        seed=int(rng.integers(1 << 31)),
    )
    return Scene(background, figures, style, _random_effects(rng))


def _random_effects(rng: np.random.Generator) -> Effects:
    return Effects(
        letterbox=float(rng.choice([0.0, 0.1, 0.125])) if rng.random() < 0.2 else 0.0,
        subtitle=LINES[int(rng.integers(len(LINES)))] if rng.random() < 0.18 else None,
        title=_TITLES[int(rng.integers(len(_TITLES)))] if rng.random() < 0.06 else None,
        blur=float(rng.uniform(0.001, 0.007)) if rng.random() < 0.15 else 0.0,
        grain=float(rng.uniform(1, 7)) if rng.random() < 0.25 else 0.0,
        jpeg=int(rng.integers(35, 92)) if rng.random() < 0.4 else 0,
        seed=int(rng.integers(1 << 31)),
    )
