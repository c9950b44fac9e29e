"""The frames' vectors for a comparison: in this process, or spread over workers.

The results are the same, to the last bit, in both cases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pyarrow as pa

from animeds_db.vectors import Pairs, cosines, similar_pairs, usable_rows
from animeds_db.vectors.gathered import Gathered

Progress = Callable[[int, int], None]
Vectors = np.ndarray | Gathered
"""Vectors of frames, float32 [frames, width]: in memory, or in the files of the database."""
Join = Callable[[pa.Table, Vectors, float], Pairs]
"""Finds all pairs of rows of the frames' vectors at or above a threshold."""
_ROWS = 4096


class FrameVectors(Protocol):
    """At most one vector for each row of a table of frames."""

    def usable(self) -> np.ndarray:
        """Return True for rows with a vector that is not zero (bool)."""

    def repeats(self, rows: np.ndarray) -> np.ndarray:
        """Return, for each of these rows (int64, ascending), True if the next row has the same vector."""

    def pairs(self, threshold: float, without: np.ndarray) -> Pairs:
        """Return all pairs of rows with cosine ≥ threshold, sorted, except pairs with the rows `without` (int64)."""

    def cosines(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair of usable rows, float32; rows that `pairs` left out must not be given."""


class HeldVectors:
    """Vectors at hand: x float32 [frames, width], which is modified if it is in memory. `join` finds the pairs."""

    def __init__(self, frames: pa.Table, x: Vectors, join: Join) -> None:
        self._frames, self._x, self._join = frames, x, join
        self._usable = usable_rows(x)

    def usable(self) -> np.ndarray:
        """Return which rows have a direction."""
        return self._usable

    def repeats(self, rows: np.ndarray) -> np.ndarray:
        """Return which rows have the vector of the next one."""
        return repeats(self._x, rows)

    def pairs(self, threshold: float, without: np.ndarray) -> Pairs:
        """Return all pairs by the join."""
        if isinstance(self._x, Gathered):
            self._x = self._x.without(without)
        else:
            self._x[without] = np.nan
        return self._join(self._frames, self._x, threshold)

    def cosines(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair."""
        return cosines(self._x, a, self._x, b)


def repeats(x: Vectors, rows: np.ndarray) -> np.ndarray:
    """Return True for each of some rows of x that equals the next row (bool). The last row must not be given."""
    same = np.zeros(len(rows), bool)
    for low in range(0, len(rows), _ROWS):
        some = rows[low : low + _ROWS]
        same[low : low + _ROWS] = (x[some] == x[some + 1]).all(axis=1)
    return same


def exact_join(memory_mb: float, progress: Progress | None = None) -> Join:
    """Return a join that compares all rows."""
    return lambda _frames, x, threshold: similar_pairs(x, threshold, memory_mb=memory_mb, progress=progress)
