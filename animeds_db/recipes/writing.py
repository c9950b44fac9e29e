"""Writes a recipe as TOML text: one line per key, sections in the order of keys.py, SQL on lines of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from animeds_db.recipes.keys import sections

WIDEST = 100
"""Maximum number of characters of a list on one line."""
PER_LINE = 4
"""Number of values per line of a longer list: four ids of faces fit on a line."""


def recipe_text(head: str, content: Mapping[str, Any]) -> str:
    """Return the content of a recipe as TOML, after `head`, lines of comments. Values that are None are left out."""
    lines = [head.rstrip("\n"), *_values({k: v for k, v in content.items() if k not in sections()})]
    for name, section in sections().items():
        if name not in content:
            continue
        for table in content[name] if section.is_list else [content[name]]:
            lines += ["", *_table(f"[[{name}]]" if section.is_list else f"[{name}]", name, table)]
    return "\n".join(lines) + "\n"


def _table(header: str, path: str, table: Mapping[str, Any]) -> list[str]:
    """Return the lines of a section: its own values, then the tables inside it."""
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping) and value}
    lines = [header, *_values({k: v for k, v in table.items() if not isinstance(v, Mapping)})]
    for name, value in inner.items():
        lines += ["", f"[{path}.{name}]", *_values(value)]
    return lines


def _values(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {toml_value(value)}" for name, value in table.items() if value is not None]


def _key(name: str) -> str:
    is_bare = name and all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in name)
    return name if is_bare else _text(name)


def toml_value(value: Any) -> str:
    """Return a text, number, truth value or list as TOML. A text with line breaks keeps them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _lines(value) if "\n" in value else _text(value)
    if isinstance(value, Sequence):
        return _list([toml_value(one) for one in value])
    return repr(value)


def _list(values: Sequence[str]) -> str:
    """Return values as a list, on lines of its own if it is long."""
    line = ", ".join(values)
    if len(line) < WIDEST:
        return f"[{line}]"
    rows = [", ".join(values[start : start + PER_LINE]) for start in range(0, len(values), PER_LINE)]
    return "[\n" + "".join(f"    {row},\n" for row in rows) + "]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(value: str) -> str:
    """Return a text of several lines between three quotes, on lines of its own."""
    if "'''" not in value and not value.endswith("'") and all(c in "\n\t" or c >= " " for c in value):
        return f"'''\n{value}'''" if "\x7f" not in value else _text(value)
    return _text(value)
