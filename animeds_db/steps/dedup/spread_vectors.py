"""Frame vectors that do not fit into one machine: workers compare them in blocks, two at a time.

    rows of frames, by id    |  block 0  |  block 1  |  block 2  |
    pieces of work           0·0  0·1  0·2  1·1  1·2  2·2     each block with itself and with each later one

This process never holds a vector. It knows the frames of each block, and a worker that reads other frames reports an
error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from animeds_db.errors import StoreError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.dedup.frame_vectors import Progress, repeats
from animeds_db.vectors import (
    Pairs,
    SimilarityIndex,
    cosines,
    similar_between,
    similar_pairs,
    similarity_index,
    usable_rows,
)
from animeds_db.vectors.columns import as_matrix
from animeds_db.vectors.memory import PairBudget, Room

if TYPE_CHECKING:
    from animeds_db.workers import Spread

FEWEST = 2048
"""Minimum number of rows of a block. For smaller blocks, distributing them takes longer than comparing them."""
BLOCKS = 8
"""Number of blocks of a small database, so that there are pieces (36) for all workers."""


@dataclass(frozen=True, eq=False)
class Block:
    """A range of frames by id. digest: of their ids; without: positions that are left out."""

    first: str
    last: str
    digest: str
    model: str | None
    without: np.ndarray


class Blocks:
    """The memory of a worker: the last two blocks that it read, and an index of one of them.

    Half of `memory_mb` is for the two blocks, the other half for the comparison.
    """

    def __init__(self, session: Session, memory_mb: float) -> None:
        self._session = session
        self.memory_mb = memory_mb / 2
        self._held: dict[tuple[str, str], np.ndarray] = {}
        self._index: tuple[str, SimilarityIndex] | None = None

    def read(self, block: Block) -> np.ndarray:
        """Return the vectors of a block, float32 [rows, width], NaN for rows without a vector and rows that are left
        out."""
        name = (block.first, block.last)
        if name in self._held:
            x = self._held.pop(name)
        else:
            while len(self._held) > 1:
                self._held.pop(next(iter(self._held)))
            x = self._read(block)
        self._held[name] = x  # the block that was read last is kept longest
        x[block.without] = np.nan
        return x

    def index(self, block: Block, threshold: float) -> SimilarityIndex:
        """Return an index of a block."""
        if self._index is None or self._index[0] != block.first:
            self._index = None
            index = similarity_index(self.read(block), threshold, memory_mb=self.memory_mb)
            self._index = (block.first, index)
        return self._index[1]

    def _read(self, block: Block) -> np.ndarray:
        sql = sql_script("steps/dedup", "block_vectors.sql")
        table = self._session.arrow(sql, {"first": block.first, "last": block.last})
        order = np.asarray(pc.sort_indices(table["frame_id"]), np.int64)
        models = set(table["embedder"].unique().to_pylist()) - {None, block.model}
        if models or digest_of(table["frame_id"].take(order)) != block.digest:
            raise StoreError(
                f"The frames {block.first} … {block.last} are not the same on every worker.",
                hint="Was something ingested, embedded or deleted meanwhile? Run this again when that has finished.",
            )
        return as_matrix(table["embedding"], order)


@dataclass(frozen=True, eq=False)
class Look:
    """Finds the rows of a block with a vector that is not zero, and those of `rows` whose vector equals the next
    one."""

    block: Block
    rows: np.ndarray

    def by(self, blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
        """Return both as bool."""
        x = blocks.read(self.block)
        return usable_rows(x), repeats(x, self.rows)


@dataclass(frozen=True, eq=False)
class Compare:
    """Finds the pairs of a row of `left` and a row of `right`, or (None) of two rows of `left`."""

    left: Block
    right: Block | None
    threshold: float

    def by(self, blocks: Blocks) -> Pairs:
        """Return the pairs by their positions in the two blocks: a of left, b of right."""
        x, index, room = blocks.read(self.left), blocks.index(self.left, self.threshold), blocks.memory_mb
        if self.right is None:
            return similar_pairs(x, self.threshold, index=index, memory_mb=room)
        found = similar_between(blocks.read(self.right), x, self.threshold, index=index, memory_mb=room)
        return Pairs(found.b, found.a, found.cosine)


@dataclass(frozen=True, eq=False)
class Measure:
    """Computes the cosine of each pair of positions a of `left`, b of `right`."""

    left: Block
    right: Block
    a: np.ndarray
    b: np.ndarray

    def by(self, blocks: Blocks) -> np.ndarray:
        """Return float32."""
        return cosines(blocks.read(self.left), self.a, blocks.read(self.right), self.b)


class SpreadVectors:
    """Vectors that workers read. `frames`: a table with frame_id, in order, and embedder, of at most one model."""

    def __init__(
        self, frames: pa.Table, rows: int, spread: Spread[Blocks], memory_mb: float, progress: Progress | None
    ) -> None:
        self._ids = frames["frame_id"].combine_chunks()
        self._model = next((m for m in frames["embedder"].unique().to_pylist() if m), None)
        self._starts = np.append(np.arange(0, len(self._ids), rows), len(self._ids))
        self._spread, self._memory_mb, self._progress = spread, memory_mb, progress
        self._usable: np.ndarray | None = None
        self._blocks: list[Block] = []

    def usable(self) -> np.ndarray:
        """Return which rows have a direction."""
        if self._usable is None:
            self.repeats(np.zeros(0, np.int64))
        assert self._usable is not None
        return self._usable

    def repeats(self, rows: np.ndarray) -> np.ndarray:
        """Return which rows have the vector of the next one. A block is read with the first row of the next."""
        spans = list(self._spans())
        parts = [rows[slice(*np.searchsorted(rows, span))] for span in spans]
        pieces = [
            Look(self._block(low, min(high + 1, len(self._ids))), part - low)
            for (low, high), part in zip(spans, parts, strict=True)
        ]
        usable, same = np.zeros(len(self._ids), bool), [np.zeros(0, bool)] * len(pieces)
        for place, (good, again) in self._spread(pieces):
            low, high = spans[place]
            usable[low:high], same[place] = good[: high - low], again
        self._usable = usable
        return np.concatenate([np.zeros(0, bool), *same])

    def pairs(self, threshold: float, without: np.ndarray) -> Pairs:
        """Return the pairs of every block with itself and with each later block."""
        left_out = np.sort(without)
        self._blocks = [self._block(low, high, left_out) for low, high in self._spans()]
        places = [(i, j) for i in range(len(self._blocks)) for j in range(i, len(self._blocks))]
        pieces = [Compare(self._blocks[i], None if i == j else self._blocks[j], threshold) for i, j in places]
        found = [Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))]
        budget = PairBudget(Room(int(self._memory_mb * 2**20), 1, 0), 0, threshold)
        for done, (place, pairs) in enumerate(self._spread(pieces), start=1):
            i, j = places[place]
            budget.add(len(pairs))
            found.append(Pairs(pairs.a + self._starts[i], pairs.b + self._starts[j], pairs.cosine))
            if self._progress is not None:
                self._progress(done, len(pieces))
        return _in_order(found)

    def cosines(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the cosine of each pair; pairs of the same two blocks are measured together."""
        left, right = (np.searchsorted(self._starts, side, side="right") - 1 for side in (a, b))
        meeting = left * len(self._blocks) + right
        order = np.argsort(meeting, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(meeting[order])) + 1) if len(a) else []
        pieces = [
            self._measure(int(left[group[0]]), int(right[group[0]]), a[group], b[group]) for group in groups
        ]
        cosine = np.empty(len(a), np.float32)
        for place, values in self._spread(pieces):
            cosine[groups[place]] = values
        return cosine

    def _measure(self, i: int, j: int, a: np.ndarray, b: np.ndarray) -> Measure:
        return Measure(self._blocks[i], self._blocks[j], a - self._starts[i], b - self._starts[j])

    def _spans(self) -> Iterator[tuple[int, int]]:
        return pairwise(self._starts.tolist())

    def _block(self, low: int, high: int, left_out: np.ndarray | None = None) -> Block:
        ids = self._ids[low:high]
        without = np.zeros(0, np.int64)
        if left_out is not None:
            without = left_out[slice(*np.searchsorted(left_out, (low, high)))] - low
        return Block(ids[0].as_py(), ids[-1].as_py(), digest_of(ids), self._model, without)


def tool(memory_mb: float) -> partial[Blocks]:
    """Return a function that makes the blocks of a worker from its session."""
    return partial(Blocks, memory_mb=memory_mb)


def rows_of_a_block(frames: int, width: int, memory_mb: float) -> int:
    """Return the number of rows of a block, so that two blocks take half the memory of a worker."""
    fitting = int(memory_mb * 2**20) // (4 * 4 * width)
    return max(1, min(fitting, max(FEWEST, -(-frames // BLOCKS))))


def digest_of(ids: pa.Array | pa.ChunkedArray) -> str:
    """Return a digest of ids in their order."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    return xxhash.xxh3_128_hexdigest("\n".join(ids.to_pylist()).encode())


def _in_order(found: Sequence[Pairs]) -> Pairs:
    a, b, cosine = (
        np.concatenate(parts) for parts in zip(*((p.a, p.b, p.cosine) for p in found), strict=True)
    )
    order = np.lexsort((b, a))
    return Pairs(a[order], b[order], cosine[order])
