"""Reads sidecars: files beside pictures that describe them. A broken sidecar is skipped, not its picture.

Beside `XXX.png` (or its name in an archive) are read, in this order:

    .XXX_meta.json             waifuc, anime screenshot pipeline v2
    XXX.json                   anime screenshot pipeline v1: tags, characters with their faces, copyright, artist
    XXX.png.tags, XXX.tags,    imgbrd-grabber: lines `character: …`, `copyright: …`, `artist: …`, `general: …`,
    XXX.png.tag, XXX.tag,      `rating: …`; or plain tags, comma between
    XXX.png.info, XXX.info
    XXX.txt, XXX.caption       a caption; where it is a list of tags, those

The text is kept as the picture's caption. Of each kind of words the first file that has some counts.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from animeds_db.errors import SourceError, headline
from animeds_db.media import Pictures
from animeds_db.printable import counted
from animeds_db.remote.requests import BucketError
from animeds_db.tagtext import MAX_NAME, name_problem, parts, reads_as_prose, tag_of

Box = tuple[float, float, float, float]

NOBODY = frozenset({"unknown", "ood", "anonymous", "none", ""})
"""Meaningless names, which are dropped as in the anime screenshot pipeline."""
RATINGS = {"g": "general", "s": "sensitive", "q": "questionable", "e": "explicit", "safe": "general"}
"""Short forms of danbooru's ratings. Long forms are kept unchanged."""
NAMES = ("tags", "meta", "characters", "copyright", "artist")
"""Fields of a sidecar that hold names."""
FIELDS = {
    "character": "characters",
    "characters": "characters",
    "copyright": "copyright",
    "artist": "artist",
    "general": "tags",
    "tags": "tags",
    "meta": "meta",
    "rating": "rating",
}
IGNORED = frozenset({"score", "fav_count", "md5", "site", "id", "source", "date"})
_FIELD = re.compile(r"\s*([A-Za-z_]+)\s*:(?:\s+(.*)|\s*)$")


@dataclass(frozen=True)
class Sidecar:
    """The content of the files beside one picture. Tags have underscores, as on boorus; names are unchanged."""

    text: str | None = None
    """A caption, unchanged."""
    tags: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    copyright: tuple[str, ...] = ()
    artist: tuple[str, ...] = ()
    rating: str | None = None
    """The rating: general, sensitive, questionable or explicit."""
    faces: tuple[tuple[str, Box], ...] = ()
    """Characters with the boxes of their faces (left, top, right, bottom; 0…1), if the files have them."""
    boxes: tuple[Box, ...] = ()
    """The boxes of all faces, with and without a name."""
    formats: tuple[str, ...] = ()
    """Formats that it was read from: waifuc, pipeline, grabber, tags, txt."""

    def __bool__(self) -> bool:
        return bool(self.text or self.labels or self.characters or self.boxes)

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Return (tag, category) of all tags except characters, each once."""
        kinds = (
            ("general", self.tags),
            ("copyright", self.copyright),
            ("artist", self.artist),
            ("meta", self.meta),
        )
        rated = [(f"rating:{self.rating}", "rating")] if self.rating else []
        return list(dict.fromkeys([(tag, kind) for kind, tags in kinds for tag in tags] + rated))


class Sidecars:
    """The sidecars of the pictures of one source. `warnings` names those that could not be read."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.warnings: list[str] = []
        self.found: dict[str, Sidecar] = {}
        """Sidecar by member, only for members that have one."""
        beside = self._beside(pictures.others())
        for member in pictures.members:
            sidecar = self._read(member, beside)
            if sidecar:
                self.found[member] = sidecar

    @property
    def texts(self) -> dict[str, str]:
        """Return a dict from member to caption."""
        return {member: sidecar.text for member, sidecar in self.found.items() if sidecar.text}

    def _beside(self, names: Iterable[str]) -> Mapping[str, dict[str, str]]:
        """Return folder → file name → path of the files that may be sidecars."""
        folders: dict[str, dict[str, str]] = defaultdict(dict)
        for name in names:
            folder, _, last = name.rpartition("/")
            folders[folder][last] = name
        return folders

    def _read(self, member: str, beside: Mapping[str, dict[str, str]]) -> Sidecar:
        folder, _, name = member.rpartition("/")
        files = beside.get(folder, {})
        sidecar = Sidecar()
        for candidate, parse in _candidates(name):
            if candidate in files:
                sidecar = _merged(sidecar, self._parsed(files[candidate], parse))
        return sidecar

    def _parsed(self, path: str, parse: Callable[[str], Sidecar]) -> Sidecar:
        try:
            return self._valid(path, parse(self._pictures.read(path).decode("utf-8-sig")))
        except BucketError:  # not a broken file, so its content must not be lost
            raise
        except (SourceError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.warnings.append(f"{path} cannot be read as a sidecar ({headline(error)}): it was left out")
            return Sidecar()

    def _valid(self, path: str, sidecar: Sidecar) -> Sidecar:
        """Return the sidecar without names that cannot be stored, and warn about them."""
        found = {field: getattr(sidecar, field) for field in NAMES}
        valid: dict[str, Any] = {
            field: tuple(n for n in names if not name_problem(n)) for field, names in found.items()
        }
        lost = sum(len(found[field]) - len(valid[field]) for field in NAMES)
        if lost:
            self.warnings.append(
                f"{path}: {counted(lost, 'name')} with control characters, or longer than {MAX_NAME} characters, "
                f"{'was' if lost == 1 else 'were'} left out"
            )
        faces = tuple(face for face in sidecar.faces if not name_problem(face[0]))
        return replace(sidecar, faces=faces, **valid)


def _candidates(name: str) -> Iterator[tuple[str, Callable[[str], Sidecar]]]:
    stem = PurePosixPath(name).stem
    yield f".{stem}_meta.json", _waifuc
    yield from ((f"{base}.json", _pipeline) for base in (stem, name))
    yield from (
        (f"{base}{suffix}", _tags_file) for suffix in (".tags", ".tag", ".info") for base in (name, stem)
    )
    yield from ((f"{base}{suffix}", _caption) for suffix in (".txt", ".caption") for base in (stem, name))


def _merged(first: Sidecar, second: Sidecar) -> Sidecar:
    """Return the first sidecar, completed by the second one."""
    names = ("text", "tags", "meta", "characters", "copyright", "artist", "rating", "faces", "boxes")
    missing = {name: getattr(second, name) for name in names if not getattr(first, name)}
    return replace(first, **missing, formats=tuple(dict.fromkeys(first.formats + second.formats)))


def _waifuc(text: str) -> Sidecar:
    """Parse `.XXX_meta.json`: tags are a list, or a mapping from tags to scores."""
    content = _object(text)
    tags = content.get("tags") or content.get("processed_tags") or ()
    caption = content.get("caption")
    return Sidecar(
        text=caption if isinstance(caption, str) and caption.strip() else None,
        tags=_words(list(tags) if isinstance(tags, dict) else tags),
        formats=("waifuc",),
        **_people(content),
    )


def _pipeline(text: str) -> Sidecar:
    """Parse `XXX.json`; a file without one of its keys belongs to something else."""
    content = _object(text)
    known = {
        "facepos",
        "n_faces",
        "tags",
        "characters",
        "character",
        "general",
        "copyright",
        "artist",
        "cropped",
    }
    if not known & set(content):
        return Sidecar()
    people = _people(content)
    return Sidecar(
        tags=_words(content.get("tags") or ()),
        faces=_faces(content.get("characters") or content.get("character"), content.get("facepos")),
        boxes=tuple(box for box in map(_box, content.get("facepos") or ()) if box),
        formats=("pipeline",),
        **people,
    )


def _people(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "characters": _characters(content.get("characters") or content.get("character") or ()),
        "copyright": _names(content.get("copyright") or ()),
        "artist": _names(content.get("artist") or ()),
        "rating": _rating(content.get("rating")),
    }


def _faces(names: Any, boxes: Any) -> tuple[tuple[str, Box], ...]:
    """Pair characters with faces: there is one name per face, in the order of `facepos`."""
    if not (isinstance(names, list) and isinstance(boxes, list) and len(names) == len(boxes)):
        return ()
    pairs = ((_characters([name]), _box(box)) for name, box in zip(names, boxes, strict=True))
    return tuple((name[0], box) for name, box in pairs if name and box)


def _box(edges: Any) -> Box | None:
    """Return left, top, right and bottom; None if they are not inside the picture. Raises ValueError, TypeError."""
    left, top, right, bottom = (float(edge) for edge in edges)
    return (left, top, right, bottom) if 0 <= left < right <= 1 and 0 <= top < bottom <= 1 else None


def _tags_file(text: str) -> Sidecar:
    """Parse a `.tags` file: lines with a field, and lines of plain tags."""
    fields: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        field, value = _field(line)
        fields[field] += value.split(",")
    characters = _characters(fields["characters"])
    series, artist = (_names(fields[name]) for name in ("copyright", "artist"))
    return Sidecar(
        tags=_words(fields["tags"]),
        meta=_words(fields["meta"]),
        characters=characters,
        copyright=series,
        artist=artist,
        rating=_rating(next(iter(fields["rating"]), None)),
        formats=("grabber",) if characters or series or artist else ("tags",),
    )


def _field(line: str) -> tuple[str, str]:
    """Return the field that a line is about, and its value. A tag may hold a colon, as `:d` or `re:zero` do."""
    match = _FIELD.match(line)
    name = match[1].casefold() if match else ""
    if match and (name in FIELDS or name in IGNORED):
        return FIELDS.get(name, "ignored"), match[2] or ""
    return "tags", line


def _caption(text: str) -> Sidecar:
    """Parse a caption. Its text is kept; if it is not prose, its parts are tags."""
    lines = [line for line in text.splitlines() if line.strip()]
    if any(_field(line)[0] in ("characters", "copyright", "artist") for line in lines):
        return _tags_file(text)
    text = text.strip("\r\n")
    tags = () if reads_as_prose(text) else _words(parts(text))
    return Sidecar(text=text or None, tags=tags, formats=("txt",))


def _object(text: str) -> dict[str, Any]:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def _words(values: Any) -> tuple[str, ...]:
    """Return tags as they are stored, each once. Raises ValueError for anything but texts."""
    if isinstance(values, str):
        values = values.split(",")
    if not all(isinstance(value, str) for value in values):
        raise ValueError("tags and names must be texts")
    return tuple(dict.fromkeys(tag_of(value.strip()) for value in values if value.strip()))


def _characters(values: Any) -> tuple[str, ...]:
    """Return names of characters as they are written, each once. Raises ValueError for anything but texts."""
    written = values.split(",") if isinstance(values, str) else values
    tags = _words(written)
    names = {tag_of(name.strip()): name.strip() for name in reversed(list(written))}
    return tuple(names[tag] for tag in tags if tag.casefold() not in NOBODY)


def _names(values: Any) -> tuple[str, ...]:
    return tuple(name for name in _words(values) if name.casefold() not in NOBODY)


def _rating(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    value = value.strip().casefold()
    rating = RATINGS.get(value, value)
    return rating if rating in RATINGS.values() or rating == "explicit" else None
