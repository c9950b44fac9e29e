"""An index for similarity joins: features of every usable row, grouped into cells.

It belongs to the rows it was built from, in their order, but not to a threshold: the threshold given when it is
built only affects the number of directions and cells. Later rows are added without changing the directions or the
centres. Build it again once most rows were added later.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animeds_db.errors import StoreError, UsageError
from animeds_db.safe_files import whole_file
from animeds_db.vectors import bound
from animeds_db.vectors.cells import CellNumbers, Cells
from animeds_db.vectors.memory import visit_bytes
from animeds_db.vectors.parallel import run_blocks, spans
from animeds_db.vectors.plan import Plan
from animeds_db.vectors.rows import Doubles, Floats, Matrix, Positions, Rows, block_rows, norms

_FORMAT = 1


@dataclass(frozen=True)
class Side:
    """One side of a join: row numbers of x by position, and access to the rows that tiles multiply."""

    x: Matrix
    rows: Positions
    features: Floats | None
    directions: Doubles | None = None

    def tile(self, positions: Positions | slice) -> Floats:
        """Return the features of these positions, float32 [rows, columns], or their unit vectors."""
        if self.features is not None:
            return self.features[positions]
        return bound.tile_features(self.x[self.rows[positions]], self.directions)


@dataclass(frozen=True)
class SimilarityIndex:
    """Features of the usable rows of a matrix of `rows` × `width`, sorted by cell.

    `order` int64 [usable] has the row numbers, `starts` int64 [cells + 1] the position where each cell begins.
    Without directions in the plan there are no features, and rows are compared by a full GEMM.
    """

    rows: int
    width: int
    order: Positions
    starts: Positions
    plan: Plan
    features: Floats | None

    @property
    def columns(self) -> int:
        """Width of the rows that tiles multiply."""
        return self.plan.columns(self.width)

    @property
    def nbytes(self) -> int:
        """Bytes of memory for the index and for the lists of visitors made from it."""
        features = 0 if self.features is None else self.features.nbytes
        return self.order.nbytes + features + visit_bytes(len(self.order), len(self.starts) - 1)

    def side(self, x: Matrix) -> Side:
        """Return the index as a side of a join; x must be the matrix it was built from."""
        self._check(x, same=True)
        return Side(x, self.order, self.features, self.plan.directions)

    def own_cells(self) -> CellNumbers:
        """Return the cell of each position, int32 [usable]."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    def extended(self, x: Matrix, threads: int = 1) -> SimilarityIndex:
        """Return an index of all of x, whose first `rows` rows are those of this index."""
        self._check(x, same=False)
        return self if len(x) == self.rows else self.placed(x, np.arange(self.rows), threads)

    def placed(self, x: Rows, positions: Positions, threads: int = 1) -> SimilarityIndex:
        """Return an index of x, in which row i of this index is row `positions[i]` (-1: removed).

        Only new rows of x are computed. Raises UsageError if x or the positions do not fit.
        """
        if len(positions) != self.rows or x.shape[1] != self.width:
            self._check(x, same=True)
        moved = positions[self.order]
        there = moved >= 0
        known = np.zeros(len(x), bool)
        known[positions[positions >= 0]] = True
        rows, features, own = _measured(x, np.flatnonzero(~known), self.plan, threads)
        if features is not None and self.features is not None:
            features = np.concatenate([self.features[there], features])
        if own is not None:
            own = np.concatenate([self.own_cells()[there], own])
        return _sorted(x, np.concatenate([moved[there], rows]), features, own, self.plan)

    def _check(self, x: Rows, *, same: bool) -> None:
        fits = len(x) == self.rows if same else len(x) >= self.rows
        if not fits or x.shape[1] != self.width:
            raise UsageError(
                f"the index is for {self.rows} vectors of width {self.width}, "
                f"but x has {len(x)} of width {x.shape[1]}",
                hint="build the index again from these vectors",
            )

    def save(self, path: Path) -> None:
        """Write the index to a file (NumPy .npz, as large as the features). An existing file is replaced."""
        with whole_file(path) as file:
            np.savez(file, allow_pickle=False, **self.arrays())

    @classmethod
    def load(cls, path: Path) -> SimilarityIndex:
        """Read an index written by `save`. Raises StoreError if the file is missing or not an index."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return cls.from_arrays(dict(file))
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise StoreError(f"{path} is not a similarity index: {error}", hint="build it again") from error

    def arrays(self) -> dict[str, Matrix]:
        """Return the index as named arrays, which can be written to a file with others."""
        optional = {
            "directions": self.plan.directions,
            "features": self.features,
            "centres": None if self.plan.cells is None else self.plan.cells.centres,
        }
        return {
            "format": np.array([_FORMAT, self.rows, self.width]),
            "order": self.order,
            "starts": self.starts,
            **{name: values for name, values in optional.items() if values is not None},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Matrix]) -> SimilarityIndex:
        """Return the index from the result of `arrays`. Raises KeyError or ValueError if it is something else."""
        version, rows, width = (int(number) for number in arrays["format"])
        if version != _FORMAT:
            raise ValueError(f"unknown format of a similarity index: {version}")
        centres = arrays.get("centres")
        cells = None if centres is None else Cells(centres)
        plan = Plan(arrays.get("directions"), cells, kept="features" in arrays)
        return cls(rows, width, arrays["order"], arrays["starts"], plan, arrays.get("features"))


def build_index(x: Matrix, plan: Plan, threads: int) -> SimilarityIndex:
    """Return an index of x, built according to the plan."""
    order, features, own = _measured(x, None, plan, threads)
    return _sorted(x, order, features, own, plan)


def right_side(x: Matrix, plan: Plan, threads: int) -> tuple[Side, CellNumbers | None]:
    """Return another matrix as the right side of joins with an index of this plan, and its rows' cells."""
    rows, features, own = _measured(x, None, plan, threads)
    return Side(x, rows, features, plan.directions), own


def _measured(
    x: Rows, some: Positions | None, plan: Plan, threads: int
) -> tuple[Positions, Floats | None, CellNumbers | None]:
    """Return the usable rows among `some` rows of x (None: all), their features and their cells."""
    count = len(x) if some is None else len(some)
    usable = np.zeros(count, bool)
    features = np.zeros((count, plan.columns(x.shape[1]) if plan.kept else 0), np.float32)
    own = np.zeros(count if plan.cells is not None else 0, np.int32)

    def work(block: slice) -> None:
        rows = x[block] if some is None else x[some[block]]
        good = usable[block] = norms(rows)[1]
        if plan.kept:
            features[block][good] = bound.tile_features(rows[good], plan.directions)
        if plan.cells is not None:
            own[block] = plan.cells.nearest(features[block])

    run_blocks(work, list(spans(0, count, block_rows(x.shape[1]))), threads)
    rows = np.flatnonzero(usable)
    if len(rows) < count:  # otherwise avoid the copy
        features, own = features[rows], own[rows] if plan.cells is not None else own
    kept, cells = features if plan.kept else None, own if plan.cells is not None else None
    return rows if some is None else some[rows], kept, cells


def _sorted(
    x: Rows, order: Positions, features: Floats | None, own: CellNumbers | None, plan: Plan
) -> SimilarityIndex:
    """Return the index with its rows sorted by cell, then by row number."""
    starts = np.array([0, len(order)])
    if own is not None and features is not None and plan.cells is not None:
        by_cell = np.argsort(own, kind="stable")
        order, features = order[by_cell], features[by_cell]
        starts = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=len(plan.cells)))])
    return SimilarityIndex(len(x), x.shape[1], order, starts, plan, features)
