"""Maintains a whole database: joins pieces, updates indexes, deletes old versions and orphan files.

It can be interrupted at any time, and run while others read, write or maintain the same database.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from animeds_db import settings
from animeds_db.errors import UsageError
from animeds_db.store.history import span
from animeds_db.upkeep import indexes
from animeds_db.upkeep.cleaning import ORPHAN_AGE, clean, remove_orphans, replaced
from animeds_db.upkeep.compaction import MAX_PIECES, Joined, compact, is_worth_it

if TYPE_CHECKING:
    from animeds_db.store import Store

LEAST = datetime.timedelta(hours=1)
"""Minimum time that old versions are kept, because someone may be reading them."""

_log = logging.getLogger("animeds.upkeep")


@dataclass
class Tended:
    """Result for one table. Sizes are in bytes."""

    table: str
    pieces: Joined = field(default_factory=Joined)
    versions_gone: int = 0
    orphans_gone: int = 0
    freed: int = 0
    index: str | None = None
    """What was done to its indexes, as text."""

    @property
    def words(self) -> str:
        """The result as a short text; "" if nothing was done."""
        parts = [
            f"{self.pieces.old} pieces joined into {self.pieces.new}" if self.pieces else "",
            self.index or "",
            f"{self.versions_gone} old versions deleted" if self.versions_gone else "",
            f"{self.orphans_gone} orphan files deleted" if self.orphans_gone else "",
            f"{in_words(self.freed)} freed" if self.freed else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass
class Report:
    """Result of the maintenance, table by table. Sizes are in bytes."""

    tables: list[Tended] = field(default_factory=list)
    size: int = 0
    """Size of the database afterwards."""
    waiting: int = 0
    """Number of old versions that are kept for now."""
    keep: datetime.timedelta = LEAST

    @property
    def freed(self) -> int:
        """Number of bytes freed."""
        return sum(table.freed for table in self.tables)

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        for table in self.tables:
            if table.words:
                yield f"{table.table}: {table.words}"
        if not any(table.words for table in self.tables):
            yield "nothing to do"
        tail = ""
        if self.waiting:
            tail = f"; {self.waiting} old versions are kept for {_days(self.keep)} (see --keep)"
        yield f"{in_words(self.freed)} freed, {in_words(self.size)} in all{tail}"


def kept(keep: str | datetime.timedelta | None = None) -> datetime.timedelta:
    """Return how long old versions are kept (default: the setting `keep`). Raises UsageError for less than an hour."""
    if not isinstance(keep, datetime.timedelta):
        keep = span(settings.resolve("keep", keep).value)
    if keep < LEAST:
        raise UsageError(
            f"old versions must be kept for at least an hour, not {keep}: someone may be reading them",
            hint="the minimum is --keep 1h",
        )
    return keep


def optimize(
    store: Store,
    *,
    keep: str | datetime.timedelta | None = None,
    progress: Callable[[str], None] = lambda _table: None,
) -> Report:
    """Join pieces, update indexes, delete versions replaced longer ago than `keep`, and delete orphan files.

    Safe while others read, write or optimize. Raises UsageError, StoreError.
    """
    store.expect_writable()
    report = Report(keep=kept(keep))
    for name in store.names():
        progress(name)
        done = Tended(name)
        done.pieces = compact(store, name)
        done.index = indexes.tend(store, name)
        report.tables.append(done)
    _free(store, report)
    report.size = store.size_bytes()
    return report


def _free(store: Store, report: Report) -> None:
    """Delete old versions. All tables share one timeline, so that a state is kept or deleted as a whole."""
    now = datetime.datetime.now(datetime.UTC)
    history = store.history()
    for done in report.tables:
        commits = history.of_table(done.table)
        named = {versions[done.table] for versions in history.names.values()}
        old = [v for v in replaced(commits, now - report.keep) if v not in named]
        done.freed += clean(store, done.table, old)
        done.versions_gone = len(old)
        report.waiting += len([c for c in commits[:-1] if c.version not in {*old, *named}])
        done.orphans_gone, size = remove_orphans(store, done.table, now - ORPHAN_AGE)
        done.freed += size


def tend_if_worth_it(store: Store, max_pieces: int = MAX_PIECES) -> list[str]:
    """Optimize only the tables that need it, and return their names. The check takes milliseconds.

    Runs after an ingest and similar work, and logs one line about what it did.
    """
    report = Report(keep=kept())
    for name in store.names():
        pieces = compact(store, name) if is_worth_it(store.table(name), max_pieces) else Joined()
        index = indexes.tend(store, name)
        if pieces or index:
            report.tables.append(Tended(name, pieces, index=index))
    if not report.tables:
        return []
    _free(store, report)
    tended = [table.table for table in report.tables]
    messages = [f"{table.table}: {table.words}" for table in report.tables]
    _log.info("upkeep: %s", "; ".join(messages))
    return tended


def in_words(n_bytes: int) -> str:
    """Return a size in bytes as text for people, such as "3.2 MB"."""
    return f"{n_bytes / 2**20:.1f} MB" if n_bytes < 2**30 else f"{n_bytes / 2**30:.2f} GB"


def _days(keep: datetime.timedelta) -> str:
    days, hours = keep.days, keep.seconds // 3600
    return f"{days} days" if days and not hours else f"{keep.total_seconds() / 3600:g} hours"
