"""Draws whole scenes with boxes and tags: the training set of detector, tagger and search towers.

Rule: what is written is what a runner would feed: the pictures are degraded at drawing size, then resized as
`pixels.py` resizes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image

from animeds_db.sample.drawing.figure import Look, Pose, Style, random_look, random_pose
from animeds_db.sample.drawing.look import DetailedLook
from animeds_db.sample.scene import Drawn, Placed, Scene, compose, random_scene
from training.cache import CLOSE_SIZE, KINDS, TWIN_SIZE
from training.drawn.degrade import degrade, encode
from training.drawn.pictures import group, picture, varied_scene
from training.drawn.variety import varied_look, varied_pose

SHAPES = ((480, 270), (480, 270), (480, 270), (480, 270), (400, 300), (360, 360), (300, 400), (504, 214))
"""Sizes (width, height) that are drawn, or a third larger (`larger`)."""
SIBLINGS = 3
"""Pictures of one group: the same people, place and effects, but other poses and places in the picture."""
NEAR = 0.17
"""Heads smaller than this share of the picture's height have lids and mouths too small to matter."""


VARIED = 0.8
"""Share of the scenes with varied people, grounds and lights; the others are drawn as the demo show is."""


@dataclass(frozen=True)
class Casting:
    """Who is drawn: functions that return a random look and a random pose."""

    look: Callable[[np.random.Generator], Look]
    pose: Callable[[np.random.Generator], Pose]


DEMO, ANYBODY = Casting(random_look, random_pose), Casting(varied_look, varied_pose)


def crowd(rng: np.random.Generator, style: Style, casting: Casting = DEMO) -> tuple[Placed, ...]:
    """Return two or three rows of people, the nearer ones lower, so that every face stays free."""
    people: list[Placed] = []
    height, top = float(rng.uniform(0.45, 0.9)), float(rng.uniform(0.05, 0.2))
    for _ in range(int(rng.integers(1, 4))):
        head = height / style.heads
        count = int(rng.integers(2, max(3, min(7, int(0.75 / head)))))
        xs = (np.arange(count) + rng.uniform(0.3, 0.7)) / count
        people += [
            Placed(casting.look(rng), casting.pose(rng), float(x), top + float(rng.uniform(0, 0.02)), height)
            for x in xs
        ]
        top += head * float(rng.uniform(1.15, 1.5))
        height *= 1.1
    return tuple(people)


def close_up(rng: np.random.Generator, style: Style, casting: Casting = DEMO) -> tuple[Placed, ...]:
    """Return one or two faces so near that the picture cuts the hair, or somebody half outside."""
    people = []
    for k in range(int(rng.integers(1, 3))):
        head = float(rng.uniform(0.5, 1.25))
        x = float(rng.uniform(0.1, 0.9)) if k == 0 else float(rng.choice((0.05, 0.95)))
        people.append(
            Placed(
                casting.look(rng), casting.pose(rng), x, float(rng.uniform(-0.25, 0.3)), head * style.heads
            )
        )
    far_apart = len(people) == 1 or abs(people[0].x - people[1].x) > 0.45
    return tuple(people) if far_apart else tuple(people[:1])


def varied_picture(rng: np.random.Generator) -> Scene:
    """Return a random scene of varied people: one or a few, crowds, groups of small faces, close-ups."""
    scene, dice = varied_scene(rng), rng.random()
    if dice < 0.1:
        return replace(scene, figures=crowd(rng, scene.style, ANYBODY))
    if dice < 0.28:
        return replace(scene, figures=close_up(rng, scene.style, ANYBODY))
    if dice < 0.46:
        return replace(scene, figures=group(rng, scene.style))
    return scene


def drawn_picture(
    scene: Scene, seed: int, size: tuple[int, int], *, varied: bool, draped: bool = False
) -> Drawn:
    """Return a scene as it is drawn for training: a varied one with the ground, things and light of `seed`."""
    if varied:
        return picture(scene, np.random.default_rng(seed), size, draped=draped).drawn
    return compose(scene, size)


def random_picture(rng: np.random.Generator) -> Scene:
    """Return a random scene: mostly the sample's own, some crowds, some close-ups."""
    scene = random_scene(rng)
    dice = rng.random()
    if dice < 0.12:
        return replace(scene, figures=crowd(rng, scene.style))
    if dice < 0.27:
        return replace(scene, figures=close_up(rng, scene.style))
    return scene


def pose_of(look: Look, rng: np.random.Generator) -> Pose:
    """Return a random pose of the kind that a look is drawn with."""
    return varied_pose(rng) if isinstance(look, DetailedLook) else random_pose(rng)


def sibling(scene: Scene, rng: np.random.Generator) -> Scene:
    """Return the same people before the same background in other poses, moved a little, maybe larger."""
    grow, slide = float(rng.uniform(0.85, 1.2)), float(rng.uniform(-0.08, 0.08))
    return replace(
        scene,
        figures=tuple(
            replace(p, pose=pose_of(p.look, rng), x=p.x + slide, height=p.height * grow)
            for p in scene.figures
        ),
    )


def talking(scene: Scene, rng: np.random.Generator, *, blink: float) -> Scene:
    """Return the same picture at another moment: lids down with chance `blink`, mouths open or shut."""
    poses = [
        replace(
            p.pose,
            facing="front" if p.pose.facing == "behind" else p.pose.facing,
            eyes_closed=bool(rng.random() < blink),
            mouth_open=bool(rng.random() < 0.5),
            cover="",
        )
        for p in scene.figures
    ]
    return replace(
        scene, figures=tuple(replace(p, pose=pose) for p, pose in zip(scene.figures, poses, strict=True))
    )


def covered(drawn: Drawn) -> list[list[object]]:
    """Return [kind, left, top, right, bottom] (relative) of what no later figure's head hides."""
    width, height = drawn.image.size
    boxes: list[list[object]] = []
    for place, figure in enumerate(drawn.figures):
        fronts = [f.head for f in drawn.figures[place + 1 :] if f.head]
        for kind in KINDS:
            box = getattr(figure, kind)
            if box is None or (kind != "person" and any(hidden(box, front) > 0.45 for front in fronts)):
                continue
            boxes.append([kind, box[0] / width, box[1] / height, box[2] / width, box[3] / height])
    return boxes


def told_people(drawn: Drawn) -> list[list[object]]:
    """Return [x, y (relative), tags] for each person seen: the middle of the head, or else of what is seen."""
    width, height = drawn.image.size
    told: list[list[object]] = []
    for figure in drawn.figures:
        box = figure.head or figure.person
        if box:
            told.append([(box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height, sorted(figure.tags)])
    return told


def hidden(box: tuple[float, ...], front: tuple[float, ...]) -> float:
    """Return the share of `box` that lies under `front`."""
    wide = max(0.0, min(box[2], front[2]) - max(box[0], front[0]))
    high = max(0.0, min(box[3], front[3]) - max(box[1], front[1]))
    return wide * high / max(1e-6, (box[2] - box[0]) * (box[3] - box[1]))


def larger(shape: tuple[int, int]) -> tuple[int, int]:
    """Return a width and height a third larger, both even."""
    return shape[0] * 4 // 3 // 2 * 2, shape[1] * 4 // 3 // 2 * 2


def stretched(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return the picture resized to height and width, aspect not kept."""
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


def draw_scenes(
    folder: Path,
    count: int,
    seed: int,
    say: Callable[[str], None],
    *,
    strong: bool = True,
    size: tuple[int, int] = CLOSE_SIZE,
    draped: bool = False,
) -> None:
    """Write `count` scenes, half of them in groups of siblings; does nothing when they are there.

    `draped`: varied ones have folds, lace and bows on them, and are for a detector alone.
    """
    if (folder / "facts.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    arrays = [
        open_memmap(folder / f"{name}.npy", "w+", np.uint8, (count, *stored, 3))
        for name, stored in (("detector", size), ("twin", TWIN_SIZE))
    ]
    facts: list[dict[str, object]] = []
    group = 0
    while len(facts) < count:
        varied = rng.random() < VARIED
        scene, shape = (
            (varied_picture if varied else random_picture)(rng),
            SHAPES[int(rng.integers(len(SHAPES)))],
        )
        seed = int(rng.integers(1 << 62))
        members = SIBLINGS if scene.figures and rng.random() < 0.25 else 1
        for k in range(min(members, count - len(facts))):
            drawn = drawn_picture(
                scene if k == 0 else sibling(scene, rng),
                seed,
                larger(shape),
                varied=varied,
                draped=draped,
            )
            seen = degrade(drawn.image, rng, strong=strong)
            twin = encode(seen, rng)
            for array, pixels in zip(
                arrays,
                (stretched(seen, size), stretched(twin, TWIN_SIZE)),
                strict=True,
            ):
                array[len(facts)] = pixels
            people = told_people(drawn)
            facts.append(
                {"tags": sorted(drawn.tags), "boxes": covered(drawn), "group": group, "people": people}
            )
        group += 1
        if group % 200 == 0:
            say(f"scenes: {len(facts)} of {count}")
    for array in arrays:
        array.flush()
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def draw_talks(folder: Path, count: int, seed: int, say: Callable[[str], None]) -> None:
    """Write `count` pairs of rows, the same people before and after a word or a blink, as a shard of scenes."""
    if (folder / "facts.json").exists():
        return
    rng = np.random.default_rng(seed)
    pictures, twins = [], []
    facts: list[dict[str, object]] = []
    while len(facts) < 2 * count:
        people = 1 + int(rng.random() < 0.3)
        varied = rng.random() < VARIED
        scene = (varied_scene if varied else random_scene)(rng, people)
        if scene.figures[0].height / scene.style.heads < NEAR:
            continue
        medium = int(rng.integers(1 << 31))
        for moment in (talking(scene, rng, blink=0.0), talking(scene, rng, blink=0.7)):
            drawn = drawn_picture(moment, medium, larger(SHAPES[0]), varied=varied)
            seen = degrade(drawn.image, np.random.default_rng(medium), strong=False)
            pictures.append(stretched(seen, CLOSE_SIZE))
            twins.append(stretched(encode(seen, rng), TWIN_SIZE))
            facts.append({"tags": sorted(drawn.tags), "boxes": covered(drawn), "group": len(facts) // 2,
                          "people": told_people(drawn)})  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "detector.npy", np.stack(pictures))
    np.save(folder / "twin.npy", np.stack(twins))
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    say(f"talks: {count} pairs")
