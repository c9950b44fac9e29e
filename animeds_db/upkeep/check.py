"""Whether a database holds what it should: every file, every row, and every table beside the others.

`check` reads the newest version of each table and the checksums of its files, then compares the tables with each
other. It says what is lost and what can bring it back; with `repair`, it makes the database whole again without the
lost rows and marks their sources as damaged, so that the next ingest goes through them again.
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
from animeds_db.store.location import Place
from animeds_db.upkeep.comparing import Gap, Gaps, compare
from animeds_db.upkeep.examining import INGESTED_OF_SOURCE, Examined, examine
from animeds_db.upkeep.files import Files

if TYPE_CHECKING:
    from animeds_db.store import Store

RECORD = "animeds-check.json"
"""In a database: when it was last checked."""
INTERVAL = datetime.timedelta(days=30)
"""Time after which `animeds status` asks for a check: a disk fails slowly, and backups are kept for about so long."""
REMEDIES = {
    **dict.fromkeys(("sources", *INGESTED_OF_SOURCE), "the next ingest of these sources"),
    "vocabulary": "the next ingest of these sources",
    "models": "the next ingest of these sources",
    "duplicates": "`animeds dedup`",
    "segments": "`animeds dedup`",
    "taggings": "`animeds tag` with that model",
    "embeddings": "`animeds embed` with that model",
    "detected": "`animeds detect` with that model",
    "identities": "`animeds characters classify`",
    "clusters": "`animeds characters cluster`",
    "choices": "`animeds tag … --use` or `animeds embed … --use`",
    "settings": "the next ingest: name its profile, sampling and models once more",
    "labels": "only a backup (labels from sidecar files: the next ingest)",
    "examples": "only a backup, or adding the same examples again",
}
"""What brings lost rows of a table back."""


@dataclass
class Report:
    """What a check found, and whether it was repaired."""

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
        """Rows that are lost, by table; without those that a repair takes from other files."""
        return {table.name: table.lost for table in self.tables if table.lost}

    def lines(self) -> Iterator[str]:
        """Yield the report in words."""
        for table in self.tables:
            yield from table.problems
            if table.problems:
                yield _loss(table)
        for gap in self.gaps:
            yield f"{gap.words}."
        if self.is_whole:
            rows = sum(table.dataset.count_rows() for table in self.tables if table.dataset is not None)
            yield f"{self.uri}: {len(self.tables)} tables, {rows} rows: everything is there"
        elif self.repaired:
            yield f"{self.uri} is repaired: what is left can be used."
            if self.damaged:
                yield (
                    f"{len(self.damaged)} sources are marked as damaged and hidden until the next ingest of their "
                    f"files has brought the lost rows back: {_named(self.damaged)}"
                )
        else:
            yield "Nothing was changed. `animeds check --repair` repairs what can be repaired."


def check(uri: str, *, repair: bool = False) -> Report:
    """Read a whole database and return what is wrong with it. With `repair`, repair it.

    A database that is too damaged to be opened can be checked. Nothing else may write to it meanwhile while it is
    repaired. Raises StoreError where there is no database, or it cannot be written.
    """
    from animeds_db.upkeep.repair import mend

    place = Place(uri)
    _expect_database(place)
    tables = [examine(place, table.name) for table in schema.all_tables()]
    gaps = compare({table.name: table for table in tables})
    report = Report(place.uri, tables, gaps.found, _incomplete(tables, gaps))
    if repair:
        mend(place, report, gaps)
        report.repaired = not report.is_whole
    if repair or report.is_whole:
        with contextlib.suppress(*(() if repair else (StoreError,))):  # a copy that may only be read
            _note(place)
    return report


def due(store: Store) -> str | None:
    """Return why this database should be checked now, in one sentence; None when it need not be."""
    if store.place.path is not None:
        for name in store.names():
            if torn(store.place.path / f"{name}.lance"):
                return f"A version of {name} was not whole and was set aside: run `animeds check`."
    content = Files(store.place).read(RECORD)
    if content is not None:
        last = datetime.datetime.fromisoformat(json.loads(content)["at"])
        words = "The last check of this database was"
    else:
        last = store.history().of_table("sources")[0].at
        words = "This database has never been checked; its oldest version is"
    age = datetime.datetime.now(datetime.UTC) - last
    return f"{words} {age.days} days ago: run `animeds check`." if age > INTERVAL else None


def _expect_database(place: Place) -> None:
    """Raise StoreError where no table of a database is."""
    here = place.of_each([table.name for table in schema.all_tables()], place.has_table)
    if sum(here.values()) < 2:
        place.check()


def _incomplete(tables: list[Examined], gaps: Gaps) -> list[str]:
    """Return the sources of which rows are lost that an ingest wrote."""
    lost = Counter(gaps.incomplete)
    for table in tables:
        if table.name in INGESTED_OF_SOURCE:
            lost.update(table.sources)
            if table.problems and table.lost and not table.sources:  # nothing tells whose rows these were
                lost.update(gaps.sources)
    return sorted(set(lost) & gaps.sources)


def _loss(table: Examined) -> str:
    """Return what is lost of a table and what brings it back, in one line."""
    parts = []
    if table.salvaged is not None and table.salvaged.num_rows:
        parts.append(f"{table.salvaged.num_rows} rows can be brought back from other files")
    if table.lost:
        parts.append(
            f"{table.lost} rows are lost{_of(table.sources)}: {REMEDIES[table.name]} brings them back"
        )
    elif table.sources:
        parts.append(f"changes are lost{_of(table.sources)}: {REMEDIES[table.name]} brings them back")
    return f"  {table.name}: {'; '.join(parts) or 'no rows are lost'}."


def _of(sources: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{source}: {n}' for source, n in sorted(sources.items()))})" if sources else ""


def _named(names: list[str]) -> str:
    return ", ".join(names[:20]) + (" …" if len(names) > 20 else "")


def _note(place: Place) -> None:
    at = datetime.datetime.now(datetime.UTC).isoformat()
    Files(place).write(RECORD, json.dumps({"at": at}).encode())
