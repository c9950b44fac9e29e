"""Draws frames of whole episodes with boxes and tags: what an ingest of a drawn show would meet.

Rule: a shard has the form that `scenes.draw_scenes` writes; its shows' seeds are never measured with. Every second show
has a varied cast, and each of its shots is in a light that does not contradict its tags.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from animeds_db.sample.cast import Cast, draw_cast
from animeds_db.sample.show import draw_episode
from animeds_db.sample.truth import Character, State
from training.cache import CLOSE_SIZE, KINDS, TWIN_SIZE
from training.drawn.lights import Light, relit
from training.drawn.pictures import light_of_tags
from training.drawn.scenes import stretched
from training.drawn.variety import detailed, varied_style

CHARACTERS, LIT = 4, 0.6
"""Named people of a show, and the share of a varied show's shots that are in a light of their own."""


BLACK = 40
"""A row of pixels below this (0…255) belongs to a bar."""


def varied_cast(seed: int) -> Cast:
    """Return the cast of a show with varied people in a varied style; names and hair colours as by the seed."""
    cast, rng = draw_cast(seed, CHARACTERS), np.random.default_rng([seed, 77])
    people = []
    for person in cast.characters:
        own = detailed(person.looks[0], rng)
        free = person.looks[1]
        casual = replace(own, outfit=free.outfit, outfit_colour=free.outfit_colour, cloth_rgb=None)
        people.append(Character(person.name, (replace(own, hood=False), casual)))
    extras = tuple(detailed(extra, rng) for extra in cast.extras)
    return replace(cast, style=varied_style(rng), characters=tuple(people), extras=extras)


def show_frames(
    seed: int, which: int, per_second: float, fps: int, *, varied: bool = False
) -> Iterator[tuple[Image.Image, Image.Image, State]]:
    """Yield frames of one drawn episode, each with another frame of the same state (or itself) and its truth."""
    with tempfile.TemporaryDirectory() as folder:
        cast = varied_cast(seed) if varied else None
        episode = draw_episode(Path(folder), which, seed=seed, fps=fps, cast=cast)
        with av.open(str(Path(folder) / episode.file)) as film:
            pictures = [as_image(frame) for frame in film.decode(video=0)]
        for number in range(0, len(pictures), max(1, round(episode.fps / per_second))):
            state = episode.frame(number)
            later = min(number + 1, len(pictures) - 1)
            twin = later if episode.frame(later) == state else number
            light = shot_light(seed, state) if varied else None
            yield in_light(pictures[number], light), in_light(pictures[twin], light), state


def as_image(frame: Any) -> Image.Image:
    """Return a decoded frame as an RGB picture."""
    image: Image.Image = frame.to_image()
    return image


def shot_light(seed: int, state: State) -> Light | None:
    """Return the light of a shot of a varied show, the same for all its frames; None for the drawing's own."""
    rng = np.random.default_rng([seed, state.shot])
    return light_of_tags(frozenset(state.tags), rng) if rng.random() < LIT else None


def in_light(image: Image.Image, light: Light | None) -> Image.Image:
    """Return a frame in a light; the black bars of a film stay black."""
    if light is None:
        return image
    before = np.asarray(image)
    lit = np.asarray(relit(image, light)).copy()
    bars = before.max(axis=(1, 2)) < BLACK
    lit[bars] = before[bars]
    return Image.fromarray(lit)


def draw_episodes(
    folder: Path,
    seeds: range,
    say: Callable[[str], None],
    *,
    numbers: tuple[int, ...] = (1,),
    per_second: float = 1.0,
    fps: int = 12,
) -> None:
    """Write frames of one episode per seed as a shard; does nothing when it is there.

    `numbers` are the episodes' numbers, taken in turns; of three, the second has subtitles and the third bars.
    """
    if (folder / "facts.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pictures, twins = [], []
    facts: list[dict[str, object]] = []
    for seed in seeds:
        number = numbers[seed % len(numbers)]
        for picture, twin, state in show_frames(seed, number, per_second, fps, varied=seed % 2 == 1):
            if not state.tags:
                continue
            pictures.append(stretched(picture, CLOSE_SIZE))
            twins.append(stretched(twin, TWIN_SIZE))
            facts.append(facts_of(state, len(facts)))
        say(f"shows: seed {seed}, {len(facts)} frames")
    np.save(folder / "detector.npy", np.stack(pictures))
    np.save(folder / "twin.npy", np.stack(twins))
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def facts_of(state: State, group: int) -> dict[str, object]:
    """Return tags, boxes and people of a frame, as `scenes.py` writes them."""
    boxes = [[k, *box] for p in state.people for k in KINDS if (box := getattr(p, k)) is not None]
    people = [
        [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, sorted(person.tags)]
        for person in state.people
        if (box := person.head or person.person)
    ]
    return {"tags": sorted(state.tags), "boxes": boxes, "group": group, "people": people}
