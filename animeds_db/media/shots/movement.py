"""Measures what changes from one frame to the next: nothing, the camera, or what is drawn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOTICED = 8
"""Levels (of 255) by which a cell of the small luma must differ to count as changed."""

SEARCH = 12
"""Cells of the halved luma (an eighth of its width) in which the camera's shift is looked for."""

CLEARLY = 0.75
"""Maximum error of a shift, as a share of the error without one."""

SOFTNESS = 6.0
"""Levels of difference at which a cell has half its weight for the camera: what a character does hardly counts."""

ROUNDS = 2
"""Number of times that the weights are computed again."""

EDGE = 0.5
"""Cells by which an outline may be off without counting as moved: the camera is known no more exactly than that."""


RIDGE = np.array([1, 1, 100, 1, 1], np.float32)
"""Added to the diagonal of the equations: a picture without outlines says nothing about movement."""


class Movement(NamedTuple):
    """What happened between two frames, some frames apart. All are 0 for two equal frames."""

    right: float
    """Movement of the picture, in shares of its width. Where the camera pans to the right, it is negative."""
    down: float
    """Movement of the picture, in shares of its height."""
    zoom: float
    """Growth of the picture, in shares of its size: 0.01 is one per cent larger."""
    moved: float
    """Share (0…1) of the picture that changed in a way that the camera and the light do not explain."""


def changed_cells(before: np.ndarray, after: np.ndarray) -> int:
    """Return the number of cells that differ between two small lumas, uint8 of one shape."""
    return int(np.count_nonzero(np.maximum(before, after) - np.minimum(before, after) > NOTICED))


def movement(before: np.ndarray, after: np.ndarray) -> Movement:
    """Return what happened between two small lumas, uint8 of one shape with even sides."""
    one, other = _halved(before), _halved(after)
    high, wide = one.shape
    down = _profile_shift(one.mean(axis=1), other.mean(axis=1))
    right = _profile_shift(one.mean(axis=0), other.mean(axis=0))
    down, right = min(
        {(0, 0), (down, 0), (0, right), (down, right)},
        key=lambda shift: (_typical_error(one, other, *shift), abs(shift[0]) + abs(shift[1])),
    )
    more, moved = _camera(*_overlap(one, other, down, right))
    return Movement((right + more[0]) / wide, (down + more[1]) / high, more[2], moved)


def _halved(luma: np.ndarray) -> np.ndarray:
    """Return the means of 2 × 2 cells, float32."""
    rows = luma[::2].astype(np.uint16) + luma[1::2]
    means: np.ndarray = (rows[:, ::2] + rows[:, 1::2]).astype(np.float32) / 4
    return means


def _profile_shift(before: np.ndarray, after: np.ndarray) -> int:
    """Return the whole cells by which two rows of means fit best; 0 unless another shift fits clearly better."""
    before, after = np.diff(before), np.diff(after)  # a change of light leaves the steps
    n, reach = len(before), min(SEARCH, len(before) // 4)
    costs = {
        by: float(np.abs(before[max(0, -by) : n - max(0, by)] - after[max(0, by) : n - max(0, -by)]).mean())
        for by in range(-reach, reach + 1)
    }
    best = min(costs, key=lambda by: (costs[by], abs(by)))
    return best if costs[best] < CLEARLY * costs[0] else 0


def _typical_error(before: np.ndarray, after: np.ndarray, down: int, right: int) -> float:
    """Return the mean difference in levels at this shift, with large ones cut, because a figure may hide much."""
    here, there = _overlap(before, after, down, right)
    return float(np.minimum(np.abs(here - there), 2 * SOFTNESS).mean())


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
    high, wide = before.shape
    mean = (before + after) / 2
    right_slope, down_slope = np.zeros_like(mean), np.zeros_like(mean)
    right_slope[:, 1:-1] = (mean[:, 2:] - mean[:, :-2]) / 2
    down_slope[1:-1] = (mean[2:] - mean[:-2]) / 2
    x = np.arange(wide, dtype=np.float32) - (wide - 1) / 2
    y = np.arange(high, dtype=np.float32)[:, None] - (high - 1) / 2
    outward = right_slope * x + down_slope * y
    model = np.stack([right_slope, down_slope, outward, mean - mean.mean(), np.ones_like(mean)]).reshape(
        5, -1
    )
    wanted = (after - before).ravel()
    half, goal = np.ascontiguousarray(model[:, ::2]), wanted[::2]  # half of the cells are plenty
    error = goal - np.median(goal)
    for _ in range(ROUNDS):
        weighted = half / (1 + (error / SOFTNESS) ** 2)
        normal = weighted @ half.T
        normal[np.diag_indices(5)] += RIDGE
        found = np.linalg.solve(normal, weighted @ goal)
        error = goal - found @ half
    error = wanted - found @ model
    steepness = np.maximum(np.abs(right_slope), np.abs(down_slope)).ravel()
    moved = float((np.abs(error) > NOTICED + EDGE * steepness).mean())
    return (-float(found[0]), -float(found[1]), -float(found[2])), moved
