"""Values as JSON knows them."""

from __future__ import annotations

import base64
import datetime
import math
from typing import Any

import pyarrow as pa


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: bytes as base64, times as ISO 8601, numbers that are none as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return str(value)


def records(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows as JSON objects."""
    return [{key: plain(value) for key, value in row.items()} for row in table.to_pylist()]
