"""The folders below `--exports`: their names, and an exported folder as a ZIP file that is never stored anywhere."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from animeds_db.errors import UsageError
from animeds_db.export.manifest import MANIFEST_NAME
from animeds_db.safe_files import PARTIAL
from animeds_db.web.errors import MissingError, RefusedError
from animeds_db.web.options import Options

PIECE = 256 << 10
"""Bytes that are read and sent at once; more is never held in memory."""
MOST_BYTES = 20 << 30
"""Maximum bytes of the files of one download."""
MOST_FILES = 500_000
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every file, the earliest that ZIP knows, so that the same folder gives the same bytes."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


def export_folder(options: Options, name: str) -> Path:
    """Return the folder of an export of this name. Raises RefusedError without --exports, UsageError."""
    return exports_of(options) / checked_name(name)


def exports_of(options: Options) -> Path:
    """Return the folder for exports. Raises RefusedError if this service has none."""
    if options.exports is None:
        raise RefusedError(
            "This service writes no exports.",
            hint="`animeds serve --exports FOLDER` lets it write below a folder.",
        )
    return options.exports


def checked_name(name: str) -> str:
    """Return the name of an export, which is not a path. Raises UsageError for another one."""
    if not _NAME.fullmatch(name) or name.endswith(".") or _DEVICES.fullmatch(name):
        raise UsageError(
            f'"{name[:80]}" is not a valid name for a folder.',
            hint="Use letters, digits, - _ and . only. A path is not allowed.",
        )
    return name


def last_export(options: Options, name: str) -> Path | None:
    """Return the folder of this name if an export wrote it; None: there is none, or the name is not valid."""
    if options.exports is None or not _NAME.fullmatch(name):
        return None
    folder = options.exports / name
    return folder if not folder.is_symlink() and (folder / MANIFEST_NAME).is_file() else None


def files_of(options: Options, name: str) -> tuple[Path, list[Path]]:
    """Return an exported folder and its files, sorted, without links and unfinished files.

    Raises MissingError if no export wrote this folder, and UsageError if it is too large for a download.
    """
    folder = export_folder(options, name)
    if folder.is_symlink() or not (folder / MANIFEST_NAME).is_file():
        raise MissingError(
            f"There is no export {name}.",
            hint="The page Export writes one; Jobs lists those of this service.",
        )
    files, size = [], 0
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names if not name.endswith(PARTIAL)):
            if path.is_symlink() or not path.is_file():
                continue
            files.append(path)
            size += path.stat().st_size
            if size > MOST_BYTES or len(files) > MOST_FILES:
                raise UsageError(
                    f"{name} is too large for a download: more than {MOST_BYTES >> 30} GB or {MOST_FILES} files.",
                    hint=f"Copy the folder itself: {folder}",
                )
    return folder, sorted(files)


def zipped(folder: Path, files: list[Path]) -> Iterator[bytes]:
    """Yield a ZIP file of these files below `folder`, piece by piece. Pictures are compressed already: it is not."""
    pieces = _Pieces()
    with zipfile.ZipFile(cast("IO[bytes]", pieces), "w") as archive:  # it needs no more of a file
        for path in files:
            inner = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", FIRST_DAY)
            inner.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(inner, "w", force_zip64=True) as target:
                while piece := source.read(PIECE):
                    target.write(piece)
                    yield pieces.taken()
            yield pieces.taken()
    yield pieces.taken()


class _Pieces:
    """A file object that only keeps what nobody has taken yet."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._position = 0

    def write(self, data: bytes) -> int:
        self._held += data
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        raise OSError("a download cannot be rewound")  # ZipFile then writes sizes behind the files

    def seekable(self) -> bool:
        return False

    def flush(self) -> None: ...

    def taken(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data
