"""Reads the pictures in a folder, archive or imagefolder. A bad picture does not stop the others."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from types import TracebackType
from typing import Self

import numpy as np
import xxhash
from PIL import Image

from animeds_db.cores import map_in_order
from animeds_db.errors import SourceError, headline
from animeds_db.media.frame import Frame, MediaInfo
from animeds_db.media.imagefolder import METADATA_NAMES, read_captions
from animeds_db.media.members import (
    READ_ERRORS,
    FolderMembers,
    Members,
    SingleFile,
    TarMembers,
    ZipMembers,
)
from animeds_db.media.notes import Damage, Notes
from animeds_db.media.picture_files import PictureError
from animeds_db.media.rendering import decode_picture, picture_size
from animeds_db.printable import printable
from animeds_db.remote.paths import BucketPath, SourcePath, source_path

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".avif"})
ARCHIVE_SUFFIXES = frozenset(
    {".zip", ".cbz", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz"}
)


@dataclass(eq=False)
class PictureFrame(Frame):
    """A picture, decoded and upright."""

    rgb: np.ndarray = field(repr=False)
    file_hash: str

    def pixels(self) -> np.ndarray:
        return self.rgb

    def scaled(self, width: int, height: int) -> np.ndarray:
        image = Image.fromarray(self.rgb)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def luma(self) -> np.ndarray:
        return self._luma

    @cached_property
    def _luma(self) -> np.ndarray:
        return np.asarray(Image.fromarray(self.rgb).convert("L"))

    def planes(self) -> list[np.ndarray]:
        return [np.ascontiguousarray(self.rgb[:, :, i]) for i in range(3)]

    def content_hash(self) -> str:
        return self.file_hash


class Pictures:
    """All pictures of a folder (at every level), of an archive, or one picture file, in natural order of names.

    `members` are their paths inside the source, with forward slashes. `warnings` grows while pictures are read.
    Raises SourceError if there is no picture, or if an archive cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str] | BucketPath) -> None:
        self.path = source_path(path)
        self._notes = Notes()
        self._files = _open_members(self.path)
        try:
            self.members, metadata = self._list()
            self._captions = read_captions(self._files, metadata, self._notes)
            self._places = {member: place for place, member in enumerate(self.members)}
            self._note_missing()
            self.info = self._describe(bool(metadata))
        except BaseException:
            self.close()
            raise

    @property
    def warnings(self) -> list[str]:
        """The warnings so far, as texts for users."""
        return self._notes.texts

    @property
    def damage(self) -> Damage:
        """The losses among the pictures read so far."""
        return self._notes.found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, member: str) -> bool:
        return member in self._places

    def stored(self, member: str | None) -> str | None:
        """Return the member that a stored frame names, or None if it no longer exists. A single file may be renamed."""
        if isinstance(self._files, SingleFile):
            return self.members[0]
        return member if member in self._places else None

    def close(self) -> None:
        """Close the archive, if it is one."""
        self._files.close()

    def others(self) -> list[str]:
        """Return the paths of the files that are not pictures, including hidden files beside pictures."""
        return sorted(name for name in self._files.names() if name not in self._places and _is_text(name))

    def add_captions(self, captions: Mapping[str, str]) -> None:
        """Set captions of members that have none from a metadata file. Frames then have them as `text`."""
        known = {member: text for member, text in self._captions.items() if text is not None}
        self._captions = {**captions, **known}

    def read(self, member: str) -> bytes:
        """Return the bytes of a file of this source. Raises SourceError if it cannot be read."""
        try:
            return self._files.read(member)
        except READ_ERRORS as error:
            raise SourceError(
                f"{self.path}: {member} cannot be read ({headline(error)})", hint=None
            ) from error

    def frame(self, member: str) -> PictureFrame:
        """Return one picture. Raises SourceError if it cannot be read or decoded."""
        try:
            return self._decode((member, self.read(member)))
        except PictureError as error:
            raise SourceError(f"{self.path}: {member}: {error.headline}", hint=error.hint) from error

    def frames(self) -> Iterator[PictureFrame]:
        """Yield every picture that can be decoded. The others add warnings."""
        with closing(map_in_order(self._try_decode, self._read_all(self.members), weigh=_weight)) as results:
            for member, result in results:
                if isinstance(result, PictureFrame):
                    yield result
                else:
                    self._notes.leave_out(member, headline(result))

    @property
    def at_once(self) -> int:
        """Number of pictures that may be read at the same time, from that many threads."""
        return self._files.at_once

    def chosen(self, members: Iterable[str]) -> Generator[PictureFrame]:
        """Yield these pictures in this order. Raises SourceError if one cannot be read or decoded."""
        with closing(map_in_order(self._try_decode, self._read_all(members), weigh=_weight)) as results:
            for member, result in results:
                if isinstance(result, PictureError):
                    raise SourceError(
                        f"{self.path}: {member}: {result.headline}", hint=result.hint
                    ) from result
                if isinstance(result, Exception):
                    raise SourceError(
                        f"{self.path}: {member} cannot be read ({headline(result)})"
                    ) from result
                yield result

    def _read_all(self, members: Iterable[str]) -> Iterator[tuple[str, bytes | Exception]]:
        """Read files in order: one thread for archives, several for folders in buckets."""
        if self.at_once == 1:
            yield from map(self._try_read, members)
            return
        with closing(map_in_order(self._try_read, members, self.at_once)) as read:
            yield from read

    def _try_read(self, member: str) -> tuple[str, bytes | Exception]:
        try:
            return member, self._files.read(member)
        except READ_ERRORS as error:
            return member, error

    def _try_decode(self, item: tuple[str, bytes | Exception]) -> tuple[str, PictureFrame | Exception]:
        member, data = item
        if isinstance(data, Exception):
            return member, data
        try:
            return member, self._decode((member, data))
        except PictureError as error:
            return member, error

    def _decode(self, item: tuple[str, bytes]) -> PictureFrame:
        member, data = item
        rgb, is_animated = decode_picture(data)
        if is_animated:
            self._notes.tell(f"{member} is animated: only its first frame is used")
        place = self._places[member]
        return PictureFrame(
            stream=0,
            pts=place,
            key_pts=place,
            time_s=None,
            is_keyframe=True,
            member=member,
            width=rgb.shape[1],
            height=rgb.shape[0],
            text=self._captions.get(member),
            rgb=rgb,
            file_hash=xxhash.xxh3_128_hexdigest(data),
        )

    def _list(self) -> tuple[list[str], list[str]]:
        """Return the pictures in natural order, and the metadata files."""
        pictures: set[str] = set()
        metadata = []
        for name in self._files.names():
            last = name.rpartition("/")[2]
            if last.startswith(".") or name.startswith(
                "__MACOSX/"
            ):  # resource forks and thumbnails of the operating system
                continue
            if last in METADATA_NAMES:
                metadata.append(name)
            elif suffix_of(Path(last)) in PICTURE_SUFFIXES:
                pictures.add(name)
        if self._files.links:
            some = ", ".join(ascii(name) for name in self._files.links[:3])
            self._notes.tell(
                f"links left out, because links are not followed: {len(self._files.links)}, e.g. {some}"
            )
        readable = {name for name in pictures if _is_text(name)}
        for name in sorted(pictures - readable):
            self._notes.leave_out(printable(name), "its name is not valid text; rename it")
        if not readable:
            suffixes = " ".join(sorted(suffix.lstrip(".") for suffix in PICTURE_SUFFIXES))
            raise SourceError(
                f"{self.path} contains no pictures", hint=f"supported, at any level: {suffixes}"
            )
        return sorted(readable, key=natural_key), metadata

    def _note_missing(self) -> None:
        missing = [member for member in self._captions if member not in self._places]
        if missing:
            self._notes.tell(
                f"pictures listed in the metadata are missing: {len(missing)}, e.g. {missing[0]}"
            )

    def _describe(self, has_metadata: bool) -> MediaInfo:
        """Return the info, with the size of the first picture that has one."""
        if self.path.is_dir():
            kind = "imagefolder" if has_metadata else "images"
        else:
            kind = "images" if isinstance(self._files, SingleFile) else "archive"
        width, height = 0, 0
        for _, data in map(self._try_read, self.members):
            if not isinstance(data, Exception):
                width, height = picture_size(data)
            if width:
                break
        return MediaInfo(kind, None, width, height, None, None, 0, None)


def _weight(item: tuple[str, bytes | Exception]) -> int:
    """Return a picture's size in memory in bytes: its file, and three for each pixel according to its header."""
    data = item[1]
    if isinstance(data, Exception):
        return 0
    width, height = picture_size(data)
    return len(data) + 3 * width * height


def suffix_of(path: PurePath | BucketPath) -> str:
    """Return a path's suffix in lower case, with the dot; `.tar.gz` and the like count as one."""
    long = "".join(path.suffixes[-2:]).lower()
    return long if long in ARCHIVE_SUFFIXES else path.suffix.lower()


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which `page 9` comes before `page 10`, and upper case equals lower case."""
    parts = (part for part in re.split(r"([0-9]+)", name) if part)
    key = [
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part.casefold()) for part in parts
    ]
    return [*key, (2, 0, name)]  # a fixed order for names that are otherwise equal


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _open_members(path: SourcePath) -> Members:
    if path.is_dir():
        return FolderMembers(path)
    suffix = suffix_of(path)
    if suffix in (".zip", ".cbz"):
        return ZipMembers(path)
    return TarMembers(path) if suffix in ARCHIVE_SUFFIXES else SingleFile(path)
