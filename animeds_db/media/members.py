"""Reads the files in a folder, zip or tar by name. Archives are never unpacked to a path."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

from animeds_db.errors import SourceError
from animeds_db.media.opening import opened
from animeds_db.remote.paths import (
    BucketPath,
    SourcePath,
    are_there,
    files_below,
    inner_path,
    open_file,
    reads_at_once,
)
from animeds_db.safe_files import UnsafePathError, inside

MAX_MEMBER_BYTES = 256 * 2**20
"""Maximum size of a picture file in bytes, stored or unpacked, so that a zip bomb cannot fill the memory."""

MAX_UNPACKED_BYTES = 2**30
UNPACKED_RATIO = 20
"""A compressed tar may unpack to MAX_UNPACKED_BYTES or to this many times its size, whichever is more.

Pictures are already compressed, so a tar of them hardly shrinks. gzip compresses zeros 1,000 to 1.
"""
SPACE_CHECKED = 64 * 2**20
"""Bytes unpacked between two checks of the free disk space."""
SPARE_BYTES = 2**30
"""Bytes that must stay free on the disk of temporary files while a tar is unpacked there."""

READ_ERRORS = (UnsafePathError, OSError, EOFError, RuntimeError, ValueError, NotImplementedError)
"""Exceptions that reading a member may raise: damaged data, a password, a compression that Python lacks."""

SIDECAR_SUFFIXES = (".json", ".tags", ".tag", ".txt", ".caption")
"""Suffixes of sidecar files: a file named after a picture that describes it."""

_DECOMPRESS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_DECOMPRESS |= {".tgz": _DECOMPRESS[".gz"], ".tbz2": _DECOMPRESS[".bz2"], ".txz": _DECOMPRESS[".xz"]}


class Members(Protocol):
    """A set of files that can be listed and read."""

    at_once: int
    """Number of files that may be read at the same time, from that many threads."""
    links: list[str]
    """Links that names() skipped, because their targets are not part of the set."""

    def names(self) -> Iterator[str]:
        """Yield the path of every regular file, with forward slashes, in any order."""

    def read(self, name: str) -> bytes:
        """Return a file's content. Raises one of READ_ERRORS."""

    def close(self) -> None:
        """Close the archive or folder."""


class FolderMembers:
    """The files below a folder, at all levels, without hidden ones."""

    def __init__(self, path: SourcePath) -> None:
        self._path = path
        self.at_once = reads_at_once(path)
        self.links: list[str] = []

    def names(self) -> Iterator[str]:
        files = files_below(
            self._path, enters=lambda name: not name.startswith("."), onerror=_raise_unreadable
        )
        for file in files:
            inner = inner_path(file, self._path)
            assert inner is not None
            if file.is_symlink():
                self.links.append(inner.as_posix())
            else:
                yield inner.as_posix()

    def read(self, name: str) -> bytes:
        path = self._path / name if isinstance(self._path, BucketPath) else inside(self._path, name)
        with open_file(path) as file:
            return _limited(file)

    def close(self) -> None:
        """Do nothing, because no file is kept open."""


class ZipMembers:
    """The files in a zip archive."""

    at_once = 1

    def __init__(self, path: SourcePath) -> None:
        self.links: list[str] = []
        self._file = opened(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            self._file.close()
            raise _broken_archive(path, "zip", error) from error

    def names(self) -> Iterator[str]:
        return (info.filename for info in self._zip.infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        try:
            with self._zip.open(name) as file:
                return _limited(file)
        except (zipfile.BadZipFile, zlib.error, KeyError) as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        self._zip.close()
        self._file.close()


class TarMembers:
    """The files in a tar archive, compressed or not.

    A compressed tar can only be read from front to back, but pictures are read in natural order. It is therefore
    decompressed once, into an unnamed temporary file.
    """

    at_once = 1

    def __init__(self, path: SourcePath) -> None:
        try:
            self._file = _decompressed(path)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise _broken_archive(path, "tar", error) from error
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 - closed by close()
            infos = list(self._tar)
            self._infos = {info.name: info for info in infos if info.isfile()}
            self.links = [info.name for info in infos if info.issym() or info.islnk()]
        except (tarfile.TarError, OSError, EOFError) as error:
            self._file.close()
            raise _broken_archive(path, "tar", error) from error

    def names(self) -> Iterator[str]:
        return iter(self._infos)

    def read(self, name: str) -> bytes:
        file = self._tar.extractfile(self._infos[name])
        if file is None:
            raise OSError("not a regular file")
        with file:
            return _limited(file)

    def close(self) -> None:
        self._tar.close()
        self._file.close()


class SingleFile:
    """A single picture used as a source, and its sidecar files."""

    at_once = 1

    def __init__(self, path: SourcePath) -> None:
        opened(path).close()
        self._path = path
        self.links: list[str] = []
        bases = (path.name, path.stem)
        names = [f"{base}{suffix}" for base in bases for suffix in SIDECAR_SUFFIXES]
        names.append(f".{path.stem}_meta.json")
        beside = [path.with_name(name) for name in names]
        self._sidecars = set()
        for file, is_there in zip(beside, are_there(beside), strict=True):
            if is_there and file.is_symlink():
                self.links.append(file.name)
            elif is_there:
                self._sidecars.add(file.name)

    def names(self) -> Iterator[str]:
        return iter([self._path.name, *sorted(self._sidecars)])

    def read(self, name: str) -> bytes:
        path = self._path.with_name(name) if name in self._sidecars else self._path
        with open_file(path) as file:
            return _limited(file)

    def close(self) -> None:
        """Do nothing, because no file is kept open."""


def _decompressed(path: SourcePath) -> IO[bytes]:
    file = opened(path)
    opener = _DECOMPRESS.get(path.suffix.lower())
    if opener is None:
        return file
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed by TarMembers.close
    try:
        with file, opener(file, "rb") as packed:
            _unpack(path, packed, plain)
        plain.seek(0)
    except BaseException:
        plain.close()
        raise
    return plain


def _unpack(path: SourcePath, packed: IO[bytes], plain: IO[bytes]) -> None:
    """Copy the unpacked data. Raises SourceError before it exceeds the limit or fills the disk."""
    limit = max(MAX_UNPACKED_BYTES, UNPACKED_RATIO * path.stat().st_size)
    size = 0
    while piece := packed.read(2**20):
        size += len(piece)
        if size > limit:
            raise SourceError(
                f"{path} unpacks to more than {limit / 2**30:.1f} GiB, which is more than pictures would need",
                hint="if that is intended, unpack it yourself and give the folder",
            )
        if size % SPACE_CHECKED < len(piece) and free_bytes(tempfile.gettempdir()) < SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain.write(piece)


def free_bytes(folder: str) -> int:
    """Return the number of free bytes on the disk that holds a folder."""
    return shutil.disk_usage(folder).free


def _limited(file: IO[bytes]) -> bytes:
    data = file.read(MAX_MEMBER_BYTES + 1)
    if len(data) > MAX_MEMBER_BYTES:
        raise ValueError(f"larger than {MAX_MEMBER_BYTES // 2**20} MiB")
    return data


def _broken_archive(path: SourcePath, kind: str, error: Exception) -> SourceError:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return SourceError(
            f"{path} does not fit on the disk of {tempfile.gettempdir()} when unpacked",
            hint="set TMPDIR to a folder on a larger disk, or unpack the archive yourself and give the folder",
        )
    return SourceError(
        f"{path} is not a readable {kind} archive ({error})",
        hint="download or copy it again, or unpack it yourself and give the folder",
    )


def _raise_unreadable(error: OSError) -> None:
    raise SourceError(
        f"{error.filename} cannot be listed: {error.strerror}",
        hint=f"give yourself permission: chmod u+rx '{error.filename}'",
    ) from error
