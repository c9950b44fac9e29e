"""Where sources lie: on a disk or in a bucket. The one rule: only this module asks which of the two it is.

`source_path` makes a Path or a BucketPath of whatever names a source: a stored uri, an argument. Both have the
same few methods, and the functions here do what the two do differently.
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

from animeds_db.errors import SourceError
from animeds_db.parallel import map_in_order
from animeds_db.remote.read_ahead import BucketFile
from animeds_db.remote.requests import AT_ONCE, BucketError, asked, filesystem, refuse_missing_bucket
from animeds_db.remote.storage import SCHEMES, was_uri

BUFFER = 128 * 2**10
"""What is read in small pieces is copied so many bytes at a time."""


class BucketStat(NamedTuple):
    """What a store tells of an object, named as in os.stat_result."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True)
class BucketPath:
    """A file or folder in a bucket, with those methods of pathlib.Path that sources need.

    Folders are what is before a slash in names of objects. The bucket is the root: it has no name.
    """

    anchor: str
    """SCHEME://BUCKET"""
    inner: PurePosixPath
    """The path inside; `.` is the bucket itself."""
    told: BucketStat | None = field(default=None, compare=False, repr=False)
    """What a list of its folder said of it; None: the store is asked."""

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
        """Raises ValueError when it is not below `other`."""
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
        """Tell whether there is such a file or folder. Raises BucketError when that cannot be told."""
        return self._kind() != "NotFound"

    def is_dir(self) -> bool:
        return self.told is None and self._kind() == "Directory"

    def is_file(self) -> bool:
        return self.told is not None or self._kind() == "File"

    def stat(self) -> BucketStat:
        """Return size and time of the last change. Raises FileNotFoundError, BucketError."""
        if self.told is not None:
            return self.told
        info = self._info()
        if info.type.name == "NotFound":
            refuse_missing_bucket(str(self))
            raise FileNotFoundError(2, os.strerror(2), str(self))
        return _stat(info)

    def open(self, _mode: Literal["rb"], /) -> io.BufferedReader:
        """Open a file for reading bytes. Raises FileNotFoundError, BucketError."""
        return io.BufferedReader(self.raw(), BUFFER)

    def raw(self) -> BucketFile:
        """Open a file for a reader that has a buffer of its own. Raises FileNotFoundError, BucketError."""
        try:
            return BucketFile(str(self))
        except FileNotFoundError:
            refuse_missing_bucket(str(self))
            raise

    def below(self, enters: Callable[[str], bool]) -> Iterator[BucketPath]:
        """Yield the files below this folder, leaving out folders of whose name `enters` says False.

        Raises FileNotFoundError, BucketError. What the list tells of size and time is kept with each. It is one
        list of all levels: a thousand names cost a request, and so would each folder.
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


def source_path(place: str | os.PathLike[str] | BucketPath) -> SourcePath:
    """Return where a source is: a Path, or a BucketPath for s3://, gs:// and az://.

    Raises SourceError for another kind of URI. Nothing is looked at.
    """
    if isinstance(place, BucketPath):
        return replace(place, told=None)
    text = os.fspath(place)
    if isinstance(place, PurePath) and was_uri(text):
        text = text.replace(":/", "://", 1)
    scheme, mark, rest = text.partition("://")
    if not mark:
        return Path(text)
    if scheme == "file":
        return Path(url2pathname(urlsplit(text).path))
    bucket, _, inner = rest.strip("/").partition("/")
    if scheme not in SCHEMES or not bucket:
        known = ", ".join(f"{name}://BUCKET/NAME" for name in SCHEMES)
        raise SourceError(f"{text} is no place for a source", hint=f"a file or folder, or {known}")
    return BucketPath(f"{scheme}://{bucket}", PurePosixPath(inner))


class SpecialFileError(OSError):
    """A named pipe, a socket or a device where a file is wanted: opening it could wait forever."""


SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def refuse_special(path: SourcePath) -> None:
    """Raise SpecialFileError for a named pipe, a socket or a device, OSError where nothing is there."""
    if isinstance(path, BucketPath):
        return
    mode = path.stat().st_mode
    for is_one, name in SPECIAL:
        if is_one(mode):
            raise SpecialFileError(f"it is {name}, not a file")


def open_file(path: SourcePath) -> io.BufferedReader:
    """Open a file for reading bytes. Raises OSError (SpecialFileError for what is no file), BucketError."""
    refuse_special(path)
    return path.open("rb")


def files_below(
    top: SourcePath, *, enters: Callable[[str], bool], onerror: Callable[[OSError], None]
) -> Iterator[SourcePath]:
    """Yield the files below a folder on all levels, without folders of whose name `enters` says False."""
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
    """Return the way from a folder to what is below it; None when it is not below it."""
    try:
        if isinstance(path, BucketPath):
            return path.relative_to(top) if isinstance(top, BucketPath) else None
        return path.relative_to(top) if isinstance(top, Path) else None
    except ValueError:
        return None


def are_there(paths: Sequence[SourcePath], *, or_unknown: bool = False) -> list[bool | None]:
    """Tell of each whether something is there.

    Where a bucket cannot be asked the answer is None, or BucketError is raised.
    """

    def is_there(path: SourcePath) -> bool | None:
        try:
            return path.exists()
        except BucketError:
            if or_unknown:
                return None
            raise
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # a sidecar of a picture whose name is as long as it can be
                return False
            raise

    return list(map_in_order(is_there, paths, AT_ONCE))


def present(uri: str, others: Sequence[str] | None) -> str:
    """Return the first path of a source at which something is; `uri` where nothing is at any of them."""
    if not others:
        return uri
    paths = [uri, *others]
    there = are_there([source_path(path) for path in paths], or_unknown=True)
    return next((path for path, is_there in zip(paths, there, strict=True) if is_there), uri)


def read_spans(
    path: SourcePath, chosen: Callable[[int], Iterable[tuple[int, int]]]
) -> tuple[int, list[bytes]]:
    """Return a file's size, and the bytes at each (offset, length) that `chosen` names for that size.

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
    """Return how many files of this folder are worth reading at the same time."""
    return AT_ONCE if isinstance(path, BucketPath) else 1


def _stat(info: Any) -> BucketStat:
    return BucketStat(info.size or 0, info.mtime_ns or 0)
