"""Conversion of values to JSON, without loss."""

from __future__ import annotations

import base64
import math
from typing import Any

import pyarrow as pa

from animeds_db.session.times import as_text

EXACT = 1 << 53
"""Larger integers lose digits in browsers and other JSON readers that use doubles."""


def plain(value: Any) -> Any:
    """Return a value that JSON can hold.

    Bytes become base64. NaN and infinity become null. Integers that a double cannot hold become text.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -EXACT < value < EXACT else str(value)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def records(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows as JSON objects."""
    columns = [as_text(column.combine_chunks()).to_pylist() for column in table.columns]
    return [
        {name: plain(value) for name, value in zip(table.column_names, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]
