"""Search the subtitles for words, and return the frames on which they are said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.steps.search.closest_frames import sources_meeting
from animeds_db.steps.search.frames import only
from animeds_db.steps.search.words import Asked, matching
from animeds_db.store.location import read_errors
from animeds_db.store.store import Store

WITHIN_MS = 10_000
"""A line during which no frame was sampled gets the nearest frame, at most this many milliseconds away."""
FIRST_LINES = 64
"""Minimum number of lines that are read first; WIDER times as many if there is a condition on the frames."""
WIDER = 8
"""While there are too few frames, this many times as many lines are read next."""
MOST_LINES = 20_000
"""Maximum number of lines of a search."""
MOST_FILTERING = 2_000
"""Maximum number of lines whose frames are searched further, by a description or a picture."""
COLUMNS = ("line_id", "source_id", "start_s", "end_s", "text", "speaker", "kind", "language")
SOURCE_BITS = 30
"""A position in a source (nine digits) needs this many bits."""


def search_said(
    session: Session, store: Store, said: str, *, k: int = 20, where: str | None = None
) -> duckdb.DuckDBPyRelation:
    """Return the frames of the lines that have all of these words, best first: the exact phrase, then by BM25.

    Words are found in any case and in their English forms; a phrase in quotes must be in the line as it is. A frame
    belongs to a line if it is within it; a line without such a frame has the nearest one. `where` is a condition on
    the view `frames`. Columns: frame_id, source_id, show, season, episode, time_s, text, speaker, kind, language,
    start_s, end_s, away_s (seconds between the frame and the line; 0: the frame is within it), line_id, score.
    Raises UsageError without words or for k below 1, QueryError for a bad condition.
    """
    if k < 1:
        raise UsageError(f"-k is {k}. It must be at least 1.")
    sources = None if where is None else sources_meeting(session, where)
    asked, plain = Asked.read(said), where is None or sources is not None
    most = max(FIRST_LINES, 2 * k) * (1 if plain else WIDER)
    script = sql_script("steps/search", "said.sql")
    while True:
        lines = matching(store, "lines", asked, COLUMNS, most, sources=sources)
        shown = frames_of(store, lines)
        frames, params = shown["frame_id"].unique().to_pylist(), {"phrase": asked.plain, "k": k}
        tables = {"shown": shown}
        if plain:
            sql = with_texts(script, frames="frames", where="true")
            found = session.of_frames(sql, frames, tables, params)
        else:
            sql = with_texts(script, frames=only(frames), where=f"(\n{where}\n)")
            with session.errors(sql):
                found = session.sql(sql, params, file="search", tables=tables).to_arrow_table()
        if len(lines) < most or most >= MOST_LINES or len(found) >= k:
            return session.relation(found)
        most = min(MOST_LINES, most * WIDER)


def said_frames(store: Store, said: str) -> list[dict[str, Any]]:
    """Return frame_id, line_id, away_s and score of the frames of the best lines, for the macro `search_said`."""
    lines = matching(store, "lines", Asked.read(said, "search_said()"), COLUMNS, MOST_FILTERING)
    rows: list[dict[str, Any]] = (
        frames_of(store, lines).select(["frame_id", "line_id", "away_s", "score"]).to_pylist()
    )
    return rows


def frames_of(store: Store, lines: pa.Table) -> pa.Table:
    """Return the lines with the frames of each, in a column frame_id, and away_s, the seconds between the two."""
    times = _times(store)
    code = pc.index_in(lines["source_id"].combine_chunks(), times.sources)
    lines, code = lines.filter(pc.is_valid(code)), np.asarray(pc.drop_null(code), np.int64) << SOURCE_BITS
    start = code + _ms(lines["start_s"])
    end = np.maximum(code + _ms(lines["end_s"]), start)
    first, last = np.searchsorted(times.keys, start), np.searchsorted(times.keys, end)
    alone, away = first == last, np.zeros(len(lines), np.int64)
    if alone.any():
        first[alone], away[alone] = _nearest(times.keys, start[alone], end[alone], first[alone])
    counts = np.where(alone, away <= WITHIN_MS, last - first)
    row = np.repeat(np.arange(len(lines)), counts)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return (
        lines.take(pa.array(row))
        .append_column("frame_id", times.frames.take(pa.array(place)))
        .append_column("away_s", pa.array(away[row] / 1000, pa.float64()))
    )


def _nearest(
    keys: np.ndarray, start: np.ndarray, end: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of the nearest frame before or after each line, and its distance in milliseconds."""
    before, after = np.maximum(after - 1, 0), np.minimum(after, len(keys) - 1)
    gap_before, gap_after = np.abs(start - keys[before]), np.abs(keys[after] - end)
    return np.where(gap_before <= gap_after, before, after), np.minimum(gap_before, gap_after)


def _ms(seconds: pa.ChunkedArray) -> np.ndarray:
    """Return times in whole milliseconds, limited to what a frame's id can have."""
    ms: np.ndarray = np.clip(np.rint(np.asarray(seconds) * 1000), 0, schema.LAST_POSITION).astype(np.int64)
    return ms


@dataclass(frozen=True)
class _Times:
    """Frames in order: their ids, and int64 keys in the same order, of the source's number and the milliseconds."""

    sources: pa.Array
    frames: pa.Array
    keys: np.ndarray


_known: WeakKeyDictionary[Store, tuple[int, _Times]] = WeakKeyDictionary()
"""The frames of a store at a version of the table."""


def _times(store: Store) -> _Times:
    """Return all frames. A frame's id has its time in milliseconds, so only ids are read, once per version."""
    version = store.version("frames")
    if store not in _known or _known[store][0] != version:
        with read_errors(store.uri):
            ids = store.table("frames").to_table(columns=["frame_id"])["frame_id"].combine_chunks()
        frames = ids.take(pc.sort_indices(ids))
        encoded = pc.utf8_slice_codeunits(frames, 0, -10).dictionary_encode()
        at = pc.utf8_slice_codeunits(frames, -9).cast(pa.int64())
        keys = (np.asarray(encoded.indices, np.int64) << SOURCE_BITS) + np.asarray(at, np.int64)
        _known[store] = (version, _Times(encoded.dictionary, frames, keys))
    return _known[store][1]
