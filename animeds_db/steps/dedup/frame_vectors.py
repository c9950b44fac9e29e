"""The frames' vectors as a comparison asks for them, wherever they are: in this process, or spread over workers.

Its one rule: the answers are the same, to the last bit, wherever they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pyarrow as pa

from animeds_db.vectors import Pairs, cosines, similar_pairs, usable_rows

Progress = Callable[[int, int], None]
Join = Callable[[pa.Table, np.ndarray, float], Pairs]
"""Finds all pairs of rows of the frames' vectors at or above a threshold."""
_ROWS = 4096


class FrameVectors(Protocol):
    """One vector, or none, for each row of a table of frames."""

    def usable(self) -> np.ndarray:
        """Return which rows have a vector with a direction (bool)."""

    def repeats(self, rows: np.ndarray) -> np.ndarray:
        """Return, for each of these rows (int64, ascending), True if the next row has the same vector."""

    def pairs(self, threshold: float, without: np.ndarray) -> Pairs:
        """Return all pairs of rows with cosine ≥ threshold, sorted, but of the rows `without` (int64)."""

    def cosines(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair of usable rows, float32; rows that `pairs` left out are not asked for."""


class HeldVectors:
    """Vectors in memory: x float32 [frames, width], which is changed. `join` finds the pairs."""

    def __init__(self, frames: pa.Table, x: np.ndarray, join: Join) -> None:
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
        self._x[without] = np.nan
        return self._join(self._frames, self._x, threshold)

    def cosines(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair."""
        return cosines(self._x, a, self._x, b)


def repeats(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return of each of some rows of x, none of them the last, whether the next row is the very same (bool)."""
    same = np.zeros(len(rows), bool)
    for low in range(0, len(rows), _ROWS):
        some = rows[low : low + _ROWS]
        same[low : low + _ROWS] = (x[some] == x[some + 1]).all(axis=1)
    return same


def exact_join(memory_mb: float, progress: Progress | None = None) -> Join:
    """Return a join that compares everything again."""
    return lambda _frames, x, threshold: similar_pairs(x, threshold, memory_mb=memory_mb, progress=progress)
