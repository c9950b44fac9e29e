"""Draws frames of whole episodes with boxes and tags: what an ingest of a drawn show would meet.

Rule: a shard has the form that `scenes.draw_scenes` writes; its shows' seeds are never measured with.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from PIL import Image

from animeds_db.sample.show import draw_episode
from animeds_db.sample.truth import State
from training.cache import KINDS, PICTURE_SIZE, TWIN_SIZE
from training.scenes import stretched


def show_frames(
    seed: int, which: int, per_second: float, fps: int
) -> Iterator[tuple[Image.Image, Image.Image, State]]:
    """Yield frames of one drawn episode, each with another frame of the same state (or itself) and its truth."""
    with tempfile.TemporaryDirectory() as folder:
        episode = draw_episode(Path(folder), which, seed=seed, fps=fps)
        with av.open(str(Path(folder) / episode.file)) as film:
            pictures = [frame.to_image() for frame in film.decode(video=0)]
        for number in range(0, len(pictures), max(1, round(episode.fps / per_second))):
            state = episode.frame(number)
            later = min(number + 1, len(pictures) - 1)
            twin = later if episode.frame(later) == state else number
            yield pictures[number], pictures[twin], state


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
    pictures, twins, facts = [], [], []
    for seed in seeds:
        for picture, twin, state in show_frames(seed, numbers[seed % len(numbers)], per_second, fps):
            if not state.tags:
                continue
            pictures.append(stretched(picture, PICTURE_SIZE))
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
