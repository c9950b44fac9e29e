"""What keeps a dataset fit, and its past at hand: versions, upkeep, copies. Answers stay what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from animeds_db.store import Store

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from pathlib import Path

    from animeds_db.store.history import At
    from animeds_db.upkeep.check import Report as CheckReport
    from animeds_db.upkeep.copying import Copied
    from animeds_db.upkeep.optimize import Report


class Keeping:
    """The part of a `Dataset` by which it is looked after."""

    store: Store

    def versions(self) -> list[dict[str, object]]:
        """Return what was done, newest first: version, at (local time), what, frames, name.

        `animeds_db.open(path, at=version)` reads the database as it was then.
        """
        from animeds_db.upkeep.versions import listed

        return listed(self.store)

    def backup(
        self, to: str | Path, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Copied:
        """Copy what this dataset reads to a folder or URI, as a database of its own; an earlier copy is brought up to
        date. Safe beside writers; what arrived is checked. Raises UsageError, StoreError.
        """
        from animeds_db.upkeep.copying import backup

        return backup(self.store, str(to), progress)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Compare every file with its checksum and the tables with each other; return what is wrong and what is lost.

        With `repair`, make the database whole without the lost rows, and mark their sources as damaged: the next
        ingest of those brings them back. A database that cannot be opened: `animeds_db.upkeep.check.check(path)`.
        """
        from animeds_db.upkeep.check import check

        return check(self.store.uri, repair=repair)

    def optimize(
        self,
        *,
        keep: str | datetime.timedelta | None = None,
        progress: Callable[[str], None] = lambda _table: None,
    ) -> Report:
        """Join pieces, bring indexes up to date, delete versions replaced longer ago than `keep`, and orphan files.

        keep: "7d", "12h" or a timedelta, at least an hour; default: the setting `keep`. `progress` is told each
        table. Safe beside readers and writers. Raises UsageError, StoreError.
        """
        from animeds_db.upkeep.optimize import optimize

        return optimize(self.store, keep=keep, progress=progress)

    def keep_version(self, name: str, at: At | None = None) -> int:
        """Give the version of now (or `at`) a name, so that it is never cleaned away; return its number.

        Raises UsageError for a name that is taken or could be meant as something else.
        """
        from animeds_db.upkeep.versions import keep

        return keep(self.store, name, at)

    def forget_version(self, name: str) -> None:
        """Take a version's name away. Raises UsageError when there is none of that name."""
        from animeds_db.upkeep.versions import forget

        forget(self.store, name)
