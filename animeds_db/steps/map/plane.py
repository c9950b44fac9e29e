"""Vectors as points of the plane: by t-SNE of openTSNE (the extra [map]), else by PCA.

t-SNE keeps neighbours together: van der Maaten and Hinton 2008, with the interpolation of Linderman et al. 2019,
whose time grows linearly with the points. PCA shows only the two directions in which vectors differ most.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from animeds_db.cores import core_count
from animeds_db.vectors import normalise

DIMENSIONS = 50
"""Number of principal components that t-SNE compares. More hardly change the neighbours and take longer."""
PERPLEXITY = 15
"""Effective number of neighbours of a point. 30 is usual; half of it takes half the time at 100,000 points."""
FEWEST = 12
"""Minimum number of points for t-SNE. Fewer have too few neighbours."""
EARLY, LATE = 250, 500
"""Number of steps with and without exaggerated attraction: the defaults of openTSNE."""
FEW = 3000
"""Maximum number of points that one core computes alone: the waits of several cost more than they save."""
WIDEST = 0.2
"""Maximum share of the map's width or height that an empty stripe across it can have."""
REPORT = 25
"""Number of steps between two calls of `progress`."""
_BLOCK = 8192  # rows of a matrix product
Progress = Callable[[int, int], None]
Floats = npt.NDArray[np.float32]


def best_method() -> str:
    """Return the method that this installation can use: "t-SNE", or "PCA" without openTSNE."""
    return "PCA" if find_spec("openTSNE") is None else "t-SNE"


def in_plane(x: Floats, progress: Progress | None = None) -> tuple[Floats, str]:
    """Return a point for each row of x [rows, width], float32 [rows, 2], each 0…1, and the method used.

    Rows without a direction (of zeros, or not finite) are treated as the average.
    """
    parts = principal(normalise(x).unit, DIMENSIONS)
    if best_method() == "PCA" or len(x) < FEWEST:
        return _scaled(parts[:, :2]), "PCA"
    return _scaled(nearer(_neighbours(parts, progress))), "t-SNE"


def principal(x: Floats, count: int) -> Floats:
    """Return the first principal components of x [rows, width], float32 [rows, count]; missing ones are 0.

    The sign is such that the largest weight of each component is positive, so that it is the same everywhere.
    """
    out = np.zeros((len(x), count), np.float32)
    if not len(x):
        return out
    middle = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = np.zeros((x.shape[1], x.shape[1]))
    for low in range(0, len(x), _BLOCK):
        block = x[low : low + _BLOCK] - middle
        spread += block.T @ block
    weights = np.linalg.eigh(spread)[1][:, ::-1][:, :count]
    largest = weights[np.abs(weights).argmax(axis=0), np.arange(weights.shape[1])]
    weights = (weights * np.where(largest < 0, -1, 1)).astype(np.float32)
    for low in range(0, len(x), _BLOCK):
        out[low : low + _BLOCK, : weights.shape[1]] = (x[low : low + _BLOCK] - middle) @ weights
    return out


def _neighbours(parts: Floats, progress: Progress | None) -> Floats:
    """Return t-SNE's points for the principal components, which are also where it starts."""
    library: Any = importlib.import_module("openTSNE")
    cores = 1 if len(parts) <= FEW else core_count()
    with threadpool_limits(cores):
        return _optimised(library, parts, cores, progress)


def _optimised(library: Any, parts: Floats, cores: int, progress: Progress | None) -> Floats:
    perplexity = min(PERPLEXITY, (len(parts) - 1) / 3)
    affinities = library.affinity.PerplexityBasedNN(parts, perplexity, n_jobs=cores, random_state=0)
    deviation = float(parts[:, 0].std()) or 1.0
    start = parts[:, :2].astype(np.float64) / deviation * 1e-4
    points = library.TSNEEmbedding(start, affinities, n_jobs=cores, random_state=0)
    done = 0
    for steps, exaggeration, momentum in ((EARLY, 12, 0.5), (LATE, 1, 0.8)):

        def tell(step: int, *_: object, before: int = done) -> None:
            if progress is not None:
                progress(before + step, EARLY + LATE)

        points.optimize(
            steps, exaggeration=exaggeration, momentum=momentum, inplace=True, callbacks=tell,
            callbacks_every_iters=REPORT, learning_rate=max(200, len(parts) / exaggeration),
        )  # fmt: skip
        done += steps
    return np.asarray(points, np.float32)


def nearer(points: Floats) -> Floats:
    """Return points [n, 2] of which none is so far away that the others would lie on one spot of the map.

    t-SNE sometimes drives a few points away from all others without end. Empty stripes across the map are made
    narrower until none has more than WIDEST of its width or height. The order on each axis stays the same.
    """
    moved = np.empty_like(points)
    for axis in range(2):
        order = points[:, axis].argsort(kind="stable")
        gaps = np.diff(points[order, axis].astype(np.float64))
        widest = max(WIDEST, 1 / max(1, int(np.count_nonzero(gaps))))
        while gaps.max(initial=0) > 1.01 * widest * gaps.sum():
            gaps = gaps.clip(max=widest * gaps.sum())
        moved[order, axis] = np.concatenate([[0], gaps.cumsum()])
    return moved


def _scaled(points: Floats) -> Floats:
    """Return the points within 0…1, with equal units on both axes, in the middle."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max()) or 1.0
    return np.asarray((points - (low + high) / 2) / size + 0.5, np.float32).clip(0, 1)
