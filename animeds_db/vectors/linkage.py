"""Average-linkage clusters of unit vectors, exactly, without the matrix of all pairs.

Two clusters are joined only while the mean cosine of all pairs between them is at or above the threshold. So a
chain of neighbours does not put its two ends into one cluster.

The mean cosine between two clusters of unit vectors is the product of their sums divided by their sizes, so only
the sums are kept. Average linkage is reducible (joining two clusters brings neither nearer to a third), so
clusters that are each other's nearest can be joined all at once, and a nearest neighbour that was not
joined remains the nearest: F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms",
The Computer Journal 26 (1983). Pairs that must stay apart do not change this: a joined cluster inherits them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from animeds_db.vectors.memory import checked_threshold
from animeds_db.vectors.parallel import Progress, run_blocks, spans, thread_count
from animeds_db.vectors.rows import Floats, Mask, Positions, normalise

_BLOCK_BYTES = 32 << 20  # bytes of float32 products in each thread
_NEVER = np.float32(-2)  # below every cosine
_COMPACT_ROWS = 4096
STRETCH = 16_384
"""With more rows than this, similar rows within stretches of this many are joined first. Time grows with its square."""


def average_linkage(
    x: npt.ArrayLike,
    threshold: float,
    *,
    apart: tuple[Positions, Positions] | None = None,
    known: Positions | None = None,
    tied: Positions | None = None,
    stretch: int = STRETCH,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Positions:
    """Return the cluster of each row of x [rows, width]: int64 [rows], numbered by their first rows.

    Clusters are joined, the most similar first, while their mean cosine is ≥ threshold (0…1). The rows
    apart[0][i] and apart[1][i] are never in one cluster, nor are two rows whose `known` (int64 [rows], -1
    if unknown) differs. Rows with the same number in `tied` (int64 [rows], -1 for none) are in one cluster from
    the start; they must not be apart. A row with NaN, infinity or only zeros is not in any cluster: -1.

    With more than `stretch` rows, the rows of each stretch (rows in time order are similar) are first joined
    up to a mean cosine halfway between the threshold and 1, then all stretches together; ties across the end
    of a stretch are ignored. Needs memory for two copies of x and 32 MB per thread. `progress(done, total)`
    counts rows that are finished.
    Raises UsageError for an invalid threshold or matrix.
    """
    lowest, workers = checked_threshold(threshold), thread_count(threads)
    units = normalise(x)
    rows = np.flatnonzero(units.usable)
    number = np.full(len(units), -1)
    number[rows] = np.arange(len(rows))
    kinds = np.full(len(rows), -1) if known is None else np.asarray(known, np.int64)[rows]
    bans = _Bans(_apart(apart, number), kinds)
    x_rows = units.unit if len(rows) == len(units) else units.unit[rows]
    groups = _first_rows(np.full(len(rows), -1) if tied is None else np.asarray(tied, np.int64)[rows])
    if len(rows) > stretch:
        groups = _within_stretches(x_rows, groups, (1 + lowest) / 2, bans, stretch, workers)
    groups = _joined(x_rows, groups, lowest, bans, workers, progress) if len(rows) else groups
    labels = np.full(len(units), -1)
    labels[rows] = _numbered(groups)
    return labels


@dataclass(frozen=True)
class _Bans:
    """Rows that must not be in one cluster: pairs of positions in both directions, and a kind for each (-1: any)."""

    pairs: tuple[Positions, Positions]
    kinds: Positions

    def within(self, part: slice) -> _Bans:
        """Return the bans among the rows of a part, as positions in that part."""
        first, second = self.pairs
        inside = (first >= part.start) & (first < part.stop) & (second >= part.start) & (second < part.stop)
        return _Bans((first[inside] - part.start, second[inside] - part.start), self.kinds[part])

    def of_groups(self, group: Positions, count: int) -> _Bans:
        """Return the bans among groups; `group` [rows] is the position of each row's group."""
        kinds = np.full(count, -1)
        np.maximum.at(kinds, group, self.kinds)
        return _Bans(_in_order((group[self.pairs[0]], group[self.pairs[1]])), kinds)

    def kept(self, position: Positions, kept: Positions) -> _Bans:
        """Return the bans among the positions `kept`; `position` has their new positions, or -1."""
        first, second = position[self.pairs[0]], position[self.pairs[1]]
        alive = (first >= 0) & (second >= 0)
        return _Bans(_in_order((first[alive], second[alive])), self.kinds[kept])

    def forbid(self, rows: Positions, products: Floats) -> None:
        """Set the products [rows, all] of banned pairs to less than any cosine."""
        first, second = self.pairs
        low, high = np.searchsorted(first, rows), np.searchsorted(first, rows, side="right")
        counts = high - low
        at = np.repeat(np.arange(len(rows)), counts)
        offset = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
        products[at, second[low[at] + offset]] = _NEVER
        others = np.flatnonzero(self.kinds >= 0)
        for row in np.flatnonzero(self.kinds[rows] >= 0):
            products[row, others[self.kinds[others] != self.kinds[rows[row]]]] = _NEVER


def _first_rows(number: Positions) -> Positions:
    """Return for each row the first row with its number; a row with -1 is alone."""
    own = np.where(number < 0, number.max(initial=-1) + 1 + np.arange(len(number)), number)
    _, first, inverse = np.unique(own, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def _within_stretches(
    x: Floats, groups: Positions, lowest: float, bans: _Bans, stretch: int, threads: int
) -> Positions:
    """Return for each row the first row of its cluster, clustering each stretch by itself."""
    first = np.arange(len(x))
    for part in spans(0, len(x), stretch):
        here = _first_rows(groups[part])
        first[part] = _joined(x[part], here, lowest, bans.within(part), threads, None) + part.start
    return first


def _joined(
    x: Floats,
    groups: Positions,
    lowest: float,
    bans: _Bans,
    threads: int,
    progress: Progress | None,
) -> Positions:
    """Return for each row the first row of its cluster. Rows of one group (given by its first row) stay together."""
    firsts, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    sums = np.add.reduceat(x[order], np.concatenate([[0], np.cumsum(sizes)[:-1]]), axis=0)
    forest = _Forest.start(sums, sizes, bans.of_groups(inverse, len(firsts)))
    while forest.grow(np.float32(lowest), threads):
        if progress is not None:
            progress(len(firsts) - len(forest.sizes), len(firsts))
    if progress is not None:
        progress(len(firsts), len(firsts))
    return np.asarray(firsts[forest.root][inverse])


def _apart(pairs: tuple[Positions, Positions] | None, number: Positions) -> tuple[Positions, Positions]:
    """Return the pairs in both directions, as positions among the usable rows."""
    if pairs is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    a, b = number[np.asarray(pairs[0], np.int64)], number[np.asarray(pairs[1], np.int64)]
    there = (a >= 0) & (b >= 0) & (a != b)
    return np.concatenate([a[there], b[there]]), np.concatenate([b[there], a[there]])


def _numbered(root: Positions) -> Positions:
    """Return a number 0, 1, 2 … for each root, in order of first occurrence."""
    _, first, inverse = np.unique(root, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


@dataclass
class _Forest:
    """Clusters that may still grow, by position: their sums, sizes, first rows and nearest neighbours.

    `root` [rows] points from each row to its cluster's first row. `near` and `value` are a cluster's nearest
    neighbour and the mean cosine with it; `stale` marks those that must be looked up again.
    """

    sums: Floats
    sizes: Positions
    names: Positions
    root: Positions
    near: Positions
    value: Floats
    stale: Mask
    bans: _Bans

    @classmethod
    def start(cls, sums: Floats, sizes: Positions, bans: _Bans) -> _Forest:
        n = len(sums)
        near, value, stale = np.full(n, -1), np.full(n, _NEVER), np.ones(n, bool)
        return cls(sums, sizes, np.arange(n), np.arange(n), near, value, stale, bans)

    def grow(self, lowest: np.float32, threads: int) -> bool:
        """Join all clusters that are each other's nearest. Return False if there is nothing left to join."""
        self._look_up(threads)
        i, j = self._mutual(lowest)
        if not len(i):
            return False
        self._join(i, j)
        finished = (self.value < lowest) & ~self.stale  # no cluster can come nearer to them
        gone = finished
        gone[j] = True
        self._compact(~gone)
        return len(self.sizes) > 1

    def _look_up(self, threads: int) -> None:
        wanted = np.flatnonzero(self.stale)
        step = max(8, min(512, _BLOCK_BYTES // (4 * max(1, len(self.sizes)))))
        inverse = (1 / self.sizes).astype(np.float32)

        def work(span: slice) -> None:
            rows = wanted[span]
            products = self.sums[rows] @ self.sums.T
            products *= inverse
            products *= inverse[rows, None]
            products[np.arange(len(rows)), rows] = _NEVER
            self.bans.forbid(rows, products)
            near = products.argmax(axis=1)
            self.near[rows] = near
            self.value[rows] = products[np.arange(len(rows)), near]

        run_blocks(work, list(spans(0, len(wanted), step)), threads)
        self.stale[:] = False

    def _mutual(self, lowest: np.float32) -> tuple[Positions, Positions]:
        """Return the pairs i < j to join; if rounding leaves no mutual pair, the best of all."""
        here = np.arange(len(self.near))
        good = self.value >= lowest
        i = np.flatnonzero(good & (self.near[self.near] == here) & (here < self.near))
        if len(i) or not good.any():
            return i, self.near[i]
        best = int(self.value.argmax())
        pair = sorted((best, int(self.near[best])))
        return np.array(pair[:1]), np.array(pair[1:])

    def _join(self, i: Positions, j: Positions) -> None:
        self.sums[i] += self.sums[j]
        self.sizes[i] += self.sizes[j]
        joined = np.zeros(len(self.sizes), bool)
        joined[i] = joined[j] = True
        leads_to = np.arange(len(self.root))
        leads_to[self.names[j]] = self.names[i]
        self.root = leads_to[self.root]
        into = np.arange(len(self.sizes))
        into[j] = i
        self.bans = self.bans.of_groups(into, len(into))
        self.stale = joined | joined[self.near]

    def _compact(self, keep: Mask) -> None:
        """Remove the clusters that were joined to another or are finished."""
        kept = np.flatnonzero(keep)
        for low in range(0, len(kept), _COMPACT_ROWS):  # in place: a row never moves up
            some = kept[low : low + _COMPACT_ROWS]
            self.sums[low : low + len(some)] = self.sums[some]
        self.sums = self.sums[: len(kept)]
        position = np.full(len(keep), -1)
        position[kept] = np.arange(len(kept))
        self.sizes, self.names, self.value = self.sizes[kept], self.names[kept], self.value[kept]
        self.near, self.stale = position[self.near[kept]], self.stale[kept]
        self.stale |= self.near < 0
        self.bans = self.bans.kept(position, kept)


def _in_order(pairs: tuple[Positions, Positions]) -> tuple[Positions, Positions]:
    """Return the pairs sorted by the first, each once."""
    both = np.unique(np.stack(pairs, axis=1), axis=0)
    return both[:, 0].copy(), both[:, 1].copy()
