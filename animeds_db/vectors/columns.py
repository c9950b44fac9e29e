"""Turns columns of vectors into matrices. Each vector is copied only once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def as_matrix(column: pa.ChunkedArray, order: np.ndarray | None = None) -> np.ndarray:
    """Return a column of vectors as float32 [rows, width]. A missing vector is a row of NaN.

    `order` int64 [rows]: the column's row that comes first, second, …; None keeps the order.
    """
    width = column.type.list_size
    x = np.empty((len(column), width), np.float32)
    place = np.arange(len(column))
    if order is not None:
        place[order] = np.arange(len(column))
    at = 0
    for chunk in column.chunks:
        values = chunk.values.slice(chunk.offset * width, len(chunk) * width)
        vectors = np.asarray(values, np.float32).reshape(-1, width)
        rows = place[at : at + len(chunk)]
        if order is None:
            x[at : at + len(chunk)] = vectors
        else:
            x[rows] = vectors
        if chunk.null_count:
            x[rows[np.asarray(chunk.is_null())]] = np.nan
        at += len(chunk)
    return x
