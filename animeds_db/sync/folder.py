"""The current contents of an exported folder. A picture is recognised by its bytes, not by its name.

Renamed and moved files are found by their hash. A file with the expected path and size is not read again, unless
another picture of the export has exactly the same size.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import xxhash

from animeds_db.errors import ExportError
from animeds_db.export.names import part_path
from animeds_db.export.pictures.picture import Picture, Written
from animeds_db.media import PICTURE_SUFFIXES, suffix_of
from animeds_db.safe_files import inside
from animeds_db.sync.beside import Words

CAPTION_SUFFIX = ".txt"


@dataclass(frozen=True)
class Status:
    """Status of an exported picture. Paths are relative to the folder, parts joined by `/`."""

    path: str | None
    """None: it was deleted."""
    caption: str | None
    """Its caption file. None: there is none."""
    beside: Words | None = None
    """Text about it in other files. None: unchanged since the export."""

    @property
    def folder(self) -> str:
        """Its folder; "" is the top."""
        return (self.path or "").rpartition("/")[0]


@dataclass(frozen=True)
class Found:
    """Current contents of the folder. `statuses` has the order of the pictures in the export."""

    statuses: tuple[Status, ...]
    changed: tuple[str, ...] = ()
    """Pictures whose file has other bytes now (perhaps with another extension)."""
    copies: tuple[str, ...] = ()
    """Additional copies of a picture that is still there."""
    strangers: tuple[str, ...] = ()
    """Pictures that the export did not write."""


@dataclass
class _Search:
    """Files matched to pictures: `at` maps the number of a picture to its path, `loose` are the other files."""

    root: Path
    written: Sequence[Written]
    sizes: Mapping[str, int]
    at: dict[int, str] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.loose = set(self.sizes)
        self._as_large = Counter(w.n_bytes for w in self.written)
        self._hashes: dict[str, str] = {}

    def is_picture(self, path: str, number: int) -> bool:
        """Return True if the file at `path` is the picture with that number."""
        written = self.written[number]
        if self.sizes.get(path) != written.n_bytes:
            return False
        return self._as_large[written.n_bytes] == 1 or self.hash(path) == written.xxh3

    def hash(self, path: str) -> str | None:
        """Return the hash of a file. A file is not read if no picture has its size; then None."""
        if not self._as_large[self.sizes[path]]:
            return None
        if path not in self._hashes:
            self._hashes[path] = _hash(self.root / path)
        return self._hashes[path]

    def place(self, number: int, path: str) -> None:
        """Match a file to a picture."""
        self.at[number] = path
        self.loose.discard(path)


def look(
    root: Path,
    pictures: Sequence[Picture],
    written: Sequence[Written],
    before: Sequence[Status],
    *,
    within: str = "",
    beside: Callable[[int, Sequence[str]], Words | None] = lambda _number, _paths: None,
) -> Found:
    """Return the status of every picture. `before`: the status at the last sync. `within`: the folder of one layout.
    `beside`: reads the text about a picture in other files (see beside.Beside.found).

    Raises ExportError for files that cannot be read.
    """
    try:
        files = set(_picture_files(root, within))
        sizes = {path: (root / path).stat().st_size for path in files - _parts(files, pictures, written)}
        return _look(_Search(root, written, sizes), pictures, before, beside)
    except OSError as error:
        raise ExportError(f"{error.filename or root} cannot be read: {error.strerror or error}") from error


def _look(
    search: _Search,
    pictures: Sequence[Picture],
    before: Sequence[Status],
    beside: Callable[[int, Sequence[str]], Words | None],
) -> Found:
    for number, status in enumerate(before):
        for path in dict.fromkeys((status.path, pictures[number].path)):
            if path in search.loose and search.is_picture(path, number):
                search.place(number, path)
                break
    copies = _by_hash(search, pictures)
    changed = _by_name(search, before)
    statuses = _with_captions(search, pictures, before)
    placed = set(search.at.values())
    read = [
        status if status.path is None else replace(status, beside=beside(number, places))
        for number, status in enumerate(statuses)
        for places in [_places(status.path, before[number].path, pictures[number].path, placed)]
    ]
    return Found(tuple(read), tuple(changed), tuple(copies), tuple(sorted(search.loose)))


def _by_hash(search: _Search, pictures: Sequence[Picture]) -> list[str]:
    """Match pictures that were moved or renamed. Return the files that are copies of matched ones."""
    missing: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(search.written):
        if number not in search.at:
            missing[one.xxh3].append(number)
    known = {one.xxh3 for one in search.written}
    copies = []
    for path in sorted(search.loose):
        digest = search.hash(path)
        wanted = missing[digest] if digest is not None else []
        if wanted:
            name = PurePosixPath(path).name
            same = [n for n in wanted if PurePosixPath(pictures[n].path).name == name]
            number = (same or wanted)[0]
            wanted.remove(number)
            search.place(number, path)
        elif digest in known:
            copies.append(path)
    search.loose.difference_update(copies)
    return copies


def _by_name(search: _Search, before: Sequence[Status]) -> list[str]:
    """Match pictures whose file has other bytes now, by name (the extension may differ). Return the files."""
    stems = {PurePosixPath(path).with_suffix(""): path for path in sorted(search.loose)}
    changed = []
    for number, status in enumerate(before):
        if number in search.at or status.path is None:
            continue
        path = stems.pop(PurePosixPath(status.path).with_suffix(""), None)
        if path is not None:
            search.place(number, path)
            changed.append(path)
    return changed


def _with_captions(
    search: _Search, pictures: Sequence[Picture], before: Sequence[Status]
) -> tuple[Status, ...]:
    """Return the status of each picture with its caption, also if the caption was not moved along with it."""
    taken = {_caption_path(path) for path in search.at.values()}
    statuses = []
    for number, picture in enumerate(pictures):
        path = search.at.get(number)
        if path is None:
            statuses.append(Status(None, None))
            continue
        left_behind = [_caption_path(p) for p in (before[number].path, picture.path) if p]
        places = [_caption_path(path), *(place for place in left_behind if place not in taken)]
        texts = (_text(inside(search.root, place)) for place in dict.fromkeys(places))
        statuses.append(Status(path, next((text for text in texts if text is not None), None)))
    return tuple(statuses)


def _places(now: str | None, before: str | None, exported: str, placed: set[str]) -> list[str]:
    """Return the paths beside which files of a picture may be: its own, and earlier ones that no picture has now."""
    places = [now, *(path for path in (before, exported) if path not in placed)]
    return list(dict.fromkeys(path for path in places if path))


def _caption_path(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(CAPTION_SUFFIX))


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _picture_files(root: Path, within: str) -> Iterator[str]:
    """Yield the picture files below `root/within`, without hidden ones, relative to `root`.

    Raises UnsafePathError for a link.
    """
    for folder, folders, files in os.walk(inside(root, within) if within else root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        pictures = [n for n in files if not n.startswith(".") and suffix_of(Path(n)) in PICTURE_SUFFIXES]
        paths = {name: Path(folder, name).relative_to(root).as_posix() for name in (*folders, *pictures)}
        for path in paths.values():  # with a link ignored, its pictures would look deleted
            inside(root, path)
        yield from (paths[name] for name in pictures)


def _parts(files: Collection[str], pictures: Sequence[Picture], written: Sequence[Written]) -> set[str]:
    """Return the files that are parts of pictures, such as masks, wherever those pictures were moved."""
    placed = {
        place
        for picture, one in zip(pictures, written, strict=True)
        for place in one.places(picture.path)
        if place != picture.path
    }
    names = {part for one in written for part in one.parts}
    moved = {part_path(path, part) for path in files for part in names}
    return placed | moved


def _hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
