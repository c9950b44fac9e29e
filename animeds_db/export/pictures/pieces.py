"""The files of a picture or clip that are made apart, as those of a control are, and the record of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import xxhash

from animeds_db.export.pictures.picture import Written
from animeds_db.export.pictures.render import Crop
from animeds_db.export.pictures.sizes import Size

Collect = Callable[[str, Written], None]
"""Receives each complete picture: (path, its files)."""


@dataclass(frozen=True)
class Piece:
    """Files that were written: part → `SIZE:XXH3`, see names.part_path; "" is the picture or clip itself."""

    marks: Mapping[str, str]
    size: Size | None = None
    """Of the picture itself, in pixels. None: these are only parts."""
    shown: Crop | None = None
    """See picture.Written."""


class Pieces:
    """Puts together pictures whose pieces are finished in any order."""

    def __init__(self, counts: Mapping[str, int], collect: Collect) -> None:
        self._counts = counts
        self._collect = collect
        self._found: dict[str, list[Piece]] = defaultdict(list)

    def add(self, path: str, piece: Piece) -> None:
        """Add a piece of the picture at `path`, and report the picture if it was the last one."""
        self._found[path].append(piece)
        if len(self._found[path]) == self._counts[path]:
            self._collect(path, _written(self._found.pop(path)))


def _written(pieces: Sequence[Piece]) -> Written:
    """Return the record of a picture. Its parts are sorted by name."""
    own = next(piece for piece in pieces if piece.size is not None)
    assert own.size is not None
    marks = dict(sorted(pair for piece in pieces for pair in piece.marks.items()))
    n_bytes, xxh3 = _own(marks)
    return Written(*own.size, n_bytes, xxh3, own.shown, {part: mark for part, mark in marks.items() if part})


def _own(marks: Mapping[str, str]) -> tuple[int, str]:
    """Return the size and the hash of a picture, or of the pictures in the folder of a clip's frames."""
    if "" in marks:
        size, _, digest = marks[""].partition(":")
        return int(size), digest
    frames = [mark for part, mark in marks.items() if part.startswith("/")]
    digest = xxhash.xxh3_128_hexdigest(" ".join(frames).encode())
    return sum(int(mark.partition(":")[0]) for mark in frames), digest
