"""Writes the subtitles and chapters of videos to the tables `lines` and `chapters`. No picture is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from animeds_db import schema
from animeds_db.errors import SourceError
from animeds_db.media.words.chapters import Chapter
from animeds_db.media.words.subtitles import Line, Words, read_words
from animeds_db.remote.paths import SourcePath
from animeds_db.store import Store
from animeds_db.store.location import read_errors
from animeds_ingest import ledger

OCR = "ocr"
"""Origin of lines that were read from the pictures."""


@dataclass(frozen=True)
class TextRead:
    """The words that were read from one video: numbers of lines and chapters, notes for the user, or the error."""

    source_id: str
    title: str
    lines: int = 0
    chapters: int = 0
    notes: tuple[str, ...] = ()
    error: SourceError | None = None


def write_text(store: Store, source_id: str, path: SourcePath) -> Words:
    """Read a video's subtitles and chapters and write their rows, if they differ from those in the database.

    What cannot be read is a note in the result. Raises SourceError if the video cannot be opened, StoreError.
    """
    words = read_words(path)
    write_lines(store, source_id, words.lines)
    chapters = chapter_rows(source_id, words.chapters)
    if not _stored(store, "chapters", source_id).equals(chapters):
        store.replace("chapters", chapters, where_source=source_id)
    return words


def write_lines(store: Store, source_id: str, lines: Sequence[Line], origin: str | None = None) -> None:
    """Write a video's lines of one origin, if they differ from those in the database. Other lines stay.

    `origin`: OCR, or None for tracks and files.
    """
    stored = _stored(store, "lines", source_id)
    others = [row for row in stored.to_pylist() if row["origin"] != origin]
    rows = line_rows(source_id, lines, origin)
    if others:
        rows = _sorted(
            pa.concat_tables([rows, pa.Table.from_pylist(others, rows.schema)]).to_pydict(), schema.LINES
        )
    if not stored.equals(rows):
        store.replace("lines", rows, where_source=source_id)


def read_text(store: Store, sources: Sequence[str] | None = None) -> list[TextRead]:
    """Read the subtitles and chapters of videos that are in the database. `sources` are ids; None means all videos.

    Rows of a video whose file is missing or has changed stay, and its result has the error. Raises UsageError for an
    unknown id, StoreError.
    """
    return [_read(store, row) for row in ledger.videos(store, sources)]


def _read(store: Store, row: dict[str, Any]) -> TextRead:
    source, title = row["source_id"], row["title"] or row["source_id"]
    try:
        path = ledger.unchanged(row)
        words = write_text(store, source, path)
    except SourceError as error:
        return TextRead(source, title, error=error)
    return TextRead(source, title, len(words.lines), len(words.chapters), tuple(words.notes))


def line_rows(source_id: str, lines: Sequence[Line], origin: str | None = None) -> pa.Table:
    """Return the rows of `lines`, sorted by id. The ids depend only on the content, and sort by time."""
    repeats: Counter[str] = Counter()
    ids = []
    for line in lines:
        track = line.track.stream if line.track.stream is not None else line.track.title or origin
        content = "\0".join(
            map(str, (track, line.start_s, line.end_s, line.style, line.speaker, line.layer, line.raw))
        )
        repeats[content] += 1  # typeset karaoke repeats events
        digest = xxhash.xxh3_64_intdigest(f"{content}\0{repeats[content]}".encode())
        ids.append(f"{_at(source_id, line.start_s)}-{digest:016x}")
    columns = {
        "line_id": ids,
        "source_id": [source_id] * len(lines),
        "track": [line.track.stream for line in lines],
        "track_title": [line.track.title for line in lines],
        "language": [line.track.language for line in lines],
        "origin": [origin] * len(lines),
    }
    for name in schema.LINES.schema.names:
        if name not in columns:
            columns[name] = [getattr(line, name) for line in lines]
    return _sorted(columns, schema.LINES)


def chapter_rows(source_id: str, chapters: Sequence[Chapter]) -> pa.Table:
    """Return the rows of `chapters`, in order of time."""
    columns = {
        "chapter_id": [f"{_at(source_id, c.start_s)}-c{n}" for n, c in enumerate(chapters)],
        "source_id": [source_id] * len(chapters),
        "number": list(range(len(chapters))),
        "start_s": [c.start_s for c in chapters],
        "end_s": [c.end_s for c in chapters],
        "title": [c.title for c in chapters],
        "kind": [c.kind for c in chapters],
    }
    return _sorted(columns, schema.CHAPTERS)


def _at(source_id: str, seconds: float) -> str:
    return schema.frame_id(source_id, min(schema.LAST_POSITION, round(seconds * 1000)))


def _stored(store: Store, name: str, source_id: str) -> pa.Table:
    with read_errors(store.uri):
        rows = store.table(name).to_table(filter=pc.field("source_id") == source_id)
    return _sorted({field: rows[field] for field in rows.column_names}, store.schema(name))


def _sorted(columns: dict[str, Any], table: schema.Table) -> pa.Table:
    plain = pa.schema([field.remove_metadata().with_nullable(True) for field in table.schema])
    return pa.table(columns, schema=plain).sort_by(table.key).combine_chunks()
