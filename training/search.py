"""Image and text tower: words find pictures, and a frame's vector stays where it is when the frame is coded again.

Rule: a caption fits every picture that has all its tags, so what is right is known for each pair of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from tokenizers import Tokenizer
from torch import Tensor, nn

from training import losses
from training.batches import Warp, jitter, normalise, random_views, to_float, warp
from training.cache import CLOSE_SIZE, Scenes, pictures_of
from training.captions import LONGEST, compose
from training.loop import Plan, fit
from training.nets import TRUNK_WIDTHS, TextNet, hidden, pooled

VECTOR = 128
VIEWS = 1
MOST_TAGS = 7
UNLIKELY = 0.01
"""A search does not tell smaller probabilities of a tag apart."""
OFTEN = 0.3
IMAGE_VIEW = Warp(
    zoom=(0.97, 1.05), stretch=0.02, shift=0.015, degrees=1.0, mirror=False, light=0.1, noise=0.03
)
TWIN_VIEW = Warp(
    zoom=(0.99, 1.01), stretch=0.0, shift=0.006, degrees=0.0, mirror=False, light=0.03, noise=0.02
)


class ImageNet(nn.Module):
    """Image → one probability per tag [N,T] and an L2-normalised vector [N, width], which is made from what the
    tagger's trunk sees and what the tagger makes of it. `tagger` is a `DetailTagNet`, or one that looks twice."""

    def __init__(self, tagger: nn.Module, tags: int, width: int) -> None:
        super().__init__()
        self.tagger, self.head = tagger, SearchHead(tags, width)

    def features(self, x: Tensor) -> Tensor:
        """Return [N, F]: the pooled maps, then one probability per tag."""
        logits, _, maps = self.tagger.everywhere(x)  # type: ignore[operator]
        return torch.cat([pooled(maps[1], maps[2]), logits.sigmoid()], 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return features[:, -self.head.tags :], self.head(features)


class SearchHead(nn.Module):
    """Features of an `ImageNet` → L2-normalised vector: a linear view of the tags and a bent one of it all.

    Tags are seen as probabilities and as their logarithms: those of several tags together add up.
    """

    def __init__(self, tags: int, width: int, between: int = 256) -> None:
        super().__init__()
        seen = 2 * (TRUNK_WIDTHS[2] + TRUNK_WIDTHS[3])
        self.tags = tags
        self.known = nn.Linear(2 * tags, width)
        self.norm = nn.LayerNorm(seen)
        self.bent = nn.Sequential(hidden(seen + 2 * tags, between), nn.Linear(between, width))

    def forward(self, features: Tensor) -> Tensor:
        seen, chances = features[:, : -self.tags], features[:, -self.tags :]
        told = torch.cat([chances, 1 - chances.clamp_min(UNLIKELY).log() / math.log(UNLIKELY)], 1)
        bent = self.bent(torch.cat([self.norm(seen), told], 1))
        return F.normalize(self.known(told) + bent, dim=1)


class SearchTrainer(nn.Module):
    """Search head, text tower, and the learned scale and shift between their cosine and a logit."""

    def __init__(self, tags: int, vocabulary: int) -> None:
        super().__init__()
        self.head, self.text = SearchHead(tags, VECTOR), TextNet(vocabulary, VECTOR, longest=LONGEST)
        self.scale = nn.Parameter(torch.tensor(2.5))
        self.shift = nn.Parameter(torch.tensor(-4.0))


def random_captions(
    tags: list[frozenset[str]], known: frozenset[str], rng: np.random.Generator
) -> list[tuple[str, ...]]:
    """Return for each scene a random handful of its tags that captions can say."""
    handfuls = []
    for own in tags:
        sayable = sorted(own & known)
        count = int(rng.integers(1, MOST_TAGS + 1))
        handfuls.append(tuple(rng.permutation(sayable)[:count].tolist()))
    return handfuls


def asked_for(handfuls: list[tuple[str, ...]], truth: Tensor, place: dict[str, int]) -> Tensor:
    """Return [pictures, captions], 1 where the picture has every tag of the caption."""
    asked = torch.zeros(len(handfuls), len(place))
    for i, tags in enumerate(handfuls):
        asked[i, [place[t] for t in tags]] = 1
    return (truth @ asked.T >= asked.sum(1) - 0.5).float()


def train_search(
    scenes: Scenes,
    names: tuple[str, ...],
    tokenizer: Tokenizer,
    tagger: nn.Module,
    tags: int,
    plan: Plan,
    say: Callable[[str], None],
) -> tuple[ImageNet, TextNet]:
    """Train a search head on what a finished tagger sees, and the text tower; near-duplicates are learned here.

    The tagger, of so many `tags`, stays as it is, so its features are computed once, for a few views of each picture.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    net = ImageNet(tagger, tags, VECTOR).eval()
    firsts, seconds = seen_features(net, scenes, plan.kept.with_suffix(".npz"), rng, say)
    trainer = SearchTrainer(tags, tokenizer.get_vocab_size())
    place = {n: i for i, n in enumerate(names)}
    truth = torch.from_numpy(scenes.matrix(names))
    picture = pictures_of(scenes)
    talking = np.bincount(picture, minlength=len(picture))[picture] > 1
    batches = group_batches(scenes.groups, plan.batch, rng, often=np.flatnonzero(talking).tolist())

    def loss_at(_: int) -> Tensor:
        rows = batches()
        again = np.array(
            [int(rng.choice(np.flatnonzero(picture == picture[i]))) if talking[i] else i for i in rows]
        )
        one = trainer.head(torch.from_numpy(firsts[int(rng.integers(VIEWS)), rows].astype(np.float32)))
        two = trainer.head(torch.from_numpy(seconds[int(rng.integers(VIEWS)), again].astype(np.float32)))
        handfuls = random_captions([scenes.tags[i] for i in rows], frozenset(names), rng)
        fits = asked_for(handfuls, truth[rows], place)
        texts = trainer.text(*tokens(tokenizer, [compose(t, rng) for t in handfuls], rng))
        scale = trainer.scale.exp()
        found = losses.matching_loss(one, texts, fits, scale, trainer.shift)
        fits = asked_for(handfuls, truth[again], place)
        found = found + 0.5 * losses.ranking_loss(two, texts, fits, scale)
        return found + losses.twin_loss(
            one, two, torch.from_numpy(scenes.groups[rows]), torch.from_numpy(picture[rows])
        )

    trained = fit(trainer, loss_at, plan, say)
    net.head.load_state_dict(trained.head.state_dict())  # type: ignore[union-attr, arg-type]
    return net, trained.text  # type: ignore[return-value]


def seen_features(
    net: ImageNet, scenes: Scenes, kept: Path, rng: np.random.Generator, say: Callable[[str], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return float16 [views, pictures, F] of the pictures and of their twins, from a file when it is there."""
    if kept.exists():
        both = np.load(kept)
        return both["firsts"], both["seconds"]
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for k in range(VIEWS):
        seen: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for start in range(0, len(scenes), 32):
            rows = np.arange(start, min(start + 32, len(scenes)))
            for part, pictures in zip(seen, twins(scenes, rows, rng), strict=True):
                with torch.no_grad():
                    part.append(net.features(pictures).numpy().astype(np.float16))
        for all_views, one in zip(parts, seen, strict=True):
            all_views.append(np.concatenate(one))
        say(f"search: view {k + 1} of {VIEWS}")
    firsts, seconds = np.stack(parts[0]), np.stack(parts[1])
    np.savez(kept, firsts=firsts, seconds=seconds)
    return firsts, seconds


def twins(scenes: Scenes, rows: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return two views of the same frames: one coding each, the second nudged by a pixel or so, or half the size."""
    looks = random_views(len(rows), IMAGE_VIEW, rng)
    first = to_float(scenes.pictures[rows])
    again = F.interpolate(to_float(scenes.twin[rows]), CLOSE_SIZE, mode="bilinear")
    again = again if rng.random() < 0.4 else first
    nudges = random_views(len(rows), TWIN_VIEW, rng)
    one = warp(first, looks, CLOSE_SIZE)
    two = warp(warp(again, looks, CLOSE_SIZE), nudges, CLOSE_SIZE)
    return normalise(jitter(one, IMAGE_VIEW, rng)), normalise(jitter(two, TWIN_VIEW, rng))


def group_batches(
    groups: np.ndarray, batch: int, rng: np.random.Generator, often: list[int]
) -> Callable[[], np.ndarray]:
    """Return a function giving rows of whole groups, so that siblings meet in one batch.

    The rows of `often` come more often than the others.
    """
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(row)
    everyone = list(members.values())

    def draw() -> np.ndarray:
        rows: list[int] = []
        while len(rows) < batch:
            if often and rng.random() < OFTEN:
                rows.append(often[int(rng.integers(len(often)))])
            else:
                rows += everyone[int(rng.integers(len(everyone)))]
        return np.unique(rows[:batch])

    return draw


def tokens(
    tokenizer: Tokenizer, texts: list[str], rng: np.random.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Return ids and mask [n, longest]; in training one word in fifteen is unknown, as people's will be."""
    rows = [e.ids or [1] for e in tokenizer.encode_batch(texts)]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1
    if rng is not None:
        ids = np.where((rng.random(ids.shape) < 0.06) & (mask > 0), 1, ids)
    return torch.from_numpy(ids), torch.from_numpy(mask)
