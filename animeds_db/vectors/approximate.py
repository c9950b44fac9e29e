"""The similarity join for very large sets: only rows that share one of their nearest cells are compared.

It can miss pairs, so it also returns its recall, measured against the exact join of a sample of rows with
all rows. Every pair that it returns is correct.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from animeds_db.errors import UsageError
from animeds_db.vectors import bound
from animeds_db.vectors.cells import CellNumbers, Rights, cell_count
from animeds_db.vectors.engine import Join, Keep, Pairs
from animeds_db.vectors.index import SimilarityIndex, right_side
from animeds_db.vectors.join import similar_between, similar_pairs, similarity_index
from animeds_db.vectors.memory import DEFAULT_MB, PairBudget, Room, checked_threshold
from animeds_db.vectors.parallel import Progress, one_blas_thread, thread_count
from animeds_db.vectors.rows import Positions, as_matrix, same_width

_CONFIDENCE = 1.96  # standard deviations: 95 %


@dataclass(frozen=True)
class Recall:
    """The share of the true pairs that was found, estimated from the pairs of a sample of rows.

    `estimate` 0…1 is None if the sample has no pair; `low` is the lower end of its 95 % interval; the `rows`
    sampled have `pairs` true pairs. The interval is Wilson's, and the number of trials is the number of sampled
    rows with a pair, because pairs of one row tend to be found or missed together.
    """

    estimate: float | None
    low: float
    pairs: int
    rows: int


@dataclass(frozen=True)
class ApproximatePairs:
    """The pairs found, and their recall."""

    pairs: Pairs
    recall: Recall


def approximate_pairs(
    x: npt.ArrayLike,
    threshold: float,
    *,
    visits: int = 4,
    cells: int | None = None,
    index: SimilarityIndex | None = None,
    sample_rows: int = 1000,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ApproximatePairs:
    """Return most pairs of rows a < b of x with cosine ≥ threshold, sorted, and their recall.

    Two rows are compared when one of them has the nearest cell of the other among its `visits` nearest
    cells (more: slower and more complete). `cells` is the number of cells (default: about twice the
    square root of the number of rows); with an `index`, its cells are used. The recall is measured on `sample_rows`
    rows. If cells do not help, the join is exact. Raises UsageError in the same cases as `similar_pairs`.
    """
    matrix, threshold = as_matrix(x), checked_threshold(threshold)
    if visits < 1 or sample_rows < 1:
        raise UsageError(f"visits and sample_rows must be 1 or more, not {visits} and {sample_rows}")
    room = Room.plan(memory_mb, len(matrix), matrix.shape[1], thread_count(threads))
    if index is None:
        count = cells or cell_count(len(matrix))
        index = similarity_index(matrix, threshold, cells=count, memory_mb=memory_mb, threads=room.threads)
    index = index.extended(matrix, room.threads)
    side, own = index.side(matrix), index.own_cells()
    if index.plan.cells is None or side.features is None:
        pairs = similar_pairs(
            matrix, threshold, index=index, memory_mb=memory_mb, threads=room.threads, progress=progress
        )
        return ApproximatePairs(pairs, Recall(1.0 if len(pairs) else None, 1.0, len(pairs), len(matrix)))
    with one_blas_thread():
        visited = index.plan.cells.nearest_few(side.features, visits)
    rights, keep = _visiting(visited, own, len(index.plan.cells)), _first_found(visited, own)
    budget = PairBudget(room, index.nbytes + 2 * visited.nbytes, threshold)
    join = Join(side, side, index.starts, index.columns, rights, keep, False, threshold, budget)
    pairs = join.run(room.threads, progress, mirrored=True)
    sample = bound.pick_rows(index.order, sample_rows, seed=1)
    true = similar_pairs(
        matrix, threshold, new=sample, index=index, memory_mb=memory_mb, threads=room.threads
    )
    return ApproximatePairs(pairs, _recall(pairs, true, sample, len(matrix)))


def approximate_between(
    queries: npt.ArrayLike,
    x: npt.ArrayLike,
    threshold: float,
    *,
    itself: Positions | None = None,
    visits: int = 4,
    cells: int | None = None,
    sample_rows: int = 1000,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ApproximatePairs:
    """Return most pairs (row a of queries, row b of x) with cosine ≥ threshold, sorted, and their recall.

    A query is compared with the rows in the `visits` cells of x nearest to it; otherwise this works like
    `approximate_pairs`. The recall is measured on `sample_rows` queries. `itself` int64 [queries]: the row of x that
    is the query itself (-1: none), which is left out. Raises UsageError in the same cases as `similar_between`.
    """
    left, right, threshold = as_matrix(x), as_matrix(queries, "queries"), checked_threshold(threshold)
    same_width(right, left, "queries", "x")
    if visits < 1 or sample_rows < 1:
        raise UsageError(f"visits and sample_rows must be 1 or more, not {visits} and {sample_rows}")
    room = Room.plan(memory_mb, len(left) + len(right), left.shape[1], thread_count(threads))
    count = cells or cell_count(len(left))
    index = similarity_index(left, threshold, cells=count, memory_mb=memory_mb, threads=room.threads)
    side, (asked, _) = index.side(left), right_side(right, index.plan, room.threads)
    if index.plan.cells is None or asked.features is None:
        pairs = similar_between(
            right, left, threshold, index=index, memory_mb=memory_mb, threads=room.threads, progress=progress
        )
        pairs = _others(pairs, itself)
        return ApproximatePairs(pairs, Recall(1.0 if len(pairs) else None, 1.0, len(pairs), len(right)))
    with one_blas_thread():
        visited = index.plan.cells.nearest_few(asked.features, visits)
    rights = _visiting(visited, visited[:, 0], len(index.plan.cells))
    budget = PairBudget(room, index.nbytes + 2 * visited.nbytes, threshold)
    join = Join(side, asked, index.starts, index.columns, rights, None, False, threshold, budget)
    pairs = _others(join.run(room.threads, progress, mirrored=False), itself)
    sample = bound.pick_rows(asked.rows, sample_rows, seed=1)
    true = similar_between(
        right[sample], left, threshold, index=index, memory_mb=memory_mb, threads=room.threads
    )
    true = _others(Pairs(sample[true.a], true.b, true.cosine), itself)
    return ApproximatePairs(pairs, _recall(pairs, true, sample, len(left), mutual=False))


def _others(pairs: Pairs, itself: Positions | None) -> Pairs:
    """Return the pairs without those of a query with itself."""
    if itself is None:
        return pairs
    others = itself[pairs.a] != pairs.b
    return Pairs(pairs.a[others], pairs.b[others], pairs.cosine[others])


def _visiting(visited: CellNumbers, own: CellNumbers, cells: int) -> Rights:
    """Return for each cell the rows that are in it, or have it among their nearest cells."""
    missing = np.flatnonzero((visited != own[:, None]).all(axis=1))  # a tie of two centres
    numbers = np.concatenate([visited.ravel(), own[missing]])
    rows = np.concatenate([np.repeat(np.arange(len(own)), visited.shape[1]), missing])
    order = np.lexsort((rows, numbers))
    rows, ends = rows[order], np.cumsum(np.bincount(numbers, minlength=cells))

    def rights(group: range) -> Iterator[Positions]:
        for cell in group:
            yield rows[ends[cell - 1] if cell else 0 : ends[cell]]

    return rights


def _first_found(visited: CellNumbers, own: CellNumbers) -> Keep:
    """Keep a pair that occurs in two cells only in the lower one."""

    def keep(left: Positions, right: Positions) -> npt.NDArray[np.bool_]:
        left_cell, right_cell = own[left], own[right]
        met_before = (visited[left] == right_cell[:, None]).any(axis=1)
        lower = (left_cell < right_cell) | ((left_cell == right_cell) & (left < right))
        return np.asarray(lower | ((left_cell > right_cell) & ~met_before))

    return keep


def _recall(found: Pairs, true: Pairs, sample: Positions, rows: int, *, mutual: bool = True) -> Recall:
    """Return the share of the true pairs that was found; Wilson (1927), as in Brown, Cai, DasGupta (2001)."""
    if len(true) == 0:
        return Recall(None, 0.0, 0, len(sample))
    share = float(np.isin(true.a * rows + true.b, found.a * rows + found.b).mean())
    trials = len(np.intersect1d(sample, np.concatenate([true.a, true.b]) if mutual else true.a))
    z2 = _CONFIDENCE**2
    spread = _CONFIDENCE * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    low = (share + z2 / (2 * trials) - spread) / (1 + z2 / trials)
    return Recall(share, low, len(true), len(sample))
