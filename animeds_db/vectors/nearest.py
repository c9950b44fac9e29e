"""The k nearest rows of each query, exactly, by matrix products in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from animeds_db.errors import UsageError
from animeds_db.vectors.bound import slack
from animeds_db.vectors.memory import DEFAULT_MB
from animeds_db.vectors.parallel import Progress, run_blocks, spans, thread_count
from animeds_db.vectors.rows import (
    Floats,
    Mask,
    Matrix,
    Normalised,
    Positions,
    as_matrix,
    cosines,
    normalise,
    same_width,
)

_MEGABYTE = 1 << 20
_QUERIES, _ROWS = 512, 1024
_NONE = np.float32(-2)  # below every cosine: no row


@dataclass(frozen=True)
class Nearest:
    """For each query its nearest rows, best first: rows int64 [queries, k], cosine float32 [queries, k].

    If there are fewer than k usable rows, or the query itself is not usable, the row is -1 and the cosine NaN.
    """

    rows: Positions
    cosine: Floats


@dataclass
class _Best:
    """The best rows so far of some queries, in order. Better rows replace them."""

    rows: Positions
    cosine: Floats

    @classmethod
    def empty(cls, queries: int, k: int) -> _Best:
        return cls(np.full((queries, k), -1), np.full((queries, k), _NONE))

    def merge(self, query: Positions, rows: Positions, cosine: Floats) -> None:
        """Add more (query, row, cosine). Among equal cosines, the lower row comes first."""
        k = self.rows.shape[1]
        touched = np.unique(query)
        at, rank = np.nonzero(self.cosine[touched] > _NONE)
        query = np.concatenate([touched[at], query])
        rows = np.concatenate([self.rows[touched[at], rank], rows])
        cosine = np.concatenate([self.cosine[touched[at], rank], cosine])
        order = np.lexsort((rows, -cosine, query))
        query, rows, cosine = query[order], rows[order], cosine[order]
        rank = np.arange(len(query)) - np.searchsorted(query, query)
        kept = rank < k
        self.rows[query[kept], rank[kept]] = rows[kept]
        self.cosine[query[kept], rank[kept]] = cosine[kept]


def nearest(
    queries: npt.ArrayLike | Normalised,
    x: npt.ArrayLike | Normalised,
    k: int,
    *,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Nearest:
    """Return the k rows of x [rows, width] with the highest cosine to each query [queries, width].

    Exact; equal cosines are ordered by row. Rows and queries with NaN, infinity or only zeros have no
    neighbours. If you search the same x often, pass `normalise(x)`, because raw rows are scaled to unit length on
    every call. `memory_mb` limits the memory used besides queries and x, including the result.
    `progress(done, total)` counts queries.

    Raises UsageError if k < 1, the widths differ, or memory_mb is too small.
    """
    asked, among = _Rows.of(queries, "queries"), _Rows.of(x, "x")
    same_width(asked.raw, among.raw, "queries", "x")
    if k < 1:
        raise UsageError(f"k must be 1 or more, not {k}")
    fitting = min(k, len(among.raw))
    workers = _checked_memory(memory_mb, len(asked.raw), k, asked.raw.shape[1], thread_count(threads))
    rows = np.full((len(asked.raw), k), -1)
    cosine = np.full((len(asked.raw), k), np.nan, np.float32)
    if fitting and len(asked.raw):
        _search(asked, among, rows[:, :fitting], cosine[:, :fitting], workers, progress)
    return Nearest(rows, cosine)


@dataclass(frozen=True)
class _Rows:
    """Vectors that are returned as unit vectors block by block, whether already normalised or not."""

    raw: Matrix
    ready: Normalised | None

    @classmethod
    def of(cls, x: npt.ArrayLike | Normalised, name: str) -> _Rows:
        return cls(x.unit, x) if isinstance(x, Normalised) else cls(as_matrix(x, name), None)

    def block(self, at: slice) -> tuple[Floats, Mask]:
        if self.ready is not None:
            return self.ready.unit[at], self.ready.usable[at]
        part = normalise(self.raw[at])
        return part.unit, part.usable


def _search(
    asked: _Rows, among: _Rows, rows: Positions, cosine: Floats, threads: int, progress: Progress | None
) -> None:
    """Fill in rows and cosine. Threads divide the queries into blocks; if these are few, they divide x instead."""
    queries = list(spans(0, len(rows), _query_rows(rows.shape[1])))
    shards = -(-threads // len(queries))
    shard_rows = max(_ROWS, -(-len(among.raw) // shards))
    blocks = [(query, shard) for query in queries for shard in spans(0, len(among.raw), shard_rows)]
    best = {query.start: _Best.empty(query.stop - query.start, rows.shape[1]) for query in queries}

    def work(block: tuple[slice, slice]) -> tuple[slice, _Best]:
        return block[0], _best_of(asked, among, block[0], block[1], rows.shape[1])

    done = 0

    def take(result: tuple[slice, _Best]) -> None:
        nonlocal done
        query, part = result
        at, rank = np.nonzero(part.cosine > _NONE)
        best[query.start].merge(at, part.rows[at, rank], part.cosine[at, rank])
        done += 1
        if progress is not None:
            progress(done * len(rows) // len(blocks), len(rows))

    run_blocks(work, blocks, threads, take)
    for query in queries:
        found = best[query.start]
        rows[query] = found.rows
        cosine[query] = np.where(found.rows < 0, np.nan, found.cosine)


def _best_of(asked: _Rows, among: _Rows, query: slice, shard: slice, k: int) -> _Best:
    """Return the best rows inside a shard of x for a block of queries."""
    units, usable = asked.block(query)
    best = _Best.empty(len(units), k)
    allowance = np.float32(2 * slack(units.shape[1]))
    for block in spans(shard.start, shard.stop, _ROWS):
        others, good = among.block(block)
        products = units @ others.T
        products[:, ~good] = _NONE
        products[~usable] = _NONE
        bar = _bar(products, best.cosine[:, -1], k) - allowance
        passed = products >= np.maximum(bar, np.nextafter(_NONE, np.float32(0)))[:, None]
        at, row = np.divmod(np.flatnonzero(passed), len(others))
        if len(at):
            row += block.start
            cosine = cosines(asked.raw, at + query.start, among.raw, row)
            better = (
                cosine > best.cosine[at, -1]
            )  # an equal cosine belongs to a higher row, because rows come in order
            best.merge(at[better], row[better], cosine[better])
    return best


def _bar(products: Floats, worst: Floats, k: int) -> Floats:
    """Return the cosine a row needs to be among the k best of each query, of those so far and in this block."""
    few = np.count_nonzero(products > worst[:, None]) <= 2 * k * len(products)
    if few and (worst > _NONE).all():
        return worst
    if products.shape[1] < k:
        return worst
    here = np.partition(products, products.shape[1] - k, axis=1)[:, products.shape[1] - k]
    return np.maximum(worst, here)


def _query_rows(k: int) -> int:
    return max(16, min(_QUERIES, 65_536 // k))


def _checked_memory(memory_mb: float, queries: int, k: int, width: int, threads: int) -> int:
    """Return the number of threads that fit in memory beside the result. Raises UsageError if not even one does."""
    answer = queries * k * 12 * 2
    per_query = min(queries, _query_rows(k))
    one = per_query * _ROWS * 9 + (per_query + _ROWS) * width * 12 + per_query * k * 80 + 4 * _MEGABYTE
    total = int(memory_mb * _MEGABYTE) if memory_mb > 0 else 0
    if total < answer + one:
        least = -(-(answer + one) // _MEGABYTE)
        raise UsageError(
            f"memory_mb={memory_mb:g} is too small for {queries} queries with {k} neighbours each",
            hint=f"allow at least {least} MB, or search with fewer queries at a time",
        )
    return max(1, min(threads, (total - answer) // one))
