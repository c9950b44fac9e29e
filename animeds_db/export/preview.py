"""Some of the pictures that an export would write, with their captions, for a person to look at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.export.columns.captioning import captioned
from animeds_db.export.manifest import MANIFEST_NAME, read_manifest
from animeds_db.export.options import ExportOptions
from animeds_db.export.pictures.picture import Picture

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
        some = captioned(session, some, options.profile, settled=options.settled)
    some = some.select(_COLUMNS)
    folders = pc.if_else(pc.equal(pc.fill_null(some["folder"], ""), ""), ".", some["folder"])
    rows: list[dict[str, Any]] = some.set_column(0, "folder", folders).to_pylist()
    return [row | {"repeats": row["repeats"] or 1} for row in rows]


def with_previous(pictures: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Return the pictures of a preview with what the last export to a folder wrote for them.

    Two columns are added: `before`, the caption in the folder (None: no caption), and `is_new`, True if the folder does
    not have this picture. A picture is the same if its frame and crop are, or if its frame has one picture there.
    Raises ExportError if the folder is not an export.
    """
    known = _captions_in(folder, (folder / MANIFEST_NAME).stat().st_mtime_ns)
    found = [known.get(_key(row["frame_id"], row["crop"]), known.get(row["frame_id"])) for row in pictures]
    return [
        row | {"before": old.caption if old else None, "is_new": old is None}
        for row, old in zip(pictures, found, strict=True)
    ]


@lru_cache(maxsize=2)
def _captions_in(folder: Path, _changed_ns: int) -> dict[Any, Picture]:
    """Return the pictures of an exported folder by frame and crop, and by frame if it has one picture."""
    pictures = read_manifest(folder).pictures
    counts = Counter(picture.frame_id for picture in pictures)
    alone = {picture.frame_id: picture for picture in pictures if counts[picture.frame_id] == 1}
    return {_key(picture.frame_id, picture.crop): picture for picture in pictures} | alone


def _key(frame_id: str, crop: Sequence[float] | None) -> tuple[Any, ...]:
    return (frame_id, *(round(edge, 5) for edge in crop or ()))


def _spread(folders: pa.ChunkedArray, count: int) -> np.ndarray:
    """Return `count` rows, one of each folder after the other, int64, sorted by folder."""
    codes = np.asarray(pc.rank(folders, tiebreaker="dense"), np.int64)
    shuffled = np.random.default_rng(SEED).permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    _, firsts, sizes = np.unique(codes[order], return_index=True, return_counts=True)
    turn = np.arange(len(order)) - np.repeat(firsts, sizes)
    chosen = order[np.lexsort((codes[order], turn))[:count]]
    return chosen[np.lexsort((chosen, codes[chosen]))]
