"""Varied pictures: varied people before a varied ground, things that are no faces, light over all or the people alone.

Rule: boxes and tags are those of the figures and of the place, as in `sample.scene.compose`; light changes neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from animeds_db.sample.drawing.background import Background
from animeds_db.sample.drawing.effects import apply_effects, bar_pixels
from animeds_db.sample.drawing.figure import seen_together
from animeds_db.sample.drawing.look import Style
from animeds_db.sample.scene import (
    Drawn,
    Placed,
    Scene,
    drawn_people,
    random_scene,
    scaled,
    scene_shapes,
    scene_tags,
)
from training.drawn.drapery import DRAPERY
from training.drawn.grounds import varied_ground
from training.drawn.lights import PLAIN, Light, random_light, relit
from training.drawn.negatives import scatter
from training.drawn.variety import varied_look, varied_pose, varied_style

SUPERSAMPLE = 2
AS_DRAWN = Light("none")
"""Leaves a picture as it is drawn."""
NEGATIVES, MOST_NEGATIVES = 0.5, 6
"""Chance that there are things that are no faces, and how many at most."""
MOST_DRAPERY, LARGE = 12, 0.45
"""How many folds, laces and bows a draped picture has at most before people and as many after, and half the size of
the largest as a share of the height."""
HEADLESS = 0.05
"""Share of the scenes that show people from the neck down."""
LIT = 0.6
"""Chance that a picture is in a light other than that of its time of day."""
BY_NIGHT = ("night", "moonlight", "lamp", "screen", "neon", "back_light", "graded")
BY_SUNSET = ("sunset", "dusk", "back_light", "graded", "shade", "shadow")
BY_DAY = (*PLAIN, "graded", "back_light")


def light_of_tags(tags: frozenset[str], rng: np.random.Generator) -> Light:
    """Return a light that does not contradict the tags of a frame, as `light_for`."""
    if "day" in tags or "blue_sky" in tags:
        return random_light(rng, BY_DAY)
    if "night" in tags or "sunset" in tags:
        return random_light(rng, BY_NIGHT if "night" in tags else BY_SUNSET)
    return random_light(rng)


@dataclass(frozen=True)
class Pictured:
    """A picture with its truth, and the light that it was given (None: that of the drawing)."""

    drawn: Drawn
    light: Light | None

    @property
    def kind(self) -> str:
        """`tinted` or `plain`, as `Light.kind`."""
        return self.light.kind if self.light else "plain"


def light_for(background: Background, rng: np.random.Generator) -> Light:
    """Return a light that does not contradict the tags of a place: no night under a blue sky."""
    if background.place == "plain" or background.indoors:
        return random_light(rng)
    return random_light(rng, {"night": BY_NIGHT, "sunset": BY_SUNSET}.get(background.time, BY_DAY))


def picture(
    scene: Scene,
    rng: np.random.Generator,
    size: tuple[int, int],
    light: Light | None = None,
    *,
    draped: bool = False,
) -> Pictured:
    """Return the scene drawn at (width, height) on a varied ground, in `light`; without one a random or none.

    A draped one has folds, lace and bows behind people and on their bodies, so its tags do not tell all clothes.
    """
    big = (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE)
    canvas, tags = varied_ground(scene.background, rng, big)
    if not scene.figures:
        scatter(canvas, rng, int(rng.integers(0, 2 * MOST_NEGATIVES)))
    elif "white_background" not in tags and rng.random() < NEGATIVES:
        scatter(canvas, rng, int(rng.integers(1, MOST_NEGATIVES + 1)))
    if draped:
        scatter(canvas, rng, int(rng.integers(0, MOST_DRAPERY)), things=DRAPERY, largest=LARGE)
    bar = bar_pixels(scene.effects.letterbox, size[1]) * SUPERSAMPLE
    window = (0.0, bar, float(big[0]), big[1] - bar)
    figures = seen_together(drawn_people(canvas, scene), window)
    people = tuple(f.person for f in figures if f.person)
    if rng.random() < NEGATIVES / 4 and len(people) == len(figures):  # hair from near has no box to keep free
        scatter(canvas, rng, int(rng.integers(1, 3)), free=people)
    heads = tuple(f.head for f in figures if f.head)
    if draped and len(heads) == len(figures):
        scatter(canvas, rng, int(rng.integers(0, MOST_DRAPERY)), heads, DRAPERY, LARGE)
    small = canvas.reduce(SUPERSAMPLE)
    if light is None and rng.random() < LIT:
        light = light_for(scene.background, rng)
    if light is not None:
        small = relit(small, light, _people(scene, size, light))
    smaller = tuple(scaled(figure, 1 / SUPERSAMPLE) for figure in figures)
    image = apply_effects(small, scene.effects)
    return Pictured(Drawn(image, smaller, scene_tags(tags, smaller, scene.effects)), light)


def _people(scene: Scene, size: tuple[int, int], light: Light) -> np.ndarray | None:
    """Return where the people are, if the light asks for it: drawing them once more takes time."""
    if (light.on_figures == light.on_ground and not any(light.rim)) or not scene.figures:
        return None
    people: np.ndarray = scene_shapes(
        replace(scene, effects=replace(scene.effects, letterbox=0.0)), size, 1
    ).max(axis=0)
    return people


def varied_scene(rng: np.random.Generator, people: int | None = None, face: str | None = None) -> Scene:
    """Return a random scene of the sample with varied people, a varied style, and more evenings and nights.

    `face` is the name of one of the twelve faces (of `faces.FACES`).
    """
    scene = random_scene(rng, people)
    style = varied_style(rng, face)
    dice = rng.random()
    time = "night" if dice < 0.28 else ("sunset" if dice < 0.5 else "day")
    figures = tuple(_other(p, scene.style, style, rng) for p in scene.figures)
    if rng.random() < HEADLESS:
        figures = tuple(replace(p, y=-1.04 * p.height / style.heads) for p in figures)
    return replace(scene, figures=figures, style=style, background=replace(scene.background, time=time))


def _other(person: Placed, old: Style, new: Style, rng: np.random.Generator) -> Placed:
    """Return somebody varied in the same place, with a head of about the same size."""
    return replace(
        person, look=varied_look(rng), pose=varied_pose(rng), height=person.height / old.heads * new.heads
    )


def group(rng: np.random.Generator, style: Style) -> tuple[Placed, ...]:
    """Return three to nine people with small faces in one to three rows, side by side, no face behind another."""
    count = int(rng.integers(3, 10))
    rows = 1 if count < 5 else int(rng.integers(1, 4))
    people: list[Placed] = []
    top = float(rng.uniform(0.06, 0.3))
    each = -(-count // rows)
    head = min(float(rng.uniform(0.09, 0.24)), 0.9 / each, 0.72 / rows)
    for row in range(rows):
        here = min(each, count - len(people))
        xs = (np.arange(here) + 0.5 + rng.uniform(-0.12, 0.12, here) + 0.25 * (row % 2)) / (each + 0.25)
        for x in xs:
            size = head * (1 + 0.06 * row) * float(rng.uniform(0.94, 1.06))
            y = top + float(rng.uniform(0, 0.25)) * head
            people.append(Placed(varied_look(rng), varied_pose(rng), float(x), y, size * style.heads))
        top += head * float(rng.uniform(1.05, 1.4))
    return tuple(people)
