"""Paths of sources, on a disk or in a bucket. Only this module distinguishes the two.

`source_path` turns a stored URI or an argument into a Path or a BucketPath. Both have the same few methods. The
functions here do what differs between the two.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from animeds_db.cores import map_in_order
from animeds_db.errors import SourceError
from animeds_db.remote.read_ahead import BucketFile
from animeds_db.remote.requests import AT_ONCE, BucketError, asked, filesystem, refuse_missing_bucket
from animeds_db.remote.storage import SCHEMES, was_uri

BUFFER = 128 * 2**10
"""Size of the read buffer in bytes, for files that are read in small pieces."""


class BucketStat(NamedTuple):
    """Properties of an object in a bucket, named as in os.stat_result."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True)
class BucketPath:
    """A file or folder in a bucket, with the methods of pathlib.Path that sources need.

    Folders are the parts of object names before a slash. The bucket is the root and has no name.
    """

    anchor: str
    """SCHEME://BUCKET"""
    inner: PurePosixPath
    """The path inside; `.` is the bucket itself."""
    known_stat: BucketStat | None = field(default=None, compare=False, repr=False)
    """Properties from a listing of its folder; None: not known yet, so the store is asked."""

    def __str__(self) -> str:
        return f"{self.anchor}/{self.inner}" if self.inner.name else self.anchor

    def __truediv__(self, other: str | PurePath) -> BucketPath:
        more = other.as_posix() if isinstance(other, PurePath) else other
        return BucketPath(self.anchor, self.inner / more)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def stem(self) -> str:
        return self.inner.stem

    @property
    def suffix(self) -> str:
        return self.inner.suffix

    @property
    def suffixes(self) -> list[str]:
        return self.inner.suffixes

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.anchor, *self.inner.parts)

    @property
    def parent(self) -> BucketPath:
        return BucketPath(self.anchor, self.inner.parent)

    @property
    def parents(self) -> Sequence[BucketPath]:
        return [BucketPath(self.anchor, folder) for folder in self.inner.parents]

    def with_name(self, name: str) -> BucketPath:
        return BucketPath(self.anchor, self.inner.with_name(name))

    def with_suffix(self, suffix: str) -> BucketPath:
        return BucketPath(self.anchor, self.inner.with_suffix(suffix))

    def relative_to(self, other: BucketPath) -> PurePosixPath:
        """Return the path relative to `other`. Raises ValueError if it is not below `other`."""
        if self.anchor != other.anchor:
            raise ValueError(f"{self} is not below {other}")
        return self.inner.relative_to(other.inner)

    def expanduser(self) -> BucketPath:
        return self

    def absolute(self) -> BucketPath:
        return self

    def resolve(self) -> BucketPath:
        return self

    def is_symlink(self) -> bool:
        return False

    def exists(self) -> bool:
        """Return True if the file or folder exists. Raises BucketError if the bucket does not answer."""
        return self._kind() != "NotFound"

    def is_dir(self) -> bool:
        return self.known_stat is None and self._kind() == "Directory"

    def is_file(self) -> bool:
        return self.known_stat is not None or self._kind() == "File"

    def stat(self) -> BucketStat:
        """Return size and modification time. Raises FileNotFoundError, BucketError."""
        if self.known_stat is not None:
            return self.known_stat
        info = self._info()
        if info.type.name == "NotFound":
            refuse_missing_bucket(str(self))
            raise FileNotFoundError(2, os.strerror(2), str(self))
        return _stat(info)

    def open(self, _mode: Literal["rb"], /) -> io.BufferedReader:
        """Open a file for reading bytes. Raises FileNotFoundError, BucketError."""
        return io.BufferedReader(self.raw(), BUFFER)

    def raw(self) -> BucketFile:
        """Open a file for a reader that has its own buffer. Raises FileNotFoundError, BucketError."""
        try:
            return BucketFile(str(self))
        except FileNotFoundError:
            refuse_missing_bucket(str(self))
            raise

    def below(self, enters: Callable[[str], bool]) -> Iterator[BucketPath]:
        """Yield the files below this folder, without folders for whose name `enters` returns False.

        Raises FileNotFoundError, BucketError. Each file keeps its size and time from the listing. All levels are
        listed together: a request returns a thousand names, and listing each folder would take one more.
        """
        from pyarrow.fs import FileSelector

        everything = FileSelector(self._key, recursive=True)
        for info in asked(str(self), partial(filesystem(str(self)).get_file_info, everything)):
            inner = PurePosixPath(info.path.partition("/")[2])
            if info.type.name == "File" and all(map(enters, inner.relative_to(self.inner).parts[:-1])):
                yield BucketPath(self.anchor, inner, _stat(info))

    @property
    def _key(self) -> str:
        return str(self).partition("://")[2]

    def _info(self) -> Any:
        return asked(str(self), partial(filesystem(str(self)).get_file_info, self._key))

    def _kind(self) -> str:
        return str(self._info().type.name)


SourcePath: TypeAlias = Path | BucketPath


def source_path(location: str | os.PathLike[str] | BucketPath) -> SourcePath:
    """Return the path of a source: a BucketPath for s3://, gs:// and az://, otherwise a Path.

    Raises SourceError for any other kind of URI. Does not check whether the source exists.
    """
    if isinstance(location, BucketPath):
        return replace(location, known_stat=None)
    text = os.fspath(location)
    if isinstance(location, PurePath) and was_uri(text):
        text = text.replace(":/", "://", 1)
    scheme, mark, rest = text.partition("://")
    if not mark:
        return Path(text)
    if scheme == "file":
        return Path(url2pathname(urlsplit(text).path))
    bucket, _, inner = rest.strip("/").partition("/")
    if scheme not in SCHEMES or not bucket:
        known = ", ".join(f"{name}://BUCKET/NAME" for name in SCHEMES)
        raise SourceError(
            f"{text} is not a supported location for a source", hint=f"give a file, a folder, or {known}"
        )
    return BucketPath(f"{scheme}://{bucket}", PurePosixPath(inner))


class SpecialFileError(OSError):
    """The path is a named pipe, a socket or a device. Opening it could wait forever."""


SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def refuse_special(path: SourcePath) -> None:
    """Raise SpecialFileError for a named pipe, a socket or a device, and OSError if the path does not exist."""
    if isinstance(path, BucketPath):
        return
    mode = path.stat().st_mode
    for is_one, name in SPECIAL:
        if is_one(mode):
            raise SpecialFileError(f"it is {name}, not a file")


def open_file(path: SourcePath) -> io.BufferedReader:
    """Open a file for reading bytes. Raises OSError (SpecialFileError if it is not a regular file), BucketError."""
    refuse_special(path)
    return path.open("rb")


def files_below(
    top: SourcePath, *, enters: Callable[[str], bool], onerror: Callable[[OSError], None]
) -> Iterator[SourcePath]:
    """Yield the files below a folder at all levels, without folders for whose name `enters` returns False."""
    if isinstance(top, BucketPath):
        try:
            yield from top.below(enters)
        except FileNotFoundError as error:
            onerror(error)
        return
    for folder, folders, files in os.walk(top, onerror=onerror):
        folders[:] = [name for name in folders if enters(name)]
        yield from (Path(folder, name) for name in files)


def inner_path(path: SourcePath, top: SourcePath) -> PurePath | None:
    """Return a path relative to the folder `top`, or None if it is not below it."""
    try:
        if isinstance(path, BucketPath):
            return path.relative_to(top) if isinstance(top, BucketPath) else None
        return path.relative_to(top) if isinstance(top, Path) else None
    except ValueError:
        return None


def are_there(paths: Sequence[SourcePath], *, or_unknown: bool = False) -> list[bool | None]:
    """Return for each path whether it exists.

    If a bucket does not answer, the result is None with `or_unknown`; otherwise BucketError is raised.
    """

    def is_there(path: SourcePath) -> bool | None:
        try:
            return path.exists()
        except BucketError:
            if or_unknown:
                return None
            raise
        except OSError as error:
            if (
                error.errno == errno.ENAMETOOLONG
            ):  # the sidecar of a picture whose name already has the maximum length
                return False
            raise

    return list(map_in_order(is_there, paths, AT_ONCE))


def present(uri: str, others: Sequence[str] | None) -> str:
    """Return the first path of a source that exists, or `uri` if none does."""
    if not others:
        return uri
    paths = [uri, *others]
    there = are_there([source_path(path) for path in paths], or_unknown=True)
    return next((path for path, is_there in zip(paths, there, strict=True) if is_there), uri)


def read_spans(
    path: SourcePath, chosen: Callable[[int], Iterable[tuple[int, int]]]
) -> tuple[int, list[bytes]]:
    """Return a file's size, and the bytes at each (offset, length) that `chosen` returns for that size.

    Raises OSError, SourceError.
    """
    if isinstance(path, BucketPath):
        with closing(path.raw()) as file:
            return file.size, list(file.spans(chosen(file.size)))
    found = []
    with open_file(path) as plain:
        size = os.fstat(plain.fileno()).st_size
        for offset, length in chosen(size):
            plain.seek(offset)
            found.append(plain.read(length))
    return size, found


def reads_at_once(path: SourcePath) -> int:
    """Return the number of files in this folder to read at the same time."""
    return AT_ONCE if isinstance(path, BucketPath) else 1


def _stat(info: Any) -> BucketStat:
    return BucketStat(info.size or 0, info.mtime_ns or 0)
