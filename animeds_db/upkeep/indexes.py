"""Creates and updates the indexes that are worth their cost. Each is only a faster way to a scan's results.

Measured on 300,000 frames with vectors of width 512 (processor time, two cores):

- the 20 nearest vectors: 2100 ms by SQL, 700 ms by a scan of Lance, 60 ms by the index (a whole `ds.search`: 2400 ms
  without, 270 ms with it). The index takes 12…25 s to build and a quarter of the vectors' space. It stores numbers in
  eight bits, and a search reads all of its cells, so that nothing is missed even if the vectors form no groups.
  Reading a quarter of the cells is a third faster but finds only 87 %.
- the rows of 200 frames in one table: 20…35 ms by a scan, 2…5 ms by a B-tree, which takes 0.3…1 s to build. A page of
  the service reads three tables this way.
- a rare word among 1,000,000 subtitle lines: 590 ms by SQL; 30 ms by the full-text index, and 300 ms with the frames of
  the lines. The index takes 5 s to build.
- tags: a scan by `has_tag` takes 80 ms. An index of labels (5 s to build, 12 MB) answers in 2…13 ms, but it knows only
  the tagger's results without people's corrections, and DuckDB cannot use it. It was left out. So was a full-text
  index of tags: the vocabulary has at most 32,767 words and is searched in a millisecond.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from animeds_db.store.fsync import flush_tree
from animeds_db.store.location import read_errors, write_errors

if TYPE_CHECKING:
    import lance
    from lancedb.table import Table

    from animeds_db.store import Store

LEAST_ROWS = 200_000
"""Minimum number of rows for an index. With fewer, a scan is fast enough: an exact search takes about a second."""
BY_FRAME = ("frames", "detections", "box_tags", "identities", "thumbnails")
"""Tables from which queries read the rows of a few frames."""
STALE = 0.2
"""Maximum share (0…1) of rows outside an index. These rows are found by a scan."""
CELLS = 10_000
"""Maximum number of cells that a search reads: all of them."""
REFINED = 5
"""Number of candidates compared by their full vectors, per requested result."""
MOST_LINES = 10_000
"""Maximum number of lines that the index of words may return. If more lines match, a scan is as fast."""
_PIECE = re.compile(r"[^\W_]{2,}")
"""What the index of words knows: pairs of letters or digits."""
_VECTORS, _FRAME, _WORDS = "near", "frame", "words"
"""Names of the indexes in the tables."""


def tend(store: Store, name: str) -> str | None:
    """Create or update a table's indexes if worthwhile, and return a text that says what was done."""
    if name not in (*BY_FRAME, "lines") or store.table(name).count_rows() < LEAST_ROWS:
        return None
    messages = [_tend_words(store) if name == "lines" else _tend_frames(store, name)]
    if name == "frames":
        messages.append(_tend_vectors(store, store.table(name)))
    done = "; ".join(dict.fromkeys(words for words in messages if words))
    if done and store.location.path is not None:
        with write_errors(store.uri):
            flush_tree(store.location.path / f"{name}.lance" / "_indices")
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
    return f"indexed {rows} vectors in {took:.0f} s; the index finds {found:.1%} of the nearest"


def _tend_frames(store: Store, name: str) -> str | None:
    from lancedb.index import BTree

    dataset = store.table(name)
    about = _about(dataset, _FRAME)
    if about is not None:
        return _updated(store, dataset, _FRAME, about)
    with write_errors(store.uri):
        store.lancedb_table(name).create_index("frame_id", config=BTree(), name=_FRAME)
    return f"indexed {dataset.count_rows()} rows by frame"


def _tend_words(store: Store) -> str | None:
    """Create or update the full-text index of lines. Its tokens are pairs of letters, so it needs no language."""
    from lancedb.index import FTS

    dataset = store.table("lines")
    about = _about(dataset, _WORDS)
    if about is not None:
        return _updated(store, dataset, _WORDS, about)
    pairs = FTS(
        base_tokenizer="ngram",
        ngram_min_length=2,
        ngram_max_length=2,
        stem=False,
        remove_stop_words=False,
        ascii_folding=False,
        max_token_length=None,
    )
    with write_errors(store.uri):
        store.lancedb_table("lines").create_index("text", config=pairs, name=_WORDS)
    return f"indexed the words of {dataset.count_rows()} lines"


def lines_with(store: Store, words: Sequence[str]) -> list[str] | None:
    """Return the ids of all lines that can have these words (lower case), by the index of words.

    They still have to be compared, because the index knows only pairs of letters. None if there is no index, if the
    words are too short for it, or if more than MOST_LINES lines match.
    """
    from lancedb.query import FullTextOperator, MatchQuery

    pieces = [piece for word in words for piece in _PIECE.findall(word)]
    if not pieces or not _has(store.table("lines"), _WORDS):
        return None
    query = MatchQuery(" ".join(pieces), "text", operator=FullTextOperator.AND)
    with read_errors(store.uri):
        found = store.lancedb_table("lines").search(query, query_type="fts").select(["line_id", "_score"])
        ids: list[str] = found.limit(MOST_LINES + 1).to_arrow()["line_id"].to_pylist()
    return ids if len(ids) <= MOST_LINES else None


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


def nearest(store: Store, vector: np.ndarray, n: int, hidden: list[str] | None = None) -> list[str]:
    """Return approximately the n frame ids whose vectors have the highest cosine to `vector` (float32 [width]).

    `hidden`: sources whose frames are left out. The index must exist.
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
    """Return the share (0…1) of the k nearest vectors that the index finds, compared with a scan.

    Measured with the vectors of `questions` frames.
    """
    dataset, frames = store.table("frames"), store.lancedb_table("frames")
    chance = np.random.default_rng(0)
    rows = np.sort(chance.choice(dataset.count_rows(), questions, replace=False))
    vectors = dataset.take(rows.tolist(), columns=["embedding"])["embedding"].drop_null()
    shares = [
        len({*_nearest(frames, vector, k)} & {*_nearest(frames, vector, k, exact=True)}) / k
        for vector in np.array(vectors.to_pylist(), np.float32)
    ]
    return float(np.mean(shares)) if shares else 1.0
