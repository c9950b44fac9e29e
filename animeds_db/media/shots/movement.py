"""Measures what changes from one frame to the next: nothing, the camera, or what is drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOTICED = 8
"""Levels (of 255) by which a cell of the small luma must differ to count as changed."""

CHANGED_CELLS = 4
"""Minimum number of changed cells (of 20,736) of a picture that may be another drawing: a small mouth."""

SEARCH = 12
"""Cells of the halved luma (an eighth of its width) in which the camera's shift is looked for."""

SOFTNESS = 6.0
"""Levels of difference at which a cell has half its weight for the camera: what a character does hardly counts."""

ROUNDS = 3
"""Number of times that the weights are computed again."""

EDGE = 0.5
"""Cells by which an outline may be off without counting as moved: the camera is known no more exactly than that."""


class Change(NamedTuple):
    """The change from the previous frame to this one. All are 0 if nothing changed."""

    cells: int
    """Number of changed cells, 0…20,736."""
    right: float
    """Movement of the picture, in shares of its width. Where the camera pans to the right, it is negative."""
    down: float
    """Movement of the picture, in shares of its height."""
    zoom: float
    """Growth of the picture, in shares of its size: 0.01 is one per cent larger."""
    moved: float
    """Share (0…1) of the picture that changed in a way that the camera and the light do not explain."""


STILL = Change(0, 0.0, 0.0, 0.0, 0.0)


def change(before: np.ndarray, after: np.ndarray) -> Change:
    """Return the change between two small lumas, uint8 of one shape with even sides."""
    cells = int(np.count_nonzero(np.maximum(before, after) - np.minimum(before, after) > NOTICED))
    if cells < CHANGED_CELLS:
        return STILL._replace(cells=cells)
    one, other = _halved(before), _halved(after)
    down, right = _shift(one, other)
    one, other = _overlap(one, other, down, right)
    more, moved = _camera(one, other)
    high, wide = before.shape[0] // 2, before.shape[1] // 2
    return Change(cells, (right + more[0]) / wide, (down + more[1]) / high, more[2], moved)


def _halved(luma: np.ndarray) -> np.ndarray:
    """Return the means of 2 × 2 cells, float32."""
    rows = luma[::2].astype(np.uint16) + luma[1::2]
    return (rows[:, ::2] + rows[:, 1::2]).astype(np.float32) / 4


def _shift(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """Return the whole cells (down, right) by which the sums of rows and columns fit best. (0, 0) wins if it is near."""
    return _profile_shift(before.mean(axis=1), after.mean(axis=1)), _profile_shift(
        before.mean(axis=0), after.mean(axis=0)
    )


def _profile_shift(before: np.ndarray, after: np.ndarray) -> int:
    n, reach = len(before), min(SEARCH, len(before) // 4)
    costs = {
        by: float(np.abs(before[max(0, -by) : n - max(0, by)] - after[max(0, by) : n - max(0, -by)]).mean())
        for by in range(-reach, reach + 1)
    }
    best = min(costs, key=lambda by: (costs[by], abs(by)))
    return best if costs[best] < costs[0] / 2 else 0


def _overlap(before: np.ndarray, after: np.ndarray, down: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of both pictures that show the same, if the picture moved by this much."""
    high, wide = before.shape
    return (
        before[max(0, -down) : high - max(0, down), max(0, -right) : wide - max(0, right)],
        after[max(0, down) : high - max(0, -down), max(0, right) : wide - max(0, -right)],
    )


def _camera(before: np.ndarray, after: np.ndarray) -> tuple[tuple[float, float, float], float]:
    """Return (right, down, zoom) in cells and shares that explain most of the change, and the share they do not.

    Weighted least squares over all cells of the linear model  after − before = −shift · gradient + a · luma + b,
    as in Lucas and Kanade (1981), with weights that fall with the error.
    """
    mean = (before + after) / 2
    down_slope, right_slope = np.gradient(mean)
    high, wide = mean.shape
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    outward = right_slope * (x - (wide - 1) / 2) + down_slope * (y - (high - 1) / 2)
    model = np.stack([-right_slope, -down_slope, -outward, mean - mean.mean(), np.ones_like(mean)])
    model = model.reshape(5, -1).astype(np.float32)
    wanted = (after - before).ravel()
    error = wanted - np.median(wanted)
    for _ in range(ROUNDS):
        weighted = model / (1 + (error / SOFTNESS) ** 2)
        normal = weighted @ model.T
        # A little ridge: a picture without outlines says nothing about movement.
        normal[np.diag_indices(5)] += np.array([1, 1, 100, 1, 1], np.float32)
        found = np.linalg.solve(normal, weighted @ wanted)
        error = wanted - found @ model
    steepness = np.hypot(right_slope, down_slope).ravel()
    moved = float((np.abs(error) > NOTICED + EDGE * steepness).mean())
    return (float(found[0]), float(found[1]), float(found[2])), moved
