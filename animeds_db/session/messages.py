"""Converts DuckDB's errors to QueryError with line, column and hint."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from animeds_db.errors import QueryError, did_you_mean
from animeds_db.store.location import damage

RESERVED = ("show", "left", "right")
"""Our columns whose names are SQL keywords. DuckDB does not accept them without quotes."""
MORE_MEMORY = (
    "ask for fewer rows or columns, or allow more memory: the setting `memory`, or `animeds serve --memory`"
)
EXPLAIN = "EXPLAIN \n"
"""Prefix to bind a statement without running it. It moves the text down by one line."""
_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_OURS = re.compile(r"^Python exception occurred while executing the UDF: \w+: ")
"""Prefix that DuckDB adds to errors of our functions (for example `search_text` without a model)."""
_OVERLOADS = re.compile(r"Macro (\w+)\(\) has multiple overloads")
TAGGED = {
    "has_tag": "has_tag(tags, 'red_hair')",
    "has_all": "has_all(tags, ['1girl', 'red_hair'])",
    "has_any": "has_any(tags, ['1girl', 'red_hair'])",
}
"""Macros over the tags of a frame, with an example call."""
_PLACE = re.compile(r"^LINE (\d+): ", re.M)


def explained(
    error: duckdb.Error, text: str, file: str | None, views: Sequence[str], *, moved: int = 0
) -> QueryError:
    """Return the error as QueryError.

    views: the tables that a query can use.
    moved: the number of lines by which the text was moved down for DuckDB.
    """
    words = str(error)
    if "lambda arrow" in words:
        return QueryError("`x -> …` is not a valid lambda.", hint="write `lambda x: …`", file=file)
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError("This query needs more memory than the limit.", hint=MORE_MEMORY, file=file)
    if unread := damage(error):
        return QueryError(unread.message, hint=unread.hint, file=file)
    line, column = _position(words, text, moved)
    message = _PLACE.split(words, maxsplit=1)[0].strip()
    overloads = _OVERLOADS.search(message)
    if overloads:
        return QueryError(
            f"{overloads[1]}() does not accept these values, or a column does not exist in this table.",
            hint=_overload_hint(overloads[1], message),
            file=file,
            line=line,
            column=column,
        )
    own_hint = next((part[6:] for part in message.split("\n") if part.startswith("hint: ")), None)
    hint = own_hint or _hint(message, words, views, text)
    lines = [
        part
        for part in message.split("\n")
        if not part.startswith(("Did you mean", "Candidate", "LINE", "hint: "))
    ]
    one_line = _OURS.sub("", _KIND.sub("", " ".join(" ".join(lines).split())))
    return QueryError(one_line, hint=hint, file=file, line=line, column=column)


def _position(words: str, text: str, moved: int) -> tuple[int | None, int | None]:
    """Return line and column (from 1) from the excerpt and caret in DuckDB's message."""
    found = _PLACE.search(words)
    if not found:
        return None, None
    number = int(found[1]) - moved
    excerpt, _, marks = words[found.start() :].partition("\n")
    caret = marks.partition("\n")[0].find("^") - len(found[0])
    if caret < 0:
        return number, None
    shown = excerpt[len(found[0]) :]
    if shown.startswith("..."):  # DuckDB shortens a long line to the part around the caret
        lines = text.split("\n")
        start = lines[number - 1].find(shown[3:].removesuffix("...")) if number <= len(lines) else -1
        return number, start + caret - 3 + 1 if start >= 0 else None
    return number, caret + 1


def _overload_hint(macro: str, message: str) -> str:
    """Return how to call the macro. DuckDB lists its forms, but not the missing column."""
    if macro in TAGGED:
        return f"the views frames, kept and good have the columns tags and tag_ids: {TAGGED[macro]}"
    forms = [line.strip() for line in message.split("\n")[1:] if line.strip().startswith(f"{macro}(")]
    return "write " + " or ".join(forms)


def _hint(message: str, words: str, views: Sequence[str], text: str) -> str | None:
    table = re.search(r"Table with name (\S+) does not exist", message)
    if table:
        guess = did_you_mean(table[1], views)
        listed = "tables: " + ", ".join(views)
        return listed if guess.startswith("known") else f"{guess} {listed}"
    if "file system operations are disabled" in message:
        return "a query can read this database, but no files"
    near = re.search(r'syntax error at or near "([^"]*)"', message)
    if near:
        return _syntax_hint(near[1].lower(), words)
    missing = re.search(r'Referenced column "([^"]+)" not found', message)
    if missing and f'"{missing[1]}"' in text:
        return f"write text in single quotes: '{missing[1]}'. Double quotes are for columns."
    candidates = re.search(r"^(?:Candidate bindings|Did you mean):? *(.*)$", message, re.M)
    if candidates:
        return f"did you mean {candidates[1].rstrip('?')}?"
    if "Invalid conversion" in message or message.startswith("Conversion Error"):
        return "TRY_CAST(x AS …) returns NULL for values that cannot be converted"
    return None


def _syntax_hint(near: str, words: str) -> str | None:
    """Return a hint for columns such as `show` that are SQL keywords: they need a table name or quotes."""
    for name in RESERVED:
        if near == name or re.search(rf"\b{name}\b", words.partition("LINE ")[2], re.I):
            also = "show_name, " if name == "show" else ""
            return f'{name} is an SQL keyword: write {also}f.{name} (FROM frames f) or "{name}"'
    return None
