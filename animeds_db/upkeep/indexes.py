"""Creates and updates the indexes that are worth their cost. Each is only a faster way to a scan's results.

Measured on 300,000 frames with vectors of width 512 (processor time, two cores):

- the 20 nearest of 1,000,000 vectors: 190 ms by a comparison of all, 33 ms by the index (a whole `ds.search`). The
  index takes 36 s to build and 80 MB. It has one bit per number (RabitQ) and gives candidates, whose full vectors are
  compared. 300 candidates have 99.8 % of the 20 nearest in a search of two thirds of the cells (8 ms) and of all of
  them (16 ms), 99.4 % in a search of half of them. With eight bits (IVF_SQ), the index took 517 MB and three times as
  long to search; graphs (HNSW_SQ) took more than 170 s to build for 300,000 vectors.
- the rows of 200 frames in one table: 20…35 ms by a scan, 2…5 ms by a B-tree, which takes 0.3…1 s to build. A page of
  the service reads three tables this way.
- words among 1,000,000 subtitle lines: 590 ms by SQL, 10…20 ms by the full-text index, which takes 14 s to build. Its
  tokens are words (by ICU's dictionaries for Japanese and Chinese). With pairs of letters as tokens, a search took
  70…350 ms, because most pairs are in many lines. Those of some sources alone: 50…100 ms, but 6…20 ms with a bitmap
  of the sources, which takes 0.2 s to build.
- tags: a scan by `has_tag` takes 80 ms. An index of labels (5 s to build, 12 MB) answers in 2…13 ms, but it knows only
  the tagger's results without people's corrections, and DuckDB cannot use it. It was left out. So was a full-text
  index of tags: a vocabulary of some ten thousand words is searched in a millisecond.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from animeds_db.store.fsync import flush_tree
from animeds_db.store.location import read_errors, write_errors
from animeds_db.store.vector_files import vector_parts
from animeds_db.vectors.closest import closest

if TYPE_CHECKING:
    import lance
    from lancedb.index import FTS

    from animeds_db.store import Store

LEAST_ROWS = 200_000
"""Minimum number of rows for an index. With fewer, a scan is fast enough: an exact search takes about a second."""
BY_FRAME = ("frames", "detections", "box_tags", "masks", "identities", "thumbnails")
"""Tables from which queries read the rows of a few frames."""
STALE = 0.2
"""Maximum share (0…1) of rows outside an index. These rows are found by a scan."""
CELLS = 10_000
"""Maximum number of cells that a search with a condition reads: all of them."""
PROBED, MIN_PROBED = 2 / 3, 64
"""Share (0…1) of the cells that a search without a condition reads, and the minimum number."""
CANDIDATES, MIN_CANDIDATES = 5, 200
"""Number of rows that the index gives per requested result, and additional ones. Their full vectors are compared."""
WORDED = ("lines", "descriptions")
"""Tables with a full-text index of their column `text`."""
MIN_TEXTS = 20_000
"""Minimum number of rows for a full-text index. With fewer, an index in memory is made in 0.3 s."""
WORDS = "full_text"
KIND = "IVF_RQ"
"""Kind of the index of vectors, as Lance names it."""
_VECTORS, _FRAME, _SOURCE = "near", "frame", "source"
"""Names of the indexes in the tables."""


def tend(store: Store, name: str) -> str | None:
    """Create or update a table's indexes if worthwhile, and return a text that says what was done."""
    rows = store.table(name).count_rows() if name in (*BY_FRAME, *WORDED) else 0
    messages = []
    if name in WORDED and rows >= MIN_TEXTS:
        messages.append(_tend_words(store, name))
    if name in BY_FRAME and rows >= LEAST_ROWS:
        messages.append(_tend_frames(store, name))
    if name == "frames" and rows >= LEAST_ROWS:
        messages.append(_tend_vectors(store, store.table(name)))
    done = "; ".join(dict.fromkeys(words for words in messages if words))
    if done and store.location.path is not None:
        with write_errors(store.uri):
            flush_tree(store.location.path / f"{name}.lance" / "_indices")
    return done or None


def _tend_vectors(store: Store, dataset: lance.LanceDataset) -> str | None:
    from lancedb.index import IvfRq

    rows = int(dataset.count_rows("embedder IS NOT NULL"))
    if rows < LEAST_ROWS:
        return None
    cells = _cells(rows)
    about = _about(dataset, _VECTORS)
    if (
        about is not None
        and about["index_type"] == KIND  # earlier releases made another kind
        and cells < 4 * int(about["indices"][0]["num_partitions"])
    ):
        return _updated(store, dataset, _VECTORS, about)
    began = time.monotonic()
    with write_errors(store.uri):
        store.lancedb_table("frames").create_index(
            "embedding",
            config=IvfRq(distance_type="cosine", num_partitions=cells),
            name=_VECTORS,
            replace=True,
        )
    took = time.monotonic() - began
    found = recall(store)
    return f"indexed {rows} vectors in {took:.0f} s; the index finds {found:.1%} of the nearest"


def _cells(rows: int) -> int:
    """Return the number of cells for this many vectors."""
    return max(4, round(math.sqrt(rows) / 8))


def _tend_frames(store: Store, name: str) -> str | None:
    """Create or update the index of a table by frame; and, for searches in some sources, a bitmap of them."""
    from lancedb.index import Bitmap, BTree

    configs = {_FRAME: ("frame_id", BTree())} | (
        {_SOURCE: ("source_id", Bitmap())} if name == "frames" else {}
    )
    made, updated = _tend_columns(store, name, configs)
    return f"indexed {store.table(name).count_rows()} rows by frame" if _FRAME in made else updated


def _tend_columns(
    store: Store, name: str, configs: Mapping[str, tuple[str, Any]], most: int | None = None
) -> tuple[set[str], str | None]:
    """Create the indexes that a table lacks (name → column, configuration), and update the others.

    Returns the names of the new ones, and a text about the first that was updated. `most`: see `_updated`.
    """
    dataset = store.table(name)
    missing = {index for index in configs if not _has(dataset, index)}
    updated = [
        _updated(store, dataset, index, about, most)
        for index in configs
        if (about := _about(dataset, index)) is not None
    ]
    for index in sorted(missing):
        column, config = configs[index]
        with write_errors(store.uri):
            store.lancedb_table(name).create_index(column, config=config, name=index)
    return missing, next((message for message in updated if message), None)


def full_text() -> FTS:
    """Return the settings of a full-text index: words in their English forms; positions, for phrases."""
    from lancedb.index import FTS

    return FTS(
        base_tokenizer="icu",
        with_position=True,
        stem=True,
        remove_stop_words=False,  # "to be or not to be"
        ascii_folding=True,
        max_token_length=None,
    )


def _tend_words(store: Store, name: str) -> str | None:
    """Create or update the full-text index of a table, and a bitmap of its sources for searches in some of them."""
    from lancedb.index import Bitmap

    configs = {WORDS: ("text", full_text()), _SOURCE: ("source_id", Bitmap())}
    made, updated = _tend_columns(store, name, configs, MIN_TEXTS)
    return f"indexed the words of {store.table(name).count_rows()} {name}" if WORDS in made else updated


def has_words(store: Store, name: str) -> bool:
    """Return True if a table has a full-text index."""
    return _has(store.table(name), WORDS)


def _updated(
    store: Store, dataset: lance.LanceDataset, index: str, about: dict[str, Any], most: int | None = None
) -> str | None:
    """Add the rows outside an index to it if they are more than STALE of all, or more than `most`."""
    missing = int(about["num_unindexed_rows"])
    limit = STALE * (missing + int(about["num_indexed_rows"]))
    if missing <= (limit if most is None else min(limit, most)):
        return None
    with write_errors(store.uri):
        dataset.optimize.optimize_indices(index_names=[index])
    return f"{missing} rows added to the index"


def _has(dataset: lance.LanceDataset, index: str) -> bool:
    with read_errors(dataset.uri):
        return any(found.name == index for found in dataset.describe_indices())


def _about(dataset: lance.LanceDataset, index: str) -> dict[str, Any] | None:
    """Return Lance's statistics of an index, or None if it does not exist."""
    if not _has(dataset, index):
        return None
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # otherwise it warns
    with read_errors(dataset.uri):
        about: dict[str, Any] = dataset.stats.index_stats(index)
        return about


def has_vectors(store: Store) -> bool:
    """Return True if the frames' vectors are indexed."""
    dataset = store.table("frames")
    return dataset.count_rows() >= LEAST_ROWS and _has(dataset, _VECTORS)


def candidates(k: int) -> int:
    """Return the number of rows that the index must give, so that the k closest are among them (see `recall`)."""
    return CANDIDATES * k + MIN_CANDIDATES


def nearest(
    frames: lance.LanceDataset, vector: np.ndarray, n: int, *, within: str | None = None
) -> npt.NDArray[np.uint64]:
    """Return the addresses of about the n rows with the highest cosine to `vector` (float32 [width]), ascending.

    The index alone finds them. Their full vectors must be compared next. `within`: a condition in Lance's SQL.
    """
    cells = round(PROBED * _cells(frames.count_rows())) if within is None else CELLS
    query = {
        "column": "embedding",
        "q": vector,
        "k": n,
        "metric": "cosine",
        "nprobes": max(MIN_PROBED, cells),
    }
    scanner = frames.scanner(
        columns=["_distance"], nearest=query, filter=within, prefilter=True, with_row_address=True
    )
    return np.sort(scanner.to_table()["_rowaddr"].to_numpy())


def recall(store: Store, questions: int = 8, k: int = 20) -> float:
    """Return the share (0…1) of the k closest rows that are among the candidates which the index gives.

    Measured with the vectors of `questions` rows.
    """
    frames = store.table("frames")
    chance = np.random.default_rng(0)
    rows = np.sort(chance.choice(frames.count_rows(), questions, replace=False))
    shares = []
    with read_errors(frames.uri):
        vectors = frames.take(rows.tolist(), columns=["embedding"])["embedding"].drop_null()
        for vector in np.array(vectors.to_pylist(), np.float32):
            true = closest([part.blocks for part in vector_parts(frames, "embedding")], vector, k)
            shares.append(np.isin(true, nearest(frames, vector, candidates(k))).mean())
    return float(np.mean(shares)) if shares else 1.0
