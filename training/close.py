"""Trains the tagger's second look: to find heads, to name a person's tags from close crops, and to join both looks.

Rule: the first look is kept whole and stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor

from animeds_db.sample.drawing.look import CLOTH_COLOURS, EYE_COLOURS
from animeds_db.sample.tags import COLOURED, FACE, GARMENTS, GESTURES, GLANCE, HAIR, WORN
from training import losses
from training.batches import (
    Warp,
    clip_boxes,
    jitter,
    move_boxes,
    normalise,
    random_views,
    to_float,
    warp,
)
from training.cache import CLOSE_SIZE, KINDS, PICTURE_SIZE, Scenes
from training.close_nets import (
    BODY,
    CELL,
    HEAD,
    LOOKS,
    CloseNet,
    CloserTagNet,
    FoundHeads,
    HeadFinder,
    Part,
    SecondLook,
    heads_of,
    largest,
    looked_at,
    resized,
)
from training.details import FirstLookLoss, as_often, some_pictures
from training.drawn.light_batches import lit
from training.joint import RELIT, choices, move_people, row_of
from training.loop import Plan, fit

Say = Callable[[str], None]
People = list[tuple[float, float, np.ndarray]]
"""Of each person the middle of the head (relative x, y) and that person's own tags [T]."""
BELOW = ("chibi", "scarf")
"""Tags of `FACE` and `WORN` that are seen on the body instead of the head."""
OF_HEADS = frozenset({*HAIR, *FACE, *GLANCE, *WORN, "1girl", "1boy"}).difference(BELOW)
"""Tags that a crop of a head shows."""
OF_BOTH = frozenset({"1girl", "1boy", *(tag for tag in HAIR if not tag.endswith("_bangs"))})
"""Tags that both crops show: clothes also help to tell boys from girls, and long hair ends below the head."""
OF_BODIES = frozenset(
    {*GARMENTS, *GESTURES, *BELOW, *OF_BOTH, *(f"{c}_{thing}" for thing in COLOURED for c in CLOTH_COLOURS)}
)
"""Tags that a crop of a head and of what is below it shows."""
LEAST, MOST = 20, 90
"""Longer sides of heads in pixels: smaller ones show nothing from near, and from here on a larger one shows no more.
A head is seen as often as it is long."""
SMALL_IN_FACES = frozenset(FACE) - {f"{colour}_eyes" for colour in EYE_COLOURS}
FINE = 4.0
"""Weight of the loss of mouths, brows, blushes and tears, which are hardly learned among so many others without it."""
FINE_TOGETHER = 2.0
"""The same weight where both looks are joined."""
CHOICES = 0.5
"""Weight of the loss of choices beside that of single tags. With more, glasses and open mouths are hardly learned."""
NEAR = 0.5
"""Weight of what is said of single heads beside what is said of the picture."""
FIRST, FOUND = 0.3, 0.3
"""Weights of what the first look says by itself, and of the finder, where everything is trained together."""
MET = 0.35
"""A found head is a person's if the middles are nearer than this share of its side."""
CLOSE_VIEW = Warp(stretch=0.06, shift=0.04, degrees=4.0, light=0.12, noise=0.03)
ERRS = 0.18
"""How much larger or smaller than it should be a square is in training, at most: the finder errs, too."""


@dataclass(frozen=True)
class HeadRows:
    """Heads of drawings: the drawing's row, the box [n,4] (relative), and the person's own tags."""

    rows: np.ndarray
    boxes: np.ndarray
    tags: list[frozenset[str]]

    @property
    def sides(self) -> np.ndarray:
        """Longer side of each box in pixels."""
        return longer_sides(self.boxes)


def heads_with_tags(scenes: Scenes) -> HeadRows:
    """Return every head of `LEAST` pixels or more, with the tags of the person it belongs to."""
    rows, found, told = [], [], []
    for i, people in enumerate(scenes.people):
        boxes = scenes.boxes[i][scenes.classes[i] == KINDS.index("head")]
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        for x, y, tags in people:
            away = np.abs(middles - (x, y)).max(1)
            if len(away) == 0 or away.min() > 1e-4:  # hidden by somebody, or not in the picture
                continue
            box = boxes[int(away.argmin())]
            if longer_sides(box[None])[0] >= LEAST:
                rows.append(i)
                found.append(box)
                told.append(tags)
    return HeadRows(np.array(rows), np.array(found), told)


def longer_sides(boxes: np.ndarray) -> np.ndarray:
    """Return the longer side of relative boxes [N,4] in pixels."""
    return np.asarray(((boxes[:, 2:] - boxes[:, :2]) * PICTURE_SIZE[::-1]).max(1))


def close_views(boxes: np.ndarray, part: Part, rng: np.random.Generator) -> Tensor:
    """Return [N,2,3] affine matrices of squares for relative boxes [N,4] of heads, as `random_views` does."""
    size = PICTURE_SIZE[::-1]
    views = random_views(len(boxes), CLOSE_VIEW, rng)
    heads = longer_sides(boxes)
    side = heads * part.room * np.exp(rng.uniform(-ERRS, ERRS, len(boxes)))
    shares = side[:, None] / size
    views[:, :, :2] *= torch.from_numpy(shares.astype(np.float32))[:, :, None]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    middle[:, 1] += part.down * heads / size[1]
    middle += rng.normal(0, CLOSE_VIEW.shift, middle.shape) * shares
    views[:, :, 2] = torch.from_numpy((middle * 2 - 1).astype(np.float32))
    return views


def squares(pictures: np.ndarray, views: Tensor, part: Part) -> tuple[Tensor, Tensor]:
    """Return squares [N,3,pixels,pixels], 0…1, of uint8 pictures [N,H,W,3].

    Also return which of their pixels lie inside the picture: 1 or 0 [N,1,pixels,pixels], and in between at its edge.
    """
    size, floats = (part.pixels, part.pixels), resized(to_float(pictures), part.size)
    everywhere = torch.ones(len(floats), 1, *floats.shape[2:])
    return warp(floats, views, size), warp(everywhere, views, size, "zeros")


def counted(names: tuple[str, ...]) -> Tensor:
    """Return 1 for the tag of a girl, of a boy, and for both, else 0: [GROUPS,T]."""
    groups = (("1girl",), ("1boy",), ("1girl", "1boy"))
    return torch.tensor([[float(n in group) for n in names] for group in groups])


class PersonLoss:
    """What is missed of those tags of single persons that are in `told`."""

    def __init__(self, names: tuple[str, ...], told: frozenset[str]) -> None:
        self.weights = torch.tensor([(n in told) * (FINE if n in SMALL_IN_FACES else 1.0) for n in names])
        self.kinds = [kind for kind in choices(names) if bool(self.weights[kind].all())]

    def __call__(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of logits [N,T], given the tags of each person [N,T]."""
        chosen = losses.choices_loss(logits, truth, self.kinds)
        return losses.single_loss(logits, truth, self.weights) + CHOICES * chosen


def train_heads(scenes: Scenes, names: tuple[str, ...], plan: Plan, say: Say) -> CloseNet:
    """Train the tags that a head shows, on crops of heads whose boxes are known."""
    return _train_part(scenes, names, HEAD, OF_HEADS, plan, say)


def train_bodies(scenes: Scenes, names: tuple[str, ...], plan: Plan, say: Say) -> CloseNet:
    """Train what somebody wears and does, on crops below heads whose boxes are known."""
    return _train_part(scenes, names, BODY, OF_BODIES, plan, say)


def _train_part(
    scenes: Scenes, names: tuple[str, ...], part: Part, told: frozenset[str], plan: Plan, say: Say
) -> CloseNet:
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = CloseNet(len(names), part.pixels)
    people = heads_with_tags(scenes)
    place = {n: i for i, n in enumerate(names)}
    truth = torch.from_numpy(np.array([row_of(own, place) for own in people.tags]))
    person_loss = PersonLoss(names, told)
    often = np.minimum(people.sides, MOST)
    often /= often.sum()
    say(f"{len(people.rows)} heads")

    def loss_at(_: int) -> Tensor:
        some = rng.choice(len(people.rows), min(plan.batch, len(people.rows)), replace=False, p=often)
        some.sort()
        rows = people.rows[some]
        views = close_views(people.boxes[some], part, rng)
        crops, inside = squares(scenes.pictures[rows], views, part)
        crops = lit(crops, [scenes.tags[i] for i in rows], rng, RELIT)
        return person_loss(net(normalise(jitter(crops, CLOSE_VIEW, rng)) * inside), truth[some])

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def finder_loss(found: Tensor, boxes: list[np.ndarray]) -> Tensor:
    """Return the loss of a `HeadFinder`: cells near the middle of a head know it, its middle and its size.

    `boxes`: for each picture the boxes [m,4] of its heads, in pixels.
    """
    logits, middles, sides = heads_of(found)
    height, width = found.shape[2:]
    ys, xs = np.meshgrid((np.arange(height) + 0.5) * CELL, (np.arange(width) + 0.5) * CELL, indexing="ij")
    cells = np.stack([xs.ravel(), ys.ravel()], 1)
    real = np.zeros((len(boxes), len(cells)), np.float32)
    wanted = np.zeros((len(boxes), len(cells), 3), np.float32)
    for i, own in enumerate(boxes):
        # of two heads at one cell the smaller one has it
        for box in sorted(own, key=lambda box: -float(max(box[2:] - box[:2]))):
            middle, side = (box[:2] + box[2:]) / 2, float(max(box[2:] - box[:2]))
            near = np.abs(cells - middle).max(1) <= max(0.6 * CELL, 0.2 * side)
            real[i, near], wanted[i, near] = 1, (*middle, side)
    here, goal = torch.from_numpy(real), torch.from_numpy(wanted)
    some = here > 0
    score = F.binary_cross_entropy_with_logits(logits, here)
    if not bool(some.any()):
        return score * 4
    size = goal[..., 2][some]
    away = ((middles[some] - goal[..., :2][some]).abs().sum(1) / size).mean()
    return score * 4 + away + (sides[some].log() - size.log()).abs().mean()


def train_finder(scenes: Scenes, net: CloserTagNet, plan: Plan, say: Say) -> HeadFinder:
    """Train where heads are, from what the tagger knows of each cell."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net.base.eval()
    often = as_often(scenes)

    def loss_at(_: int) -> Tensor:
        rows, views, x = some_pictures(scenes, plan.batch, rng, often)
        with torch.no_grad():
            places = net.base.head.seen(net.base.trunk(x))
        return finder_loss(net.finder(places), heads_through(scenes, rows, views))

    return fit(net.finder, loss_at, plan, say)  # type: ignore[return-value]


def heads_through(scenes: Scenes, rows: np.ndarray, views: np.ndarray) -> list[np.ndarray]:
    """Return the boxes [m,4] of heads, in pixels, of each of these scenes seen through a view."""
    pixels, head = np.tile(PICTURE_SIZE[::-1], 2), KINDS.index("head")
    moved = [
        clip_boxes(move_boxes(scenes.boxes[i], view), scenes.classes[i], PICTURE_SIZE)
        for i, view in zip(rows, views, strict=True)
    ]
    return [boxes[classes == head] * pixels for boxes, classes in moved]


def people_met(heads: FoundHeads, people: list[People], tags: int) -> tuple[Tensor, Tensor]:
    """Return whether each head that is looked at is a person's [N,K], and that person's tags [N,K,T]."""
    middles, sides = heads.middles.numpy(), heads.sides.numpy()
    met, own = np.zeros(sides.shape, bool), np.zeros((*sides.shape, tags), np.float32)
    for i, somebody in enumerate(people):
        places = np.array([(x, y) for x, y, _ in somebody]).reshape(-1, 2) * PICTURE_SIZE[::-1]
        for k in range(LOOKS if somebody else 0):
            away = np.abs(places - middles[i, k]).max(1)
            nearest = int(away.argmin())
            if away[nearest] < MET * sides[i, k]:
                met[i, k], own[i, k] = True, somebody[nearest][2]
    return torch.from_numpy(met), torch.from_numpy(own)


class JoinedLoss:
    """What both looks together miss of pictures' tags, and what the second look misses of each person that it met."""

    def __init__(self, scenes: Scenes, names: tuple[str, ...]) -> None:
        self.tags = len(names)
        self.truth = torch.from_numpy(scenes.matrix(names))
        place = {n: i for i, n in enumerate(names)}
        self.people = [[(x, y, row_of(tags, place)) for x, y, tags in own] for own in scenes.people]
        self.person_loss, self.kinds = PersonLoss(names, OF_HEADS | OF_BODIES), choices(names)
        self.fine = torch.tensor([FINE_TOGETHER if n in SMALL_IN_FACES else 1.0 for n in names])

    def __call__(
        self,
        second: SecondLook,
        x: Tensor,
        logits: Tensor,
        found: Tensor,
        rows: np.ndarray,
        views: np.ndarray,
    ) -> Tensor:
        """Return the loss of pictures `x` [N,3,H,W] of scenes `rows` seen through views.

        `logits` [N,T] are those of the first look, `found` [N,4,h,w] is what the finder says.
        """
        heads = largest(found)
        near = second.near(x, heads)
        joined = second.joined(logits, near, heads.sure)
        moved = [move_people(self.people[i], view) for i, view in zip(rows, views, strict=True)]
        met, own = people_met(heads, moved, self.tags)
        met, truth = met & looked_at(heads), self.truth[rows]
        return (
            losses.single_loss(joined, truth, self.fine)
            + CHOICES * losses.choices_loss(joined, truth, self.kinds)
            + NEAR * self.person_loss(near[met], own[met])
        )


def train_looks(
    scenes: Scenes, names: tuple[str, ...], net: CloserTagNet, plan: Plan, say: Say
) -> CloserTagNet:
    """Train how both looks are joined, and the second one further, on whole pictures. The first one stays as it is.

    Where the finder found somebody, what is said of that head is compared with that person's own tags.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net.eval()
    by_head, by_body = (torch.tensor([float(n in tags) for n in names]) for tags in (OF_HEADS, OF_BODIES))
    net.second.rely(by_head, by_body, counted(names))
    missed, often = JoinedLoss(scenes, names), as_often(scenes)

    def loss_at(_: int) -> Tensor:
        rows, views, x = some_pictures(scenes, plan.batch, rng, often, CLOSE_SIZE)
        with torch.no_grad():
            logits, _, maps = net.base.everywhere(resized(x, PICTURE_SIZE))
            found = net.finder(net.base.head.seen(maps))
        return missed(net.second, x, logits, found, rows, views)

    net.second.load_state_dict(fit(net.second, loss_at, plan, say).state_dict())
    return net.eval()


def train_together(
    scenes: Scenes, names: tuple[str, ...], net: CloserTagNet, plan: Plan, say: Say
) -> CloserTagNet:
    """Train the whole tagger further, on whole pictures: the first look, the finder, the second look."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    of_first, missed = FirstLookLoss(scenes, names, net.base.head), JoinedLoss(scenes, names)
    often = as_often(scenes)

    def loss_at(_: int) -> Tensor:
        rows, views, x = some_pictures(scenes, plan.batch, rng, often, CLOSE_SIZE)
        logits, dense, maps = net.base.everywhere(resized(x, PICTURE_SIZE))
        found = net.finder(net.base.head.seen(maps).detach())
        return (
            missed(net.second, x, logits, found.detach(), rows, views)
            + FIRST * of_first(logits, dense, rows, views)
            + FOUND * finder_loss(found, heads_through(scenes, rows, views))
        )

    return fit(net, loss_at, plan, say)  # type: ignore[return-value]
