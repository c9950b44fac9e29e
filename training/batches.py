"""Batches: uint8 pictures from the cache, warped and jittered by torch, boxes moved along.

Rule: everything random comes from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from training.losses import Targets
from training.nets import CLIP_MEAN, CLIP_STD

MEAN = torch.tensor(CLIP_MEAN).view(1, 3, 1, 1)
STD = torch.tensor(CLIP_STD).view(1, 3, 1, 1)
MOST_BOXES = 80


@dataclass(frozen=True)
class Warp:
    """Ranges of a random view: zoom (1 = all of it), shift (share of the side), degrees, mirroring."""

    zoom: tuple[float, float] = (0.94, 1.1)
    stretch: float = 0.06
    shift: float = 0.04
    degrees: float = 3.0
    mirror: bool = True
    light: float = 0.12
    noise: float = 0.03
    fill: str = "border"


def to_float(pictures: np.ndarray) -> Tensor:
    """Return uint8 [N,H,W,3] as float32 [N,3,H,W], 0…1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div_(255)


def normalise(pictures: Tensor) -> Tensor:
    """Return 0…1 pictures with CLIP's mean and deviation taken out."""
    return ((pictures - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def random_views(n: int, how: Warp, rng: np.random.Generator) -> Tensor:
    """Return [N,2,3] affine matrices (output → input, in grid_sample's -1…1) of random views."""
    zoom = np.exp(rng.uniform(np.log(how.zoom[0]), np.log(how.zoom[1]), n))
    ratio = np.exp(rng.uniform(-how.stretch, how.stretch, n))
    angle = np.radians(rng.normal(0, how.degrees / 2, n))
    flip = np.where(rng.random(n) < 0.5, -1.0, 1.0) if how.mirror else np.ones(n)
    sx, sy = ratio / zoom, 1 / ratio / zoom
    room_x, room_y = np.maximum(0, 1 - sx) + 2 * how.shift, np.maximum(0, 1 - sy) + 2 * how.shift
    tx, ty = rng.uniform(-1, 1, n) * room_x, rng.uniform(-1, 1, n) * room_y
    rows = np.stack([
        np.stack([np.cos(angle) * sx * flip, -np.sin(angle) * sx, tx], 1),
        np.stack([np.sin(angle) * sy * flip, np.cos(angle) * sy, ty], 1),
    ], 1)  # fmt: skip
    return torch.from_numpy(rows.astype(np.float32))


def views_of(points: np.ndarray, how: Warp, rng: np.random.Generator) -> Tensor:
    """Return random views as `random_views` does, around relative points [N,2] (x, y)."""
    views = random_views(len(points), how, rng)
    views[:, :, 2] = torch.from_numpy(
        (points * 2 - 1 + rng.normal(0, how.shift, points.shape)).astype(np.float32)
    )
    return views


def warp(pictures: Tensor, views: Tensor, size: tuple[int, int], fill: str = "border") -> Tensor:
    """Return the views [N,3,height,width] of the pictures; outside is the edge's colour, zeros or white."""
    grid = F.affine_grid(views, [len(pictures), 3, *size], align_corners=False)
    if fill == "white":
        return 1 - F.grid_sample(1 - pictures, grid, padding_mode="zeros", align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode=fill, align_corners=False)


def jitter(pictures: Tensor, how: Warp, rng: np.random.Generator) -> Tensor:
    """Return the pictures with random brightness, contrast and noise; colours keep their names."""
    n = len(pictures)
    gain, offset = (
        torch.from_numpy(rng.uniform(-how.light, how.light, (n, 1, 1, 1)).astype(np.float32))
        for _ in range(2)
    )
    tint = torch.from_numpy(rng.normal(0, how.light / 6, (n, 3, 1, 1)).astype(np.float32))
    strength = torch.from_numpy(
        (rng.uniform(0, how.noise, (n, 1, 1, 1)) * (rng.random((n, 1, 1, 1)) < 0.5)).astype(np.float32)
    )
    noise = torch.randn(
        n, 1, *pictures.shape[2:], generator=torch.Generator().manual_seed(int(rng.integers(2**31)))
    )
    return (pictures * (1 + gain + tint) + offset * 0.5 + noise * strength).clamp(0, 1)


def moved(pictures: np.ndarray, how: Warp, size: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """Return random views of uint8 pictures, 0…1: [N,3,height,width].

    Every second batch of pictures that have the size already is only mirrored: warping costs as much as a net.
    """
    floats = to_float(pictures)
    if tuple(floats.shape[2:]) == size and rng.random() < 0.5:
        return floats.flip(3) if how.mirror and rng.random() < 0.5 else floats
    return warp(floats, random_views(len(floats), how, rng), size, how.fill)


def move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return relative boxes [M,4] as seen through a view; corners are moved and enclosed again."""
    inverse = np.linalg.inv(matrix[:, :2])
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) * 2 - 1
    moved = ((corners - matrix[:, 2]) @ inverse.T + 1) / 2
    # turning a box by a few degrees must not make it grow: take the mean of opposite corners' extent
    low, high = moved.min(1), moved.max(1)
    side = np.abs((boxes[:, 2:] - boxes[:, :2]) @ np.abs(np.diag(np.diag(inverse))).T)
    centre = (low + high) / 2
    return np.concatenate([centre - side / 2, centre + side / 2], 1)


def clip_boxes(
    boxes: np.ndarray, classes: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Clip to the picture; drop what kept under 45 % of its area or is thinner than 5 input pixels."""
    clipped = boxes.clip(0, 1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    left = (clipped[:, 2:] - clipped[:, :2]).clip(0).prod(1)
    pixels = (clipped[:, 2:] - clipped[:, :2]) * np.array([size[1], size[0]])
    keep = (left > 0.45 * area) & (pixels.min(1, initial=1e9) >= 5)
    return clipped[keep], classes[keep]


def pad_targets(boxes: list[np.ndarray], classes: list[np.ndarray], size: tuple[int, int]) -> Targets:
    """Return the batch's targets in pixels of `size` (height, width), padded to the longest."""
    most = max(1, min(MOST_BOXES, max(len(b) for b in boxes)))
    out = Targets(
        torch.zeros(len(boxes), most, 4), torch.zeros(len(boxes), most, dtype=torch.int64),
        torch.zeros(len(boxes), most, dtype=torch.bool),
    )  # fmt: skip
    scale = torch.tensor([size[1], size[0], size[1], size[0]], dtype=torch.float32)
    for i, (b, c) in enumerate(zip(boxes, classes, strict=True)):
        k = min(len(b), most)
        out.boxes[i, :k] = torch.from_numpy(b[:k].astype(np.float32)) * scale
        out.classes[i, :k] = torch.from_numpy(c[:k].astype(np.int64))
        out.real[i, :k] = True
    return out


def mosaic(
    pictures: Tensor, boxes: list[np.ndarray], classes: list[np.ndarray], rng: np.random.Generator
) -> tuple[Tensor, list[np.ndarray], list[np.ndarray]]:
    """Replace a quarter of the batch by tiles of four of its pictures: crowds of small faces, panels, collages."""
    out, new_boxes, new_classes = pictures.clone(), list(boxes), list(classes)
    small = F.avg_pool2d(pictures, 2)
    height, width = small.shape[2:]
    for i in np.flatnonzero(rng.random(len(pictures)) < 0.25):
        four = rng.choice(len(pictures), 4, replace=False)
        parts, names = [], []
        for k, j in enumerate(four):
            y, x = divmod(k, 2)
            out[i, :, y * height : (y + 1) * height, x * width : (x + 1) * width] = small[j]
            parts.append(boxes[j] / 2 + np.array([x, y, x, y]) / 2)
            names.append(classes[j])
        new_boxes[i], new_classes[i] = np.concatenate(parts), np.concatenate(names)
    return out, new_boxes, new_classes


SMALL_FACES = Warp(zoom=(0.6, 1.9), stretch=0.2, shift=0.03, degrees=8.0, light=0.2, noise=0.05)
LARGE_FACES = Warp(zoom=(0.9, 2.4), stretch=0.2, shift=0.03, degrees=8.0, light=0.2, noise=0.05)


def half_of(size: tuple[int, ...]) -> tuple[int, int]:
    """Return about half of a height and width, in steps of the coarsest cells."""
    return size[0] // 64 * 32, size[1] // 64 * 32


def detection_batch(
    pictures: np.ndarray,
    boxes: list[np.ndarray],
    classes: list[np.ndarray],
    rng: np.random.Generator,
    *,
    half: bool = False,
) -> tuple[Tensor, Targets]:
    """Return normalised pictures and targets of one training batch for the detector, maybe at half the size."""
    how = LARGE_FACES if half else SMALL_FACES
    floats = to_float(pictures)
    floats = F.avg_pool2d(floats, 2) if half else floats
    size = half_of(pictures.shape[1:3]) if half else (floats.shape[2], floats.shape[3])
    views = random_views(len(pictures), how, rng)
    floats = warp(floats, views, size, "zeros" if rng.random() < 0.5 else "border")
    turned = views.numpy().astype(np.float64)
    moved = [clip_boxes(move_boxes(b, v), c, size) for b, c, v in zip(boxes, classes, turned, strict=True)]
    floats, some_boxes, some_classes = mosaic(floats, [m[0] for m in moved], [m[1] for m in moved], rng)
    floats = strange_colours(jitter(floats, how, rng), rng)
    tidy = [clip_boxes(b, c, size) for b, c in zip(some_boxes, some_classes, strict=True)]
    return normalise(floats), pad_targets([t[0] for t in tidy], [t[1] for t in tidy], size)


def strange_colours(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn one picture in ten grey and give one in five other colours: a face is one in any colour."""
    for i in np.flatnonzero(rng.random(len(pictures)) < 0.1):
        pictures[i] = pictures[i].mean(0, keepdim=True)
    for i in np.flatnonzero(rng.random(len(pictures)) < 0.2):
        mixing = torch.from_numpy((np.eye(3) + rng.normal(0, 0.25, (3, 3))).astype(np.float32))
        pictures[i] = torch.einsum("ij,jhw->ihw", mixing, pictures[i]).clamp(0, 1)
    return pictures
