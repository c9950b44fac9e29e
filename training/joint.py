"""The first training: one trunk learns boxes, tags, places of tags and captions together.

Rule: everything is learned from one forward pass per picture; the stages after it only polish a copy each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from animeds_db.sample.drawing.look import CLOTH_COLOURS, EYE_COLOURS, HAIR_COLOURS
from animeds_db.sample.tags import COLOURED
from training import losses
from training.batches import (
    Warp,
    clip_boxes,
    jitter,
    move_boxes,
    normalise,
    pad_targets,
    random_views,
    to_float,
    warp,
)
from training.cache import KINDS, PICTURE_SIZE, RATINGS, Scenes
from training.captions import LONGEST, compose
from training.drawn.light_batches import lit
from training.loop import Plan, fit
from training.nets import JointNet, TagHead, cell_centres
from training.search import VECTOR, asked_for, random_captions, tokens

JOINT_VIEW = Warp(zoom=(0.88, 1.12), stretch=0.08, shift=0.02, degrees=3.0, light=0.15, noise=0.05)
STRIDE = 16
RELIT = 0.25
"""Share of a batch that gets another light than it was drawn in."""
COUNTED = ("1girl", "1boy")
"""Of one person they say the gender, of a picture that there is exactly one."""
ONE_OF = (
    tuple(f"{colour}_hair" for colour in HAIR_COLOURS),
    (*(f"{colour}_eyes" for colour in EYE_COLOURS), "closed_eyes"),
    ("short_hair", "medium_hair", "long_hair", "very_long_hair"),
    ("looking_at_viewer", "looking_to_the_side", "profile", "facing_away"),
    ("portrait", "upper_body", "cowboy_shot", "full_body"),
    *((f"1{one}", *(f"{count}{one}s" for count in ("2", "3", "4", "5", "6+"))) for one in ("girl", "boy")),
    COUNTED,
    *(tuple(f"{colour}_{thing}" for colour in CLOTH_COLOURS) for thing in COLOURED),
)
"""Of each of these, a person or a picture of one person has at most one tag."""


def local_tags(scenes: Scenes, names: tuple[str, ...]) -> Tensor:
    """Return 1 for each tag that a single person can have, 0 for those of the whole picture."""
    personal = {tag for people in scenes.people for _, _, tags in people for tag in tags} - set(COUNTED)
    return torch.tensor([float(name in personal) for name in names])


def counted(names: tuple[str, ...]) -> tuple[int, int]:
    """Return the places of `1girl` and `1boy`."""
    return names.index(COUNTED[0]), names.index(COUNTED[1])


def choices(names: tuple[str, ...]) -> list[list[int]]:
    """Return the places of the tags of each kind of `ONE_OF`, of kinds of which there are two or more."""
    place = {n: i for i, n in enumerate(names)}
    kinds = [[place[n] for n in kind if n in place] for kind in ONE_OF]
    return [kind for kind in kinds if len(kind) > 1]


def told_by_place(head: TagHead) -> Tensor:
    """Return 1 for each tag that the cells of a head learn: those of single persons, a girl, a boy."""
    told = head.local.clone()
    told[head.counted] = 1
    return told


def people_map(
    people: list[tuple[float, float, np.ndarray]], bodies: np.ndarray, size: tuple[int, int], tags: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return truth [h,w,T] and sort [h,w] (see `losses.place_loss`) of one picture's cells of stride 16."""
    height, width = size[0] // STRIDE, size[1] // STRIDE
    ys, xs = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    sort = np.full((height, width), -1.0, np.float32)
    for left, top, right, bottom in bodies:
        inside = ((ys > top - 0.08) & (ys < bottom + 0.08))[:, None] & (
            (xs > left - 0.05) & (xs < right + 0.05)
        )
        sort[inside] = 0
    truth = np.zeros((height, width, tags), np.float32)
    for x, y, own in people:
        near = (np.abs(ys - y) * height < 1)[:, None] & (np.abs(xs - x) * width < 1)
        sort[near], truth[near] = 1, own
    return truth, sort


def train_joint(
    scenes: Scenes, names: tuple[str, ...], tokenizer: Tokenizer, plan: Plan, say: Callable[[str], None]
) -> JointNet:
    """Train trunk, heads and text tower together."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = JointNet(len(names), len(KINDS), tokenizer.get_vocab_size(), VECTOR, LONGEST)
    net.tags.know(local_tags(scenes, names), counted(names))
    told = told_by_place(net.tags)
    truth = torch.from_numpy(scenes.matrix(names))
    place = {n: i for i, n in enumerate(names)}
    sayable = frozenset(names) - frozenset(RATINGS)
    own = [[(x, y, row_of(tags, place)) for x, y, tags in people] for people in scenes.people]
    cells = cell_centres(*PICTURE_SIZE)

    def loss_at(_: int) -> Tensor:
        rows = np.sort(rng.choice(len(scenes), min(plan.batch, len(scenes)), replace=False))
        views = random_views(len(rows), JOINT_VIEW, rng)
        pictures = warp(to_float(scenes.pictures[rows]), views, PICTURE_SIZE)
        pictures = lit(pictures, [scenes.tags[i] for i in rows], rng, RELIT)
        maps = net.trunk(normalise(jitter(pictures, JOINT_VIEW, rng)))
        turned = views.numpy().astype(np.float64)
        moved = [move_boxes(scenes.boxes[i], v) for i, v in zip(rows, turned, strict=True)]
        tidy = [clip_boxes(b, scenes.classes[i], PICTURE_SIZE) for i, b in zip(rows, moved, strict=True)]
        targets = pad_targets([t[0] for t in tidy], [t[1] for t in tidy], PICTURE_SIZE)
        boxes = losses.detection_loss(*net.detect(maps), cells, targets)
        logits, dense = net.tags(maps)
        where, sort = told_places(scenes, rows, turned, own, len(names))
        tags = losses.tag_loss(logits, truth[rows]) + 0.5 * losses.place_loss(dense, where, sort, told)
        handfuls = random_captions([scenes.tags[i] for i in rows], sayable, rng)
        fits = asked_for(handfuls, truth[rows], place)
        texts = net.text(*tokens(tokenizer, [compose(t, rng) for t in handfuls], rng))
        vectors, scale = net.image(maps), net.scale.exp()
        found = losses.matching_loss(vectors, texts, fits, scale, net.shift)
        found = found + 0.3 * losses.ranking_loss(vectors, texts, fits, scale)
        return boxes + tags + found

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def told_places(
    scenes: Scenes,
    rows: np.ndarray,
    views: np.ndarray,
    own: list[list[tuple[float, float, np.ndarray]]],
    tags: int,
    size: tuple[int, int] = PICTURE_SIZE,
) -> tuple[Tensor, Tensor]:
    """Return the truth [N,h,w,T] and sort [N,h,w] of `losses.place_loss` for scenes seen through views."""
    maps = []
    for i, view in zip(rows, views, strict=True):
        bodies = move_boxes(scenes.boxes[i][scenes.classes[i] == KINDS.index("person")], view)
        maps.append(people_map(move_people(own[i], view), bodies, size, tags))
    where, sort = (torch.from_numpy(np.stack([m[k] for m in maps])) for k in (0, 1))
    return where, sort


def row_of(tags: frozenset[str], place: dict[str, int]) -> np.ndarray:
    """Return float32 [T], 1 for each of the tags."""
    row = np.zeros(len(place), np.float32)
    row[[place[t] for t in tags if t in place]] = 1
    return row


def move_people(
    people: list[tuple[float, float, np.ndarray]], view: np.ndarray
) -> list[tuple[float, float, np.ndarray]]:
    """Return the people with their places as seen through a view."""
    inverse = np.linalg.inv(view[:, :2])
    moved = []
    for x, y, own in people:
        there = (inverse @ (np.array([x, y]) * 2 - 1 - view[:, 2]) + 1) / 2
        moved.append((float(there[0]), float(there[1]), own))
    return moved
