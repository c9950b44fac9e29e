"""Finds the sources to ingest: returns one SourceSpec per video, archive or folder of pictures.

Every path that was given is either in the result or in an error that names it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import xxhash

from animeds_db.cores import map_in_order
from animeds_db.errors import SourceError, UsageError, did_you_mean
from animeds_db.media import ARCHIVE_SUFFIXES, PICTURE_SUFFIXES, VIDEO_SUFFIXES, natural_key, suffix_of
from animeds_db.media.opening import HINT_SPECIAL
from animeds_db.remote.paths import (
    BucketStat,
    SourcePath,
    SpecialFileError,
    files_below,
    inner_path,
    open_file,
    read_spans,
    reads_at_once,
    refuse_special,
    source_path,
)
from animeds_ingest.naming import EpisodeName, parse_name

IMAGE_TYPES = ("screenshot", "fanart", "regularization")

DATABASE_SUFFIX = ".animeds"
"""Suffix of folders that are animeds databases, which are never sources."""

METADATA_NAMES = ("metadata.jsonl", "metadata.csv")
"""Files that make a folder of pictures a Hugging Face imagefolder, if they have a `file_name`."""

CHUNKS = 64
CHUNK_BYTES = 64 * 1024
"""A file's hash covers its size and this many evenly spaced chunks; files of up to 4 MiB are hashed as a whole."""

MEMBER_CHUNKS = 4
MEMBER_CHUNK_BYTES = 4 * 1024
"""The same for each picture of a folder: a season of screencaps is 10,000 files."""


@dataclass(frozen=True)
class SourceSpec:
    """One thing to ingest. `kind` is video, images (folder or one picture), archive or imagefolder."""

    path: SourcePath
    kind: str
    name: EpisodeName
    credit: str | None = None
    licence: str | None = None
    url: str | None = None
    image_type: str = "screenshot"
    given: frozenset[str] = frozenset()
    """Columns whose value the user gave. The others were read from the name, or are defaults."""

    def columns(self) -> dict[str, str | int | None]:
        """Return the properties of this source, by columns of `sources`."""
        name = self.name
        read = {"show": name.show, "season": name.season, "episode": name.episode, "title": name.title}
        given = {"credit": self.credit, "licence": self.licence, "url": self.url}
        return {**read, **given, "image_type": self.image_type}


def discover(
    paths: Sequence[Path | str],
    *,
    show: str | None = None,
    season: int | None = None,
    episode: int | None = None,
    title: str | None = None,
    credit: str | None = None,
    licence: str | None = None,
    url: str | None = None,
    image_type: str | None = None,
) -> list[SourceSpec]:
    """Return the sources under these files and folders (or URIs), each once: as given, folders in natural order.

    A folder gives one source per video and per archive at any level, and one for all its pictures together.
    Hidden files and animeds databases are skipped. The other arguments override what the names say.
    Raises SourceError if a path is missing, unreadable or contains nothing to ingest, and UsageError for an
    unknown `image_type`, a negative number, or one episode or title for several videos.
    """
    _check_numbers(season=season, episode=episode)
    rest = {"credit": credit or None, "licence": licence or None, "url": url or None}
    named = {"show": show, "season": season, "episode": episode, "title": title, "image_type": image_type}
    given = frozenset(column for column, value in (named | rest).items() if value is not None)
    found: dict[SourcePath, SourceSpec] = {}
    for path in paths:
        for place, kind in _sources(source_path(path).expanduser()):
            read = parse_name(place.absolute())
            name = EpisodeName(
                read.show if show is None else show,
                read.season if season is None else season,
                read.episode if episode is None else episode,
                (read.title or str(place)) if title is None else title,
            )
            spec = SourceSpec(place, kind, name, image_type=_image_type(image_type), given=given, **rest)
            found.setdefault(place.resolve(), spec)
    specs = list(found.values())
    _refuse_one_name_for_many(specs, episode, title)
    return specs


def content_hash(spec: SourceSpec) -> str:
    """Return 32 hex digits, xxh3-128 of a source's content, independent of its location.

    For a file: its size and CHUNKS evenly spaced chunks. For a folder: the inner path, size and MEMBER_CHUNKS
    chunks of every picture and metadata file. Raises SourceError if something cannot be read.
    """
    digest = xxhash.xxh3_128()
    if not spec.path.is_dir():
        _add_sample(digest, *_sample(spec.path, CHUNKS, CHUNK_BYTES))
        return digest.hexdigest()
    members = list(_members(spec.path))
    sample = partial(_sample, chunks=MEMBER_CHUNKS, chunk_bytes=MEMBER_CHUNK_BYTES)
    samples = map_in_order(sample, members, reads_at_once(spec.path))
    for path, (size, chunks) in zip(members, samples, strict=True):
        digest.update(_inner_name(path, spec.path))
        _add_sample(digest, size, chunks)
    return digest.hexdigest()


def fingerprint(spec: SourceSpec) -> str:
    """Return 32 hex digits that change when the source changes, without reading its content.

    xxh3-128 of size and modification time (ns) of the file; for a folder of every picture and metadata
    file, with its path inside. A renamed file keeps its fingerprint. Raises SourceError if a file is missing.
    """
    digest = xxhash.xxh3_128()
    path = source_path(spec.path)
    for member in _members(path) if path.is_dir() else [path]:
        status = _stat(member)
        if member != path:
            digest.update(_inner_name(member, path))
        digest.update(b"%d %d\n" % (status.st_size, status.st_mtime_ns))
    return digest.hexdigest()


def _sources(path: SourcePath) -> Iterator[tuple[SourcePath, str]]:
    """Yield (path, kind) of the sources at one given path. Raises SourceError if there are none."""
    if not path.is_dir():
        _stat(path)
        suffix = suffix_of(path)
        kind = (
            "images" if suffix in PICTURE_SUFFIXES else "archive" if suffix in ARCHIVE_SUFFIXES else "video"
        )
        yield path, kind
        return
    files = list(_files(path))
    films = [file for file in files if suffix_of(file) in VIDEO_SUFFIXES]
    archives = [file for file in files if suffix_of(file) in ARCHIVE_SUFFIXES and _may_hold_pictures(file)]
    yield from ((file, "video") for file in films)
    yield from ((file, "archive") for file in archives)
    has_pictures = any(suffix_of(file) in PICTURE_SUFFIXES for file in files)
    if has_pictures:
        is_labelled = any(file.name in METADATA_NAMES and _names_files(file) for file in files)
        yield path, "imagefolder" if is_labelled else "images"
    if not (films or archives or has_pictures):
        raise SourceError(
            f"{path} contains nothing to ingest", hint=f"searched at every level for {_looked_for()}"
        )


def _looked_for() -> str:
    groups = {
        "videos": VIDEO_SUFFIXES,
        "pictures": PICTURE_SUFFIXES,
        "archives of pictures": ARCHIVE_SUFFIXES,
    }
    return ", ".join(
        f"{name} ({' '.join(sorted(suffix.lstrip('.') for suffix in suffixes))})"
        for name, suffixes in groups.items()
    )


def _files(root: SourcePath) -> Iterator[SourcePath]:
    """Yield the files below a folder in natural order, without hidden ones and animeds databases."""
    found = files_below(root, enters=_may_hold_sources, onerror=_refuse)
    named = [(_inner(path, root), path) for path in found if not path.name.startswith(".")]
    yield from (path for _, path in sorted(named, key=lambda item: natural_key(item[0])))


def _may_hold_sources(folder: str) -> bool:
    return not folder.startswith(".") and not folder.endswith(DATABASE_SUFFIX)


def _members(root: SourcePath) -> Iterator[SourcePath]:
    """Yield the pictures and metadata files below a folder, in natural order, without pipes and devices."""
    return (
        path
        for path in _files(root)
        if (suffix_of(path) in PICTURE_SUFFIXES or path.name in METADATA_NAMES) and not _is_special(path)
    )


def _is_special(path: SourcePath) -> bool:
    try:
        refuse_special(path)
    except SpecialFileError:
        return True
    except OSError:
        return False  # reading it will show what is wrong
    return False


def _refuse(error: OSError) -> None:
    raise _unreadable(Path(error.filename or "."), error) from error


def _stat(path: SourcePath) -> os.stat_result | BucketStat:
    try:
        refuse_special(path)
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: SourcePath, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        where = f"; the folder {path.parent} exists" if path.parent.is_dir() else ""
        return SourceError(f"{path} does not exist", hint=f"check the path{where}")
    if isinstance(error, PermissionError):
        return SourceError(
            f"{path} cannot be read (permission denied)",
            hint=f"give yourself permission: chmod u+rX '{path}'",
        )
    if isinstance(error, SpecialFileError):
        return SourceError(f"{path} cannot be read: {error}", hint=HINT_SPECIAL)
    reason = os.strerror(error.errno) if error.errno else str(error)
    return SourceError(f"{path} cannot be read: {reason}", hint="check the disk or the network")


def _may_hold_pictures(path: SourcePath) -> bool:
    """Return False for a zip without pictures (fonts, subtitles), and True for anything that is not quickly checked."""
    if suffix_of(path) not in (".zip", ".cbz"):
        return True
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            return any(suffix_of(Path(name)) in PICTURE_SUFFIXES for name in archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return True  # ingest will show what is wrong


def _names_files(path: SourcePath) -> bool:
    """Return True if a metadata file's first row has a `file_name`."""
    try:
        with open_file(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                return "file_name" in next(csv.reader(file), [])
            first = json.loads(next((line for line in file if line.strip()), "null"))
    except (OSError, ValueError, RecursionError, csv.Error):
        return False
    return isinstance(first, dict) and "file_name" in first


def _inner_name(path: SourcePath, root: SourcePath) -> bytes:
    return _inner(path, root).encode("utf-8", "surrogateescape") + b"\0"


def _inner(path: SourcePath, root: SourcePath) -> str:
    inner = inner_path(path, root)
    assert inner is not None, f"{path} is not below {root}"
    return inner.as_posix()


def _sample(path: SourcePath, chunks: int, chunk_bytes: int) -> tuple[int, list[bytes]]:
    """Return a file's size and evenly spaced chunks of it."""
    try:
        return read_spans(path, lambda size: _spans(size, chunks, chunk_bytes))
    except OSError as error:
        raise _unreadable(path, error) from error


def _add_sample(digest: xxhash.xxh3_128, size: int, chunks: Iterable[bytes]) -> None:
    digest.update(b"%d\n" % size)
    for chunk in chunks:
        digest.update(chunk)


def _spans(size: int, chunks: int, chunk_bytes: int) -> Iterable[tuple[int, int]]:
    """Return (offset, length) of evenly spaced chunks, the first at the start and the last at the end."""
    if size <= chunks * chunk_bytes:
        return [(0, size)]
    return [((size - chunk_bytes) * i // (chunks - 1), chunk_bytes) for i in range(chunks)]


def _image_type(value: str | None) -> str:
    if value is None:
        return IMAGE_TYPES[0]
    if value not in IMAGE_TYPES:
        raise UsageError(f'unknown image type "{value}"', hint=did_you_mean(value, IMAGE_TYPES))
    return value


def _check_numbers(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and not 0 <= value < 2**31:
            raise UsageError(f"{name} must be 0 or more, not {value}", hint=None)


def _refuse_one_name_for_many(specs: Sequence[SourceSpec], episode: int | None, title: str | None) -> None:
    videos = sum(spec.kind == "video" for spec in specs)
    for name, value in (("episode", episode), ("title", title)):
        if value is not None and videos > 1:
            raise UsageError(
                f"{videos} videos cannot all have the {name} {value!r}",
                hint=f"give one file, or let the {name} be read from the names (try --dry-run)",
            )
