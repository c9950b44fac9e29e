"""Options as JSON: writes the values that differ from the default, and checks the types of values that are read."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

INT64 = 1 << 63
_T = TypeVar("_T")


def record_of(options: Any) -> dict[str, Any]:
    """Return the fields of a dataclass instance that differ from the default, as JSON holds them."""
    plain = asdict(type(options)())
    values = {name: value for name, value in asdict(options).items() if value != plain[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def from_record(cls: type[_T], record: Any) -> _T:
    """Return the instance that `record_of` made a record of. Raises TypeError as check_types does."""
    check_types(cls, record)
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in record.items()})


def check_types(cls: type, values: Any) -> None:
    """Raise TypeError unless `values` maps fields of a dataclass to values of their types.

    A list is accepted for a tuple and a whole number for a float. Numbers must be finite and fit into 64 bits; text
    must be valid Unicode.
    """
    check_fields(_hints(cls), values, cls.__name__)
    needed = (f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
    missing = next((name for name in needed if name not in values), None)
    if missing:
        raise TypeError(f"a {cls.__name__} has no {missing}")


def check_fields(hints: Mapping[str, Any], values: Any, what: str) -> None:
    """Raise TypeError unless `values` maps these names to values of these types, as check_types does."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{_short(values)} is not a valid {what}")
    for name, value in values.items():
        if name not in hints:
            raise TypeError(f"a {what} has no {_short(name)}")
        if not _fits(value, hints[name]):
            raise TypeError(f"{name} is {_short(value)}, which is not a valid value for it")


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        if parts[-1] is Ellipsis:
            return all(_fits(item, parts[0]) for item in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if origin is dict:
        pairs = value.items() if isinstance(value, dict) else None
        return pairs is not None and all(_fits(k, parts[0]) and _fits(v, parts[1]) for k, v in pairs)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if hint is str:
        return isinstance(value, str) and value == value.encode(errors="replace").decode()
    if hint in (int, float):
        is_number = isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and abs(value) < INT64
    return isinstance(value, hint)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
