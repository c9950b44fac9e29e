"""The tagger's second look: it finds the largest heads itself and looks at each, and at the body below, from near.

Rule: everything happens inside one net, so that its file still takes one picture and returns one row of tags.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor, nn

from training.cache import CLOSE_SIZE, PICTURE_SIZE
from training.nets import DetailTagNet, HeadTrunk, Maps, conv, evened, hidden, pooled

LOOKS = 5
"""Maximum number of heads that are looked at from near."""
LEAST_SURE = 0.1
"""Minimum chance (0…1) of a head that is looked at. Most pictures have fewer heads than `LOOKS`, and each look takes
time."""
GROUPS = 3
"""Girls, boys, and all of them together are counted."""
CELL = 16
SAME = 0.5
"""Two cells mean one head if their middles are nearer than this share of its size."""
HALF = 0.4
"""Share of a logit that comes from the second look when the training of both begins."""
NOBODY = -8.0
"""Logit of every tag where no head was found."""


class Part(NamedTuple):
    """A square around the middle of a head, or below it: its side in pixels when it is cut out.

    Its side in the picture, and how far its middle is below that of the head, are in longer sides of the head's box.
    `size` is the height and width of the picture that it is cut out of.
    """

    pixels: int
    room: float
    down: float
    size: tuple[int, int]


HEAD, BODY = Part(96, 1.25, 0.0, CLOSE_SIZE), Part(96, 4.4, 1.1, PICTURE_SIZE)
"""A head is mostly smaller than its square, so more pixels show more of it. A body is larger than its square."""


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures [N,3,H,W] of another height and width."""
    return x if x.shape[2:] == size else F.interpolate(x, size, mode="bilinear", align_corners=False)


class HeadFinder(nn.Module):
    """What the tag head knows of each cell [N,128,h,w] → [N,4,h,w]: is a head here (logit), where is its middle from
    the middle of the cell (x, y, in cells), and the logarithm of its longer side (in cells)."""

    def __init__(self, places: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(conv(places, 64), conv(64, 64), nn.Conv2d(64, 4, 1))

    def forward(self, places: Tensor) -> Tensor:
        return self.layers(places)  # type: ignore[no-any-return]


def heads_of(found: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for every cell the logit [N,A], the middle [N,A,2] (x, y) and the side [N,A] in pixels."""
    height, width = found.shape[2:]
    ys, xs = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    cells = torch.stack([xs, ys]).flatten(1)
    told = found.flatten(2)
    middles = (cells + told[:, 1:3]) * CELL
    return told[:, 0], middles.transpose(1, 2), told[:, 3].clamp(-1, 4).exp() * CELL


class FoundHeads(NamedTuple):
    """How sure each head is [N,K] (0…1), its middle [N,K,2] (x, y) and its side [N,K], in pixels of `PICTURE_SIZE`."""

    sure: Tensor
    middles: Tensor
    sides: Tensor


def largest(found: Tensor) -> FoundHeads:
    """Return `LOOKS` different heads of each picture.

    Those that are sure and large come first: what is large is worth a second look.
    """
    logits, middles, sides = heads_of(found)
    worth = logits.sigmoid() * sides.sqrt()
    sure, where, sizes = [], [], []
    for _ in range(LOOKS):
        best = worth.argmax(1, keepdim=True)
        middle, side = middles.gather(1, best[..., None].expand(-1, -1, 2)), sides.gather(1, best)
        sure.append(logits.gather(1, best).sigmoid() * (worth.gather(1, best) > 0))
        where.append(middle)
        sizes.append(side)
        away = (middles - middle).abs().amax(2) > SAME * torch.maximum(side, sides)
        worth = worth * away
    return FoundHeads(torch.cat(sure, 1), torch.cat(where, 1), torch.cat(sizes, 1))


def looked_at(heads: FoundHeads) -> Tensor:
    """Return which heads are looked at from near: bool [N,K]."""
    return heads.sure > LEAST_SURE


def cut_out(x: Tensor, middles: Tensor, sides: Tensor, part: Part) -> Tensor:
    """Return a part of a person from each picture [M,3,H,W]: squares [M,3,pixels,pixels].

    Each picture has the middle of one head [M,2] (x, y) and its longer side [M], both in pixels of `PICTURE_SIZE`.
    Outside of the picture squares are 0, the mean colour. Repeating the edge would make short dresses look long.
    """
    height, width = PICTURE_SIZE
    size = part.pixels
    steps = (torch.arange(size, dtype=x.dtype) + 0.5) / size - 0.5
    reach = (sides * part.room)[:, None] * steps  # [M,size]
    columns = (middles[:, 0, None] + reach) / width * 2 - 1
    rows = (middles[:, 1, None] + (part.down * sides)[:, None] + reach) / height * 2 - 1
    grid = torch.stack([columns[:, None].expand(-1, size, -1), rows[:, :, None].expand(-1, -1, size)], -1)
    return F.grid_sample(x, grid, padding_mode="zeros", align_corners=False)


class CloseNet(nn.Module):
    """Squares of people [N,3,pixels,pixels], as they are and in an even light → one logit per tag of each person."""

    def __init__(self, tags: int, pixels: int) -> None:
        super().__init__()
        self.trunk = HeadTrunk()
        a, _, c, d = self.trunk.widths
        self.trunk.stem[0] = conv(6, a, 3, 2)
        self.placed = conv(c, 24, 1)
        across = pixels // CELL
        self.last = nn.Sequential(
            hidden(2 * (c + d) + 24 * across * across, 160), nn.Dropout(0.1), nn.Linear(160, tags)
        )
        nn.init.constant_(self.last[-1].bias, -3.0)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.trunk(torch.cat([x, evened(x)], 1))
        return self.last(torch.cat([pooled(*maps[1:]), self.placed(maps[1]).flatten(1)], 1))  # type: ignore[no-any-return]


def ramps(sums: Tensor) -> Tensor:
    """Return how much of a first, a second, … person is there: [N, G·LOOKS], 0…1, for sums [N,G] of people.

    From these, one linear layer can say "exactly two". From the sums it cannot.
    """
    return (sums[..., None] - torch.arange(LOOKS)).clamp(0, 1).flatten(1)


class SecondLook(nn.Module):
    """Picture, its logits after the first look and what is found of heads → logits after the second look.

    An untrained one changes nothing.
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.heads, self.bodies = CloseNet(tags, HEAD.pixels), CloseNet(tags, BODY.pixels)
        self.register_buffer("by_head", torch.ones(tags))
        self.trust = nn.Parameter(torch.ones(tags))
        self.register_buffer("counted", torch.zeros(GROUPS, tags))
        self.told, self.count = nn.Linear(2 * tags, tags), nn.Linear(GROUPS * LOOKS, tags)
        # two layers, because one scale per row of 8-bit weights would not fit both
        for layer in (self.told, self.count):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def rely(self, by_head: Tensor, by_body: Tensor, counted: Tensor) -> None:
        """Set which tags a head and a body show (1 or 0 per tag): `HALF` of their logits start from the second look.

        A tag that both show gets the mean of what they say. `counted` [GROUPS, tags] has 1 for the tags by which
        people are counted.
        """
        seen = torch.maximum(by_head, by_body)
        with torch.no_grad():
            self.by_head.copy_(by_head / (by_head + by_body).clamp_min(1))
            self.counted.copy_(counted)
            self.told.weight[:, : len(seen)] += torch.diag(HALF * seen)
            self.trust -= HALF * seen

    def forward(self, x: Tensor, logits: Tensor, found: Tensor) -> Tensor:
        heads = largest(found)
        return self.joined(logits, self.near(x, heads), heads.sure)

    def near(self, x: Tensor, heads: FoundHeads) -> Tensor:
        """Return what each found head's person looks like from near: logits [N,K,T] of pictures [N,3,H,W].

        Of heads that are less sure than `LEAST_SURE` it is `NOBODY`.
        """
        looked = looked_at(heads).flatten()
        looked[0] = True  # not every runtime can convolve an empty batch
        which = looked.nonzero()[:, 0]
        middles, sides = heads.middles.flatten(0, 1)[which], heads.sides.flatten()[which]
        of_head, of_body = (
            net(cut_out(resized(x, part.size)[which // LOOKS], middles, sides, part))
            for net, part in ((self.heads, HEAD), (self.bodies, BODY))
        )
        told = of_head * self.by_head + of_body * (1 - self.by_head)
        nothing = torch.full_like(heads.sure, NOBODY).view(-1, 1).repeat(1, len(self.trust))
        places = which[:, None].expand(-1, len(self.trust))
        return nothing.scatter(0, places, told).view(-1, LOOKS, len(self.trust))

    def joined(self, logits: Tensor, near: Tensor, sure: Tensor) -> Tensor:
        """Return the logits of both looks together."""
        there = sure[..., None]
        near = near * there + NOBODY * (1 - there)
        sums = near.sigmoid().sum(1)
        told = self.told(torch.cat([near.amax(1), sums], 1)) + self.count(ramps(sums @ self.counted.T))
        return logits * self.trust + told  # type: ignore[no-any-return]


class CloserTagNet(nn.Module):
    """A `DetailTagNet` that also looks at the largest heads from near: image of `CLOSE_SIZE` → one logit per tag."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.base, self.finder, self.second = DetailTagNet(tags), HeadFinder(), SecondLook(tags)

    def forward(self, x: Tensor) -> Tensor:
        return self.everywhere(x)[0]

    def everywhere(self, x: Tensor) -> tuple[Tensor, Tensor, Maps]:
        """Return what `DetailTagNet.everywhere` does, with the picture's logits after the second look."""
        logits, dense, maps = self.base.everywhere(resized(x, PICTURE_SIZE))
        return self.second(x, logits, self.finder(self.base.head.seen(maps))), dense, maps

    @torch.no_grad()
    def say_from(self, probability: float) -> None:
        """Say as 0.5 what has this probability now, and everything else that much more or less surely."""
        self.second.told.bias += math.log(1 / probability - 1)

    def narrowed(self, kept: Tensor) -> CloserTagNet:
        """Return a net that says only the tags at these places."""
        net, tags = copy.deepcopy(self), len(self.second.trust)
        net.base = self.base.narrowed(kept)
        second = net.second
        for last in (second.heads.last[-1], second.bodies.last[-1], second.told, second.count):
            assert isinstance(last, nn.Linear)
            last.weight, last.bias = nn.Parameter(last.weight[kept]), nn.Parameter(last.bias[kept])
        columns = torch.cat([kept + block * tags for block in range(2)])
        second.told.weight = nn.Parameter(second.told.weight[:, columns])
        second.trust, second.by_head = nn.Parameter(second.trust[kept]), second.by_head[kept]
        second.counted = second.counted[:, kept]
        return net
