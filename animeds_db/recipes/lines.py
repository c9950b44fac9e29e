"""The line of a TOML text in which a key is, for error messages."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)
_WORD = re.compile(r""""[^"]*"|'[^']*'|[A-Za-z0-9_-]+""")


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """Return the line, from 1, that assigns the key at `path`, or the nearest one around it; None: it has no line.

    A number in the path counts the elements of a list of tables: ("export", 1, "folder").
    """
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            words = _words(header[2])
            if header[1] == "[[":
                counts[words] = counts.get(words, -1) + 1
            table = _numbered(words, counts)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_words(key[1])), number)
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip("\"'") for word in _WORD.findall(text))


def _numbered(words: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> tuple[str | int, ...]:
    """Return a table's path with the number of the element after each list of tables."""
    path: list[str | int] = []
    for end in range(1, len(words) + 1):
        path.append(words[end - 1])
        if words[:end] in counts:
            path.append(counts[words[:end]])
    return tuple(path)
