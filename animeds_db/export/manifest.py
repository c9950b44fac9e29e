"""`animeds-export.json`: what a folder contains and how to build it again.

The same export gives the same bytes, so it contains neither the time nor the path of the export. Each picture has its
own line, for `diff` and `grep`.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from animeds_db.errors import AnimedsError, ExportError, UsageError
from animeds_db.export.clips.options import options_from
from animeds_db.export.lines import line_of, read_line
from animeds_db.export.names import CREDITS_NAME as CREDITS_NAME
from animeds_db.export.names import MANIFEST_NAME as MANIFEST_NAME
from animeds_db.export.options import ExportOptions, Provenance
from animeds_db.export.pictures.picture import Picture, Source, Written
from animeds_db.export.typed import check_fields, check_types
from animeds_db.safe_files import UnsafePathError, inside, relative

_TOP = {
    "animeds_export": int,
    "versions": dict[str, str],
    "selection": dict[str, Any],
    "options": dict[str, Any],
    "sources": list[dict[str, Any]],
    "files": dict[str, str],
    "pictures": list[dict[str, Any]],
}
FORMAT = 2
"""Version of the manifest's format; a reader refuses a higher one.

1: caption settings were in the options and in `selection.shape`. 2: they are in `options.profile` only.
"""


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read or will be written. `written` has the same order as `pictures`."""

    versions: dict[str, str]
    """Versions of animeds-db, the decoder and the encoder."""
    provenance: Provenance
    options: ExportOptions
    sources: tuple[Source, ...]
    pictures: tuple[Picture, ...]
    written: tuple[Written, ...]
    files: dict[str, str] = field(default_factory=dict)
    """All other files of the folder except the manifest: path → `SIZE:XXH3`."""

    @property
    def loose(self) -> dict[str, int]:
        """Paths of the pictures that are files of their own, with their sizes in bytes."""
        is_loose = [layout.pack is None for layout in self.options.chosen]
        return {
            place: int(mark.partition(":")[0])
            for picture, written in zip(self.pictures, self.written, strict=True)
            for path, lies in zip(picture.paths, is_loose, strict=True)
            if lies
            for place, mark in written.places(path).items()
        }

    def parts_of(self, paths: Collection[str]) -> set[str]:
        """Return the paths of all files that belong to the pictures at these paths."""
        return {
            place
            for picture, written in zip(self.pictures, self.written, strict=True)
            for path in picture.paths
            if path in paths
            for place in written.places(path)
        }

    def text(self) -> str:
        """Return the manifest as JSON, one picture per line."""
        head = {
            "animeds_export": FORMAT,
            "versions": self.versions,
            "selection": self.provenance.record(),
            "options": self.options.recorded(),
            "sources": [asdict(source) for source in self.sources],
            "files": self.files,
        }
        lines = [
            json.dumps(line_of(p, w), ensure_ascii=False)
            for p, w in zip(self.pictures, self.written, strict=True)
        ]
        # Parameters may be dates or decimals. They are recorded as text.
        top = json.dumps(head, ensure_ascii=False, indent=1, default=str).removesuffix("\n}")
        return top + ',\n "pictures": [\n' + ",\n".join(lines) + "\n]}\n"

    def credits(self) -> str:
        """Return CREDITS.txt: per source its title, credit, licence, URL and number of pictures."""
        counts = Counter(picture.source_id for picture in self.pictures)
        parts = [_credit(source, counts[source.source_id]) for source in self.sources]
        return "The pictures in this folder come from:\n\n" + "\n".join(parts)


def _credit(source: Source, count: int) -> str:
    facts = {
        "show": source.show,
        "credit": source.credit,
        "licence": source.licence or "not given",
        "url": source.url,
        "pictures": str(count),
    }
    # One line each: a line break in a credit would read as another source.
    lines = [f"    {name}: {' '.join(value.split())}" for name, value in facts.items() if value]
    return "\n".join([" ".join((source.title or source.source_id).split()), *lines, ""])


def current_versions() -> dict[str, str]:
    """Return the versions on which the bytes of a picture file depend."""
    import zlib

    import av
    import PIL

    import animeds_db

    return {
        "animeds": animeds_db.__version__,
        "av": av.__version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "pillow": PIL.__version__,
        "machine": platform.machine(),
    }


def used_sources(sources: Mapping[str, Source], pictures: Sequence[Picture]) -> tuple[Source, ...]:
    """Return the sources of these pictures and of what belongs to them, by title."""
    used = {source_id for picture in pictures for source_id in _source_ids(picture)}
    return tuple(sorted((sources[i] for i in used), key=lambda s: (s.title or "", s.source_id)))


def _source_ids(picture: Picture) -> Iterator[str]:
    yield picture.source_id
    yield from (part.origin.source_id for part in picture.beside if part.origin)
    if picture.clip and picture.clip.control:
        yield picture.clip.control[0]


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, or that of a folder. Raises ExportError if it is missing, damaged, or too new."""
    path = inside(path, MANIFEST_NAME) if path.is_dir() else path
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(
            f"{path} cannot be read as the manifest of an export: {error}",
            hint=f"Every exported folder has a manifest: OUT/{MANIFEST_NAME}",
        ) from error
    made_for = content.get("animeds_export") if isinstance(content, dict) else None
    if not isinstance(made_for, int):
        raise ExportError(f"{path} is not the manifest of an export.")
    if made_for > FORMAT:
        raise ExportError(
            f"{path} was written by a newer version of animeds-db.", hint="pip install --upgrade animeds-db"
        )
    try:
        return _parsed(content)
    except (ExportError, UnsafePathError, KeyError, TypeError, ValueError, UsageError) as error:
        plain = error.headline if isinstance(error, AnimedsError) else str(error)
        what = f"it has no {plain}" if isinstance(error, KeyError) else plain
        raise ExportError(f"{path} is damaged: {what}", hint=getattr(error, "hint", None)) from error


def _parsed(content: dict[str, Any]) -> Manifest:
    """Return the manifest. It may come from anywhere, so every value is checked."""
    check_fields(_TOP, content, "manifest")
    if content["animeds_export"] < FORMAT:
        content = _from_format_1(content)
    sources = []
    for values in content["sources"]:
        check_types(Source, values)
        sources.append(Source(**values))
    known = {source.source_id for source in sources}
    options = options_from(content["options"])
    n_layouts = len(options.layouts)
    pictures, written = [], []
    for line in content["pictures"]:
        picture, done = read_line(line)
        for source_id in _source_ids(picture):
            if source_id not in known:
                raise ValueError(f"{picture.path} comes from the source {source_id}, which is not listed")
        if len(picture.paths) != n_layouts:
            raise ValueError(f"{picture.path} has {len(picture.paths)} paths in {n_layouts} layouts")
        pictures.append(picture)
        written.append(done)
    for path in content["files"]:
        relative(path, "the export")
    check_types(Provenance, content["selection"])
    return Manifest(
        dict(content["versions"]),
        Provenance(**content["selection"]),
        options,
        tuple(sources),
        tuple(pictures),
        tuple(written),
        dict(content["files"]),
    )


def _from_format_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest of format 1 in the current format."""
    options, selection = dict(content["options"]), dict(content["selection"])
    shape = selection.pop("shape", {})
    check_fields({"arrangement": str, "captions": dict[str, Any]}, shape, "selection's shape")
    profile, form = dict(shape.get("captions", {})), shape.get("arrangement", "")
    tag, separator = options.pop("activation_tag", None), options.pop("keep_tokens_separator", "")
    # The profile of `shape` already obeyed these three.
    for name in ("threshold", "keep_character_tags", "keep_underscores"):
        options.pop(name, None)
    profile |= {"activation_tag": tag} if tag else {}
    profile |= {"keep_tokens_separator": separator} if separator else {}
    arrangement = {"form": form} if form else {}
    options |= {"profile": profile, "arrangement": arrangement}
    return {**content, "options": options, "selection": selection}
