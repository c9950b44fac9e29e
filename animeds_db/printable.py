"""Makes names and messages safe for terminals and tables: control characters and invalid text are escaped."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that are escaped: control characters, lone surrogates, line and paragraph separators."""

_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the writing direction. With them, one name can be made to look like another."""


def printable(text: str, *, keep: str = "") -> str:
    r"""Return `text` with characters escaped that could control a terminal or are not valid text.

    A byte of a file name that is not UTF-8 becomes `\xff`, an escape character `\x1b`, a line break `\n`.
    Characters in `keep` stay as they are. The result can be encoded as UTF-8.
    """
    if text.isprintable() and not _TURNING.intersection(text):
        return text
    return "".join(c if c in keep else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that it cannot decode
        return f"\\x{code - 0xDC00:02x}"
    if character in _TURNING or unicodedata.category(character) in _HIDDEN:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 face`, `2 faces`, `0 copies`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
