"""Dates and times of a database as text, also those that Python's own cannot hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

DAY_S = 86_400
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def as_text(array: pa.Array) -> pa.Array:
    """Return an array with its dates and times, also nested ones, as ISO 8601 text.

    Python's dates end at the year 9999 and at microseconds, which those of a database do not.
    """
    kind = array.type
    if pa.types.is_date32(kind):
        return _text(array, lambda days: np.datetime_as_string(days.astype("M8[D]")), 2**31 - 1)
    if pa.types.is_timestamp(kind):
        zone = "+00:00" if kind.tz else ""
        return _text(array, lambda values: _moments(values, kind.unit, zone), 2**63 - 1)
    if pa.types.is_time(kind):
        return _text(array, lambda values: _times(values, kind.unit), None)
    if pa.types.is_map(kind):
        return as_text(array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))))
    if not _holds_times(kind):
        return array
    if pa.types.is_struct(kind):
        fields = [as_text(field) for field in array.flatten()]
        return pa.StructArray.from_arrays(fields, [field.name for field in kind], mask=array.is_null())
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, as_text(array.flatten()), mask=array.is_null())


def _holds_times(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _holds_times(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds_times(field.type) for field in kind)
    return (pa.types.is_temporal(kind) and not pa.types.is_interval(kind)) or pa.types.is_map(kind)


def _text(array: pa.Array, write: Callable[[np.ndarray], np.ndarray], infinity: int | None) -> pa.Array:
    """Return whole numbers as text, converted by `write`; `infinity` is the number that means infinity."""
    whole = pa.int32() if array.type.bit_width == 32 else pa.int64()
    known = array.drop_null()
    numbers = known.view(whole).to_numpy(zero_copy_only=False).astype(np.int64)
    endless = np.zeros(len(numbers), bool) if infinity is None else np.abs(numbers) == infinity
    words = write(np.where(endless, 0, numbers)).astype(object)
    words[endless] = np.where(numbers[endless] > 0, "infinity", "-infinity")
    texts = np.full(len(array), None, object)
    texts[array.is_valid().to_numpy(zero_copy_only=False)] = words
    return pa.array(texts, pa.string())


def _moments(values: np.ndarray, unit: str, zone: str) -> np.ndarray:
    """Return numbers since 1970 as text, whole seconds without a fraction."""
    exact = np.datetime_as_string(values.astype(f"M8[{unit}]")).astype(object)
    whole = np.datetime_as_string(values.astype(f"M8[{unit}]").astype("M8[s]")).astype(object)
    return np.asarray(np.where(values % _PER_SECOND[unit] == 0, whole, exact) + zone, object)


def _times(values: np.ndarray, unit: str) -> np.ndarray:
    """Return numbers since midnight as text."""
    texts = [text.partition("T")[2] for text in _moments(values, unit, "")]
    return np.where(values == DAY_S * _PER_SECOND[unit], "24:00:00", np.asarray(texts, object))
