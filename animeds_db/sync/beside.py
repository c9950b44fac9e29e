"""Text about pictures in files other than captions: sidecars, and the lists that trainers read.

The exported content is computed again from the manifest. Only what differs from it was edited by a person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from animeds_db.errors import ExportError
from animeds_db.export.folder.furnish import item_of
from animeds_db.export.layouts import Item, Tree
from animeds_db.export.layouts.huggingface import SPLIT
from animeds_db.export.manifest import Manifest
from animeds_db.export.pictures.picture import mark_of
from animeds_db.export.sidecars import SIDECARS
from animeds_db.safe_files import inside

Words = Mapping[str, str]
"""File and key → text, parts joined by commas. Keys are such as `json tags` and `waifuc caption`."""

CHARACTERS = "characters"
BY_FACE = frozenset({f"json {CHARACTERS}"})
"""Keys whose text names one character per face, in the order of the faces."""


def _joined(values: object) -> str:
    """Return names from a list, or from the keys of a mapping to scores, joined as in a caption."""
    if isinstance(values, str):
        return values
    if not isinstance(values, list | Mapping):
        raise TypeError(f"{values!r} is not a list")
    return ", ".join(str(value) for value in values)


def _of_tags(content: bytes) -> dict[str, str]:
    return {"tags": content.decode("utf-8-sig").strip()}


def _of_json(content: bytes) -> dict[str, str]:
    values = json.loads(content.decode("utf-8-sig"))
    columns = ("tags", CHARACTERS, "caption")
    return {name: _joined(values[name]) for name in columns if values.get(name) is not None}


_READERS: dict[str, Callable[[bytes], dict[str, str]]] = {
    "json": _of_json,
    "tags": _of_tags,
    "waifuc": _of_json,
}
"""Kind of sidecar → function that reads it."""


@dataclass(frozen=True)
class _Rows:
    """A file of JSON lines, one per picture: the column with its file name, and those with text about it."""

    path: str
    file_column: str
    columns: tuple[str, ...]
    below: str = ""
    """The folder to which file names are relative, within the layout."""


_LISTS = {
    "imagefolder": _Rows(f"{SPLIT}/metadata.jsonl", "file_name", ("text", "tags"), f"{SPLIT}/"),
}
"""Layout → its file of JSON lines."""


@dataclass
class Beside:
    """Text about the pictures of one layout, apart from captions. Pictures are numbered as in the export."""

    root: Path
    manifest: Manifest
    place: int
    """Index of the layout among those of the export."""
    broken: dict[str, str] = field(default_factory=dict)
    """Files that cannot be read → reason."""

    def __post_init__(self) -> None:
        self._options = self.manifest.options
        self._layout = self._options.chosen[self.place]
        self._within = f"{self._options.folder_of(self._layout)}/".lstrip("/")
        readable = tuple(kind for kind in self._options.sidecars if kind in _READERS)
        self._kinds = () if self._layout.tells else readable
        self._list = _LISTS.get(self._layout.name)

    def _item(self, number: int, path: str | None = None) -> Item:
        picture = self.manifest.pictures[number]
        own = (path or picture.paths[self.place]).removeprefix(self._within)
        return item_of(picture, own, self.manifest.written[number])

    def exported(self, number: int) -> Words:
        """Return the text that the export wrote about a picture."""
        item = self._item(number)
        words = dict(self._row_words(self._rows_exported[number])) if self._list else {}
        for kind in self._kinds:
            words |= _named(kind, _READERS[kind](SIDECARS[kind](item)[1]))
        return words

    def found(self, number: int, paths: Sequence[str]) -> Words | None:
        """Return the text that is there now, or None if it is unchanged since the export.

        paths: path of the picture, then paths beside which its files may have been left; relative to the root.
        """
        words = {**self._of_row(number, paths), **self._of_sidecars(number, paths)}
        if not words:
            return None
        exported = self.exported(number)
        return None if {**exported, **words} == exported else {**exported, **words}

    def _of_sidecars(self, number: int, paths: Sequence[str]) -> dict[str, str]:
        words: dict[str, str] = {}
        for kind in self._kinds:
            first = self._within + SIDECARS[kind](self._item(number))[0]
            for path in paths:
                name = self._within + SIDECARS[kind](self._item(number, path))[0]
                content = _content(inside(self.root, name))
                if content is None:
                    continue
                if mark_of(content) != self.manifest.files.get(first):
                    words |= _named(kind, self._read(name, _READERS[kind], content))
                break
        return words

    def _read(self, name: str, reader: Callable[[bytes], dict[str, str]], content: bytes) -> dict[str, str]:
        try:
            return reader(content)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self.broken[name] = str(error)
            return {}

    def _of_row(self, number: int, paths: Sequence[str]) -> dict[str, str]:
        if self._list is None or not self._rows_found:
            return {}
        own = self._rows_exported[number][self._list.file_column]
        moved = [path.removeprefix(self._within).removeprefix(self._list.below) for path in paths]
        row = next((self._rows_found[name] for name in (own, *moved) if name in self._rows_found), None)
        return {} if row is None else dict(self._row_words(row))

    def _row_words(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        assert self._list is not None
        for column in self._list.columns:
            if row.get(column) is not None:
                yield f"{self._list.path} {column}", _joined(row[column])

    @cached_property
    def _rows_exported(self) -> list[dict[str, Any]]:
        assert self._list is not None
        items = [self._item(number) for number in range(len(self.manifest.pictures))]
        files = dict(self._layout.files(Tree(items, self._options.settings(self._layout, self.root))))
        return [json.loads(line) for line in files[self._list.path].decode().splitlines()]

    @cached_property
    def _rows_found(self) -> dict[str, dict[str, Any]]:
        """The current rows by file name. Empty if the file is unchanged."""
        assert self._list is not None
        name = self._within + self._list.path
        content = _content(inside(self.root, name))
        if content is None or mark_of(content) == self.manifest.files.get(name):
            return {}
        try:
            rows = [json.loads(line) for line in content.decode("utf-8-sig").split("\n") if line.strip()]
            for row in rows:
                dict(self._row_words(row))  # a column of the wrong type invalidates the whole file
            return {row[self._list.file_column]: row for row in rows}
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self.broken[name] = str(error)
            return {}


def _named(kind: str, words: Mapping[str, str]) -> dict[str, str]:
    return {f"{kind} {what}": text for what, text in words.items()}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror or error}") from error
