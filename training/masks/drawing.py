"""Draws pictures with the exact shape of their people, and trains the net that finds it.

Rule: a shard has pictures and shapes of one size, stretched as the runner stretches them; its seeds are never
measured with.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from torch import Tensor

from animeds_db.sample.scene import scene_shapes
from animeds_db.sample.show import draw_show, show_shapes
from training.batches import Warp, jitter, normalise, random_views, to_float, warp
from training.cache import PICTURE_SIZE
from training.drawn.degrade import degrade
from training.drawn.scenes import (
    SHAPES,
    VARIED,
    drawn_picture,
    random_picture,
    sibling,
    stretched,
    varied_picture,
)
from training.loop import Plan, fit
from training.masks.net import MaskNet

Say = Callable[[str], None]
PER_SECOND = 1.0
"""Frames taken per second of a drawn episode."""
VIEW = Warp(zoom=(0.7, 1.5), stretch=0.08, shift=0.1, degrees=3.0, light=0.2, noise=0.05)
GRADES = (
    ((0.35, 0.4, 0.75), (0.02, 0.03, 0.1)),
    ((1.05, 0.7, 0.45), (0.08, 0.02, 0.0)),
    ((0.8, 0.8, 0.8), (0.15, 0.15, 0.15)),
)
"""Factor and offset per colour of a night, of a sunset, and of haze."""
GRADED = 0.35
"""Share of the pictures that get one of GRADES, in part."""


def draw_masked_scenes(folder: Path, count: int, seed: int, say: Say) -> None:
    """Write `count` scenes with their shapes, each person in one or two pictures; does nothing if they are there."""
    if (folder / "shapes.npy").exists():
        return
    rng = np.random.default_rng(seed)
    pictures, shapes = [], []
    while len(pictures) < count:
        varied = rng.random() < VARIED
        scene, size = (
            (varied_picture if varied else random_picture)(rng),
            SHAPES[int(rng.integers(len(SHAPES)))],
        )
        seed = int(rng.integers(1 << 62))
        for drawn in (scene, sibling(scene, rng)) if rng.random() < 0.3 else (scene,):
            seen = degrade(drawn_picture(drawn, seed, size, varied=varied).image, rng)
            pictures.append(stretched(seen, PICTURE_SIZE))
            shapes.append(_union(scene_shapes(drawn, size)))
        if len(pictures) % 100 < 2:
            say(f"masks: {len(pictures)} of {count}")
    _write(folder, pictures, shapes)


def draw_masked_shows(folder: Path, seeds: range, say: Say) -> None:
    """Write frames of the first episode of each drawn show with their shapes; does nothing if they are there."""
    if (folder / "shapes.npy").exists():
        return
    pictures, shapes = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as place:
            truth = draw_show(Path(place), seed=seed, episodes=1, fps=4)
            film = truth.episode(1)
            numbers = range(0, film.frames, round(film.fps / PER_SECOND))
            with av.open(str(Path(place) / film.file)) as video:
                seen = [f.to_image() for f in video.decode(video=0)]
            pictures += [stretched(seen[n], PICTURE_SIZE) for n in numbers]
            shapes += [_union(found) for found in show_shapes(truth, film.number, numbers)]
        say(f"masks: show {seed}, {len(pictures)} frames")
    _write(folder, pictures, shapes)


def train_masks(work: Path, plan: Plan, say: Say) -> MaskNet:
    """Train the net on all shards under `work`, seen from nearer and farther and in other light."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    shards = sorted(path.parent for path in work.glob("*/shapes.npy"))
    pictures, shapes = (
        np.concatenate([np.load(shard / f"{name}.npy") for shard in shards])
        for name in ("pictures", "shapes")
    )
    say(f"masks: {len(pictures)} drawings")

    def loss_at(step: int) -> Tensor:
        rows = np.sort(rng.choice(len(pictures), min(plan.batch, len(pictures)), replace=False))
        seen, truth = to_float(pictures[rows]), torch.from_numpy(shapes[rows])[:, None].float() / 255
        if rng.random() < 0.6:
            views = random_views(len(rows), VIEW, rng)
            seen, truth = warp(seen, views, PICTURE_SIZE), warp(truth, views, PICTURE_SIZE)
        elif rng.random() < 0.5:
            seen, truth = seen.flip(3), truth.flip(3)
        if step % 2:  # large people for a quarter of the time
            seen, truth = F.avg_pool2d(seen, 2), F.avg_pool2d(truth, 2)
        logits = F.interpolate(
            net(normalise(jitter(graded(seen, rng), VIEW, rng))), scale_factor=2.0, mode="bilinear"
        )
        return mask_loss(logits, truth)

    net = MaskNet()
    return fit(net, loss_at, plan, say)  # type: ignore[return-value]


def graded(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the pictures [N,3,H,W] (0…1), a share of them with the colours of another light."""
    n = len(pictures)
    which = rng.integers(len(GRADES), size=n)
    part = (rng.random(n) < GRADED) * rng.uniform(0.3, 1.0, n)
    factor = 1 + part[:, None] * (np.array([GRADES[i][0] for i in which]) - 1)
    offset = part[:, None] * np.array([GRADES[i][1] for i in which])
    grown, added = (torch.from_numpy(a.astype(np.float32))[:, :, None, None] for a in (factor, offset))
    return (pictures * grown + added).clamp(0, 1)


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Return cross-entropy, more of it at edges, plus one minus the overlap (soft IoU) of each picture."""
    edges = 1 + 3 * (F.max_pool2d(truth, 7, 1, 3) + F.max_pool2d(-truth, 7, 1, 3))
    entropy = (F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * edges).mean()
    found = torch.sigmoid(logits)
    shared = (found * truth).sum((1, 2, 3))
    overlap = (shared + 50) / ((found + truth - found * truth).sum((1, 2, 3)) + 50)
    return entropy + (1 - overlap).mean()


def _union(shapes: np.ndarray) -> np.ndarray:
    """Return the shape of all people together, in the net's size."""
    whole = np.minimum(shapes.sum(axis=0, dtype=np.int64), 255).astype(np.uint8)
    return np.asarray(Image.fromarray(whole).resize(PICTURE_SIZE[::-1], Image.Resampling.BILINEAR))


def _write(folder: Path, pictures: list[np.ndarray], shapes: list[np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "pictures.npy", np.stack(pictures))
    np.save(folder / "shapes.npy", np.stack(shapes))
