"""The tagger's last training: it learns what is only a few pixels large, and subtitles, from drawn episodes too.

Rule: the tagger of before is kept whole; details are added to what its cells say, first beside it, then with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from training import losses
from training.batches import Warp, jitter, normalise, random_views, to_float, views_of, warp
from training.cache import PICTURE_SIZE, Scenes
from training.drawn.light_batches import lit
from training.joint import RELIT, choices, row_of, told_by_place, told_places
from training.loop import Plan, fit
from training.nets import Details, DetailTagNet, TagHead, TagNet
from training.stages import FACE_TAGS

Say = Callable[[str], None]
Spots = list[list[tuple[float, float, np.ndarray]]]
FINE = 3.0
"""Weight of the loss of these, which are hardly learned among so many others without it."""
CHOICES = 0.5
"""Weight of the loss of choices beside that of single tags."""
PERSONS, EMPTY = 0.5, 0.05
"""Weight of what the cells say of persons, and of what they say where nobody is."""
SMALL = FACE_TAGS | {"blunt_bangs", "parted_bangs", "swept_bangs", "subtitled", "v-shaped_eyebrows"}
"""With the colours of eyes: what is looked for from near."""
CROP = (96, 96)
CROP_VIEW = Warp(zoom=(0.8, 2.2), stretch=0.05, shift=0.08, degrees=3.0, light=0.12, noise=0.03)
WHOLE_VIEW = Warp(zoom=(0.88, 1.15), stretch=0.06, shift=0.03, degrees=3.0, light=0.12, noise=0.04)
MIX = (0.12, 0.08, 0.5, 0.17, 0.13)
"""Shares of training pictures with nobody, one person without a head, one person, two or three people, and more.

The training drawings have fewer empty pictures and fewer headless people than this, and the tagger easily mistakes one
for the other. When headless people had no share of their own, it saw somebody in 17 of 49 empty pictures.
"""
LINE_PLACES = ((0.44, 0.9), (0.5, 0.9), (0.56, 0.9))
"""Where every subtitle has letters (x, y, relative)."""


def small_tags(names: tuple[str, ...]) -> Tensor:
    """Return 1 for each tag that is looked for from near."""
    return torch.tensor([float(n in SMALL or n.endswith("_eyes")) for n in names])


def spots_of(scenes: Scenes, names: tuple[str, ...]) -> Spots:
    """Return for each picture (x, y, tags) of its heads, and of its subtitle."""
    place = {n: i for i, n in enumerate(names)}
    line = row_of(frozenset({"subtitled"}), place)
    heads = [[(x, y, row_of(tags, place)) for x, y, tags in people] for people in scenes.people]
    return [
        own + [(x, y, line) for x, y in LINE_PLACES if "subtitled" in tags]
        for own, tags in zip(heads, scenes.tags, strict=True)
    ]


def train_near(scenes: Scenes, names: tuple[str, ...], tagger: TagNet, plan: Plan, say: Say) -> Details:
    """Train details on crops around heads and subtitles; the tagger beside them stays as it is."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    tagger.eval()
    spots, small = spots_of(scenes, names), small_tags(names)
    filled = np.flatnonzero([len(own) > 0 for own in spots])
    net = Details(len(names))

    def loss_at(_: int) -> Tensor:
        rows = np.sort(rng.choice(filled, min(plan.batch, len(filled)), replace=False))
        centres = np.array([spots[i][int(rng.integers(len(spots[i])))][:2] for i in rows])
        views = crop_views(centres, rng)
        crops = warp(to_float(scenes.pictures[rows]), views, CROP)
        x = normalise(jitter(crops, CROP_VIEW, rng))
        with torch.no_grad():
            places = tagger.head.seen(tagger.trunk(x))
            known = tagger.head.dense(places)
        where, sort = told_places(scenes, rows, views.numpy().astype(np.float64), spots, len(names), CROP)
        return losses.place_loss(known + net(x, places), where, sort, small)

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def crop_views(centres: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Return views as `views_of` does, of `CROP` pixels instead of a whole picture."""
    views = views_of(centres, CROP_VIEW, rng)
    views[:, 0, :2] *= CROP[1] / PICTURE_SIZE[1]
    views[:, 1, :2] *= CROP[0] / PICTURE_SIZE[0]
    return views


class FirstLookLoss:
    """What the first look misses: of a picture's tags, of each person's in the cells there, and where nobody is."""

    def __init__(self, scenes: Scenes, names: tuple[str, ...], head: TagHead) -> None:
        self.scenes, self.tags = scenes, len(names)
        self.told = torch.maximum(told_by_place(head), small_tags(names))
        self.fine = 1 + (FINE - 1) * torch.tensor([float(n in SMALL) for n in names])
        self.kinds = choices(names)
        self.of_persons = [kind for kind in self.kinds if bool(self.told[kind].all())]
        self.truth = torch.from_numpy(scenes.matrix(names))
        self.spots = spots_of(scenes, names)

    def __call__(self, logits: Tensor, dense: Tensor, rows: np.ndarray, views: np.ndarray) -> Tensor:
        """Return the loss of pictures' logits [N,T] and cells' [N,T,h,w], for scenes `rows` seen through views."""
        truth = self.truth[rows]
        where, sort = told_places(self.scenes, rows, views, self.spots, self.tags)
        cells = dense.permute(0, 2, 3, 1)
        persons, known = cells[sort > 0], where[sort > 0]
        return (
            losses.single_loss(logits, truth, self.fine)
            + CHOICES * losses.choices_loss(logits, truth, self.kinds)
            + PERSONS * losses.single_loss(persons, known, self.fine * self.told)
            + PERSONS * CHOICES * losses.choices_loss(persons, known, self.of_persons)
            + EMPTY * losses.single_loss(cells[sort < 0], torch.zeros(1), self.told)
        )


def train_details(
    scenes: Scenes, names: tuple[str, ...], tagger: TagNet, near: Details, plan: Plan, say: Say
) -> DetailTagNet:
    """Train tagger and details together on whole pictures: all tags of the picture, and those of each person."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = DetailTagNet(len(names))
    net.trunk.load_state_dict(tagger.trunk.state_dict())
    net.head.load_state_dict(tagger.head.state_dict())
    net.details.load_state_dict(near.state_dict())
    net.head.local[names.index("subtitled")] = 1  # letters anywhere tell it
    missed, often = FirstLookLoss(scenes, names, net.head), as_often(scenes)

    def loss_at(_: int) -> Tensor:
        rows, views, x = some_pictures(scenes, plan.batch, rng, often)
        logits, dense = net.everywhere(x)[:2]
        return missed(logits, dense, rows, views)

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def as_often(scenes: Scenes) -> np.ndarray:
    """Return the chance of each scene to be seen next, float64 [n], so that pictures are mixed as in `MIX`."""
    kinds = np.array([
        _kind(tags, len(people)) for tags, people in zip(scenes.tags, scenes.people, strict=True)
    ])  # fmt: skip
    chances = (np.array(MIX) / np.bincount(kinds, minlength=len(MIX)).clip(1))[kinds]
    return np.asarray(chances / chances.sum())


def _kind(tags: frozenset[str], people: int) -> int:
    """Return the place in `MIX` of a picture with these tags and so many heads."""
    if "no_humans" in tags:
        return 0
    if "solo" in tags:
        return 1 if "head_out_of_frame" in tags else 2
    return 3 if people < 4 else 4


def some_pictures(
    scenes: Scenes,
    count: int,
    rng: np.random.Generator,
    often: np.ndarray,
    size: tuple[int, int] = PICTURE_SIZE,
) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """Return rows of random scenes [N], the views [N,2,3] that they are seen through, and what is seen [N,3,*size].

    `often` [n] are the chances of the scenes, as `as_often` returns them.
    """
    rows = np.sort(rng.choice(len(scenes), min(count, len(scenes)), replace=False, p=often))
    views = random_views(len(rows), WHOLE_VIEW, rng)
    pictures = warp(to_float(scenes.pictures[rows]), views, size)
    pictures = lit(pictures, [scenes.tags[i] for i in rows], rng, RELIT)
    return rows, views.numpy().astype(np.float64), normalise(jitter(pictures, WHOLE_VIEW, rng))
