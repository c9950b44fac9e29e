"""Rows of a matrix as unit vectors: checks, usable rows, and the definition of "cosine".

A cosine is the float64 dot product of two rows divided by their float64 norms, rounded to a multiple of
2**-24, which float32 can represent. So it does not depend on the order of summation: every method here, with
any block and any number of threads, gives the same number for the same two rows. Equal rows have exactly 1.0
and orthogonal rows exactly 0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from animeds_db.errors import UsageError
from animeds_db.vectors.gathered import Gathered

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[Any]
Rows = Matrix | Gathered

STEP = 2.0**-24
"""Cosines are multiples of this: the spacing of float32 below 1."""

EPSILON = float(np.finfo(np.float32).eps)  # 2**-23: twice the rounding error of one float32 operation

_BLOCK_BYTES = (
    1 << 20
)  # of float64 work memory; measured best, because larger blocks exceed the second-level cache
_DENSE_SHARE = 1 / 50  # measured: a float64 GEMM is 50 times faster per pair than gathering the two rows


def as_matrix(x: npt.ArrayLike, name: str = "x") -> Matrix:
    """Return x as an array of floats [rows, width], without a copy if it already is one. Gathered rows stay so.

    Raises UsageError if it is not a table of numbers or has no columns.
    """
    if isinstance(x, Gathered):
        return cast(Matrix, x)  # no function here needs more of a matrix than its shape and some of its rows
    matrix = np.asarray(x)
    if matrix.ndim != 2:
        raise UsageError(
            f"{name} must be a table of vectors [rows, width]; it has {matrix.ndim} dimension(s)",
            hint="give one vector as a table of one row: vector[None, :]" if matrix.ndim == 1 else None,
        )
    if matrix.dtype.kind in "iub":
        matrix = matrix.astype(np.float32)
    if matrix.dtype.kind != "f":
        raise UsageError(
            f"{name} must contain real numbers, not {matrix.dtype}",
            hint="leave out rows whose vector is missing or has another width",
        )
    if matrix.shape[1] == 0:
        raise UsageError(f"{name} has vectors of width 0", hint="check that the embedding column is filled")
    return matrix


def same_width(left: Matrix, right: Matrix, left_name: str, right_name: str) -> None:
    """Raise UsageError unless both matrices have the same width."""
    if left.shape[1] != right.shape[1]:
        raise UsageError(
            f"{left_name} has vectors of width {left.shape[1]}, {right_name} of width {right.shape[1]}",
            hint="only vectors of the same model can be compared: select them by the model column",
        )


def block_rows(width: int) -> int:
    """Return the number of rows in one block of float64 work memory."""
    return max(16, _BLOCK_BYTES // (8 * width))


def norms(block: Matrix) -> tuple[Doubles, Mask]:
    """Return the float64 norm of each row, and which rows are usable: finite, and not zero."""
    wide = block.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.sqrt(np.vecdot(wide, wide))
    return length, np.isfinite(length) & (length > 0)


def unit(block: Matrix) -> Doubles:
    """Return the rows of a block of usable rows, scaled to norm 1, in float64."""
    wide = block.astype(np.float64)
    wide /= np.sqrt(np.vecdot(wide, wide))[:, None]
    return wide


@dataclass(frozen=True)
class Normalised:
    """Unit vectors: `unit` float32 [rows, width], zero where `usable` (bool [rows]) is False."""

    unit: Floats
    usable: Mask

    def __len__(self) -> int:
        return len(self.unit)


def normalise(x: npt.ArrayLike) -> Normalised:
    """Return the rows of x [rows, width] as float32 vectors of norm 1, and the mask of usable rows.

    A row with NaN or infinity, or of zeros only, is not usable. Its unit vector is zero, and it never matches
    any row. Raises UsageError if x is not a table of numbers.
    """
    matrix = as_matrix(x)
    out = np.zeros(matrix.shape, np.float32)
    usable = np.zeros(len(matrix), bool)
    step = block_rows(matrix.shape[1])
    for low in range(0, len(matrix), step):
        block = matrix[low : low + step]
        length, good = norms(block)
        usable[low : low + step] = good
        out[low : low + step][good] = block[good] / length[good, None]
    return Normalised(out, usable)


def usable_rows(x: npt.ArrayLike) -> Mask:
    """Return a mask (bool) of the rows of x [rows, width] that have a cosine: finite, and not zero."""
    matrix = as_matrix(x)
    step = block_rows(matrix.shape[1])
    blocks = (norms(matrix[low : low + step])[1] for low in range(0, len(matrix), step))
    return np.concatenate([np.zeros(0, bool), *blocks])


def cosines(left: Rows, left_rows: Positions, right: Rows, right_rows: Positions) -> Floats:
    """Return the cosine (float32) of each pair of usable rows left[left_rows[i]], right[right_rows[i]]."""
    some_left, at_left = np.unique(left_rows, return_inverse=True)
    some_right, at_right = np.unique(right_rows, return_inverse=True)
    every = len(some_left) * len(some_right)
    fits = max(len(some_left), len(some_right)) <= 4 * block_rows(left.shape[1]) and every <= _BLOCK_BYTES
    if fits and len(left_rows) > _DENSE_SHARE * every:
        out = (unit(left[some_left]) @ unit(right[some_right]).T)[at_left, at_right]
    else:
        out = np.empty(len(left_rows))
        step = block_rows(4 * left.shape[1])
        for low in range(0, len(out), step):
            a = left[left_rows[low : low + step]].astype(np.float64)
            b = right[right_rows[low : low + step]].astype(np.float64)
            out[low : low + step] = np.vecdot(a, b) / (np.sqrt(np.vecdot(a, a)) * np.sqrt(np.vecdot(b, b)))
    return rounded(out)


def rounded(cosine: Doubles) -> Floats:
    """Return float64 cosines as the float32 multiples of STEP nearest to them, within -1…1."""
    steps = np.rint(np.clip(cosine, -1, 1) / STEP)
    return np.asarray(steps * STEP + 0.0, np.float32)  # + 0.0: no negative zero
