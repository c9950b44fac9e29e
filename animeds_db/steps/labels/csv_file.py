"""Labels and renames from CSV files. If a line has an error, the message names it and nothing is written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.steps.labels.changes import Word, checked
from animeds_db.steps.labels.targets import BOX_FIELDS, BOX_IDS, EITHER_FIELDS, words_about
from animeds_db.store import Store

FIELDS = {
    "character": "character",
    "appearance": "appearance",
    "tag": "tag",
    "tags": "tag",
    "frame": "frame",
    "description": "description",
}
"""Columns with labels, and the field of each."""

Said = tuple[str, str, str | None, str]
"""field, op, value, id of a frame or detection."""


def read_words(store: Store, session: Session, path: Path) -> list[Word]:
    """Return the labels in a CSV file.

    Columns: frame_id or face_id (or detection_id, head_id, halfbody_id, person_id), and at least one of character,
    appearance, tags ("+smile, -solo"), frame (keep or drop), description. Other columns and empty cells are ignored.
    Raises UsageError with the line for a file that cannot be read.
    """
    rows = list(_rows(path))
    said = [(number, word) for number, row in rows for word in _said(path, number, row)]
    if not said:
        raise UsageError(
            f"{path} contains no labels: every cell is empty.",
            hint="Fill in the column character, tags or frame.",
        )
    try:
        return words_about(store, session, [word for _, word in said])
    except QueryError:
        raise _placed(store, session, path, said) from None


def read_pairs(path: Path) -> list[tuple[int, str, str]]:
    """Return (line, old, new) of a two-column CSV; a header such as `old,new` is left out.

    Raises UsageError with the line for other numbers of columns and for empty names.
    """
    pairs: list[tuple[int, str, str]] = []
    for number, cells in _lines(path):
        if len(cells) != 2:
            what = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
            raise UsageError(
                f"{path}:{number}: {what} instead of two.", hint="Each line is: old name,new name"
            )
        old, new = (cell.strip() for cell in cells)
        if not old or not new:
            raise UsageError(f"{path}:{number}: the {'old' if not old else 'new'} name is empty.")
        if not (number == 1 and (old.lower(), new.lower()) in _HEADERS):
            pairs.append((number, old, new))
    return pairs


_HEADERS = {
    ("old", "new"),
    ("from", "to"),
    ("name", "new_name"),
    ("old_name", "new_name"),
    ("old name", "new name"),
}


def ids_in(text: str, columns: Sequence[str]) -> list[str]:
    """Return the ids in a text: words between spaces, commas and line ends.

    If the first line is a CSV or TSV header with one of these columns, the cells of that column are the ids.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    header = next(csv.reader(lines[:1], delimiter=delimiter), [])
    names = [name.strip().lower() for name in header]
    column = next((column for column in columns if column in names), None)
    if column is None:
        return [part for part in re.split(r"[\s,]+", text) if part]
    cells = csv.DictReader(lines[1:], fieldnames=names, delimiter=delimiter)
    return [cell[column].strip() for cell in cells if cell[column]]


def tag_changes(text: str) -> list[tuple[str, str]]:
    """Return (op, tag) of "+smile, -solo": a tag without a sign is added. Raises UsageError for a sign without a
    tag."""
    changes = []
    for part in (part.strip() for part in text.split(",")):
        if part:
            tag = part[1:] if part[0] in "+-" and len(part) > 1 and not part[1].isspace() else part
            if tag in ("+", "-") or not tag.strip():
                raise UsageError(f'"{part}" is a sign without a tag.', hint='For example "+smile, -solo".')
            changes.append(("remove" if part[0] == "-" and tag != part else "add", tag))
    return changes


def _said(path: Path, number: int, row: Mapping[str, str]) -> Iterator[Said]:
    box = next((row[name] for name in BOX_IDS if row.get(name)), "")
    frame = row.get("frame_id") or box.rpartition("-")[0]
    for column, field in FIELDS.items():
        cell = row.get(column, "")
        target = (box or frame) if field in (*BOX_FIELDS, *EITHER_FIELDS) else frame
        if not cell:
            continue
        if not target:
            raise UsageError(f"{path}:{number}: {column} is {cell}, but frame_id and face_id are empty.")
        try:
            changes = tag_changes(cell) if field == "tag" else [("set", cell)]
            for op, value in changes:
                yield field, op, checked(field, op, value), target
        except UsageError as error:
            raise UsageError(f"{path}:{number}: {error.message}", hint=error.hint) from error


def _placed(store: Store, session: Session, path: Path, said: list[tuple[int, Said]]) -> UsageError:
    """Return the error of the first line whose id cannot be used."""
    for number, word in said:
        try:
            words_about(store, session, [word])
        except QueryError as error:
            return UsageError(f"{path}:{number}: {error.message}", hint=error.hint)
    raise AssertionError("the lines fail together, but not one by one")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = _lines(path)
    _, header = next(lines, (0, []))
    names = [name.strip().lower() for name in header]
    if not {"frame_id", *BOX_IDS} & set(names):
        raise UsageError(
            f"{path}:1: there is no column frame_id or face_id. The columns are: {', '.join(names) or 'none'}",
            hint="The first line names the columns, such as face_id,character.",
        )
    if not set(FIELDS) & set(names):
        raise UsageError(
            f"{path}:1: there is no column with labels. The columns are: {', '.join(names)}",
            hint=f"Columns with labels: {', '.join(FIELDS)}",
        )
    for number, cells in lines:
        if len(cells) != len(names):
            raise UsageError(f"{path}:{number}: {len(cells)} cells, but the first line has {len(names)}.")
        yield number, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty with their numbers; tab-separated if the first line has a tab."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter="\t" if "\t" in first else ",")
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as CSV: {error}") from error
