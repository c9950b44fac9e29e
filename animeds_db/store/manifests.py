"""The manifests of a table in a folder: one file per version, which Lance writes last. Read here without Lance.

To import Lance takes longer than most questions about a database, and it opens a table in milliseconds. The newest
version is in the name of a file, and the version of our tables is in the content of one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"LANC"
"""The last four bytes of every Lance manifest (lance-table, io/manifest.rs)."""
FOLDER = "_versions"
_FOOTER = struct.Struct("<QHH4s")
_SUFFIX = ".manifest"
_COLUMN, _FRAGMENT, _VERSION, _METADATA, _READER_FLAGS = 1, 2, 3, 5, 9
"""Numbers of fields in the body of a manifest: a column, a piece of the data, the number of the version, an entry of
the schema's metadata, and what a reader must know of (protos/table.proto)."""
_KNOWN_FLAGS = 0b11
"""Reader flags that do not change where the data is named: deletion files, and stable row ids (feature_flags.rs)."""
_FIXED = {1: 8, 5: 4}
"""Size in bytes of the kinds of fields with a fixed size."""


def manifest_names(version: int) -> tuple[str, str]:
    """Return the paths that the manifest of a version may have, relative to the table."""
    return f"{FOLDER}/{2**64 - 1 - version}{_SUFFIX}", f"{FOLDER}/{version}{_SUFFIX}"


def manifests(table: Path) -> list[Path]:
    """Return a table's manifests, newest first. File names count down from 2**64 - 1; in older tables, up."""
    folder = table / FOLDER
    return [folder / f"{number}{_SUFFIX}" for number in sorted(_numbers(table), key=_version, reverse=True)]


def newest_version(table: Path) -> int | None:
    """Return the number of a table's newest version, or None if it has no manifest."""
    return max(map(_version, _numbers(table)), default=None)


def newest_manifest(table: Path) -> Path | None:
    """Return the manifest of a table's newest version, or None if there is none."""
    newest = max(_numbers(table), key=_version, default=None)
    return None if newest is None else table / FOLDER / f"{newest}{_SUFFIX}"


def version_of(manifest: Path) -> int:
    """Return the version number of a manifest."""
    return _version(int(manifest.stem))


def is_whole(manifest: Path) -> bool:
    """Return True if a manifest is complete: its footer points to a body, which fills the rest of the file.

    From its end (lance-table, io/manifest.rs): 4 bytes MAGIC, two numbers of 2 bytes, the position of the body in
    8 bytes; the body begins with its length in 4 bytes. All little-endian.
    """
    with manifest.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < _FOOTER.size:
            return False
        file.seek(size - _FOOTER.size)
        start, _, _, magic = _FOOTER.unpack(file.read(_FOOTER.size))
        start = int(start)
        if magic != MAGIC or start + 4 + _FOOTER.size > size:
            return False
        file.seek(start)
        return start + 4 + int.from_bytes(file.read(4), "little") + _FOOTER.size == size


def noted(table: Path, key: bytes) -> str | None:
    """Return the text of a key in the metadata of a table's newest schema; None if it is not there.

    None also for a damaged manifest: Lance then says what is wrong with it.
    """
    manifest = newest_manifest(table)
    try:
        for number, entry in _fields(manifest) if manifest else ():
            parts = dict(_parsed(entry)) if number == _METADATA and isinstance(entry, bytes) else {}
            text = parts.get(2, b"")
            if parts.get(1) == key and isinstance(text, bytes):
                return text.decode("utf-8", "replace")
    except ValueError:
        return None
    return None


def is_surely_empty(table: Path, version: int) -> bool:
    """Return True if the manifest of a version is here, whole, and names no data.

    After a deletion, it may name some. A bit that changed on the disk is noticed if it breaks the encoding.
    """
    manifest = next((path for name in manifest_names(version) if (path := table / name).is_file()), None)
    if manifest is None:
        return False
    try:
        fields = list(_fields(manifest))
    except ValueError:
        return False
    flags = next((content for number, content in fields if number == _READER_FLAGS), 0)
    numbers = {number for number, _ in fields}
    return (
        (_VERSION, version) in fields
        and _COLUMN in numbers
        and _FRAGMENT not in numbers
        and isinstance(flags, int)
        and not flags & ~_KNOWN_FLAGS
    )


def _fields(manifest: Path) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and content of each field in the body of a manifest. Raises ValueError if it is damaged."""
    content = manifest.read_bytes()
    start = int.from_bytes(content[-_FOOTER.size :][:8], "little") + 4
    yield from _parsed(content[start : -_FOOTER.size])


def _parsed(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and content of each field of a message in Protocol Buffers' encoding: a number, or bytes.

    Raises ValueError if the message is not valid.
    """
    place = 0
    while place < len(message):
        tag, place = _number(message, place)
        kind = tag & 7
        if not tag >> 3 or kind not in (0, 1, 2, 5):
            raise ValueError("A field has a number or a kind that does not exist.")
        if kind == 0:
            value, place = _number(message, place)
            yield tag >> 3, value
            continue
        size = _FIXED.get(kind)
        if size is None:
            size, place = _number(message, place)
        if place + size > len(message):
            raise ValueError("A field is longer than the message.")
        yield tag >> 3, message[place : place + size]
        place += size


def _number(message: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, seven bits per byte, and the place after it."""
    value = shift = 0
    while place < len(message):
        value |= (message[place] & 0x7F) << shift
        if not message[place] & 0x80:
            return value, place + 1
        shift, place = shift + 7, place + 1
    raise ValueError("A number is longer than the message.")


def _numbers(table: Path) -> list[int]:
    """Return the numbers in the names of a table's manifests, in any order."""
    try:
        names = os.listdir(table / FOLDER)  # noqa: PTH208 (names only)
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return [int(stem) for stem in stems if stem.isdecimal()]


def _version(number: int) -> int:
    return 2**64 - 1 - number if number >= 2**63 else number
