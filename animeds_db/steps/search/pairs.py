"""Pairs of similar frames or faces from two selections.

The result is that of comparing each left row with each right row, each pair once. An index may miss some pairs; then
the result contains the expected share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.errors import QueryError, StoreError, UsageError, did_you_mean
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.vectors import (
    Pairs,
    Progress,
    Recall,
    approximate_between,
    approximate_pairs,
    checked_threshold,
    similar_between,
    similar_pairs,
    usable_rows,
)
from animeds_db.vectors.columns import as_matrix

if TYPE_CHECKING:
    import duckdb

    Chosen = str | Sequence[str] | duckdb.DuckDBPyRelation | None

KINDS = {"frames": "frame_id", "faces": "face_id"}
"""What can be compared, and the column of its ids."""
SHOWN = 3


@dataclass(frozen=True)
class SimilarRows:
    """The pairs of a search.

    table: frame_id, other_frame_id (or face_id, other_face_id), similarity (cosine, float32), sorted by the
    ids. recall: None if all pairs were compared. without_vector: number of chosen rows without a usable vector, which
    are in no pair.
    """

    table: pa.Table
    recall: Recall | None
    without_vector: int

    def __len__(self) -> int:
        return int(self.table.num_rows)


@dataclass(frozen=True)
class _Rows:
    """Ids in order, their vectors float32 [rows, width], and which of those have a direction (bool)."""

    ids: pa.Array
    x: np.ndarray
    usable: np.ndarray

    def chosen(self, ids: list[str] | None) -> np.ndarray:
        """Return which rows are among the ids and have a vector (bool)."""
        if ids is None:
            return self.usable
        among: np.ndarray = np.asarray(pc.is_in(self.ids, pa.array(ids, pa.string())))
        among &= self.usable
        return among


def similar_rows(
    session: Session,
    threshold: float,
    *,
    left: Chosen = None,
    right: Chosen = None,
    of: str = "frames",
    exact: bool = True,
    memory_mb: float = 1024,
    progress: Progress | None = None,
) -> SimilarRows:
    """Return each pair of a left and a right row (None: all) with cosine ≥ threshold, once; never a row with itself.

    If both rows are on both sides, the lower id is the left one. `exact=False` uses an index, which is faster for
    very large sets and finds most pairs. Raises UsageError for a threshold outside 0…1 and too little memory,
    QueryError for a selection without ids and for unknown ids, StoreError for vectors of several models.
    """
    threshold = checked_threshold(threshold)
    if of not in KINDS:
        raise UsageError(
            f"{of} cannot be compared. `of` must be frames or faces.", hint=did_you_mean(of, KINDS)
        )
    sides = [None if side is None else _ids(session, KINDS[of], side) for side in (left, right)]
    rows = _read(session, of, sides)
    lefts, rights = (rows.chosen(side) for side in sides)
    if np.array_equal(lefts, rights):
        found, recall = _among(rows.x, np.flatnonzero(lefts), threshold, exact, memory_mb, progress)
    else:
        found, recall = _between(rows.x, lefts, rights, threshold, exact, memory_mb, progress)
    column = KINDS[of]
    table = pa.table(
        {
            column: rows.ids.take(pa.array(found.a)),
            f"other_{column}": rows.ids.take(pa.array(found.b)),
            "similarity": found.cosine,
        }
    )
    return SimilarRows(table, recall, int(np.count_nonzero(~rows.usable)))


def _among(
    x: np.ndarray,
    rows: np.ndarray,
    threshold: float,
    exact: bool,
    memory_mb: float,
    progress: Progress | None,
) -> tuple[Pairs, Recall | None]:
    """Join some rows with themselves."""
    part = x if len(rows) == len(x) else x[rows]
    if exact:
        pairs, recall = similar_pairs(part, threshold, memory_mb=memory_mb, progress=progress), None
    else:
        found = approximate_pairs(part, threshold, memory_mb=memory_mb, progress=progress)
        pairs, recall = found.pairs, found.recall
    return Pairs(rows[pairs.a], rows[pairs.b], pairs.cosine), recall


def _between(
    x: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    threshold: float,
    exact: bool,
    memory_mb: float,
    progress: Progress | None,
) -> tuple[Pairs, Recall | None]:
    """Join two sets of rows (bool [rows]); the larger one gets the index."""
    swapped = np.count_nonzero(left) > np.count_nonzero(right)
    few, many = (np.flatnonzero(side) for side in ((right, left) if swapped else (left, right)))
    some, among = x[few], x if len(many) == len(x) else x[many]
    if exact:
        pairs, recall = similar_between(some, among, threshold, memory_mb=memory_mb, progress=progress), None
    else:
        place = np.full(len(x), -1)
        place[many] = np.arange(len(many))
        found = approximate_between(
            some, among, threshold, itself=place[few], memory_mb=memory_mb, progress=progress
        )
        pairs, recall = found.pairs, found.recall
    a, b = few[pairs.a], many[pairs.b]
    if swapped:
        a, b = b, a
    # in both directions if both rows are on both sides
    wanted = (a != b) & ~((a > b) & left[b] & right[a])
    order = np.lexsort((b[wanted], a[wanted]))
    return Pairs(a[wanted][order], b[wanted][order], pairs.cosine[wanted][order]), recall


def _ids(session: Session, column: str, side: Chosen) -> list[str]:
    """Return the ids of a selection: SQL or a relation with this column, or the ids themselves."""
    if isinstance(side, Sequence) and not isinstance(side, str):
        return list(dict.fromkeys(str(i) for i in side))
    relation = session.sql(side) if isinstance(side, str) else side
    assert relation is not None
    if column not in relation.columns:
        raise QueryError(
            f"This selection has no column {column}. Its columns are {', '.join(relation.columns)}.",
            hint=f"SELECT {column} FROM {next(k for k, v in KINDS.items() if v == column)} WHERE …",
        )
    with session.errors():
        ids = relation.select(column).to_arrow_table()[column]
    return [str(i) for i in pc.unique(ids.drop_null()).to_pylist()]


def _read(session: Session, of: str, sides: Sequence[list[str] | None]) -> _Rows:
    """Return the rows of both sides, in the order of their ids."""
    every = any(side is None for side in sides)
    named = sorted({i for side in sides if side is not None for i in side})
    wanted = pa.table({"id": pa.array(named, pa.string())})
    table = session.step(sql_script("steps/search", f"pair_{of}.sql"), {"wanted": wanted}, {"every": every})
    _refuse_unknown(of, named, table["id"])
    _refuse_several(of, table["model"])
    order = pc.sort_indices(table["id"])
    x = as_matrix(table["vector"], np.asarray(order, np.int64))
    return _Rows(table["id"].combine_chunks().take(order), x, usable_rows(x))


def _refuse_unknown(of: str, named: list[str], found: pa.ChunkedArray) -> None:
    missing = pa.array(named, pa.string()).filter(pc.invert(pc.is_in(pa.array(named, pa.string()), found)))
    if len(missing):
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise QueryError(
            f"There is no {of.removesuffix('s')} {', '.join(missing[:SHOWN].to_pylist())}{more}.",
            hint=f"SELECT {KINDS[of]} FROM {of}",
        )


def _refuse_several(of: str, models: pa.ChunkedArray) -> None:
    names = sorted(name for name in pc.unique(models).to_pylist() if name is not None)
    if len(names) > 1:
        model = "embedder" if of == "frames" else "vector_model"
        raise StoreError(
            f"The {of} have vectors of several models, which cannot be compared: {', '.join(names)}",
            hint="Choose the same model on both sides: "
            f"SELECT {KINDS[of]} FROM {of} WHERE {model} = '{names[0]}'",
        )
