"""An exported folder as it stands now. The one rule: a picture is known by its bytes, not by its name.

Renamed and moved files are found by their hash. A file that is at its place with its size is not read again,
unless another picture of the export is as large to the byte.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import xxhash

from animeds_db.errors import ExportError
from animeds_db.export.picture import Picture, Written
from animeds_db.media import PICTURE_SUFFIXES, suffix_of
from animeds_db.safe_files import inside
from animeds_db.sync.beside import Words

CAPTION_SUFFIX = ".txt"


@dataclass(frozen=True)
class Standing:
    """Where a picture of an export is. Paths are relative to the folder, parts joined by `/`."""

    path: str | None
    """None: it is gone."""
    caption: str | None
    """The text beside it; None: there is none."""
    beside: Words | None = None
    """What other files say about it; None: what the export wrote there."""

    @property
    def folder(self) -> str:
        """The folder it lies in; the top is an empty string."""
        return (self.path or "").rpartition("/")[0]


@dataclass(frozen=True)
class Found:
    """What is in the folder now; `standings` are in step with the export's pictures."""

    standings: tuple[Standing, ...]
    changed: tuple[str, ...] = ()
    """Pictures whose file holds something else now, under their name (perhaps with another extension)."""
    copies: tuple[str, ...] = ()
    """Second files of a picture that is at its place as well."""
    strangers: tuple[str, ...] = ()
    """Pictures that the export did not write."""


@dataclass
class _Search:
    """Places for pictures: `at` maps the number of a picture to its path, `loose` are files of nobody yet."""

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
        """Return whether the file at `path` is the picture of that number."""
        written = self.written[number]
        if self.sizes.get(path) != written.n_bytes:
            return False
        return self._as_large[written.n_bytes] == 1 or self.hash(path) == written.xxh3

    def hash(self, path: str) -> str | None:
        """Return a file's hash, or None for one of a size that no picture has: it is not read."""
        if not self._as_large[self.sizes[path]]:
            return None
        if path not in self._hashes:
            self._hashes[path] = _hash(self.root / path)
        return self._hashes[path]

    def place(self, number: int, path: str) -> None:
        """Note that this file is this picture."""
        self.at[number] = path
        self.loose.discard(path)


def look(
    root: Path,
    pictures: Sequence[Picture],
    written: Sequence[Written],
    before: Sequence[Standing],
    *,
    within: str = "",
    beside: Callable[[int, Sequence[str]], Words | None] = lambda _number, _paths: None,
) -> Found:
    """Return where every picture is. `before` says where each was last, `within` is the folder of one layout,
    `beside` reads what other files say about the picture of a number (see beside.Beside.found).

    Raises ExportError for files that cannot be read.
    """
    try:
        sizes = {path: (root / path).stat().st_size for path in _picture_files(root, within)}
        return _look(_Search(root, written, sizes), pictures, before, beside)
    except OSError as error:
        raise ExportError(f"{error.filename or root} cannot be read: {error.strerror or error}") from error


def _look(
    search: _Search,
    pictures: Sequence[Picture],
    before: Sequence[Standing],
    beside: Callable[[int, Sequence[str]], Words | None],
) -> Found:
    for number, standing in enumerate(before):
        for path in dict.fromkeys((standing.path, pictures[number].path)):
            if path in search.loose and search.is_picture(path, number):
                search.place(number, path)
                break
    copies = _by_hash(search, pictures)
    changed = _by_name(search, before)
    standings = _with_captions(search, pictures, before)
    placed = set(search.at.values())
    read = [
        standing if standing.path is None else replace(standing, beside=beside(number, places))
        for number, standing in enumerate(standings)
        for places in [_places(standing.path, before[number].path, pictures[number].path, placed)]
    ]
    return Found(tuple(read), tuple(changed), tuple(copies), tuple(sorted(search.loose)))


def _by_hash(search: _Search, pictures: Sequence[Picture]) -> list[str]:
    """Place pictures that were moved or renamed; return files that are copies of placed ones."""
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


def _by_name(search: _Search, before: Sequence[Standing]) -> list[str]:
    """Place pictures of which something else lies there now, under their name or with another extension."""
    stems = {PurePosixPath(path).with_suffix(""): path for path in sorted(search.loose)}
    changed = []
    for number, standing in enumerate(before):
        if number in search.at or standing.path is None:
            continue
        path = stems.pop(PurePosixPath(standing.path).with_suffix(""), None)
        if path is not None:
            search.place(number, path)
            changed.append(path)
    return changed


def _with_captions(
    search: _Search, pictures: Sequence[Picture], before: Sequence[Standing]
) -> tuple[Standing, ...]:
    """Return where each picture is, with its caption; one that was left behind in a move is taken along."""
    taken = {_caption_path(path) for path in search.at.values()}
    standings = []
    for number, picture in enumerate(pictures):
        path = search.at.get(number)
        if path is None:
            standings.append(Standing(None, None))
            continue
        left_behind = [_caption_path(p) for p in (before[number].path, picture.path) if p]
        places = [_caption_path(path), *(place for place in left_behind if place not in taken)]
        texts = (_text(inside(search.root, place)) for place in dict.fromkeys(places))
        standings.append(Standing(path, next((text for text in texts if text is not None), None)))
    return tuple(standings)


def _places(now: str | None, before: str | None, exported: str, placed: set[str]) -> list[str]:
    """Return where files of a picture may lie: beside it, or where it was and no other picture is now."""
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
        for path in paths.values():  # passing over a link would look as if its pictures had been deleted
            inside(root, path)
        yield from (paths[name] for name in pictures)


def _hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
