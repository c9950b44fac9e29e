"""Checks that a database is complete: every file, every row, and the tables against each other.

`check` reads the newest version of each table and the checksums of its files, then compares the tables with each
other. It reports what is lost and what can restore it. With `repair`, it makes the database usable without the lost
rows and marks their sources as damaged, so that the next ingest reads them again.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.fsync import torn
from animeds_db.store.history import History
from animeds_db.store.location import Location
from animeds_db.upkeep.comparing import Gap, Gaps, compare
from animeds_db.upkeep.examining import INGESTED_OF_SOURCE, Examined, examine
from animeds_db.upkeep.files import Files

if TYPE_CHECKING:
    from animeds_db.store import Store

RECORD = "animeds-check.json"
"""File in a database with the time of its last check."""
INTERVAL = datetime.timedelta(days=30)
"""Time after which `animeds status` suggests a check. Disks fail slowly, and backups are kept for about this long."""
REMEDIES = {
    **dict.fromkeys(("sources", *INGESTED_OF_SOURCE), "the next ingest of these sources"),
    "vocabulary": "the next ingest of these sources",
    "models": "the next ingest of these sources",
    "lines": "`animeds read-text`",
    "chapters": "`animeds read-text`",
    "shots": "`animeds shots`",
    "screen_texts": "`animeds read-text --ocr`",
    "duplicates": "`animeds dedup`",
    "segments": "`animeds dedup`",
    "taggings": "`animeds tag` with that model",
    "box_tags": "`animeds tag --boxes` with that model",
    "embeddings": "`animeds embed` with that model",
    "detected": "`animeds detect` with that model",
    "classifications": "`animeds classify-frames` with that model",
    "descriptions": "`animeds describe` with that model",
    "masks": "`animeds segment` with that model",
    "identities": "`animeds characters classify`",
    "clusters": "`animeds characters cluster`",
    "choices": "`animeds tag … --use` or `animeds embed … --use`",
    "settings": "the next ingest, with its profile, sampling and models given again",
    "labels": "only a backup (labels from sidecar files: the next ingest)",
    "examples": "only a backup, or adding the same examples again",
}
"""How to restore the lost rows of each table."""


@dataclass
class Report:
    """Result of a check, and whether it was repaired."""

    uri: str
    tables: list[Examined]
    gaps: list[Gap]
    damaged: list[str] = field(default_factory=list)
    """Ids of the sources that are incomplete."""
    repaired: bool = False

    @property
    def is_whole(self) -> bool:
        """True if nothing is wrong."""
        return not self.gaps and not any(table.problems for table in self.tables)

    @property
    def lost(self) -> dict[str, int]:
        """Number of lost rows by table, without those that a repair restores from other files."""
        return {table.name: table.lost for table in self.tables if table.lost}

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        for table in self.tables:
            yield from table.problems
            if table.problems:
                yield _loss(table)
        for gap in self.gaps:
            yield f"{gap.words}."
        if self.is_whole:
            rows = sum(table.dataset.count_rows() for table in self.tables if table.dataset is not None)
            yield f"{self.uri}: {len(self.tables)} tables, {rows} rows: complete"
        elif self.repaired:
            yield f"{self.uri} is repaired, and the remaining rows can be used."
            if self.damaged:
                yield (
                    f"{len(self.damaged)} sources are marked as damaged and hidden until the next ingest of their "
                    f"files has restored the lost rows: {_named(self.damaged)}"
                )
        else:
            yield "Nothing was changed. `animeds check --repair` repairs what can be repaired."


def check(uri: str, *, repair: bool = False) -> Report:
    """Read a whole database and return what is wrong with it. With `repair`, repair it.

    A database that is too damaged to open can be checked, too. Nothing else may write to it during a repair.
    Raises StoreError if there is no database, or if it cannot be written.
    """
    from animeds_db.upkeep.repair import mend

    location = Location(uri)
    _expect_database(location)
    tables = [examine(location, table.name) for table in schema.all_tables()]
    gaps = compare({table.name: table for table in tables})
    report = Report(location.uri, tables, gaps.found, _incomplete(tables, gaps))
    if repair:
        mend(location, report, gaps)
        report.repaired = not report.is_whole
    if repair or report.is_whole:
        with contextlib.suppress(*(() if repair else (StoreError,))):  # a read-only copy
            _note(location)
    return report


def due(store: Store) -> str | None:
    """Return one sentence that says why this database should be checked now, or None."""
    if store.location.path is not None:
        for name in store.names():
            if torn(store.location.path / f"{name}.lance"):
                return f"A version of {name} was incomplete and was set aside: run `animeds check`."
    content = Files(store.location).read(RECORD)
    if content is not None:
        last = datetime.datetime.fromisoformat(json.loads(content)["at"])
        words = "The last check of this database was"
    else:
        last = History.of(store.location, ["sources"]).of_table("sources")[0].at
        words = "This database has never been checked; its oldest version is"
    age = datetime.datetime.now(datetime.UTC) - last
    return f"{words} {age.days} days ago: run `animeds check`." if age > INTERVAL else None


def _expect_database(location: Location) -> None:
    """Raise StoreError unless the location has at least one table of a database."""
    here = location.of_each([table.name for table in schema.all_tables()], location.has_table)
    if sum(here.values()) < 2:
        location.check()


def _incomplete(tables: list[Examined], gaps: Gaps) -> list[str]:
    """Return the sources that have lost rows written by an ingest."""
    lost = Counter(gaps.incomplete)
    for table in tables:
        if table.name in INGESTED_OF_SOURCE:
            lost.update(table.sources)
            if table.problems and table.lost and not table.sources:  # their sources are unknown
                lost.update(gaps.sources)
    return sorted(set(lost) & gaps.sources)


def _loss(table: Examined) -> str:
    """Return one line that says what a table has lost and how to restore it."""
    parts = []
    if table.salvaged is not None and table.salvaged.num_rows:
        parts.append(f"{table.salvaged.num_rows} rows can be restored from other files")
    if table.lost:
        parts.append(f"{table.lost} rows are lost{_of(table.sources)}: {REMEDIES[table.name]} restores them")
    elif table.sources:
        parts.append(f"changes are lost{_of(table.sources)}: {REMEDIES[table.name]} restores them")
    return f"  {table.name}: {'; '.join(parts) or 'no rows are lost'}."


def _of(sources: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{source}: {n}' for source, n in sorted(sources.items()))})" if sources else ""


def _named(names: list[str]) -> str:
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")


def _note(location: Location) -> None:
    at = datetime.datetime.now(datetime.UTC).isoformat()
    Files(location).write(RECORD, json.dumps({"at": at}).encode())
