"""Methods of `Dataset` for versions, maintenance and backups. They do not change the results of queries."""

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
    """Methods of `Dataset` for maintenance."""

    store: Store

    def versions(self) -> list[dict[str, object]]:
        """Return the versions, newest first: version, at (local time), what, frames, name.

        `animeds_db.open(path, at=version)` opens an earlier state of the database.
        """
        from animeds_db.upkeep.versions import listed

        return listed(self.store)

    def backup(
        self, to: str | Path, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Copied:
        """Copy this database to a folder or URI, or update an earlier copy. The copy is a complete database.

        Safe to run while the database is written to. The copied files are checked. Raises UsageError, StoreError.
        """
        from animeds_db.upkeep.copying import backup

        return backup(self.store, str(to), progress)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Compare every file with its checksum and the tables with each other; return the problems and the lost rows.

        With `repair`, make the database usable without the lost rows, and mark their sources as damaged: the next
        ingest of those restores them. For a database that cannot be opened, use
        `animeds_db.upkeep.check.check(path)`.
        """
        from animeds_db.upkeep.check import check

        return check(self.store.uri, repair=repair)

    def optimize(
        self,
        *,
        keep: str | datetime.timedelta | None = None,
        progress: Callable[[str], None] = lambda _table: None,
    ) -> Report:
        """Join small files, update indexes, and delete unused files and versions replaced longer than `keep` ago.

        keep: "7d", "12h" or a timedelta, at least an hour; default: the setting `keep`. `progress` is called with the
        name of each table. Safe to run beside readers and writers. Raises UsageError, StoreError.
        """
        from animeds_db.upkeep.optimize import optimize

        return optimize(self.store, keep=keep, progress=progress)

    def keep_version(self, name: str, at: At | None = None) -> int:
        """Give the current version (or `at`) a name, so that it is never deleted; return its number.

        Raises UsageError if the name is taken or looks like a number, time or age.
        """
        from animeds_db.upkeep.versions import keep

        return keep(self.store, name, at)

    def forget_version(self, name: str) -> None:
        """Remove a name from a version. Raises UsageError if no version has this name."""
        from animeds_db.upkeep.versions import forget

        forget(self.store, name)
