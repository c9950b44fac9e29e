"""Indexes that pay, and no others. Its one rule: each is only a faster way to what a scan would find.

Measured on 300,000 frames with vectors of width 512 (processor time, two cores):

- the 20 nearest vectors: 2100 ms by SQL, 700 ms by a scan of Lance, 60 ms by the index (a whole `ds.search`: 2400 ms
  without, 270 ms with it), which takes 12…25 s to make and a quarter of the vectors' room. It cuts numbers to
  eight bits, and a search reads all of its cells: so it finds all also among vectors that form no groups. A quarter
  of the cells is a third faster and finds 87 %.
- the rows of 200 frames in one table: 20…35 ms by a scan, 2…5 ms by a B-tree, which takes 0.3…1 s to make. A page of
  the service reads three tables so.
- tags: a scan by `has_tag` takes 80 ms. An index of labels (5 s to make, 12 MB) answers in 2…13 ms, but only about
  what the tagger said, before people's corrections, and DuckDB cannot ask it. It was left out, and so was full
  text on tags: the vocabulary has at most 32,767 words and is searched in a millisecond.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from animeds_db.store.fsync import flush_tree
from animeds_db.store.location import read_errors, write_errors

if TYPE_CHECKING:
    import lance
    from lancedb.table import Table

    from animeds_db.store import Store

LEAST_ROWS = 200_000
"""With fewer rows a scan is fast enough: an exact search takes about a second."""
BY_FRAME = ("frames", "detections", "identities", "thumbnails")
"""Tables of which the rows of a few frames are read."""
STALE = 0.2
"""Share of the rows that may lie outside an index; they are found by a scan."""
CELLS = 10_000
"""So many cells are read at most: all."""
REFINED = 5
"""So many times more candidates than asked for are compared by their full vectors."""
_VECTORS, _FRAME = "near", "frame"
"""Names of the indexes in their tables."""


def tend(store: Store, name: str) -> str | None:
    """Make the index of a table that pays, or bring it up to date; return what was done, in words."""
    if name not in BY_FRAME or store.table(name).count_rows() < LEAST_ROWS:
        return None
    told = [_tend_frames(store, name)]
    if name == "frames":
        told.append(_tend_vectors(store, store.table(name)))
    done = "; ".join(dict.fromkeys(words for words in told if words))
    if done and store.place.path is not None:
        with write_errors(store.uri):
            flush_tree(store.place.path / f"{name}.lance" / "_indices")
    return done or None


def _tend_vectors(store: Store, dataset: lance.LanceDataset) -> str | None:
    from lancedb.index import IvfSq

    rows = int(dataset.count_rows("embedder IS NOT NULL"))
    if rows < LEAST_ROWS:
        return None
    cells = max(4, round(math.sqrt(rows) / 8))
    about = _about(dataset, _VECTORS)
    if about is not None and cells < 4 * int(about["indices"][0]["num_partitions"]):
        return _updated(store, dataset, _VECTORS, about)
    began = time.monotonic()
    with write_errors(store.uri):
        store.lancedb_table("frames").create_index(
            "embedding",
            config=IvfSq(distance_type="cosine", num_partitions=cells),
            name=_VECTORS,
            replace=True,
        )
    took = time.monotonic() - began
    found = recall(store)
    return f"an index of {rows} vectors made in {took:.0f} s, which finds {found:.1%} of the nearest"


def _tend_frames(store: Store, name: str) -> str | None:
    from lancedb.index import BTree

    dataset = store.table(name)
    about = _about(dataset, _FRAME)
    if about is not None:
        return _updated(store, dataset, _FRAME, about)
    with write_errors(store.uri):
        store.lancedb_table(name).create_index("frame_id", config=BTree(), name=_FRAME)
    return f"an index of the frames of {dataset.count_rows()} rows made"


def _updated(store: Store, dataset: lance.LanceDataset, index: str, about: dict[str, Any]) -> str | None:
    missing = int(about["num_unindexed_rows"])
    if missing <= STALE * (missing + int(about["num_indexed_rows"])):
        return None
    with write_errors(store.uri):
        dataset.optimize.optimize_indices(index_names=[index])
    return f"{missing} rows added to the index"


def _has(dataset: lance.LanceDataset, index: str) -> bool:
    with read_errors(dataset.uri):
        return any(found.name == index for found in dataset.describe_indices())


def _about(dataset: lance.LanceDataset, index: str) -> dict[str, Any] | None:
    """Return what Lance tells of an index; None where there is none of that name."""
    if not _has(dataset, index):
        return None
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # else it warns
    with read_errors(dataset.uri):
        about: dict[str, Any] = dataset.stats.index_stats(index)
        return about


def has_vectors(store: Store) -> bool:
    """Tell whether there is an index of the frames' vectors."""
    dataset = store.table("frames")
    return dataset.count_rows() >= LEAST_ROWS and _has(dataset, _VECTORS)


def nearest(store: Store, vector: np.ndarray, n: int, hidden: list[str] | None = None) -> list[str]:
    """Return the ids of about the n frames whose vectors have the highest cosine to `vector` (float32 [width]).

    `hidden`: sources whose frames are left out. There must be an index.
    """
    within = None
    if hidden:
        listed = ", ".join(f"'{source}'" for source in hidden)
        within = f"source_id NOT IN ({listed})"
    return _nearest(store.lancedb_table("frames"), vector, n, within)


def _nearest(
    frames: Table, vector: np.ndarray, n: int, within: str | None = None, *, exact: bool = False
) -> list[str]:
    query = frames.search(np.asarray(vector, np.float32), vector_column_name="embedding").distance_type(
        "cosine"
    )
    query = query.bypass_vector_index() if exact else query.nprobes(CELLS).refine_factor(REFINED)
    if within is not None:
        query = query.where(within, prefilter=True)
    with read_errors(frames.name):
        found = query.select(["frame_id", "_distance"]).limit(n).to_arrow()
    ids: list[str] = found["frame_id"].to_pylist()
    return ids


def recall(store: Store, questions: int = 8, k: int = 20) -> float:
    """Return which share of the k nearest, by a scan, the index finds, 0…1; asked for some of the frames' vectors."""
    dataset, frames = store.table("frames"), store.lancedb_table("frames")
    chance = np.random.default_rng(0)
    rows = np.sort(chance.choice(dataset.count_rows(), questions, replace=False))
    vectors = dataset.take(rows.tolist(), columns=["embedding"])["embedding"].drop_null()
    shares = [
        len({*_nearest(frames, vector, k)} & {*_nearest(frames, vector, k, exact=True)}) / k
        for vector in np.array(vectors.to_pylist(), np.float32)
    ]
    return float(np.mean(shares)) if shares else 1.0
