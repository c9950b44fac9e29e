"""Runs: consecutive rows in time order that stay close to the first of them, such as frames of a still shot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from animeds_db.vectors.memory import checked_threshold
from animeds_db.vectors.parallel import one_blas_thread, spans
from animeds_db.vectors.rows import Mask, Matrix, Positions, as_matrix, block_rows, norms, rounded, unit

_LOOK_AHEAD = 32


def run_leaders(x: npt.ArrayLike, threshold: float) -> Positions:
    """Return for each row of x [rows, width] the leader of its run, int64 [rows].

    A run is a stretch of consecutive rows. Each has a cosine ≥ threshold (0…1) with the row before it and
    with the first row, which is the leader. An unusable row (NaN, infinity, zeros) is its own leader.
    A still shot of n frames has n²/2 pairs but only one leader. Joining the leaders

        leaders = np.flatnonzero(run_leaders(x, 0.99) == np.arange(len(x)))
        pairs = similar_pairs(x[leaders], 0.985)

    limits the number of pairs. The other rows are near-duplicates of their leader by definition. Raises
    UsageError if the threshold is outside 0…1 or x is not a matrix of numbers.
    """
    matrix, least = as_matrix(x), np.float32(checked_threshold(threshold))
    leaders = np.arange(len(matrix))
    with one_blas_thread():
        follows = _follows(matrix, least)
        first = np.flatnonzero(follows & ~np.append(False, follows[:-1])) - 1
        last = np.flatnonzero(follows & ~np.append(follows[1:], False))
        for low, high in zip(first.tolist(), (last + 1).tolist(), strict=True):
            _lead(matrix, leaders, low, high, least)
    return leaders


def _follows(x: Matrix, least: np.float32) -> Mask:
    """Return a mask of the rows that are close enough to the row before them."""
    out = np.zeros(len(x), bool)
    for block in spans(0, len(x) - 1, block_rows(x.shape[1])):
        rows = x[block.start : block.stop + 1].astype(np.float64)
        length, usable = norms(rows)
        rows[~usable] = 0
        length[~usable] = 1
        cosine = np.vecdot(rows[:-1], rows[1:]) / (length[:-1] * length[1:])
        both = usable[:-1] & usable[1:]
        out[block.start + 1 : block.stop + 1] = both & (rounded(cosine) >= least)
    return out


def _lead(x: Matrix, leaders: Positions, low: int, high: int, least: np.float32) -> None:
    """Fill in the leaders of rows low … high, each of which is close to the one before it."""
    leader, at = low, low + 1
    ahead = _LOOK_AHEAD
    while at < high:
        stop = min(high, at + ahead)
        near = rounded(unit(x[at:stop]) @ unit(x[leader : leader + 1])[0]) >= least
        run = len(near) if near.all() else int(near.argmin())
        leaders[at : at + run] = leader
        at += run
        if run < len(near):
            leader, at = at, at + 1
            ahead = _LOOK_AHEAD
        else:
            ahead = min(2 * ahead, 4096)
