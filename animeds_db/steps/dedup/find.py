"""Near-duplicates over a whole database: pairs, groups around a keeper, and footage that episodes share.

Frames are compared with all others at once, by vector and by perceptual hash. Nothing is deleted. The result is in
the tables `duplicates` and `segments`; a run with other parameters replaces it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.session.sandbox import locked_database
from animeds_db.session.scripts import sql_script
from animeds_db.steps.dedup.frame_vectors import FrameVectors, HeldVectors, Progress
from animeds_db.steps.dedup.grouping import leaders
from animeds_db.steps.dedup.matches import (
    DEFAULT_THRESHOLD,
    DedupOptions,
    Matches,
    embedder_of,
    find_matches,
    read_frames,
    read_frames_only,
)
from animeds_db.steps.dedup.remembered import remembered_join
from animeds_db.steps.dedup.spread_vectors import SpreadVectors, rows_of_a_block, tool
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.workers import Ray

__all__ = ["DedupOptions", "Duplicates", "find_duplicates", "frame_ranks", "settled"]


@dataclass(frozen=True)
class Duplicates:
    """Result of a run: number of frames, groups, frames that are copies, and shared segments."""

    frames: int
    pairs: int
    groups: int
    copies: int
    segments: int
    without_vector: int
    threshold: float


def find_duplicates(
    store: Store,
    session: Session,
    options: DedupOptions,
    *,
    rank: Path | None = None,
    progress: Progress | None = None,
    on: Ray | None = None,
) -> Duplicates:
    """Find near-duplicates among the visible frames and write `duplicates` and `segments`.

    `rank` is a SQL file with the same columns as sql/steps/dedup/keeper_rank.sql. `on`: workers that compare the
    vectors, so that they need not fit into this machine's memory. Then all frames are compared, and remembered pairs
    are ignored. Raises UsageError for parameters out of range, StoreError for vectors of several models, QueryError
    for a bad rank file, EngineError if workers fail.
    """
    options.check()
    with _frames(store, session, options, on, progress) as (frames, x):
        options = settled(session, frames, options)
        ranks = frame_ranks(session, frames, rank)
        matches = find_matches(frames, x, ranks, options, float(options.threshold or 0))
        usable = x.usable()
    with locked_database() as workbench:
        groups = _groups(workbench, frames, ranks, matches, options)
        segments = _segments(workbench, frames, matches, options)
    store.rewrite("duplicates", groups)
    store.rewrite("segments", segments)
    keepers = int(np.count_nonzero(groups["keeper"].to_numpy()))
    return Duplicates(
        frames.num_rows,
        len(matches),
        keepers,
        groups.num_rows - keepers,
        segments.num_rows,
        int(np.count_nonzero(~usable)),
        float(options.threshold or 0),
    )


@contextlib.contextmanager
def _frames(
    store: Store, session: Session, options: DedupOptions, on: Ray | None, progress: Progress | None
) -> Iterator[tuple[pa.Table, FrameVectors]]:
    """Yield the visible frames, by id, and their vectors: in memory, or spread over workers."""
    if on is None:
        frames, x = read_frames(session)
        yield frames, HeldVectors(frames, x, remembered_join(store, options.memory_mb, progress))
        return
    from animeds_db.workers import spread

    frames, width = read_frames_only(session)
    embedder_of(frames)
    rows = rows_of_a_block(frames.num_rows, width, options.memory_mb)
    with spread(store, session, tool(options.memory_mb), on) as work:
        yield frames, SpreadVectors(frames, rows, work, options.memory_mb, progress)


def settled(session: Session, frames: pa.Table, options: DedupOptions) -> DedupOptions:
    """Return the options with a threshold: the requested one, or that of the vectors' model in the manifest."""
    model = embedder_of(frames)
    if options.threshold is not None:
        return options
    rows = session.sql("SELECT thresholds FROM models WHERE model_id = $model", {"model": model}).fetchall()
    said = json.loads(rows[0][0] or "{}") if rows else {}
    return replace(options, threshold=float(said.get("near_duplicate", DEFAULT_THRESHOLD)))


def frame_ranks(session: Session, frames: pa.Table, file: Path | None = None) -> np.ndarray:
    """Return each frame's rank, int64 from 1, by the rank query. Raises QueryError when it does not rank all."""
    text = _read(file) if file else sql_script("steps/dedup", "keeper_rank.sql")
    name = str(file) if file else "keeper_rank.sql"
    table = session.arrow(text, file=name)
    missing = {"frame_id", "rank"} - set(table.column_names)
    if missing:
        raise QueryError(
            f"A ranking must have the columns frame_id and rank. Missing: {' and '.join(sorted(missing))}",
            file=name,
        )
    ids, rank = table["frame_id"], table["rank"].combine_chunks()
    if not (
        pa.types.is_integer(rank.type) or pa.types.is_floating(rank.type) or pa.types.is_decimal(rank.type)
    ):
        raise QueryError(
            f"The column rank must contain numbers, not {rank.type}.",
            hint="row_number() OVER (ORDER BY …)",
            file=name,
        )
    found = rank.take(pc.index_in(frames["frame_id"].combine_chunks(), ids))
    twice = table.num_rows - len(pc.unique(ids)) or len(rank.drop_null()) - len(pc.unique(rank.drop_null()))
    if found.null_count or twice:
        first = frames["frame_id"].filter(found.is_null())
        what = f"frame {first[0]} has no rank" if len(first) else "two frames have the same rank"
        raise QueryError(
            f"The ranking is not complete: {what}.",
            hint="row_number() OVER (ORDER BY …, frame_id)",
            file=name,
        )
    ranks = np.empty(len(found), np.int64)  # a user's ranking may skip numbers, or not start at 1
    ranks[np.asarray(pc.sort_indices(found), np.int64)] = np.arange(1, len(found) + 1)
    return ranks


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The ranking {file} cannot be read: {error}") from error


def _groups(
    workbench: duckdb.DuckDBPyConnection,
    frames: pa.Table,
    ranks: np.ndarray,
    matches: Matches,
    options: DedupOptions,
) -> pa.Table:
    """Group similar frames around the best one; rows of `duplicates`, sorted by group and rank."""
    better, worse = (
        np.minimum(ranks[matches.a], ranks[matches.b]),
        np.maximum(ranks[matches.a], ranks[matches.b]),
    )
    workbench.register("decided_frames", leaders(workbench, better, worse))
    by_phash = ~matches.alike(float(options.threshold or 0), options.agree_bits)
    edges = pa.table({"better": better, "worse": worse, "cosine": matches.cosine, "by_phash": by_phash})
    workbench.register("similar_frames", edges)
    names = pa.table({"rank": ranks, "frame_id": frames["frame_id"], "source_id": frames["source_id"]})
    workbench.register("names", names)
    sql = sql_script("steps/dedup", "duplicate_rows.sql")
    parameters = {"parameters": json.dumps(asdict(options), sort_keys=True)}
    rows = workbench.sql(sql, params=parameters).to_arrow_table()
    return rows.cast(schema.DUPLICATES.schema)


def _segments(
    workbench: duckdb.DuckDBPyConnection, frames: pa.Table, matches: Matches, options: DedupOptions
) -> pa.Table:
    """Find the segments that episodes share. Returns rows of `segments`."""
    numbered = frames.select(["source_id", "season", "episode", "shot", "time_s"]).append_column(
        "row", pa.array(np.arange(frames.num_rows))
    )
    workbench.register("found_frames", numbered)
    workbench.execute("CREATE OR REPLACE TABLE frames AS SELECT * FROM found_frames")
    source = frames["source_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    # Most pairs are of one source, and SQL would find the rows of all pairs first.
    crossing = source[matches.a] != source[matches.b]
    pairs = pa.table({"a": matches.a[crossing], "b": matches.b[crossing]})
    workbench.register("matches", pairs)
    sql = sql_script("steps/dedup", "matching_stretches.sql")
    stretches = workbench.sql(sql, params={"gap_s": options.gap_s}).to_arrow_table()
    workbench.register("stretches", stretches)
    sql = sql_script("steps/dedup", "shared_runs.sql")
    rows = workbench.sql(sql, params={"min_s": options.segment_s}).to_arrow_table()
    return rows.cast(schema.SEGMENTS.schema)
