"""Copies and reads the files of a database, in a folder or at a URI. A file is either complete or absent."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from animeds_db.errors import StoreError
from animeds_db.safe_files import inside, relative, whole_file
from animeds_db.store.checksums import file_hash
from animeds_db.store.fsync import flush_files
from animeds_db.store.location import Location, read_errors, write_errors

if TYPE_CHECKING:
    from lance.file import LanceFileSession

_BLOCK = 1 << 20


class Files:
    """The files of one database; `path` is relative to it: "frames.lance/data/….lance"."""

    def __init__(self, location: Location) -> None:
        self._place = location
        self._session: LanceFileSession | None = None

    def check(self, path: str) -> None:
        """Raise UnsafePathError if a path leads outside the database or through a link."""
        if (folder := self._place.path) is not None:
            inside(folder, path)
        else:
            relative(path, self._place.uri)

    def names(self) -> set[str]:
        """Return the paths of all files."""
        if (folder := self._place.path) is not None:
            files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
            return {p.relative_to(folder).as_posix() for p in files}
        with read_errors(self._place.uri):
            return set(self._remote().list())

    def read(self, path: str) -> bytes | None:
        """Return a small file's content, or None if it does not exist."""
        if (folder := self._place.path) is not None:
            file = inside(folder, path)
            return file.read_bytes() if file.is_file() else None
        with read_errors(self._place.uri), tempfile.TemporaryDirectory() as there:
            if not self._remote().contains(path):
                return None
            self._remote().download_file(path, Path(there, "file"))
            return Path(there, "file").read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Write a small file, replacing an existing one."""
        with tempfile.TemporaryDirectory() as there:
            Path(there, "file").write_bytes(content)
            self.put(path, Path(there, "file"))

    def put(self, path: str, file: Path) -> None:
        """Copy a local file into this database. On a disk, the copy is read again.

        Raises StoreError if the copy differs.
        """
        with write_errors(self._place.uri):
            if (folder := self._place.path) is None:
                self._remote().upload_file(file, path)
                return
            target = inside(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as arrived:
                with file.open("rb") as sent:
                    shutil.copyfileobj(sent, arrived, _BLOCK)
                arrived.flush()
                if file_hash(Path(arrived.name)) != file_hash(file):
                    raise StoreError(
                        f"{target} differs from the original after copying", hint="check that disk"
                    )

    def settle(self, paths: Sequence[str]) -> None:
        """Sync these files, if the database is on a disk."""
        if (folder := self._place.path) is not None:
            with write_errors(self._place.uri):
                flush_files([folder / path for path in paths])

    def send(self, path: str, to: Files) -> int:
        """Copy one file to the same path of another database; return its size in bytes. Raises StoreError."""
        if (folder := self._place.path) is not None:
            file = inside(folder, path)
            to.put(path, file)
            return file.stat().st_size
        with read_errors(self._place.uri), tempfile.TemporaryDirectory() as there:
            file = Path(there, "file")
            self._remote().download_file(path, file)
            to.put(path, file)
            return file.stat().st_size

    def _remote(self) -> Any:
        if self._session is None:
            from lance.file import LanceFileSession

            self._session = LanceFileSession(self._place.uri, self._place.options)
        return self._session


def digest(content: bytes) -> str:
    """Return the hash that identifies a small file."""
    return xxhash.xxh3_128_hexdigest(content)
