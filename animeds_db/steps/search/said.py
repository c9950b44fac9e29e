"""Search the subtitles for words, and return the frames on which they are said."""

from __future__ import annotations

import duckdb

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep import indexes

WITHIN_S = 10.0
"""A line during which no frame was sampled gets the nearest frame, at most this many seconds away."""

MOST_FRAMES = 10_000
"""Maximum number of frames whose vectors are compared when words and a picture are searched together."""


def search_said(
    session: Session, said: str, *, k: int = 20, where: str | None = None, store: Store | None = None
) -> duckdb.DuckDBPyRelation:
    """Return the frames of the lines that have all of these words, in any case: lines with the exact phrase first.

    A word is found inside longer ones, too, so that it works for languages without spaces. `where` is a condition on
    the view `frames`. With `store`, its index of words is used (see upkeep.indexes); the result is the same.
    Columns: frame_id, source_id, show, season, episode, time_s, text, speaker, kind, language, start_s, end_s, away_s
    (seconds between the frame and the line; 0: the frame is within it), line_id.
    Raises UsageError without words or for k below 1, QueryError for a bad condition.
    """
    words = said.lower().split()
    if not words:
        raise UsageError("--said has no words.", hint='animeds search --said "promise"')
    if k < 1:
        raise UsageError(f"-k is {k}. It must be at least 1.")
    ids = indexes.lines_with(store, words) if store is not None else None
    lines = "true" if ids is None else _one_of(ids)
    sql = with_texts(sql_script("steps/search", "said.sql"), lines=lines, where=f"(\n{where or 'true'}\n)")
    values = {"words": words, "phrase": " ".join(words), "k": k, "within_s": WITHIN_S}
    return session.sql(sql, values, file="search")


def frames_said(session: Session, said: str, where: str | None, store: Store) -> str:
    """Return a condition on the view `frames` that is met by the frames of `search_said`."""
    found = search_said(session, said, k=MOST_FRAMES, where=where, store=store)
    with session.errors():
        ids = sorted({str(row[0]) for row in found.select("frame_id").fetchall()})
    return f"frame_id IN ({', '.join(map(quoted, ids))})" if ids else "false"


def _one_of(ids: list[str]) -> str:
    return f"line_id IN ({', '.join(map(quoted, ids))})" if ids else "false"
