"""How much memory a join may take, and what fits into it.

Counted is what this package allocates: features, order, cells, the blocks of each thread, and the
pairs found. Not counted are x itself and what Python and BLAS hold anyway (about 100 MB).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from animeds_db.errors import UsageError
from animeds_db.vectors.rows import block_rows

DEFAULT_MB = 1024
LEFT_TILE, RIGHT_TILE = 512, 256  # measured: 512 KB of float32 products stay in the second-level cache
VERIFY_AT = 32_768  # candidates gathered before they are verified together

_PAIR_BYTES = 40  # key and cosine, twice while they are put in order, and the order
_PAIRS_PER_ROW = 4  # that must fit at the least
_MEGABYTE = 1 << 20


def checked_threshold(threshold: float) -> float:
    """Return the threshold, or raise UsageError unless it lies in 0…1."""
    if not 0 <= threshold <= 1:
        raise UsageError(
            f"a similarity threshold lies between 0 and 1, not {threshold}",
            hint="0.985 finds near-duplicates; 1 finds only equal vectors",
        )
    return float(threshold)


def feature_bytes(rows: int, columns: int, cells: int) -> int:
    """Return the bytes an index of these rows takes while it is built (columns 0: no features kept)."""
    kept = rows * columns * 4
    return kept * (2 if cells > 1 else 1) + rows * 24 + 2 * cells * cells * 8 + visit_bytes(rows, cells)


def visit_bytes(rows: int, cells: int) -> int:
    """Return the bytes of the lists of visitors under way.

    Up to a 16th of the cells are under way at a time (see `groups`); each is visited by a tenth of the
    rows where cells pay at all, and a position takes 8 bytes.
    """
    return rows * cells // 20 if cells > 1 else 0


def groups(cells: int, threads: int) -> int:
    """Return how many cells make one piece of work: enough pieces for all threads, not too many visitors."""
    return max(8, min(64, cells // (16 * threads)))


def thread_bytes(rows: int, width: int) -> int:
    """Return the bytes the blocks of one thread take."""
    left, right = min(rows, LEFT_TILE), min(rows, RIGHT_TILE)
    tile = left * right * 6 + (left + right) * width * 12
    block = min(rows, block_rows(width)) * width * 8 * 10
    return tile + block + min(rows * rows, 2 * VERIFY_AT) * 48


@dataclass(frozen=True)
class Room:
    """The memory of one call, in bytes: `total` allowed, `threads` that fit with their blocks."""

    total: int
    threads: int
    blocks: int

    @classmethod
    def plan(cls, memory_mb: float, rows: int, width: int, threads: int) -> Room:
        """Return as many threads as fit; UsageError when not even one block does, naming what would do."""
        total = int(memory_mb * _MEGABYTE) if memory_mb > 0 else 0
        one = max(1, thread_bytes(rows, width))
        least = one + feature_bytes(rows, 0, 1) + rows * _PAIRS_PER_ROW * _PAIR_BYTES
        if total < least:
            raise UsageError(
                f"memory_mb={memory_mb:g} is too small for one block of {rows} vectors of width {width}",
                hint=f"give at least {-(-least // _MEGABYTE)}",
            )
        fitting = max(1, min(threads, (total - feature_bytes(rows, 0, 1)) // (2 * one)))
        return cls(total, fitting, fitting * one)

    def for_features(self) -> int:
        """Return the bytes an index may take: two thirds of what the blocks leave, the rest is for pairs."""
        return (self.total - self.blocks) * 2 // 3


class PairBudget:
    """Counts pairs as threads find them, and stops the join before they fill more than their memory."""

    def __init__(self, room: Room, index_bytes: int, threshold: float) -> None:
        self.most = max(0, room.total - room.blocks - index_bytes) // _PAIR_BYTES
        self._threshold = threshold
        self._found = 0
        self._lock = threading.Lock()

    def add(self, pairs: int) -> None:
        """Count more pairs; raise UsageError when they no longer fit."""
        with self._lock:
            self._found += pairs
            over = self._found > self.most
        if over:
            raise UsageError(
                f"more than {self.most} pairs have a cosine of {self._threshold:g} or more: "
                "they do not fit in memory_mb",
                hint="long still shots give n² pairs: join one row of each run (run_leaders), "
                "raise the threshold, or raise memory_mb",
            )
