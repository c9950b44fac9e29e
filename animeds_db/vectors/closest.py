"""The rows closest to one vector, when there are too many rows for memory: they are read and compared in blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from animeds_db.vectors.bound import slack
from animeds_db.vectors.parallel import thread_count
from animeds_db.vectors.rows import Floats

Numbers = npt.NDArray[np.uint64]
Read = Callable[[], Iterator[tuple[Numbers, Floats]]]
"""Reads a part of the rows in blocks: the rows' numbers [n] and their vectors [n, width]."""
TINY = float(np.finfo(np.float32).tiny)
"""A shorter vector has no exact length in float32."""
CACHED = 256
"""Number of rows that are compared at a time: 0.5 MB of width 512 stay in the processor's cache between two uses."""
ROOM = 4096
"""Number of rows that are collected before the worse ones are removed, beside those that are kept."""


@dataclass
class _Best:
    """The rows so far that can be among the k best. Threads share it."""

    k: int
    allowance: float
    bar: float = -np.inf
    """A row with a lower cosine is not among the k best."""
    found: list[tuple[Numbers, Floats]] = field(default_factory=list)
    count: int = 0
    limit: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rows: Numbers, cosine: Floats) -> None:
        """Add rows. A NaN passes, because nothing is known about it."""
        if cosine.max() < self.bar:
            return
        passed = ~(cosine < self.bar)
        with self.lock:
            self.found.append((rows[passed], cosine[passed]))
            self.count += int(np.count_nonzero(passed))
            if self.count > self.limit:
                self.shrink()

    def shrink(self) -> None:
        """Raise the bar to the k-th best cosine, and remove the rows below it."""
        rows, cosine = (np.concatenate(parts) for parts in zip(*self.found, strict=True))
        known = cosine[~np.isnan(cosine)]
        if len(known) > self.k:
            self.bar = float(np.partition(known, -self.k)[-self.k]) - self.allowance
        kept = ~(cosine < self.bar)
        self.found = [(rows[kept], cosine[kept])]
        self.count = int(np.count_nonzero(kept))
        self.limit = 2 * self.count + ROOM


def closest(parts: Sequence[Read], query: Floats, k: int, *, threads: int | None = None) -> Numbers:
    """Return the numbers of all rows that can be among the k with the highest cosine to `query` (float32 [width]).

    These are the k best, and rows that are worse by no more than rounding errors of float32, so the caller can sort
    them by any formula. Also rows of which the cosine is unknown: of zeros only, or too large for float32. Not rows
    of NaN. The order is undefined. Memory does not grow with the rows, except for these numbers.
    """
    length = float(np.linalg.norm(query.astype(np.float64)))
    best = _Best(k, 4 * slack(len(query)))
    scaled = (query / length).astype(np.float32) if 0 < length < np.inf else np.full_like(query, np.nan)

    def work(read: Read) -> None:
        for rows, x in read():
            lengths, cosine = _compared(x, scaled)
            if not (lengths.min() > TINY and lengths.max() < np.inf):
                cosine[~((lengths > TINY) & (lengths < np.inf))] = np.nan
                there = ~np.isnan(x[:, 0])
                rows, cosine = rows[there], cosine[there]
            if len(rows):
                best.add(rows, cosine)

    count = min(thread_count(threads), len(parts))
    if count <= 1:
        for part in parts:
            work(part)
    else:
        with ThreadPoolExecutor(count, thread_name_prefix="animeds-closest") as pool:
            for _ in pool.map(work, parts):
                pass
    if not best.found:
        return np.zeros(0, np.uint64)
    best.shrink()
    return best.found[0][0]


def _compared(x: Floats, unit: Floats) -> tuple[Floats, Floats]:
    """Return the length of each row of x, and its cosine to a vector of length 1; both float32 [rows]."""
    lengths, cosine = np.empty(len(x), np.float32), np.empty(len(x), np.float32)
    with np.errstate(all="ignore"):
        for low in range(0, len(x), CACHED):  # vecdot is as fast as BLAS here, and starts no threads
            some = slice(low, low + CACHED)
            np.vecdot(x[some], x[some], out=lengths[some])
            np.vecdot(x[some], unit, out=cosine[some])
        cosine /= np.sqrt(lengths, out=lengths)
    return lengths, cosine
