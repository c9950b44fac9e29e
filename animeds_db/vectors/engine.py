"""The engine of the joins: multiplies tiles of features and verifies the few pairs that pass in float64.

A function decides which positions of the right side each cell of the left side is compared with. The pairs
found among them are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from animeds_db.vectors import bound
from animeds_db.vectors.cells import Rights
from animeds_db.vectors.index import Side
from animeds_db.vectors.memory import LEFT_TILE, RIGHT_TILE, VERIFY_AT, PairBudget, groups
from animeds_db.vectors.parallel import Progress, run_blocks, spans
from animeds_db.vectors.rows import Floats, Mask, Positions, cosines

_BLOCK_ROWS = 4 * LEFT_TILE

Keep = Callable[[Positions, Positions], Mask]
"""Selects (left position, right position) pairs: drops a pair's mirror image, and a row paired with itself."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of row numbers a[i], b[i] (int64) with their cosine[i] (float32), sorted by a, then b."""

    a: Positions
    b: Positions
    cosine: Floats

    def __len__(self) -> int:
        return len(self.a)


@dataclass(frozen=True)
class Block:
    """A piece of work: the left positions `left`, all inside `cells`."""

    cells: range
    left: slice


@dataclass(frozen=True)
class Join:
    """A running join: both sides, the positions to compare, and the pairs to keep."""

    left: Side
    right: Side
    starts: Positions
    columns: int
    rights: Rights
    keep: Keep | None
    triangle: bool  # `keep` selects only left < right, so right positions below a tile are not multiplied
    threshold: float
    budget: PairBudget

    def run(self, threads: int, progress: Progress | None, *, mirrored: bool) -> Pairs:
        """Return all pairs: the left row first, or the lower row first if `mirrored` (a matrix with itself)."""
        keys: list[Positions] = []
        found: list[Floats] = []
        done = 0

        def take(part: tuple[Positions, Floats, int]) -> None:
            nonlocal done
            keys.append(part[0])
            found.append(part[1])
            done += part[2]
            if progress is not None:
                progress(done, len(self.left.rows))

        run_blocks(lambda block: self._block(block, mirrored), list(self._blocks(threads)), threads, take)
        return _in_order(keys, found, len(self.left.x))

    def _blocks(self, threads: int) -> Iterator[Block]:
        """Yield groups of cells of some thousand rows, enough of them to keep all threads busy."""
        cells = len(self.starts) - 1
        together = groups(cells, threads)
        for low in range(0, cells, together):
            group = range(low, min(low + together, cells))
            # A cell far above the average size (all rows alike) is divided, too.
            usual = len(self.left.rows) * together // cells if cells > 1 else 0
            low_row, high_row = int(self.starts[group.start]), int(self.starts[group.stop])
            for left in spans(low_row, high_row, max(_BLOCK_ROWS, 2 * usual)):
                yield Block(group, left)

    def _block(self, block: Block, mirrored: bool) -> tuple[Positions, Floats, int]:
        keys, found = [], []
        for left, right in self._candidates(block):
            a, b = self.left.rows[left], self.right.rows[right]
            cosine = cosines(self.left.x, a, self.right.x, b)
            near = cosine >= np.float32(self.threshold)
            self.budget.add(int(np.count_nonzero(near)))
            a, b = a[near], b[near]
            first, second = (np.minimum(a, b), np.maximum(a, b)) if mirrored else (b, a)
            keys.append(first * len(self.left.x) + second)
            found.append(cosine[near])
        none = np.zeros(0, np.int64), np.zeros(0, np.float32)
        rows = block.left.stop - block.left.start
        return np.concatenate([none[0], *keys]), np.concatenate([none[1], *found]), rows

    def _candidates(self, block: Block) -> Iterator[tuple[Positions, Positions]]:
        """Yield (left, right) positions whose bound reaches the threshold, some ten thousand at a time."""
        waiting: list[tuple[Positions, Positions]] = []
        count = 0
        for tile in self._tiles(block):
            waiting.append(tile)
            count += len(tile[0])
            if count >= VERIFY_AT:
                yield _joined(waiting)
                waiting, count = [], 0
        if count:
            yield _joined(waiting)

    def _tiles(self, block: Block) -> Iterator[tuple[Positions, Positions]]:
        """Multiply tile by tile and yield the positions that pass the bound."""
        least = np.float32(self.threshold - bound.slack(self.columns))
        products = np.empty(LEFT_TILE * RIGHT_TILE, np.float32)
        for cell, rights in zip(block.cells, self.rights(block.cells), strict=True):
            low, high = max(self.starts[cell], block.left.start), min(self.starts[cell + 1], block.left.stop)
            for left in spans(int(low), int(high), LEFT_TILE):
                rows = self.left.tile(left)
                first = int(np.searchsorted(rights, left.start)) if self.triangle else 0
                for some in spans(first, len(rights), len(products) // len(rows)):
                    columns = self.right.tile(rights[some])
                    tile = products[: len(rows) * len(columns)].reshape(len(rows), len(columns))
                    np.dot(rows, columns.T, out=tile)
                    if tile.max() >= least:
                        yield from self._hits(tile >= least, left.start, rights[some])

    def _hits(self, passed: Mask, low: int, rights: Positions) -> Iterator[tuple[Positions, Positions]]:
        # np.nonzero on two dimensions takes ten times as long
        at_left, at_right = np.divmod(np.flatnonzero(passed), len(rights))
        left, right = at_left + low, rights[at_right]
        if self.keep is not None:
            wanted = self.keep(left, right)
            left, right = left[wanted], right[wanted]
        if len(left):
            yield left, right


def _joined(parts: Sequence[tuple[Positions, Positions]]) -> tuple[Positions, Positions]:
    return np.concatenate([left for left, _ in parts]), np.concatenate([right for _, right in parts])


def _in_order(keys: list[Positions], found: list[Floats], width: int) -> Pairs:
    """Return pairs from their keys a·width + b, sorted; empties the lists, to hold each array once."""
    key, cosine = (
        np.concatenate([np.zeros(0, np.int64), *keys]),
        np.concatenate([np.zeros(0, np.float32), *found]),
    )
    keys.clear()
    found.clear()
    order = np.argsort(key)
    key, cosine = key[order], cosine[order]
    del order
    a = key // max(1, width)
    key -= a * width
    return Pairs(a, key, cosine)
