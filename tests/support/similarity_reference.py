"""The plain way to every answer of animeds_db.vectors, and hypothesis strategies for awkward matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Matrix = npt.NDArray[np.float32]


def all_cosines(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return every cosine, NaN where a row has none."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        out: npt.NDArray[np.float64] = (a / np.linalg.norm(a, axis=1)[:, None]) @ (
            b / np.linalg.norm(b, axis=1)[:, None]
        ).T
    out[~np.isfinite(a).all(axis=1)] = np.nan
    out[:, ~np.isfinite(b).all(axis=1)] = np.nan
    return (np.rint(np.clip(out, -1, 1) * 2**24) / 2**24 + 0.0).astype(np.float32)


def all_pairs(x: npt.NDArray[Any], threshold: float) -> list[tuple[int, int]]:
    """Return every pair a < b at or above the threshold, from one full product."""
    near = all_cosines(x, x) >= np.float32(threshold)
    return [(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True)]


@st.composite
def matrices(draw: st.DrawFn, max_rows: int = 60, max_width: int = 12) -> Matrix:
    """Rows of small whole numbers: many equal, parallel, opposite, zero; some scaled far up or down, some NaN."""
    width = draw(st.integers(1, max_width))
    rows = draw(st.integers(0, max_rows))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = draw(st.integers(1, max(1, rows)))
    largest = draw(st.sampled_from([1, 3, 100]))
    x = rng.integers(-largest, largest + 1, (kinds, width)).astype(np.float32)[rng.integers(0, kinds, rows)]
    if draw(st.booleans()):
        x += rng.standard_normal(x.shape, dtype=np.float32) * np.float32(draw(st.sampled_from([1e-4, 0.1])))
    if draw(st.booleans()):
        x *= (10.0 ** rng.integers(-30, 31, (rows, 1))).astype(np.float32)
    for value in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0]), max_size=3)):
        if rows:
            x[rng.integers(rows), slice(None) if value == 0 else rng.integers(width)] = value
    return x


thresholds = st.one_of(
    st.sampled_from([0.0, 0.5, 0.985, 1.0]), st.floats(0, 1, allow_nan=False).map(lambda t: round(t, 3))
)
