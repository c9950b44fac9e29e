"""A folder that appears only when it is complete. Files that a person made are never deleted.

Everything is written to `.NAME.partial` beside the folder, which is renamed when it is complete. A folder that is
replaced is called `.NAME.old` between two renames. If the program crashes there, the next export to the same path
repairs it. An interrupted export leaves its unfinished folder; the next export to the same path reuses the pictures
in it that it needs.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from animeds_db.errors import ExportError
from animeds_db.export.folder.partial import finished, mark_of_file, note, shared_copy, sweep
from animeds_db.export.folder.synced import RECORD_NAME, deletions_read
from animeds_db.export.manifest import MANIFEST_NAME, Manifest, read_manifest
from animeds_db.export.pictures.picture import Written, mark_of
from animeds_db.remote.storage import was_uri
from animeds_db.safe_files import inside, locked_file

MARK = ".animeds-partial"
"""File that marks an unfinished folder as ours. It is locked while an export writes there."""

LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", RECORD_NAME})
"""Files that may be deleted with a folder: those of file managers, and the record of `animeds sync`."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) if hasattr(errno, "EDQUOT") else (errno.ENOSPC, errno.EFBIG)
_log = logging.getLogger("animeds")


class NewFolder:
    """Context manager: `write()` files, then `commit()`. Without commit nothing remains, unless it was interrupted.

    Raises ExportError at once when `out` must not be written: a file, a folder that is not empty (with `overwrite`:
    unless an export made it and it is unchanged), or the current folder.
    """

    def __init__(self, out: Path, *, overwrite: bool = False) -> None:
        if was_uri(out):
            raise ExportError(
                f"{out} is not a folder.",
                hint="Give a folder. `animeds export` also accepts s3://BUCKET/NAME.",
            )
        self.out = Path(os.path.abspath(out)) if not out.is_symlink() else out.resolve()  # noqa: PTH100
        self.partial = self.out.with_name(f".{self.out.name}.partial")
        self._old = self.out.with_name(f".{self.out.name}.old")
        self.files: dict[str, str] = {}
        """Files that were written besides the pictures: path → `SIZE:XXH3`."""
        self._overwrite = overwrite
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self.out == Path.cwd() or self.out in Path.cwd().parents:
            raise ExportError(
                f"{self.out} is the current folder.",
                hint="Choose a new folder. It will be created when the export is complete.",
            )
        with _explained(self.out):
            self._mend()
            self._check_target()
            self.partial.mkdir(parents=True, exist_ok=True)
            self._take_partial()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._release()
            if kind is None or issubclass(kind, Exception):  # not after Ctrl-C: finished pictures are kept
                shutil.rmtree(self.partial, ignore_errors=True)

    def write_picture(self, path: str, content: bytes) -> None:
        """Write one picture, `path` relative with `/`. Safe to call from several threads."""
        with _explained(self.out):
            self._place(path).write_bytes(content)

    def write(self, path: str, content: bytes) -> None:
        """Write one other file, `path` relative with `/`."""
        self.write_picture(path, content)
        self.files[path] = mark_of(content)

    def read(self, path: str) -> bytes:
        """Return the bytes of a file that was written."""
        with _explained(self.out):
            return inside(self.partial, path).read_bytes()

    def remove(self, path: str) -> None:
        """Delete a file or folder that was written."""
        with _explained(self.out):
            place = inside(self.partial, path)
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()

    @contextmanager
    def create(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file for writing."""
        with _explained(self.out):
            place = self._place(path)
            with place.open("wb") as file:
                yield file
            self.files[path] = mark_of_file(place)

    def link(self, path: str, other: str) -> str:
        """Give a picture a second path; return how: `clone`, `hard link` or `copy`."""
        with _explained(self.out):
            return shared_copy(inside(self.partial, path), self._place(other))

    def _place(self, path: str) -> Path:
        place = inside(self.partial, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def resume(self, wanted: Mapping[str, str]) -> dict[str, Written]:
        """Return the intact pictures of an interrupted export. Delete everything else in the unfinished folder.

        `wanted` maps each path to the key of its pixels that was given to `done()`.
        """
        assert self._lock is not None
        with _explained(self.out):
            kept = finished(self._lock, self.partial, wanted)
            self._lock.truncate(0)
            sweep(
                self.partial, {MARK, *(place for path, done in kept.items() for place in done.places(path))}
            )
        for path, written in kept.items():
            self.done(path, wanted[path], written)
        return kept

    def done(self, path: str, made_of: str, written: Written) -> None:
        """Record that a picture is complete, for an export that continues after an interruption."""
        assert self._lock is not None
        with _explained(self.out):
            line = note(path, made_of, written)
            if self._lock.write(line) != len(line):  # the disk is full: only a part was written
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def commit(self) -> None:
        """Give the folder its name, replacing the old folder if there is one."""
        with _explained(self.out):
            if hasattr(os, "sync"):
                os.sync()  # one call for all files; a rename may otherwise outlive the bytes of a power cut
            self._check_target()  # again, because files may have been added in the meantime
            (self.partial / MARK).unlink()
            if not self.out.exists():
                self.partial.rename(self.out)
            elif not any(self.out.iterdir()):
                self.out.rmdir()
                self.partial.rename(self.out)
            else:
                self._replace()
        self._release()

    def _replace(self) -> None:
        self.out.rename(self._old)
        try:
            self.partial.rename(self.out)
        except BaseException:
            self._old.rename(self.out)
            raise
        _remove_old(self._old)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _mend(self) -> None:
        """Finish a replacement that was interrupted between two renames."""
        if not self._old.exists():
            return
        if not self.out.exists():
            self._old.rename(self.out)
        elif not _changes(self._old, read_manifest(self._old)):
            _remove_old(self._old)
        else:
            raise ExportError(
                f"{self._old} is in the way.", hint="Check its contents, then move or delete it."
            )

    def _check_target(self) -> None:
        if not self.out.exists():
            return
        if not self.out.is_dir():
            raise ExportError(f"{self.out} is a file.", hint="Choose a folder that does not exist yet.")
        if not any(self.out.iterdir()):
            return
        if not (self.out / MANIFEST_NAME).is_file():
            raise ExportError(
                f"{self.out} contains files that no export wrote.",
                hint="Choose another folder. --overwrite replaces only folders that an export made.",
            )
        if not self._overwrite:
            raise ExportError(f"{self.out} is not empty.", hint="--overwrite replaces an earlier export.")
        changes = changes_by_hand(self.out)
        if changes:
            more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
            raise ExportError(
                f"{self.out} has been changed since it was exported: {', '.join(changes[:3])}{more}.",
                hint=f"Run `animeds sync '{self.out}'` first, which reads deletions and edits. Move files "
                "that you added or edited elsewhere, or export to another folder.",
            )

    def _take_partial(self) -> None:
        """Lock the unfinished folder. The files of an interrupted export stay there until resume()."""
        if self.partial.is_symlink():
            raise ExportError(f"{self.partial} is a link that no export made.", hint="Delete the link.")
        mark = inside(self.partial, MARK)
        if not mark.exists() and any(self.partial.iterdir()):
            raise ExportError(
                f"{self.partial} is in the way, and no export made it.",
                hint="Move it elsewhere, or delete it.",
            )
        self._lock = locked_file(mark)
        if self._lock is None:
            raise ExportError(
                f"Another export is already writing to {self.out}.",
                hint="Wait until it has finished, or choose another folder.",
            )


def _remove_old(folder: Path) -> None:
    """Delete a folder that was checked. The manifest goes last, so that a crash leaves a folder that can be checked."""
    try:
        for child in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
            if child.is_dir():
                shutil.rmtree(child)
            else:
                child.unlink()
        folder.rmdir()
    except OSError as error:  # the new folder is complete: this is not a failure
        _log.warning("the replaced folder could not be deleted and is now %s: %s", folder, error)


def changes_by_hand(folder: Path) -> list[str]:
    """Return what people changed in an exported folder, one text per file: added, edited, moved or deleted.

    Deletions that `animeds sync` has read do not count. Raises ExportError if the manifest cannot be read.
    """
    manifest = read_manifest(folder)
    deleted = [f"{name} (deleted)" for name in _deleted(folder, manifest)]
    return [*_changes(folder, manifest), *deleted]


def _deleted(folder: Path, manifest: Manifest) -> list[str]:
    """Return the pictures of an export that are missing from its folder, without what a sync has read.

    The parts of a picture are deleted with it.
    """
    gone = [path for path in manifest.loose if not (folder / path).exists()]
    return sorted(set(gone) - manifest.parts_of(deletions_read(folder))) if gone else []


def _changes(folder: Path, manifest: Manifest) -> list[str]:
    """Return messages about the files of a folder that its export did not write."""
    pictures = manifest.loose
    changes = []
    for place in sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()):
        name = place.relative_to(folder).as_posix()
        if name == MANIFEST_NAME:
            continue
        if place.is_symlink() or (name not in pictures and name not in manifest.files):
            if place.name not in LITTER:
                changes.append(f"{name} (not from the export)")
        elif name in manifest.files:
            if mark_of_file(place) != manifest.files[name]:
                changes.append(f"{name} (edited)")
        elif place.stat().st_size != pictures[name]:
            changes.append(f"{name} (another picture)")
    return changes


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    """Turn errors of the file system into ExportError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ExportError(
                f"There is no space left for {out}: {error.strerror}. Nothing was kept.",
                hint="Free some space, or write smaller files with --image webp or --max-size.",
            ) from error
        if isinstance(error, PermissionError):
            raise ExportError(f"You have no permission to write {error.filename or out}.") from error
        raise ExportError(f"{out} cannot be written: {error.strerror or error}") from error
