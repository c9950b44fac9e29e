"""DuckDB's errors, told as QueryError. Its one rule: say the line, the column, and a way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from animeds_db.errors import QueryError, did_you_mean
from animeds_db.store.location import damage

RESERVED = ("show", "left", "right")
"""Columns of ours that are words of SQL: bare, DuckDB does not read them as names."""
MORE_MEMORY = (
    "ask for fewer rows or columns at once, or allow more: the setting memory, or --memory of a service"
)
EXPLAIN = "EXPLAIN \n"
"""Put before a statement to have it bound and not run; it moves the text by one line."""
_KIND = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_OURS = re.compile(r"^Python exception occurred while executing the UDF: \w+: ")
"""What DuckDB puts before an error of a function of ours (`search_text` without a model, for example)."""
_OVERLOADS = re.compile(r"Macro (\w+)\(\) has multiple overloads")
TAGGED = {
    "has_tag": "has_tag(tags, 'red_hair')",
    "has_all": "has_all(tags, ['1girl', 'red_hair'])",
    "has_any": "has_any(tags, ['1girl', 'red_hair'])",
}
"""Macros over the tags of a frame, and how each is called."""
_PLACE = re.compile(r"^LINE (\d+): ", re.M)


def explained(
    error: duckdb.Error, text: str, file: str | None, views: Sequence[str], *, moved: int = 0
) -> QueryError:
    """Return the error as QueryError.

    views: the tables that a query may name.
    moved: by how many lines the text was moved down when DuckDB saw it.
    """
    words = str(error)
    if "lambda arrow" in words:
        return QueryError("`x -> …` is not a lambda", hint="write `lambda x: …`", file=file)
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError("this query needs more memory than it may take", hint=MORE_MEMORY, file=file)
    if unread := damage(error):
        return QueryError(unread.message, hint=unread.hint, file=file)
    line, column = _position(words, text, moved)
    message = _PLACE.split(words, maxsplit=1)[0].strip()
    overloads = _OVERLOADS.search(message)
    if overloads:
        return QueryError(
            f"{overloads[1]}() does not take these values, or a column is not in this table",
            hint=_overload_hint(overloads[1], message),
            file=file,
            line=line,
            column=column,
        )
    own_hint = next((part[6:] for part in message.split("\n") if part.startswith("hint: ")), None)
    hint = own_hint or _hint(message, words, views, text)
    said = [
        part
        for part in message.split("\n")
        if not part.startswith(("Did you mean", "Candidate", "LINE", "hint: "))
    ]
    one_line = _OURS.sub("", _KIND.sub("", " ".join(" ".join(said).split())))
    return QueryError(one_line, hint=hint, file=file, line=line, column=column)


def _position(words: str, text: str, moved: int) -> tuple[int | None, int | None]:
    """Return line and column, from 1, from the excerpt and caret that DuckDB prints."""
    found = _PLACE.search(words)
    if not found:
        return None, None
    number = int(found[1]) - moved
    excerpt, _, marks = words[found.start() :].partition("\n")
    place = marks.partition("\n")[0].find("^") - len(found[0])
    if place < 0:
        return number, None
    shown = excerpt[len(found[0]) :]
    if shown.startswith("..."):  # a long line is cut to what is around the caret
        lines = text.split("\n")
        start = lines[number - 1].find(shown[3:].removesuffix("...")) if number <= len(lines) else -1
        return number, start + place - 3 + 1 if start >= 0 else None
    return number, place + 1


def _overload_hint(macro: str, message: str) -> str:
    """Return how the macro is called: DuckDB lists its forms, but not which column it missed."""
    if macro in TAGGED:
        return f"frames, kept and good have the columns tags and tag_ids: {TAGGED[macro]}"
    forms = [line.strip() for line in message.split("\n")[1:] if line.strip().startswith(f"{macro}(")]
    return "write " + " or ".join(forms)


def _hint(message: str, words: str, views: Sequence[str], text: str) -> str | None:
    table = re.search(r"Table with name (\S+) does not exist", message)
    if table:
        guess = did_you_mean(table[1], views)
        listed = "tables: " + ", ".join(views)
        return listed if guess.startswith("known") else f"{guess} {listed}"
    if "file system operations are disabled" in message:
        return "a query reads this database only, no files"
    near = re.search(r'syntax error at or near "([^"]*)"', message)
    if near:
        return _syntax_hint(near[1].lower(), words)
    missing = re.search(r'Referenced column "([^"]+)" not found', message)
    if missing and f'"{missing[1]}"' in text:
        return f"text is written in single quotes: '{missing[1]}'. Double quotes are for columns."
    candidates = re.search(r"^(?:Candidate bindings|Did you mean):? *(.*)$", message, re.M)
    if candidates:
        return f"did you mean {candidates[1].rstrip('?')}?"
    if "Invalid conversion" in message or message.startswith("Conversion Error"):
        return "TRY_CAST(x AS …) gives NULL where a value does not fit"
    return None


def _syntax_hint(near: str, words: str) -> str | None:
    """Words like `show` are columns here and words of SQL: they need a table or quotes in front."""
    for name in RESERVED:
        if near == name or re.search(rf"\b{name}\b", words.partition("LINE ")[2], re.I):
            also = "show_name, " if name == "show" else ""
            return f'{name} is a word of SQL: write {also}f.{name} (FROM frames f) or "{name}"'
    return None
