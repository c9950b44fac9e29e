"""Few, full pieces instead of many small ones. Its one rule: no row changes, and a writer never waits for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from animeds_db.errors import StoreError

if TYPE_CHECKING:
    import lance

    from animeds_db.store import Store

MAX_PIECES = 200
"""Pieces of one table that a query bears well: each costs it about 0.1 ms."""
MAX_DELETED = 0.3
"""Share of a table's rows on the disk that may be deleted ones, if they are at least LEAST_DELETED."""
LEAST_DELETED = 2000
ROWS_PER_PIECE = 262_144
"""What compaction aims at. Full pieces are left alone, so that a growing table is not copied each time."""
TRIES = 50

_log = logging.getLogger("animeds.upkeep")


def is_worth_it(dataset: lance.LanceDataset, max_pieces: int = MAX_PIECES) -> bool:
    """Tell whether compaction would pay: too many pieces, or too many deleted rows."""
    pieces = [fragment.metadata for fragment in dataset.get_fragments()]
    deleted = sum(piece.num_deletions for piece in pieces)
    stored = sum(piece.physical_rows for piece in pieces)
    return len(pieces) > max_pieces or deleted >= max(LEAST_DELETED, MAX_DELETED * stored)


@dataclass(frozen=True)
class Joined:
    """What a compaction did: so many pieces were written anew, as so many others. Falsy: nothing was to do."""

    old: int = 0
    new: int = 0

    def __bool__(self) -> bool:
        return self.old > 0


def compact(store: Store, name: str) -> Joined:
    """Join a table's small pieces, and leave deleted rows out.

    Where other writers are faster all the time, it is left for the next run.
    """
    for _ in range(TRIES):
        try:
            done = store.commit(name, _compact_files)
        except StoreError as error:
            if "ommit conflict" not in str(error.__cause__):
                raise
            continue
        return Joined(int(done.fragments_removed), int(done.fragments_added))
    _log.info("%s: other writers are busy; compaction of %s is left for next time", store.uri, name)
    return Joined()


def _compact_files(dataset: lance.LanceDataset) -> Any:
    return dataset.optimize.compact_files(target_rows_per_fragment=ROWS_PER_PIECE)
