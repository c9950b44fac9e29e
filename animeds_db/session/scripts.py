"""Reads the .sql files in `sql/`, where all SQL longer than a line or two is kept."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import importlib_resources

if TYPE_CHECKING:
    from importlib_resources.abc import Traversable


_TEXT = re.compile(r"--[^\n]*|\{([a-z_]+)\}")
"""A comment, or the name of a text in braces. The braces of a struct are followed by a quote: {'tag': …}."""


@cache
def sql_script(folder: str, name: str) -> str:
    """Return one file of `sql/<folder>`, e.g. `sql_script("steps/dedup", "keeper_rank.sql")`."""
    return _scripts().joinpath(folder, name).read_text("utf-8")


def with_texts(script: str, **texts: object) -> str:
    """Return a script with `{name}` replaced by the text of that name, except in comments.

    Use parameters (`$name`) for values. This is for text that cannot be a parameter: a condition, a type, a SELECT.
    Raises KeyError for a name in the script without a text.
    """
    return _TEXT.sub(lambda found: str(texts[found[1]]) if found[1] else found[0], script)


@cache
def sql_scripts(folder: str) -> tuple[str, ...]:
    """Return all files of `sql/<folder>`, sorted by name."""
    files = {e.name: e for e in _scripts().joinpath(folder).iterdir() if e.name.endswith(".sql")}
    return tuple(files[name].read_text("utf-8") for name in sorted(files))


@cache
def _scripts() -> Traversable:
    return importlib_resources.files("animeds_sql")
