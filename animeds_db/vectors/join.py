"""The exact similarity join: all pairs of rows whose cosine is at or above a threshold.

The result equals that of a full product of all rows with all rows, sorted by rows. It does not depend on the index,
the number of threads or the memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from animeds_db.errors import UsageError
from animeds_db.vectors import bound
from animeds_db.vectors.cells import CellNumbers, Rights, everyone, later_visitors, reach_of, visitors
from animeds_db.vectors.engine import Join, Keep, Pairs
from animeds_db.vectors.index import Side, SimilarityIndex, build_index, right_side
from animeds_db.vectors.memory import DEFAULT_MB, PairBudget, Room, checked_threshold
from animeds_db.vectors.parallel import Progress, thread_count
from animeds_db.vectors.plan import make_plan
from animeds_db.vectors.rows import Mask, Positions, as_matrix, same_width

_PER_CELL_NS = 250_000  # measured: the fixed cost of a cell

Selection = slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]
"""A selection of rows: a slice, a mask bool [rows], or row numbers."""


def similarity_index(
    x: npt.ArrayLike,
    threshold: float,
    *,
    components: int | None = None,
    cells: int | None = None,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
) -> SimilarityIndex:
    """Return an index of x [rows, width], which can be kept (`save`) for joins with later rows.

    It works for any threshold and is fastest near the one given here. By default, the number of `components` of the
    bound (0: none, compare by full GEMM) and of `cells` (1: none) is chosen by the cost on a sample. The pairs that
    a join finds do not depend on them. Raises UsageError in the same cases as `similar_pairs`.
    """
    matrix, threshold = as_matrix(x), checked_threshold(threshold)
    room = Room.plan(memory_mb, len(matrix), matrix.shape[1], thread_count(threads))
    return build_index(matrix, make_plan(matrix, threshold, room, components, cells), room.threads)


def similar_pairs(
    x: npt.ArrayLike,
    threshold: float,
    *,
    new: Selection | None = None,
    index: SimilarityIndex | None = None,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Return all pairs of rows a < b of x [rows, width] with cosine ≥ threshold (0…1), sorted by a, then b.

    `new` selects the rows added since the last join; only pairs with at least one of them are returned.
    With an `index` of x, or of its first rows, only the other rows must be computed. Rows with NaN,
    infinity or only zeros are not in any pair.

    `memory_mb` limits the memory used besides x, including the pairs. A still shot of n frames has n²/2
    pairs. If they do not fit, UsageError is raised; `run_leaders` finds the rows to join instead.
    `progress(done, total)` counts rows.

    Raises UsageError if the threshold is outside 0…1, x is not a matrix of numbers, the index is for other rows,
    or memory_mb is too small for one block or for the pairs.
    """
    matrix, threshold = as_matrix(x), checked_threshold(threshold)
    room = Room.plan(memory_mb, len(matrix), matrix.shape[1], thread_count(threads))
    if index is None:
        index = build_index(matrix, make_plan(matrix, threshold, room), room.threads)
    else:
        index = index.extended(matrix, room.threads)
    side = index.side(matrix)
    reach = reach_of(threshold, bound.slack(index.columns))
    keep: Keep
    starts = index.starts
    if new is None:
        rights, keep = _all_rights(index, side, reach), _ascending
    else:
        is_new = _selected(new, len(matrix))[index.order]
        among = np.flatnonzero(is_new)
        if _few(index, len(among)):
            starts, rights = np.array([0, len(index.order)]), everyone(among)
        else:
            rights = _rights(index, side, index.own_cells(), reach, among)
        keep = _one_new(is_new)
    budget = PairBudget(room, index.nbytes, threshold)
    join = Join(side, side, starts, index.columns, rights, keep, new is None, threshold, budget)
    return join.run(room.threads, progress, mirrored=True)


def similar_between(
    queries: npt.ArrayLike,
    x: npt.ArrayLike,
    threshold: float,
    *,
    index: SimilarityIndex | None = None,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Return all pairs (row a of queries, row b of x) with cosine ≥ threshold, sorted by a, then b.

    `index` is an index of x. Everything else is as in `similar_pairs`. Also raises UsageError if the widths differ.
    """
    left, right, threshold = as_matrix(x), as_matrix(queries, "queries"), checked_threshold(threshold)
    same_width(right, left, "queries", "x")
    room = Room.plan(memory_mb, len(left) + len(right), left.shape[1], thread_count(threads))
    if index is None:
        index = build_index(left, make_plan(left, threshold, room, queries=len(right)), room.threads)
    side, (asked, own) = index.side(left), right_side(right, index.plan, room.threads)
    reach = reach_of(threshold, bound.slack(index.columns))
    rights = _rights(index, asked, own, reach, np.arange(len(asked.rows)))
    budget = PairBudget(room, index.nbytes, threshold)
    join = Join(side, asked, index.starts, index.columns, rights, None, False, threshold, budget)
    return join.run(room.threads, progress, mirrored=False)


def _all_rights(index: SimilarityIndex, side: Side, reach: float) -> Rights:
    cells = index.plan.cells
    if cells is None or side.features is None:
        return everyone(np.arange(len(side.rows)))
    return later_visitors(cells, side.features, index.own_cells(), reach, index.starts)


def _rights(
    index: SimilarityIndex, side: Side, own: CellNumbers | None, reach: float, among: Positions
) -> Rights:
    cells = index.plan.cells
    if cells is None or side.features is None or own is None:
        return everyone(among)
    return visitors(cells, side.features, own, reach, among)


def _few(index: SimilarityIndex, new: int) -> bool:
    """Return True if there are so few new rows that comparing them with all rows is faster than using cells."""
    every = new * len(index.order) * bound.BoundCost(index.columns - 1, 0).per_pair()
    return every < _PER_CELL_NS * (len(index.starts) - 1)


def _selected(new: Selection, rows: int) -> Mask:
    """Return a selection of rows as a mask. Raises UsageError if it selects rows that do not exist."""
    mask = np.zeros(rows, bool)
    chosen = new if isinstance(new, slice) else np.asarray(new)
    if not isinstance(chosen, slice) and chosen.dtype == bool and len(chosen) != rows:
        raise UsageError(f"the mask of new rows has {len(chosen)} entries, but there are {rows} vectors")
    try:
        mask[chosen] = True
    except IndexError as error:
        raise UsageError(f"the selection of new rows does not fit the {rows} vectors: {error}") from error
    return mask


def _ascending(left: Positions, right: Positions) -> Mask:
    return left < right


def _one_new(is_new: Mask) -> Keep:
    """Keep a pair of two new rows only once. The right row is always new."""

    def keep(left: Positions, right: Positions) -> Mask:
        return ~is_new[left] | (left < right)

    return keep
