"""The cast: a show's title, style, named characters and nameless extras, all chosen by its seed.

No two members of the cast have the same hair colour, and no extra has a hair colour of the cast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .drawing.look import CLOTH_COLOURS, EYE_COLOURS, HAIR_COLOURS, Look, Style, random_look
from .truth import Character

MOST_CHARACTERS = 8

_FIRST_WORDS = ("Hoshizora", "Komorebi", "Natsuiro", "Tsukikage", "Harukaze", "Yukidoke", "Aozora")
_SECOND_WORDS = ("Diary", "Days", "Melody", "Station", "Club")
_GIRLS = (
    *("Akari", "Mio", "Yuki", "Hana", "Sakura", "Rin", "Kaede", "Nozomi", "Aoi", "Chika", "Emi", "Honoka"),
    *("Kotone", "Mei", "Natsuki", "Shiori", "Yui"),
)
_BOYS = ("Haru", "Kaito", "Ren", "Sota", "Daichi", "Itsuki", "Minato", "Takumi", "Riku", "Kei")
_CASUAL = {
    "girl": ("dress", "hoodie", "t-shirt", "sweater", "kimono"),
    "boy": ("hoodie", "t-shirt", "sweater", "suit"),
}
_TELLING_HAIR = ("twintails", "ponytail", "straight", "bob", "braid", "bun", "spiky", "straight")


@dataclass(frozen=True)
class Cast:
    """The characters of a show and their drawing style."""

    title: str
    style: Style
    characters: tuple[Character, ...]
    extras: tuple[Look, ...]


def draw_cast(seed: int, characters: int) -> Cast:
    """Return the cast of the show with this seed; seed 7 is the show used in the demo."""
    rng = np.random.default_rng([seed, 1])
    first, second = (seed - 7) % len(_FIRST_WORDS), (seed - 7) // len(_FIRST_WORDS) % len(_SECOND_WORDS)
    hair = _shuffled(rng, tuple(HAIR_COLOURS))
    people = _characters(rng, hair[:characters], characters)
    extras = tuple(
        replace(random_look(rng), hair_colour=str(rng.choice(hair[characters:])), skin="light")
        for _ in range(6)
    )
    extras = tuple(replace(e, outfit="hoodie") if e.outfit in ("swimsuit", "armor") else e for e in extras)
    return Cast(f"{_FIRST_WORDS[first]} {_SECOND_WORDS[second]}", _style(rng), people, extras)


def _shuffled(rng: np.random.Generator, items: tuple[str, ...]) -> list[str]:
    return [items[i] for i in rng.permutation(len(items))]


def _style(rng: np.random.Generator) -> Style:
    return Style(
        line=float(rng.uniform(0.011, 0.017)),
        shading=("cel", "soft")[int(rng.integers(2))],
        eye_style=("round", "sharp", "droopy", "tall")[int(rng.integers(4))],
        eye_size=float(rng.uniform(0.95, 1.12)),
        heads=float(rng.uniform(4.8, 5.8)),
        jaw=float(rng.uniform(0.3, 0.8)),
        volume=float(rng.uniform(0.96, 1.08)),
        coloured_lines=bool(rng.random() < 0.5),
    )


def _characters(rng: np.random.Generator, hair: list[str], count: int) -> tuple[Character, ...]:
    eyes = _shuffled(rng, tuple(EYE_COLOURS))
    styles = _shuffled(rng, _TELLING_HAIR)
    cloth = _shuffled(rng, tuple(CLOTH_COLOURS))
    girls, boys = _shuffled(rng, _GIRLS), _shuffled(rng, _BOYS)
    casual = {gender: _shuffled(rng, options) for gender, options in _CASUAL.items()}
    uniform = ("blue", "green", "red", "black", "brown")[int(rng.integers(5))]
    people = []
    for i in range(count):
        gender = "boy" if i % 4 == 3 else "girl"
        look = _person(rng, gender, hair[i], eyes[i % len(eyes)], styles[i % len(styles)])
        school = replace(
            look, outfit="school_uniform", outfit_colour=uniform if gender == "girl" else "black"
        )
        free = replace(look, outfit=casual[gender][i % len(casual[gender])], outfit_colour=cloth[i])
        people.append(Character((girls if gender == "girl" else boys)[i], (school, free)))
    return tuple(people)


def _person(rng: np.random.Generator, gender: str, hair: str, eyes: str, style: str) -> Look:
    look = replace(random_look(rng, gender), hair_colour=hair, eye_colour=eyes, skin="light")
    if look.accessory in ("hat", "scarf", "headphones"):
        look = replace(look, accessory=None)
    if gender == "boy":
        return replace(look, hair_style="spiky" if style == "spiky" else look.hair_style)
    style = "bob" if style == "spiky" else style
    length = "short" if style in ("bob", "bun") else ("long", "very_long", "medium")[int(rng.integers(3))]
    if style in ("twintails", "ponytail", "braid") and length == "medium":
        length = "long"
    return replace(look, hair_style=style, hair_length=length)
