"""The exact similarity join: every pair of rows whose cosine is at or above a threshold, and no other.

The answer is what a full product of all rows with all rows gives, whatever index is used to find it,
in order of its rows, the same for any number of threads and any memory.
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

_PER_CELL_NS = 250_000  # measured: what a cell costs however few rows meet in it

Selection = slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]
"""Some rows: a slice, a mask bool [rows], or row numbers."""


def similarity_index(
    x: npt.ArrayLike,
    threshold: float,
    *,
    components: int | None = None,
    cells: int | None = None,
    memory_mb: float = DEFAULT_MB,
    threads: int | None = None,
) -> SimilarityIndex:
    """Return an index of x [rows, width], to keep (`save`) for joins with rows that come later.

    It serves any threshold, and is fastest near the one given here. `components` of the bound (0: none,
    compare by full GEMM) and number of `cells` (1: none) are chosen by their cost on a sample when not
    given; the pairs a join finds do not depend on them. Raises UsageError as `similar_pairs` does.
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

    `new` restricts them to pairs with at least one row in it: the rows that came since the last join.
    With an `index` of x, or of its first rows, only the new ones have to be worked out. Rows with NaN,
    infinity or only zeros are in no pair.

    `memory_mb` bounds the memory used besides x, pairs included. A still shot of n frames has n²/2
    pairs; when they do not fit, UsageError says so, and `run_leaders` shows which rows to join instead.
    `progress(done, total)` counts rows.

    Raises UsageError for a threshold outside 0…1, a matrix that is none, an index of other rows, and a
    memory_mb too small for one block or for the pairs.
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

    `index` is of x. Otherwise as `similar_pairs`; UsageError too when the widths differ.
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
    """Whether so few new rows are compared with all sooner than with those of the cells they must visit."""
    every = new * len(index.order) * bound.BoundCost(index.columns - 1, 0).per_pair()
    return every < _PER_CELL_NS * (len(index.starts) - 1)


def _selected(new: Selection, rows: int) -> Mask:
    """Return a selection of rows as a mask, or raise UsageError when it reaches beyond them."""
    mask = np.zeros(rows, bool)
    chosen = new if isinstance(new, slice) else np.asarray(new)
    if not isinstance(chosen, slice) and chosen.dtype == bool and len(chosen) != rows:
        raise UsageError(f"the mask of new rows has {len(chosen)} entries for {rows} vectors")
    try:
        mask[chosen] = True
    except IndexError as error:
        raise UsageError(f"new rows beyond the {rows} vectors: {error}") from error
    return mask


def _ascending(left: Positions, right: Positions) -> Mask:
    return left < right


def _one_new(is_new: Mask) -> Keep:
    """Keep a pair of two new rows once; the right one is always new."""

    def keep(left: Positions, right: Positions) -> Mask:
        return ~is_new[left] | (left < right)

    return keep
