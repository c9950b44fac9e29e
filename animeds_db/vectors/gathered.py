"""A matrix whose rows are in several arrays, such as parts of mapped files. Rows are copied only when they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


class Gathered:
    """Rows of `width` numbers: row i is row `at[i]` of `blocks[block[i]]`; block[i] = -1: it is NaN.

    It can be used like an array of which rows are taken: `x[4:9]`, `x[rows]` and `x[mask]` return float32
    [rows, width], a copy. `np.asarray` copies all rows.
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, blocks: Sequence[Floats], block: Positions, at: Positions, width: int) -> None:
        self._blocks, self._block, self._at = blocks, block.copy(), at
        self.shape = (len(block), width)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> Floats:
        block, at = self._block[rows], self._at[rows]
        out = np.empty((len(block), self.shape[1]), np.float32)
        for number in np.unique(block).tolist():
            here = block == number
            out[here] = np.nan if number < 0 else self._blocks[number][at[here]]
        return out

    def without(self, rows: Positions) -> Gathered:
        """Return the same matrix with NaN in these rows."""
        block = self._block.copy()
        block[rows] = -1
        return Gathered(self._blocks, block, self._at, self.shape[1])

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)
