"""The memory limit of a join, and what fits into it.

The limit covers what this package allocates: features, order, cells, the blocks of each thread, and the
pairs found. It does not cover x itself, nor what Python and BLAS need anyway (about 100 MB).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from animeds_db.errors import UsageError
from animeds_db.vectors.rows import block_rows

DEFAULT_MB = 1024
LEFT_TILE, RIGHT_TILE = 512, 256  # measured: 512 KB of float32 products stay in the second-level cache
VERIFY_AT = 32_768  # candidates gathered before they are verified together

_PAIR_BYTES = 40  # key and cosine, twice while they are sorted, and the order
_PAIRS_PER_ROW = 4  # minimum that must fit
_MEGABYTE = 1 << 20


def checked_threshold(threshold: float) -> float:
    """Return the threshold. Raises UsageError unless it is between 0 and 1."""
    if not 0 <= threshold <= 1:
        raise UsageError(
            f"a similarity threshold must be between 0 and 1, not {threshold}",
            hint="0.985 finds near-duplicates; 1 finds only equal vectors",
        )
    return float(threshold)


def feature_bytes(rows: int, columns: int, cells: int) -> int:
    """Return the bytes that an index of these rows needs while it is built (columns 0: no features kept)."""
    kept = rows * columns * 4
    return kept * (2 if cells > 1 else 1) + rows * 24 + 2 * cells * cells * 8 + visit_bytes(rows, cells)


def visit_bytes(rows: int, cells: int) -> int:
    """Return the bytes of the lists of visitors in use.

    Up to 1/16 of the cells are in use at a time (see `groups`). If cells are worthwhile, each is visited by a tenth of
    the rows, and a position takes 8 bytes.
    """
    return rows * cells // 20 if cells > 1 else 0


def groups(cells: int, threads: int) -> int:
    """Return the number of cells in one piece of work: enough pieces for all threads, but not too many visitors."""
    return max(8, min(64, cells // (16 * threads)))


def thread_bytes(rows: int, width: int) -> int:
    """Return the bytes that the blocks of one thread need."""
    left, right = min(rows, LEFT_TILE), min(rows, RIGHT_TILE)
    tile = left * right * 6 + (left + right) * width * 12
    block = min(rows, block_rows(width)) * width * 8 * 10
    return tile + block + min(rows * rows, 2 * VERIFY_AT) * 48


@dataclass(frozen=True)
class Room:
    """The memory of one call: `total` bytes allowed, and the number of `threads` whose blocks fit."""

    total: int
    threads: int
    blocks: int

    @classmethod
    def plan(cls, memory_mb: float, rows: int, width: int, threads: int) -> Room:
        """Return a budget with as many threads as fit. Raises UsageError, with the minimum, if not even one does."""
        total = int(memory_mb * _MEGABYTE) if memory_mb > 0 else 0
        one = max(1, thread_bytes(rows, width))
        least = one + feature_bytes(rows, 0, 1) + rows * _PAIRS_PER_ROW * _PAIR_BYTES
        if total < least:
            raise UsageError(
                f"memory_mb={memory_mb:g} is too small for one block of {rows} vectors of width {width}",
                hint=f"allow at least {-(-least // _MEGABYTE)} MB",
            )
        fitting = max(1, min(threads, (total - feature_bytes(rows, 0, 1)) // (2 * one)))
        return cls(total, fitting, fitting * one)

    def for_features(self) -> int:
        """Return the bytes that an index may use: two thirds of what the blocks leave. The rest is for pairs."""
        return (self.total - self.blocks) * 2 // 3


class PairBudget:
    """Counts the pairs found, and stops the join before they exceed their memory."""

    def __init__(self, room: Room, index_bytes: int, threshold: float) -> None:
        self.most = max(0, room.total - room.blocks - index_bytes) // _PAIR_BYTES
        self._threshold = threshold
        self._found = 0
        self._lock = threading.Lock()

    def add(self, pairs: int) -> None:
        """Count more pairs. Raises UsageError if they no longer fit."""
        with self._lock:
            self._found += pairs
            over = self._found > self.most
        if over:
            raise UsageError(
                f"more than {self.most} pairs have a cosine of {self._threshold:g} or more, "
                "which do not fit in memory_mb",
                hint="long still shots have n² pairs: join one row of each run (run_leaders), "
                "raise the threshold, or raise memory_mb",
            )
