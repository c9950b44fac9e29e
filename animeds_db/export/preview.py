"""Some of the pictures that an export would write, with their captions, for a person to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.export.captioning import captioned
from animeds_db.export.options import ExportOptions

if TYPE_CHECKING:
    from animeds_db.session import Session

SEED = 0
_COLUMNS = ["folder", "frame_id", "crop", "caption", "repeats"]


def preview_pictures(
    session: Session, plan: pa.Table, options: ExportOptions, count: int
) -> list[dict[str, Any]]:
    """Return at most `count` pictures of a plan (export.PLAN), from all folders in turn, sorted by folder.

    They are picked at random, always the same ones. Columns: folder ("." is the top), frame_id, crop, caption,
    repeats.
    """
    if not plan.num_rows or count < 1:
        return []
    some = plan.take(pa.array(_spread(plan["folder"].fill_null(""), count)))
    if options.captions:
        some = captioned(session, some, options.profile)
    some = some.select(_COLUMNS)
    folders = pc.if_else(pc.equal(pc.fill_null(some["folder"], ""), ""), ".", some["folder"])
    rows: list[dict[str, Any]] = some.set_column(0, "folder", folders).to_pylist()
    return [row | {"repeats": row["repeats"] or 1} for row in rows]


def _spread(folders: pa.ChunkedArray, count: int) -> np.ndarray:
    """Return `count` rows, one of each folder after the other, int64, sorted by folder."""
    codes = np.asarray(pc.rank(folders, tiebreaker="dense"), np.int64)
    shuffled = np.random.default_rng(SEED).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    _, firsts, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    turn = np.arange(len(order)) - np.repeat(firsts, sizes)
    chosen = order[np.lexsort((codes[order], turn))[:count]]
    return chosen[np.lexsort((chosen, codes[chosen]))]
