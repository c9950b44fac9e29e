"""The .sql files of `sql/`. The one rule: SQL longer than a line or two stands there, and is read from here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import importlib_resources

if TYPE_CHECKING:
    from importlib_resources.abc import Traversable


@cache
def sql_script(folder: str, name: str) -> str:
    """Return one file of `sql/<folder>`, e.g. `sql_script("steps/dedup", "keeper_rank.sql")`."""
    return _scripts().joinpath(folder, name).read_text("utf-8")


@cache
def sql_scripts(folder: str) -> tuple[str, ...]:
    """Return all files of `sql/<folder>`, in the order of their names."""
    entries = _scripts().joinpath(folder).iterdir()
    return tuple(
        sql_script(folder, name) for name in sorted(e.name for e in entries if e.name.endswith(".sql"))
    )


@cache
def _scripts() -> Traversable:
    return importlib_resources.files("animeds_sql")
