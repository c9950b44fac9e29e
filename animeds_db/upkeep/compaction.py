"""Joins many small pieces of a table into few full ones. Rows do not change, and writers never wait."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from animeds_db.errors import StoreError

if TYPE_CHECKING:
    import lance

    from animeds_db.store import Store

MAX_PIECES = 200
"""Maximum number of pieces of one table before compaction. Each costs a query about 0.1 ms."""
MAX_DELETED = 0.3
"""Maximum share (0…1) of deleted rows in a table's files, if there are at least MIN_DELETED."""
MIN_DELETED = 2000
ROWS_PER_PIECE = 262_144
"""Target number of rows per piece. Full pieces are left alone, so that a growing table is not copied each time."""
TRIES = 50

_log = logging.getLogger("animeds.upkeep")


def is_worth_it(dataset: lance.LanceDataset, max_pieces: int = MAX_PIECES) -> bool:
    """Return True if compaction is worthwhile: too many pieces, or too many deleted rows."""
    pieces = [fragment.metadata for fragment in dataset.get_fragments()]
    deleted = sum(piece.num_deletions for piece in pieces)
    stored = sum(piece.physical_rows for piece in pieces)
    return len(pieces) > max_pieces or deleted >= max(MIN_DELETED, MAX_DELETED * stored)


@dataclass(frozen=True)
class Joined:
    """Result of a compaction: the number of old pieces and of the new ones. Falsy if nothing changed."""

    old: int = 0
    new: int = 0

    def __bool__(self) -> bool:
        return self.old > 0


def compact(store: Store, name: str) -> Joined:
    """Join a table's small pieces, and drop deleted rows.

    If other writers keep committing first, the work is left for the next run.
    """
    for _ in range(TRIES):
        try:
            done = store.commit(name, _compact_files)
        except StoreError as error:
            if "ommit conflict" not in str(error.__cause__):
                raise
            continue
        return Joined(int(done.fragments_removed), int(done.fragments_added))
    _log.info("%s: other writers are busy; compaction of %s is postponed", store.uri, name)
    return Joined()


def _compact_files(dataset: lance.LanceDataset) -> Any:
    return dataset.optimize.compact_files(target_rows_per_fragment=ROWS_PER_PIECE)
