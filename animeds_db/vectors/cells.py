"""Cells: rows grouped by their nearest centre, and the test for the cells that a row must be compared with.

A row y can only have a partner x at distance ≤ r whose nearest centre is c, if
|y − c|² − |y − c_y|² ≤ 2·r·|c − c_y|, with c_y the centre nearest to y: the left side is linear in y,
changes by at most 2·|c − c_y| per unit of distance, and is ≤ 0 at x. So every pair within r is found
if each row visits the cells that pass this test, wherever the centres are. Good centres only reduce the
number of visits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from animeds_db.vectors.parallel import run_blocks, spans
from animeds_db.vectors.rows import EPSILON, Floats, Mask, Positions

CellNumbers = npt.NDArray[np.int32]

_ROUNDS = 6  # of Lloyd's algorithm: further rounds changed the number of visits by less than 3 %
ROWS_PER_CELL = 40  # in the training sample
_BLOCK = 4096  # rows times up to 64 cells: 1 MB of float32


def cell_count(rows: int) -> int:
    """Return the number of cells for this many rows: twice their square root, at most 4096."""
    return max(16, min(4096, 2 * math.isqrt(rows)))


class Cells:
    """Centres of cells in the space of the features: float32 [cells, columns], fixed once trained."""

    def __init__(self, centres: Floats) -> None:
        self.centres = centres
        wide = centres.astype(np.float64)
        self._squares = np.vecdot(wide, wide).astype(np.float32)

    def __len__(self) -> int:
        return len(self.centres)

    @cached_property
    def _between(self) -> Floats:
        """The distance of each centre from each other one."""
        wide = self.centres.astype(np.float64)
        squares = np.vecdot(wide, wide)
        between = squares[:, None] + squares[None, :] - 2 * (wide @ wide.T)
        return np.asarray(np.sqrt(np.maximum(between, 0)), np.float32)

    def gaps(self, features: Floats, cells: slice = slice(None)) -> Floats:
        """Return |y − c|² − |y|² for each row y and each of the cells, float32 [rows, cells]."""
        out = features @ (-2 * self.centres[cells]).T
        out += self._squares[cells]
        return out

    def nearest(self, features: Floats) -> CellNumbers:
        """Return the index of the cell nearest to each row."""
        out = np.empty(len(features), np.int32)
        for block in self._blocks(len(features)):
            out[block] = self.gaps(features[block]).argmin(axis=1)
        return out

    def nearest_few(self, features: Floats, few: int) -> CellNumbers:
        """Return the indices of the `few` nearest cells of each row, in no particular order."""
        few = min(few, len(self))
        out = np.empty((len(features), few), np.int32)
        for block in self._blocks(len(features)):
            out[block] = np.argpartition(self.gaps(features[block]), few - 1, axis=1)[:, :few]
        return out

    def _blocks(self, rows: int) -> Iterator[slice]:
        """Yield blocks of rows whose gaps to all cells stay in the second-level cache."""
        return spans(0, rows, max(32, _BLOCK * 64 // len(self)))

    def share_compared(self, features: Floats, reach: float) -> float:
        """Return the share of all pairs that must be compared, estimated with these rows as a sample."""
        own, test = self.nearest(features), self.visits(reach)
        sizes = np.bincount(own, minlength=len(self))
        blocks = self._blocks(len(features))
        met = sum(int(test(features[block], own[block]).sum(axis=0) @ sizes) for block in blocks)
        return met / max(1, len(features)) ** 2

    def visits(self, reach: float, cells: slice = slice(None)) -> Callable[[Floats, CellNumbers], Mask]:
        """Return a test that finds the cells each row must visit to meet all partners within `reach`.

        The test takes features and own cells of some rows and returns bool [rows, cells].
        """
        squares = self._squares[cells]
        sides = np.column_stack([-2 * self.centres[cells], squares, np.ones_like(squares)]).T
        limits = np.float32(2 * reach) * self._between[:, cells] + self._slack()

        def test(features: Floats, own: CellNumbers) -> Mask:
            own_gap = np.vecdot(features, -2 * self.centres[own]) + self._squares[own]
            # gap to a cell − gap to the own cell, as one product, because passes over the result cost more
            rows = np.column_stack([features, np.ones_like(own_gap), -own_gap])
            return np.asarray(rows @ sides <= np.take(limits, own, axis=0))

        return test

    def _slack(self) -> np.float32:
        """Return an allowance for rounding: each gap is a sum of numbers below 4, computed here and on assignment."""
        return np.float32(16 * (self.centres.shape[1] + 8) * EPSILON)


def reach_of(threshold: float, slack: float) -> float:
    """Return the greatest distance of two features whose dot product is at least threshold − slack."""
    return math.sqrt(max(0.0, 2 - 2 * (threshold - slack))) + 4 * EPSILON


def train(sample: Floats, count: int, seed: int = 0) -> Cells:
    """Return `count` cells trained on sampled features by Lloyd's algorithm. The result is always the same."""
    first = np.random.default_rng(seed).choice(len(sample), min(len(sample), count), replace=False)
    cells = Cells(sample[np.sort(first)])
    for _ in range(_ROUNDS):
        cells = _moved(cells, sample, cells.nearest(sample))
    return cells


def assign(cells: Cells, features: Floats, threads: int) -> CellNumbers:
    """Return the cell of each row, using threads."""
    own = np.empty(len(features), np.int32)

    def work(block: slice) -> None:
        own[block] = cells.nearest(features[block])

    run_blocks(work, list(spans(0, len(features), _BLOCK)), threads)
    return own


def _moved(cells: Cells, sample: Floats, own: CellNumbers) -> Cells:
    """Return cells whose centres are the means of their rows. The centre of an empty cell does not move."""
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], np.arange(len(cells)))
    sizes = np.diff(np.append(starts, len(own)))
    filled = np.flatnonzero(sizes)
    centres = cells.centres.copy()
    sums = np.add.reduceat(sample[order], starts[filled], axis=0)
    centres[filled] = sums / sizes[filled, None].astype(np.float32)
    return Cells(centres)


Rights = Callable[[range], Iterator[Positions]]
"""For each cell of a range: the right positions, ascending, that its rows are compared with."""


def visitors(cells: Cells, features: Floats, own: CellNumbers, reach: float, among: Positions) -> Rights:
    """Return for each cell the rows of `among` that must visit it, including the rows in it.

    `features` and `own` (cells) are those of all positions on the right side.
    """

    def rights(group: range) -> Iterator[Positions]:
        test = cells.visits(reach, slice(group.start, group.stop))
        found: list[list[Positions]] = [[] for _ in group]
        for block in spans(0, len(among), _BLOCK):
            rows = among[block]
            hits = test(features[rows], own[rows])
            for at, column in enumerate(np.ascontiguousarray(hits.T)):
                found[at].append(rows[np.flatnonzero(column)])
        for parts in found:
            yield np.concatenate([np.zeros(0, np.int64), *parts])

    return rights


def later_visitors(
    cells: Cells, features: Floats, own: CellNumbers, reach: float, starts: Positions
) -> Rights:
    """Return for each cell its own rows and the visitors from later cells, for positions sorted by cell.

    This finds each pair once, because two rows within reach visit each other's cells.
    """

    def rights(group: range) -> Iterator[Positions]:
        later = np.arange(starts[group.start], len(own))
        for cell, rows in zip(group, visitors(cells, features, own, reach, later)(group), strict=True):
            yield rows[np.searchsorted(rows, starts[cell]) :]

    return rights


def everyone(among: Positions) -> Rights:
    """Return all of `among` for every cell."""

    def rights(group: range) -> Iterator[Positions]:
        for _ in group:
            yield among

    return rights
