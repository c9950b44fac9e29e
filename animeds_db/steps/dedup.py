"""Near-duplicates over a whole database: pairs, groups around a keeper, and footage that episodes share.

Frames are compared with all others at once, by vector and by perceptual hash. Nothing is deleted: what is
found goes to the tables `duplicates` and `segments`, and a run with other parameters writes only those anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import QueryError, StoreError, UsageError
from animeds_db.scripts import sql_script
from animeds_db.session import Session
from animeds_db.steps.grouping import leaders
from animeds_db.store import Store
from animeds_db.vectors import cosines, normalise, similar_pairs

FRAMES = """
SELECT frame_id, source_id, shot, time_s, phash, is_blank, embedding, embedder
FROM frames ORDER BY frame_id
"""


@dataclass(frozen=True)
class DedupOptions:
    """What counts as a near-duplicate.

    threshold: least cosine of two image vectors (0…1); 0.985 is what the peers' guides recommend.
    phash_distance: most bits (0…8) in which two perceptual hashes may differ; None compares vectors only.
    phash_cosine: frames with like hashes must also have at least this cosine, where both have vectors.
    segment_s, gap_s: a run that episodes share is at least so long and has no hole longer than that, seconds.
    memory_mb: what the comparison may use besides the vectors themselves.
    """

    threshold: float = 0.985
    phash_distance: int | None = 2
    phash_cosine: float = 0.95
    segment_s: float = 4.0
    gap_s: float = 3.0
    memory_mb: float = 512.0

    def check(self) -> None:
        """Raise UsageError for a value out of range."""
        for name in ("threshold", "phash_cosine"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name.replace('_', '-')} is {value}; a cosine to ask for lies in 0…1")
        if self.phash_distance is not None and not 0 <= self.phash_distance <= 8:
            raise UsageError(f"phash-distance is {self.phash_distance}; it counts bits, 0…8")


@dataclass(frozen=True)
class Duplicates:
    """What a run found: frames looked at, groups, frames that are copies, and shared segments."""

    frames: int
    pairs: int
    groups: int
    copies: int
    segments: int
    without_vector: int


@dataclass(frozen=True)
class Matches:
    """Similar frames: rows a < b (int64), cosine (float32, NaN where there is none), by phash only (bool)."""

    a: np.ndarray
    b: np.ndarray
    cosine: np.ndarray
    by_phash: np.ndarray


def find_duplicates(
    store: Store,
    session: Session,
    options: DedupOptions,
    *,
    rank: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Duplicates:
    """Find near-duplicates among the visible frames and write `duplicates` and `segments`.

    `rank` is a SQL file that orders frames as sql/steps/keeper_rank.sql does. Raises UsageError for
    parameters out of range, StoreError for vectors of several models, QueryError for a bad rank file.
    """
    options.check()
    frames = session.arrow(FRAMES)
    ranks = frame_ranks(session, frames, rank)
    matches = find_matches(frames, options, progress)
    with duckdb.connect() as workbench:
        groups = _groups(workbench, frames, ranks, matches, options)
        segments = _segments(workbench, frames, matches, options)
    store.rewrite("duplicates", groups)
    store.rewrite("segments", segments)
    return Duplicates(
        frames.num_rows,
        len(matches.a),
        int(np.count_nonzero(groups["keeper"].to_numpy())),
        int(np.count_nonzero(~groups["keeper"].to_numpy())),
        segments.num_rows,
        frames["embedding"].null_count,
    )


def find_matches(
    frames: pa.Table, options: DedupOptions, progress: Callable[[int, int], None] | None = None
) -> Matches:
    """Return all pairs of near-duplicates, by vector first, then those that only the hashes find."""
    x = vectors(frames)
    pairs = similar_pairs(x, options.threshold, memory_mb=options.memory_mb, progress=progress)
    near = Matches(pairs.a, pairs.b, pairs.cosine, np.zeros(len(pairs), bool))
    if options.phash_distance is None:
        return near
    alike = _phash_matches(frames, x, options)
    known = near.a * len(x) + near.b
    new = ~np.isin(alike.a * len(x) + alike.b, known)
    return Matches(
        *(
            np.concatenate([left, right[new]])
            for left, right in zip(_columns(near), _columns(alike), strict=True)
        )
    )


def vectors(frames: pa.Table) -> np.ndarray:
    """Return the image vectors, float32 [frames, width]; rows of NaN where a frame has none.

    Raises StoreError when they are from several models: those cannot be compared.
    """
    models = {m for m in frames["embedder"].unique().to_pylist() if m is not None}
    if len(models) > 1:
        raise StoreError(
            f"the frames hold vectors of several models: {', '.join(sorted(models))}",
            hint="vectors of different models cannot be compared; embed all frames with one of them",
        )
    column = frames["embedding"].combine_chunks()
    width = column.type.list_size
    x = np.full((len(column), width), np.nan, np.float32)
    there = ~np.asarray(column.is_null())
    x[there] = np.asarray(column.drop_null().flatten(), np.float32).reshape(-1, width)
    return x


def _columns(matches: Matches) -> tuple[np.ndarray, ...]:
    return matches.a, matches.b, matches.cosine, matches.by_phash


def _phash_matches(frames: pa.Table, x: np.ndarray, options: DedupOptions) -> Matches:
    """Return pairs with like hashes; blank frames have none worth comparing."""
    rows = pa.array(np.arange(frames.num_rows))
    hashes = frames.select(["phash", "is_blank"]).append_column("row", rows)
    with duckdb.connect() as workbench:
        workbench.register("all_frames", hashes)
        workbench.execute(
            'CREATE TABLE hashes AS SELECT "row", phash FROM all_frames'
            " WHERE phash IS NOT NULL AND is_blank IS NOT TRUE"
        )
        sql = sql_script("steps", "phash_pairs.sql")
        found = workbench.sql(sql, params={"distance": options.phash_distance}).to_arrow_table()
    a, b = (np.asarray(found[name], np.int64) for name in ("a", "b"))
    usable = normalise(x).usable
    cosine = np.full(len(a), np.nan, np.float32)
    both = usable[a] & usable[b]
    cosine[both] = cosines(x, a[both], x, b[both])
    good = ~both | (cosine >= options.phash_cosine)
    return Matches(a[good], b[good], cosine[good], np.ones(int(good.sum()), bool))


def frame_ranks(session: Session, frames: pa.Table, file: Path | None = None) -> np.ndarray:
    """Return each frame's rank, int64 from 1, by the rank query. Raises QueryError when it does not rank all."""
    text = file.read_text("utf-8") if file else sql_script("steps", "keeper_rank.sql")
    name = str(file) if file else "keeper_rank.sql"
    table = session.arrow(text, file=name)
    missing = {"frame_id", "rank"} - set(table.column_names)
    if missing:
        raise QueryError(
            f"a ranking gives frame_id and rank; {' and '.join(sorted(missing))} is missing", file=name
        )
    order: Mapping[str, int] = dict(
        zip(table["frame_id"].to_pylist(), table["rank"].to_pylist(), strict=True)
    )
    ids = frames["frame_id"].to_pylist()
    unranked = [i for i in ids if order.get(i) is None]
    if unranked or len(set(order.values())) < len(order):
        what = f"frame {unranked[0]} has no rank" if unranked else "two frames have the same rank"
        raise QueryError(
            f"the ranking is not complete: {what}", hint="row_number() OVER (ORDER BY …, frame_id)", file=name
        )
    return np.array([order[i] for i in ids], np.int64)


def _groups(
    workbench: duckdb.DuckDBPyConnection,
    frames: pa.Table,
    ranks: np.ndarray,
    matches: Matches,
    options: DedupOptions,
) -> pa.Table:
    """Group similar frames around the best of them; rows of `duplicates`, sorted by group and rank."""
    better, worse = (
        np.minimum(ranks[matches.a], ranks[matches.b]),
        np.maximum(ranks[matches.a], ranks[matches.b]),
    )
    workbench.register("decided_frames", leaders(workbench, better, worse))
    edges = pa.table(
        {"better": better, "worse": worse, "cosine": matches.cosine, "by_phash": matches.by_phash}
    )
    workbench.register("similar_frames", edges)
    names = pa.table({"rank": ranks, "frame_id": frames["frame_id"], "source_id": frames["source_id"]})
    workbench.register("names", names)
    sql = sql_script("steps", "duplicate_rows.sql")
    parameters = {"parameters": json.dumps(asdict(options), sort_keys=True)}
    rows = workbench.sql(sql, params=parameters).to_arrow_table()
    return rows.cast(schema.DUPLICATES.schema)


def _segments(
    workbench: duckdb.DuckDBPyConnection, frames: pa.Table, matches: Matches, options: DedupOptions
) -> pa.Table:
    """Find what episodes share; rows of `segments`."""
    numbered = frames.select(["source_id", "shot", "time_s"]).append_column(
        "row", pa.array(np.arange(frames.num_rows))
    )
    workbench.register("found_frames", numbered)
    workbench.execute("CREATE OR REPLACE TABLE frames AS SELECT * FROM found_frames")
    pairs = pa.table({"a": matches.a, "b": matches.b, "similarity": matches.cosine})
    workbench.register("matches", pairs)
    sql = sql_script("steps", "shared_runs.sql")
    rows = workbench.sql(sql, params={"min_s": options.segment_s, "gap_s": options.gap_s}).to_arrow_table()
    return rows.cast(schema.SEGMENTS.schema)
