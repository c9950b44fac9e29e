"""Finds the frames whose vectors are closest to a vector. It reads the vectors from the tables' files, without SQL.

Rows are known by their addresses (see store.vector_files). The result is the same as if SQL compared all frames, except
that the index of vectors can miss some.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.errors import QueryError
from animeds_db.session import Session, catalog
from animeds_db.store.location import read_errors
from animeds_db.store.store import quoted
from animeds_db.store.vector_files import Addresses, Mapped, addresses, vector_parts
from animeds_db.upkeep import indexes
from animeds_db.vectors.closest import closest

if TYPE_CHECKING:
    import lance

MOST_LISTED = 30_000
"""Maximum number of frames that are given to SQL as a list, which takes 6 µs each."""
FEW = 5_000
"""If at most this many frames meet a condition, all of them are compared, which takes 5 µs each."""
MOST_CANDIDATES = 20_000
"""Maximum number of frames requested from the index because of a condition."""
SPARE = 3
"""With a condition: the index gives this many times as many frames that meet it as are wanted."""
KEPT = 8
"""Number of conditions whose frames are kept. Those of a million frames take 8 MB at most."""
OF_SOURCES = ("source_id", "show", "show_name", "season", "episode")
"""Columns that all frames of a source have in common."""
_DRAWN = re.compile(r"\b(random|\w*uuid\w*)\s*\(|\b(tablesample|using\s+sample)\b", re.I)
"""A condition that draws at random is drawn for each frame."""
_WHOLE_ROW = re.compile(r"\bframes\b(?!\s*\.)|\bcolumns\s*\(|\*", re.I)
"""A condition that may be about all columns of a frame."""
_PASSES = re.compile(
    r"\b(now|today|current_\w+|get_current_\w+|localtime\w*|transaction_timestamp|age)\b", re.I
)
"""A condition about the time of day can change while no table does."""


def closest_frames(
    session: Session, vector: np.ndarray, k: int, *, where: str | None = None, by_index: bool = False
) -> list[int] | None:
    """Return the addresses of some frames, among them the k with the highest cosine to `vector`, float32 [width].

    `where` is a condition on the view `frames`. `by_index`: the index may miss some of the k. Returns None if SQL must
    compare the frames: if the vectors of another model were chosen, or too many frames are equally close.
    Raises QueryError for a bad condition, StoreError for a damaged file.
    """
    frames = session.table("frames")
    width = frames.schema.field("embedding").type.list_size
    if k > MOST_LISTED or len(vector) != width or session.once("chosen vectors", partial(_chosen, session)):
        return None
    with read_errors(frames.uri):
        among = _candidates(session, frames, vector, k, where) if by_index else None
        if among is None:
            among = _visible(session, frames) if where is None else meeting(session, frames, where)
        parts = vector_parts(frames, "embedding", among, session.once("mapped vectors", Mapped))
        threads = 1 if among is not None and len(among) <= FEW else None
        rows = closest([part.blocks for part in parts], np.asarray(vector, np.float32), k, threads=threads)
        return rows.tolist() if len(rows) <= MOST_LISTED else None


def stored_vector(session: Session, frame_id: str) -> tuple[np.ndarray | None, str | None] | None:
    """Return the vector of a frame (float32 [width]) and the model that made it; None: there is no such frame."""
    columns = ["embedding", "embedder"]
    if session.once("chosen vectors", partial(_chosen, session)):
        rows = session.of_frames("SELECT embedding, embedder FROM frames", [frame_id])
    else:
        frames = session.table("frames")
        condition = _all_of(f"frame_id = {quoted(frame_id)}", _not_hidden(session))
        with read_errors(frames.uri):
            rows = frames.to_table(columns=columns, filter=condition)
    if not len(rows):
        return None
    vector, embedder = (rows[name].to_pylist()[0] for name in columns)
    return None if vector is None else np.asarray(vector, np.float32), embedder


def nearest_frames(session: Session, vector: np.ndarray, n: int) -> list[int]:
    """Return the addresses of about the n closest frames, as the index gives them."""
    frames = session.table("frames")
    with read_errors(frames.uri):
        rows: list[int] = indexes.nearest(frames, vector, n, within=_not_hidden(session)).tolist()
        return rows


def meeting(session: Session, frames: lance.LanceDataset, where: str) -> Addresses:
    """Return the addresses of the frames with vectors that meet a condition, ascending."""
    known = session.once("frames meeting", dict[tuple[int, str], Addresses])
    key = (int(frames.version), where)
    if key in known:
        return known[key]
    sources = sources_meeting(session, where)
    if sources is not None:
        rows = addresses(frames, _all_of(_within(sources), _not_hidden(session)))
    else:
        sql = f"SELECT frame_id FROM frames WHERE embedder IS NOT NULL AND (\n{where}\n)"
        rows = _located(frames, session.arrow(sql, file="search")["frame_id"])
    if not (_DRAWN.search(where) or _PASSES.search(where)):
        if len(known) >= KEPT:
            known.clear()
        known[key] = rows
    return rows


def is_known(session: Session, where: str) -> bool:
    """Return True if the frames that meet a condition are already known, or are those of some sources."""
    known = session.once("frames meeting", dict[tuple[int, str], Addresses])
    return any(text == where for _, text in known) or sources_meeting(session, where) is not None


def sources_meeting(session: Session, where: str) -> list[str] | None:
    """Return the ids of the sources that meet a condition, or None if it is about more than sources.

    A condition that can be evaluated with only these columns means the same for a source and for all of its frames.
    """
    if _PASSES.search(where):
        return _sources_meeting(session, where)
    return session.once(f"sources meeting {where}", partial(_sources_meeting, session, where))


def _sources_meeting(session: Session, where: str) -> list[str] | None:
    columns, sources = session.once("sources", partial(_sources, session))
    if catalog.reads(where, columns - {*OF_SOURCES}) or _DRAWN.search(where):
        return None
    if _WHOLE_ROW.search(where):
        return None
    sql = f"SELECT source_id FROM all_sources AS frames WHERE (\n{where}\n)"
    try:
        met = session.sql(sql, file="search", tables={"all_sources": sources}).to_arrow_table()
    except QueryError:
        return None
    ids: list[str] = met["source_id"].to_pylist()
    return ids


def _sources(session: Session) -> tuple[set[str], pa.Table]:
    """Return the names of the columns of frames, and OF_SOURCES of all sources."""
    listed = ", ".join(f'"{name}"' for name in OF_SOURCES)
    return {*session.sql("FROM frames").columns}, session.arrow(f"SELECT {listed} FROM sources")


def _candidates(
    session: Session, frames: lance.LanceDataset, vector: np.ndarray, k: int, where: str | None
) -> Addresses | None:
    """Return the rows to compare, as the index gives them; None: all that meet the condition must be compared."""
    near = partial(indexes.nearest, frames, vector)
    hidden = _not_hidden(session)
    if where is None:
        return near(indexes.candidates(k), within=hidden)
    sources = sources_meeting(session, where)
    if sources is not None:
        within = _all_of(_within(sources), hidden)
        count = session.once(f"count of {within}", partial(frames.count_rows, within))
        return near(indexes.candidates(k), within=within) if count > FEW else None
    met = meeting(session, frames, where)
    wanted = SPARE * indexes.candidates(k) * frames.count_rows() // max(1, len(met))
    if len(met) <= FEW or wanted > MOST_CANDIDATES:
        return None
    rows = near(wanted, within=hidden)
    rows = rows[np.isin(rows, met, assume_unique=True)]
    return rows if len(rows) >= indexes.candidates(k) else None


def _chosen(session: Session) -> bool:
    """Return True if the vectors in use are not those of the ingest."""
    return bool(session.table("choices").count_rows("task = 'image'"))


def _visible(session: Session, frames: lance.LanceDataset) -> Addresses | None:
    """Return the addresses of the frames that this session shows; None: all."""
    hidden = _not_hidden(session)
    return None if hidden is None else addresses(frames, hidden)


def _not_hidden(session: Session) -> str | None:
    """Return Lance's condition that leaves out the sources which this session does not show; None: it shows all."""
    return session.once("hidden sources", partial(_hidden, session))


def _hidden(session: Session) -> str | None:
    if session.unfinished:
        return None
    rows = session.table("sources").to_table(columns=["source_id"], filter="state <> 'done'")
    hidden = rows["source_id"].to_pylist()
    return f"NOT ({_within(hidden)})" if hidden else None


def _within(sources: Sequence[str]) -> str:
    return f"source_id IN ({', '.join(map(quoted, sources))})" if sources else "false"


def _all_of(*conditions: str | None) -> str:
    return " AND ".join(filter(None, conditions))


def _located(frames: lance.LanceDataset, ids: pa.ChunkedArray) -> Addresses:
    """Return the addresses of frames, ascending."""
    rows = frames.to_table(columns=["frame_id"], with_row_address=True)
    met = pc.is_in(rows["frame_id"], ids.combine_chunks())
    return np.sort(rows["_rowaddr"].filter(met).to_numpy())
