"""Paths from untrusted files, and files that appear complete or not at all.

Every path from a manifest, a database, an export or an archive goes through `inside` before anything is read or
written there; a path that somebody gave to a page goes through `resolved_below`. Every file that this program replaces
is written through `whole_file`.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import IO

from animeds_db.errors import AnimedsError

PARTIAL = ".partial"
"""Suffix of files and folders that are still being written."""
ABANDONED_S = 86_400.0
"""Age in seconds (one day) after which an unfinished file counts as left over, where files cannot be locked:
on Windows and some network disks."""


class UnsafePathError(AnimedsError):
    """A path points outside the folder it belongs to."""


def inside(root: Path, path: str) -> Path:
    """Return `root / path`, checked to lie below `root` without passing through a link. It need not exist.

    `root` itself may be a link, because the user named it. Raises UnsafePathError for an absolute path, for `..`,
    and if any part of `path` is a link, whatever it points to.
    """
    place = root
    for part in relative(path, root).parts:
        place = place / part
        if place.is_symlink():
            raise UnsafePathError(
                f"{place} is a link, and links inside {root} are not followed",
                hint="replace the link with the file itself, or delete it",
            )
    return place


def resolved_below(roots: Iterable[Path], path: str) -> Path:
    """Return an existing path with its links resolved, checked to lie in or below one of the folders `roots`.

    A path that is not absolute starts at the first root. Hidden files and folders below a root are refused.
    Raises UnsafePathError, also if nothing is there: a path outside must not reveal whether it exists.
    """
    allowed = [root.resolve() for root in roots]
    hint = f"Choose a path below {' or '.join(map(str, allowed))}, or start `animeds serve --roots FOLDER`."
    refused = UnsafePathError(f"{path[:500]!r} is not a file or folder that this service may read", hint=hint)
    if not allowed or "\0" in path:
        raise refused
    try:
        place = (allowed[0] / Path(path).expanduser()).resolve(strict=True)
    except (OSError, RuntimeError):
        raise refused from None
    for root in allowed:
        if place.is_relative_to(root) and not any(p.startswith(".") for p in place.relative_to(root).parts):
            return place
    raise refused


def relative(path: str, root: object) -> PurePath:
    """Return `path` as a relative path without `..`; links are not checked. Raises UnsafePathError otherwise."""
    parts = PurePath(path)
    if not parts.parts or parts.anchor or ".." in parts.parts or "\0" in path:
        raise UnsafePathError(
            f"{path!a} is not a path inside {root}",
            hint="do not use the file that names it: it is damaged or malicious",
        )
    return parts


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that replaces `path` when the block ends without an error. A link is replaced, not followed.

    Unfinished files of earlier runs beside it are deleted. Raises OSError.
    """
    prefix = f".{path.name}."
    remove_leftovers(path.parent, prefix)
    beside = path.with_name(f"{prefix}{secrets.token_hex(4)}{PARTIAL}")
    try:
        with beside.open("xb") as file:
            if sys.platform != "win32":  # where a locked file cannot be read by others
                try_lock(file.fileno())
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(parent: Path, prefix: str, mode: int = 0o777) -> Iterator[Path]:
    """Create a folder `PREFIX….partial` in `parent`, and delete it at the end unless the block moved it elsewhere.

    Unfinished folders of earlier runs with this prefix are deleted. Raises OSError.
    """
    remove_leftovers(parent, prefix)
    folder = parent / f"{prefix}{secrets.token_hex(4)}{PARTIAL}"
    folder.mkdir(mode)
    handle = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            try_lock(handle)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def remove_leftovers(parent: Path, prefix: str) -> None:
    """Delete the files and folders `PREFIX….partial` in `parent` that no running process is writing."""
    length = len(prefix) + 8 + len(PARTIAL)
    for place in [p for p in parent.glob(f"{glob.escape(prefix)}*{PARTIAL}") if len(p.name) == length]:
        if not _is_abandoned(place):
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)


def try_lock(handle: int) -> bool:
    """Lock an open file or folder until it is closed. Return False if another process holds the lock.

    Returns True if the file system does not support locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def locked_file(path: Path) -> IO[bytes] | None:
    """Open a file to read and append, unbuffered, and lock it. Return None if another process holds the lock.

    Raises OSError, also if the file is a link.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags, 0o666), "a+b", buffering=0)
    if try_lock(file.fileno()):
        return file
    file.close()
    return None


def _is_abandoned(place: Path) -> bool:
    try:
        age = time.time() - place.lstat().st_mtime
        if sys.platform == "win32" or place.is_symlink():
            return age > ABANDONED_S
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # deleted meanwhile, or owned by another user
        return False
    try:
        # A file is created shortly before it is locked, so nothing younger than a second is deleted.
        return age > 1 and try_lock(handle)
    finally:
        os.close(handle)
