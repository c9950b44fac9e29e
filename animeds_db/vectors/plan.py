"""Plans how to build an index: the bound and the cells, chosen by their estimated cost on a sample.

The choice affects only the time of a join, not its pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animeds_db.vectors import bound
from animeds_db.vectors.bound import BoundCost
from animeds_db.vectors.cells import ROWS_PER_CELL, Cells, cell_count, reach_of, train
from animeds_db.vectors.memory import Room, feature_bytes
from animeds_db.vectors.parallel import one_blas_thread, spans
from animeds_db.vectors.rows import Doubles, Floats, Matrix, Positions, block_rows, norms, unit

_PLAIN_UNDER_NS = 50e6  # a full GEMM shorter than this costs less than finding a bound
_PER_ROW_INDEXED = 8_000.0  # nanoseconds, measured at width 512; for a few queries, full GEMM is faster
_CELLS_FROM = 20_000  # rows; below this, a join without cells takes less time than training them
_COMPARED_IN_CELLS = 0.1  # first guess of the share of pairs that must still be compared with cells
_PER_ROW_AND_CELL = 5.0  # nanoseconds, measured: assigning rows and finding the cells they visit
_CELLS_MUST_SAVE = 0.8


@dataclass(frozen=True)
class Plan:
    """Directions [width, components] of the bound (None: full GEMM), and trained cells (None: none).

    `kept`: features (or unit vectors) are computed once and kept; otherwise again for every tile.
    """

    directions: Doubles | None = None
    cells: Cells | None = None
    kept: bool = True

    def columns(self, width: int) -> int:
        """Return the width of the rows that tiles multiply, for vectors of this width."""
        return width if self.directions is None else self.directions.shape[1] + 1


def _full_gemm(x: Matrix, room: Room) -> Plan:
    return Plan(kept=feature_bytes(len(x), x.shape[1], 1) <= room.for_features())


def make_plan(
    x: Matrix,
    threshold: float,
    room: Room,
    components: int | None = None,
    cells: int | None = None,
    queries: int | None = None,
) -> Plan:
    """Return the plan for x. `components` (0: full GEMM) and `cells` (1: none) override the choice.

    `queries`: the number of rows to compare with those of x; None: the rows of x are compared with each other.
    """
    pairs = len(x) * (len(x) / 2 if queries is None else queries)
    index = 0 if queries is None else len(x) * _PER_ROW_INDEXED
    small = pairs * bound.plain_cost(x.shape[1]) < _PLAIN_UNDER_NS + index
    if components == 0 or (components is None and cells is None and small):
        return _full_gemm(x, room)
    with one_blas_thread():
        usable = _usable(x, bound.PRINCIPAL_ROWS)
        if len(usable) == 0:
            return _full_gemm(x, room)
        most = min(x.shape[1], components or bound.COMPONENTS[-1])
        directions = bound.principal_directions(x, usable, most)
        if components is not None:
            return Plan(directions, _trained(x, directions, cells or 1))
        units = unit(x[bound.pick_rows(usable, bound.SAMPLE_ROWS)])
        return _cheapest(x, units, directions, threshold, room, cells, pairs)


def _cheapest(
    x: Matrix,
    units: Doubles,
    directions: Doubles,
    threshold: float,
    room: Room,
    cells: int | None,
    pairs: float,
) -> Plan:
    """Return the plan with the lowest estimated cost for this many pairs, among those whose features fit in memory."""
    costs = bound.bound_costs(units, directions, threshold)
    count = cells or (cell_count(len(x)) if len(x) >= _CELLS_FROM else 1)
    options = [(bound.plain_cost(x.shape[1]) * pairs, _full_gemm(x, room))]
    flat = _best(costs, 1.0, x, 1, room)
    if flat is not None:
        options.append((flat.join() * pairs, Plan(directions[:, : flat.components])))
    celled = _best(costs, _COMPARED_IN_CELLS, x, count, room) if count > 1 else None
    if celled is not None:
        narrow = directions[:, : celled.components]
        trained = _trained(x, narrow, count)
        features = bound.project(units, narrow)
        cost = _cells_cost(trained, features, threshold, celled, pairs, len(x))
        options.append((0.0 if cells else cost / _CELLS_MUST_SAVE, Plan(narrow, trained)))
    return min(options, key=lambda option: option[0])[1]


def _best(costs: list[BoundCost], compared: float, x: Matrix, count: int, room: Room) -> BoundCost | None:
    """Return the cheapest bound whose features fit, if the share `compared` of all pairs must be tested."""
    fitting = [c for c in costs if feature_bytes(len(x), c.components + 1, count) <= room.for_features()]
    return min(fitting, key=lambda cost: cost.join(compared), default=None)


def _cells_cost(
    cells: Cells | None, features: Floats, threshold: float, cost: BoundCost, pairs: float, rows: int
) -> float:
    """Return the estimated nanoseconds of a join with these cells. `features` are those of a sample of the rows."""
    if cells is None:
        return float("inf")
    reach = reach_of(threshold, bound.slack(features.shape[1]))
    share = cells.share_compared(features, reach)
    return cost.join(share) * pairs + _PER_ROW_AND_CELL * rows * len(cells)


def _usable(x: Matrix, count: int) -> Positions:
    """Return random usable rows of x. The choice is always the same."""
    rows = bound.pick_rows(np.arange(len(x)), count)
    blocks = spans(0, len(rows), block_rows(x.shape[1]))
    return np.concatenate([rows[:0], *(rows[block][norms(x[rows[block]])[1]] for block in blocks)])


def _trained(x: Matrix, directions: Doubles, count: int) -> Cells | None:
    rows = _usable(x, count * ROWS_PER_CELL)
    return train(bound.features(x, rows, directions), count) if count > 1 and len(rows) > 1 else None
