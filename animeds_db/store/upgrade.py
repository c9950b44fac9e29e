"""Upgrades databases of older releases. What existing rows say does not change.

Each change of a table's columns increases `schema.SCHEMA_VERSION`. When a database is opened, the columns that it
lacks are added, empty, and tags of older versions are converted (older_tags.py). Anything else that a release must
fill in or change is a step in STEPS. The version in the table `sources` is written last, so an upgrade that was
interrupted is done again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.location import Location, write_errors
from animeds_db.store.older_tags import renew
from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

if TYPE_CHECKING:
    import lance

STEPS: Mapping[int, Callable[[Location], None]] = {}
"""What must be done, besides adding columns, to upgrade from the previous version to this one. Safe to repeat."""

ATTEMPTS, PAUSE_S = 10, 0.2
"""Maximum number of attempts to convert the tags of a table while another process does the same, and the time between
them."""

_log = logging.getLogger("animeds.upkeep")


def stored_version(location: Location) -> int:
    """Return the version of a database's tables. Raises StoreError if they are not ours, or newer than supported."""
    metadata = location.dataset("sources").schema.metadata or {}
    text = metadata.get(schema.VERSION_KEY, b"").decode()
    if not text.isdecimal():
        raise StoreError(
            f"{location.uri} contains Lance tables that animeds-db did not create", hint=location.way_out
        )
    if int(text) > schema.SCHEMA_VERSION:
        raise StoreError(
            f"{location.uri} was created by a newer animeds-db: its tables have version {text}, "
            f"but this release supports {schema.SCHEMA_VERSION}",
            hint="upgrade: pip install -U animeds-db",
        )
    return int(text)


def upgrade(location: Location, tables: Sequence[schema.Table], version: int) -> None:
    """Upgrade a database to the current version and log one line. `sources` must be the first of `tables`; it is
    upgraded last. Raises StoreError if the database cannot be written."""
    added = []
    for table in reversed(tables):
        if location.has_table(table.name):
            _renew_tags(location, table)
            added += [f"{table.name}.{name}" for name in _add_columns(location, table)]
    for step in range(version + 1, schema.SCHEMA_VERSION + 1):
        if step in STEPS:
            STEPS[step](location)
    try:
        with write_errors(location.uri):
            sources = location.dataset("sources")
            sources.update_schema_metadata({schema.VERSION_KEY.decode(): str(schema.SCHEMA_VERSION)})
    except StoreError:
        if stored_version(location) < schema.SCHEMA_VERSION:  # else another process was first
            raise
    what = f" (new: {', '.join(added)})" if added else ""
    _log.info(
        "%s: tables upgraded from version %d to %d%s", location.uri, version, schema.SCHEMA_VERSION, what
    )


def _renew_tags(location: Location, table: schema.Table) -> None:
    """Convert columns with tags of an older version. If another process does the same, one of the two ends it."""
    for attempt in range(ATTEMPTS):
        try:
            with write_errors(location.uri):
                renew(location.dataset(table.name), table)
            return
        except StoreError:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(PAUSE_S)


def _add_columns(location: Location, table: schema.Table) -> list[str]:
    """Add the columns that a table lacks, filled with nulls, and return their names."""
    dataset = location.dataset(table.name)
    missing = lacking(table.schema, dataset)
    if missing:
        empty = [field for field in missing if field.name not in SURE_COLUMNS]
        try:
            with write_errors(location.uri):
                if empty:
                    dataset.add_columns(pa.schema(empty))
                if len(empty) < len(missing):
                    _add_sure_columns(location, table)
        except StoreError:
            if lacking(table.schema, location.dataset(table.name)):  # else another process was first
                raise
    return [field.name for field in missing]


def _add_sure_columns(location: Location, table: schema.Table) -> None:
    """Add sure_tags and sure_scores, computed from the stored scores and the thresholds of their taggers."""
    import lance

    sure = SureTags.of(location.dataset("models"), location.dataset("vocabulary"), table)

    target = pa.schema(list(sure.fields))

    def columns(rows: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(sure(rows), schema=target)

    computed = lance.batch_udf(output_schema=target)(columns)
    location.dataset(table.name).add_columns(computed, read_columns=list(sure.needs))


def lacking(wanted: pa.Schema, dataset: lance.LanceDataset) -> list[pa.Field]:
    """Return the columns of a schema that a table of an older version does not have."""
    return [field for field in wanted if field.name not in dataset.schema.names]
