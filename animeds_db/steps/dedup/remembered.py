"""The result of the last comparison of all frames, so that the next one compares only new frames.

It only saves time. For each source, the memory is checked against the current vectors. The pairs are the same as
after comparing all frames, to the last bit.

It is kept in one file beside the tables, `remembered/pairs.bin`, which can be deleted at any time. A database at a
URI has no such file, so all frames are compared each time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from animeds_db.steps.dedup.arrayfile import read_arrays, write_arrays
from animeds_db.steps.dedup.frame_vectors import Join, Progress, Vectors
from animeds_db.steps.dedup.matches import embedder_of
from animeds_db.store import Store
from animeds_db.store.location import Location
from animeds_db.vectors import Pairs, SimilarityIndex, similar_pairs, similarity_index

FILE = Path("remembered") / "pairs.bin"
MOST_PAIRS = 20_000_000
"""Maximum number of pairs to remember: 260 MB."""
MOST_NEW = 0.3
"""If more than this share of the rows is new, all rows are compared again, with a new index."""
_FORMAT = 2

_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class Memory:
    """Pairs at `threshold` or above among the rows of some sources, and the index that was used.

    digests: of each source's ids and vectors, in the order of the rows; counts: the number of rows of each.
    """

    threshold: float
    digests: tuple[str, ...]
    counts: np.ndarray
    pairs: Pairs
    index: SimilarityIndex

    def places(self, digests: tuple[str, ...], counts: np.ndarray) -> np.ndarray:
        """Return the current position of each remembered row, int64; -1 if its source is gone or has changed."""
        starts = dict(zip(digests, np.cumsum(counts) - counts, strict=True))
        parts = [
            np.arange(n) + starts[digest] if digest in starts else np.full(n, -1)
            for digest, n in zip(self.digests, self.counts.tolist(), strict=True)
        ]
        return np.concatenate([np.zeros(0, np.int64), *parts])


def remembered_join(store: Store, memory_mb: float, progress: Progress | None = None) -> Join:
    """Return a join of all frames that compares only sources that are new since the last join."""
    folder = Location(store.uri).path
    file = None if folder is None else folder / FILE

    def join(frames: pa.Table, x: Vectors, threshold: float) -> Pairs:
        digests, counts = _sources(frames, x)
        memory = None if file is None else _load(file, x.shape[1])
        found = None
        if memory is not None and memory.threshold <= threshold:
            found = _grown(memory, x, digests, counts, memory_mb, progress)
        if found is None:
            x = np.asarray(x)
            index = similarity_index(x, threshold, memory_mb=memory_mb)
            pairs = similar_pairs(x, threshold, index=index, memory_mb=memory_mb, progress=progress)
            found = Memory(threshold, digests, counts, pairs, index)
        if file is not None and found is not memory:
            _save(file, found)
        near = found.pairs.cosine >= np.float32(threshold)
        return Pairs(found.pairs.a[near], found.pairs.b[near], found.pairs.cosine[near])

    return join


def _grown(
    memory: Memory,
    x: Vectors,
    digests: tuple[str, ...],
    counts: np.ndarray,
    memory_mb: float,
    progress: Progress | None,
) -> Memory | None:
    """Return the memory with new rows compared and removed rows left out; None if too many rows are new."""
    if memory.digests == digests:
        return memory
    places = memory.places(digests, counts)
    new = np.ones(len(x), bool)
    new[places[places >= 0]] = False
    if new.sum() > MOST_NEW * len(x):
        return None
    index = memory.index.placed(x, places)
    fresh = similar_pairs(x, memory.threshold, new=new, index=index, memory_mb=memory_mb, progress=progress)
    pairs = _together(memory.pairs, places, fresh, len(x))
    return Memory(memory.threshold, digests, counts, pairs, index)


def _together(old: Pairs, places: np.ndarray, fresh: Pairs, rows: int) -> Pairs:
    """Return the old pairs whose rows still exist, with their new positions, and the new pairs, in order."""
    a, b = places[old.a], places[old.b]
    there = (a >= 0) & (b >= 0)
    a, b = a[there], b[there]
    keys = np.concatenate([np.minimum(a, b) * rows + np.maximum(a, b), fresh.a * rows + fresh.b])
    order = np.argsort(keys)
    cosine = np.concatenate([old.cosine[there], fresh.cosine])[order]
    first, second = np.divmod(keys[order], max(1, rows))
    return Pairs(first, second, cosine)


def _sources(frames: pa.Table, x: Vectors) -> tuple[tuple[str, ...], np.ndarray]:
    """Return a digest of the ids and vectors for each run of rows of one source, and the length of each run."""
    if not len(x):
        return (), np.zeros(0, np.int64)
    codes = frames["source_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(x)]
    ids = frames["frame_id"].combine_chunks()
    offsets = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset :]
    letters = np.frombuffer(ids.buffers()[2], np.uint8)
    model = str(embedder_of(frames)).encode()
    digests = []
    for low, high in pairwise(bounds):
        seen = xxhash.xxh3_128(model)
        seen.update(np.ascontiguousarray(x[low:high]).data)
        seen.update(letters[offsets[low] : offsets[high]].data)
        digests.append(seen.hexdigest())
    return tuple(digests), np.diff(bounds)


def _load(file: Path, width: int) -> Memory | None:
    """Return the memory for vectors of this width; None if there is none, or if it cannot be read."""
    if not file.exists():
        return None
    try:
        arrays = read_arrays(file)
        if int(arrays["version"]) != _FORMAT or int(arrays["format"][2]) != width:
            return None
        pairs = Pairs(arrays["a"].astype(np.int64), arrays["b"].astype(np.int64), arrays["cosine"])
        digests = tuple(arrays["digests"].tolist())
        index = SimilarityIndex.from_arrays(arrays)
        return Memory(float(arrays["threshold"]), digests, arrays["counts"], pairs, index)
    except (OSError, KeyError, ValueError, TypeError) as error:
        _log.info("%s cannot be used (%s): everything is compared again", file, error)
        return None


def _save(file: Path, memory: Memory) -> None:
    """Write the memory in one step. If the disk is full, nothing is written."""
    if len(memory.pairs) > MOST_PAIRS:
        file.unlink(missing_ok=True)
        return
    arrays = {
        "version": np.array(_FORMAT),
        "threshold": np.array(memory.threshold),
        "digests": np.array(memory.digests, dtype=str),
        "counts": memory.counts,
        "a": memory.pairs.a.astype(np.int32),
        "b": memory.pairs.b.astype(np.int32),
        "cosine": memory.pairs.cosine,
        **memory.index.arrays(),
    }
    try:
        file.parent.mkdir(exist_ok=True)
        write_arrays(file, arrays)
    except OSError as error:
        _log.info("%s: not written (%s): the next run compares everything again", file, error)
