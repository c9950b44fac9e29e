"""The nets of the tiny pack: one small convolutional trunk, four heads on it, and a text tower.

Rule: nets take [N,3,H,W] floats and return logits, which losses like better. What the ONNX files promise is in
`exports.py`.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name for it
from torch import Tensor, nn

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
TRUNK_WIDTHS = (24, 48, 96, 128)
STRIDES = (8, 16, 32)
EVEN = 0.6
"""Level (0 … 1) of every channel of a head crop for the character net, whatever the light."""


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return convolution, batch norm and ReLU, padded so that the size is only divided by the stride."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def hidden(inputs: int, outputs: int) -> nn.Sequential:
    """Return a linear layer, batch norm and ReLU.

    Without batch norm, most units ended up at 0 for every picture during training, and the few others carried all tags.
    """
    return nn.Sequential(
        nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)
    )


def lean(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `forward` that computes with bfloat16 while its module trains, and returns float32.

    That takes two thirds of the time on CPUs that have such instructions. A net in evaluation mode computes with
    float32, and so does what is exported.
    """

    @functools.wraps(forward)
    def half(self: nn.Module, *inputs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            outputs = forward(self, *inputs)
        if isinstance(outputs, tuple):
            return tuple(x.float() for x in outputs)
        return outputs.float()

    return half


class Residual(nn.Module):
    """x + two 3x3 convolutions with half the channels between them (the bottleneck of the YOLO family)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(conv(width, width // 2), conv(width // 2, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Trunk(nn.Module):
    """Image [N,3,H,W], mean 0 and deviation about 1 → feature maps at strides 8, 16 and 32."""

    def __init__(self, widths: tuple[int, int, int, int] = TRUNK_WIDTHS) -> None:
        super().__init__()
        a, b, c, d = widths
        self.widths = widths
        self.stem = conv(3, a, 7, 4)  # at once to a quarter: finer maps cost half of all time and told little
        self.stage8 = nn.Sequential(conv(a, b, 3, 2), Residual(b), Residual(b))
        self.stage16 = nn.Sequential(conv(b, c, 3, 2), Residual(c), Residual(c))
        self.stage32 = nn.Sequential(conv(c, d, 3, 2), Residual(d))

    @lean
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x8 = self.stage8(self.stem(x))
        x16 = self.stage16(x8)
        return x8, x16, self.stage32(x16)


class HeadTrunk(Trunk):
    """A trunk for head crops: it walks to a quarter of the size in small steps, so that it sees irises and lids."""

    def __init__(self) -> None:
        super().__init__()
        width = self.widths[0]
        self.stem = nn.Sequential(conv(3, width, 3, 2), conv(width, width), conv(width, width, 3, 2))


Maps = tuple[Tensor, Tensor, Tensor]


def pooled(x16: Tensor, x32: Tensor) -> Tensor:
    """Return mean and maximum of the two coarsest maps side by side: [N, 2 * (c16 + c32)].

    The maximum finds what is small in the picture (an eye colour), the mean what fills it (night).
    """
    return torch.cat([x16.mean((2, 3)), x16.amax((2, 3)), x32.mean((2, 3)), x32.amax((2, 3))], 1)


class TagHead(nn.Module):
    """Maps → one logit per tag: what the whole picture says, plus the strongest of what its places say.

    `local` masks (1 or 0 per tag) the tags of single persons: only these are looked for place by place. `counted` are
    the places of `1girl` and `1boy`: a cell says whether a girl or a boy is there, and all cells together whether the
    picture shows exactly one.
    """

    def __init__(self, tags: int, widths: tuple[int, int, int, int] = TRUNK_WIDTHS) -> None:
        super().__init__()
        c, d = widths[2], widths[3]
        self.places = conv(c + d, 128, 1)
        self.dense = nn.Conv2d(128, tags, 1)
        self.whole = nn.Sequential(hidden(2 * (c + d) + 128, 192), nn.Dropout(0.1), nn.Linear(192, tags))
        self.people = nn.Sequential(nn.Linear(4, 32), nn.ReLU(inplace=True), nn.Linear(32, tags))
        self.register_buffer("local", torch.ones(tags))
        self.register_buffer("counted", torch.zeros(2, dtype=torch.int64))
        nn.init.constant_(self.dense.bias, -3.0)
        nn.init.zeros_(self.people[-1].weight)
        nn.init.zeros_(self.people[-1].bias)

    def know(self, local: Tensor, counted: tuple[int, int]) -> None:
        """Set which tags are of single persons (1 or 0 per tag), and the places of `1girl` and `1boy`."""
        self.local.copy_(local)
        self.counted.copy_(torch.tensor(counted))

    def forward(self, maps: Maps) -> tuple[Tensor, Tensor]:
        """Return the picture's logits [N,T] and those of every cell of stride 16 [N,T,h,w]."""
        places = self.seen(maps)
        dense = self.dense(places)
        return self.told(maps, places, dense), dense

    def seen(self, maps: Maps) -> Tensor:
        """Return what the two coarsest maps know of each cell of stride 16 [N,128,h,w]."""
        _, x16, x32 = maps
        return self.places(torch.cat([x16, F.interpolate(x32, scale_factor=2.0, mode="nearest")], 1))  # type: ignore[no-any-return]

    def told(self, maps: Maps, places: Tensor, dense: Tensor) -> Tensor:
        """Return the picture's logits [N,T] from its maps, its places and the cells' logits."""
        whole = self.whole(torch.cat([pooled(maps[1], maps[2]), places.mean((2, 3))], 1))
        sexes = dense[:, self.counted]
        people = self.people(torch.cat([sexes.amax((2, 3)) / 4, sexes.sigmoid().sum((2, 3)) / 8], 1))
        return whole + people + F.relu(dense.amax((2, 3)) + 4.0) * self.local  # type: ignore[no-any-return]


class TagNet(nn.Module):
    """Image → one logit per tag."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(), TagHead(tags)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))[0]  # type: ignore[no-any-return]


class Details(nn.Module):
    """Image [N,3,H,W] and the tag head's places → what to add to the logits of every cell of stride 16.

    It walks down to the cells in small steps, so it sees irises, brows and letters, of which the trunk's first
    step to a quarter leaves nothing. An untrained one adds nothing.
    """

    def __init__(self, tags: int, places: int = 128) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            conv(3, 16, 3, 2), conv(16, 32, 3, 2), conv(32, 48, 3, 2), Residual(48), conv(48, 96, 3, 2)
        )
        self.mix = conv(96 + places, 128, 1)
        self.dense = nn.Conv2d(128, tags, 1)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    @lean
    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        return self.dense(self.mix(torch.cat([self.fine(x), places], 1)))  # type: ignore[no-any-return]


class DetailTagNet(nn.Module):
    """A `TagNet` whose cells also see details: image → one logit per tag."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.trunk, self.head, self.details = Trunk(), TagHead(tags), Details(tags)

    def forward(self, x: Tensor) -> Tensor:
        return self.everywhere(x)[0]

    def everywhere(self, x: Tensor) -> tuple[Tensor, Tensor, Maps]:
        """Return the picture's logits [N,T], those of every cell of stride 16 [N,T,h,w], and the trunk's maps."""
        maps = self.trunk(x)
        places = self.head.seen(maps)
        dense = self.head.dense(places) + self.details(x, places)
        return self.head.told(maps, places, dense), dense, maps

    def narrowed(self, kept: Tensor) -> DetailTagNet:
        """Return a net that says only the tags at these places."""
        net = copy.deepcopy(self)
        for last in (net.head.dense, net.head.whole[-1], net.head.people[-1], net.details.dense):
            assert isinstance(last, nn.Conv2d | nn.Linear) and last.bias is not None
            last.weight, last.bias = nn.Parameter(last.weight[kept]), nn.Parameter(last.bias[kept])
        net.head.local = self.head.local[kept]
        net.head.counted = torch.stack([(kept == place).nonzero()[0, 0] for place in self.head.counted])
        return net


class VectorHead(nn.Module):
    """Maps → L2-normalised vector [N, width]."""

    def __init__(
        self, width: int, widths: tuple[int, int, int, int] = TRUNK_WIDTHS, hidden: int = 256
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * (widths[2] + widths[3]), hidden), nn.ReLU(inplace=True), nn.Linear(hidden, width)
        )

    def forward(self, maps: Maps) -> Tensor:
        return F.normalize(self.layers(pooled(maps[1], maps[2])), dim=1)


def evened(x: Tensor) -> Tensor:
    """Return normalised pictures [N,3,H,W] with a cast of light taken out: each channel as bright as the others.

    "Shades of grey" (Finlayson and Trezzi, 2004): the fourth power mean of each channel becomes `EVEN`. Red hair in a
    small crop moves it less than a plain mean. Every fourth pixel of every fourth row is enough to measure it.
    """
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    few = x[:, :, ::4, ::4] * std + mean
    square = few * few
    level = (square * square).mean((2, 3), keepdim=True).clamp_min(1e-6).pow(0.25)
    factor = EVEN / level
    return x * factor + (factor - 1) * (mean / std)


class CharacterNet(nn.Module):
    """Head crop, in any light → L2-normalised vector [N, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk, self.head = HeadTrunk(), VectorHead(width)

    def maps(self, x: Tensor) -> Maps:
        """Return the trunk's maps of the crops in an even light."""
        maps: Maps = self.trunk(evened(x))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.maps(x))  # type: ignore[no-any-return]


class DetectHead(nn.Module):
    """Maps → per cell of three strides four distances (in strides) and one logit per class."""

    def __init__(
        self, classes: int, widths: tuple[int, int, int, int] = TRUNK_WIDTHS, width: int = 48
    ) -> None:
        super().__init__()
        self.lateral = nn.ModuleList([conv(w, width, 1) for w in widths[1:]])
        self.context = conv(width, width)
        self.towers = nn.ModuleList([conv(width, width) for _ in STRIDES])
        self.boxes = nn.ModuleList([nn.Conv2d(width, 4, 1) for _ in STRIDES])
        self.scores = nn.ModuleList([nn.Conv2d(width, classes, 1) for _ in STRIDES])
        for box, score in zip(self.boxes, self.scores, strict=True):
            nn.init.constant_(score.bias, -math.log(99))  # every cell starts at a score of 1 %
            nn.init.constant_(box.bias, 1.0)

    @lean
    def forward(self, maps: Maps) -> tuple[Tensor, Tensor]:
        """Return distances left, top, right, bottom in strides [N,A,4] and class logits [N,A,C]."""
        x8, x16, x32 = (lat(m) for lat, m in zip(self.lateral, maps, strict=True))
        x32 = x32 + self.context(x32)
        x16 = x16 + F.interpolate(x32, scale_factor=2.0, mode="nearest")
        x8 = x8 + F.interpolate(x16, scale_factor=2.0, mode="nearest")
        distances, logits = [], []
        for tower, box, score, level in zip(
            self.towers, self.boxes, self.scores, (x8, x16, x32), strict=True
        ):
            y = tower(level)
            distances.append(F.softplus(box(y)).flatten(2))
            logits.append(score(y).flatten(2))
        return torch.cat(distances, 2).transpose(1, 2), torch.cat(logits, 2).transpose(1, 2)


class DetectNet(nn.Module):
    """Anchor-free detector."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(), DetectHead(classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(self.trunk(x))  # type: ignore[no-any-return]


def cell_centres(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the cells' centres [A,2] (x, y) and their strides [A], both in input pixels, in output order."""
    centres, strides = [], []
    for stride in STRIDES:
        ys = (torch.arange(height // stride) + 0.5) * stride
        xs = (torch.arange(width // stride) + 0.5) * stride
        grid_y, grid_x = torch.meshgrid(ys, xs, indexing="ij")
        centres.append(torch.stack([grid_x.flatten(), grid_y.flatten()], 1))
        strides.append(torch.full((grid_x.numel(),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


class SelfAttention(nn.Module):
    """Multi-head self-attention with a padding mask, written out so that it exports to few ONNX nodes."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        n, length, width = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(2, 3)) / math.sqrt(self.size) + hidden
        return self.out((weights.softmax(3) @ v).transpose(1, 2).reshape(n, length, width))  # type: ignore[no-any-return]


class TextBlock(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = SelfAttention(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(2 * width, width, bias=False),
        )

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x), hidden)
        return x + self.feed(self.norm2(x))  # type: ignore[no-any-return]


class TextNet(nn.Module):
    """Token ids and mask [N,L] → L2-normalised vector [N, width]: two layers, mean over the real tokens."""

    def __init__(self, vocabulary: int, width: int, inner: int = 96, longest: int = 48) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, inner)
        self.places = nn.Parameter(torch.randn(longest, inner) * 0.02)
        self.blocks = nn.ModuleList([TextBlock(inner) for _ in range(2)])
        self.norm = nn.LayerNorm(inner)
        self.project = nn.Linear(inner, width)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.to(torch.float32)
        hidden = (mask - 1.0)[:, None, None, :] * 1e4
        x = self.words(input_ids) + self.places[: input_ids.shape[1]]
        for block in self.blocks:
            x = block(x, hidden)
        x = self.norm(x) * mask[:, :, None]
        return F.normalize(self.project(x.sum(1) / mask.sum(1, keepdim=True).clamp_min(1.0)), dim=1)


class JointNet(nn.Module):
    """One trunk with all heads on it, and the text tower: what the first and longest training trains."""

    def __init__(self, tags: int, classes: int, vocabulary: int, width: int, longest: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.tags, self.detect, self.image = TagHead(tags), DetectHead(classes), VectorHead(width)
        self.text = TextNet(vocabulary, width, longest=longest)
        self.scale = nn.Parameter(torch.tensor(2.5))
        self.shift = nn.Parameter(torch.tensor(-4.0))
