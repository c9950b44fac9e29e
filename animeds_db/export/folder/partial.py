"""An unfinished folder: finds its intact files, and makes files that share their bytes.

A picture counts as finished if the journal has a line for it and its bytes have the hash in that line.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import xxhash

from animeds_db.export.pictures.picture import Written
from animeds_db.safe_files import UnsafePathError, inside

FICLONE = 0x40049409
"""ioctl that lets a file share the blocks of another until one is changed: Btrfs, XFS, bcachefs (linux/fs.h)."""

_CHUNK = 1 << 20


def mark_of_file(place: Path) -> str:
    """Return the mark of a file on disk (see picture.mark_of), which is read in blocks."""
    digest, size = xxhash.xxh3_128(), 0
    with place.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
    return f"{size}:{digest.hexdigest()}"


def note(path: str, made_of: str, written: Written) -> bytes:
    """Return the line of the journal for a picture that is complete."""
    return (json.dumps([path, made_of, asdict(written)]) + "\n").encode()


def finished(journal: IO[bytes], folder: Path, wanted: Mapping[str, str]) -> dict[str, Written]:
    """Return the pictures of a journal that the export needs unchanged and whose files are intact."""
    journal.seek(0)
    lines = journal.read().splitlines()
    return {
        path: written
        for path, made_of, written in _lines(lines)
        if wanted.get(path) == made_of
        and all(_is_whole(folder, *one) for one in written.places(path).items())
    }


def _lines(journal: Iterable[bytes]) -> Iterator[tuple[str, str, Written]]:
    for line in journal:
        try:
            path, made_of, values = json.loads(line)
        except ValueError:  # a line that was cut off by a crash
            continue
        yield path, made_of, _written(values)


def _written(values: dict[str, Any]) -> Written:
    shown = values.pop("shown")
    return Written(**values, shown=None if shown is None else tuple(shown))


def _is_whole(folder: Path, path: str, mark: str) -> bool:
    try:
        return mark_of_file(inside(folder, path)) == mark
    except (OSError, UnsafePathError):
        return False


def sweep(folder: Path, keep: set[str]) -> None:
    """Delete all files below a folder except these (relative paths), then empty folders."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(place, name)
            if path.relative_to(folder).as_posix() not in keep:
                path.unlink()
        for name in folders:
            path = Path(place, name)
            if path.is_symlink():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()


def shared_copy(place: Path, other: Path) -> str:
    """Make `other` the same file as `place`, sharing its bytes if the file system supports it. Return how.

    A clone is a file of its own that shares blocks; a hard link is the same file under two names.
    """
    if _clone(place, other):
        return "clone"
    try:
        other.hardlink_to(place)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EEXIST):
            raise
        shutil.copyfile(place, other)  # no links here (exFAT, some network disks), or too many of one file
        return "copy"
    return "hard link"


def _clone(place: Path, other: Path) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    with place.open("rb") as source, other.open("xb") as target:
        try:
            fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
        except OSError:
            is_cloned = False
        else:
            is_cloned = True
    if not is_cloned:
        other.unlink()
    return is_cloned
