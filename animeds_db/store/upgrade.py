"""Databases of older releases. Its one rule: an upgrade only adds, so that every row stays what it was.

Each change of a table's columns is a new `schema.SCHEMA_VERSION`, and the columns that a database lacks are added
to it, empty, when it is opened. What a release must fill in or change besides is a step in STEPS. The version that
`sources` bears is written last: an upgrade that was killed is done again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.location import Place, write_errors
from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

if TYPE_CHECKING:
    import lance

STEPS: Mapping[int, Callable[[Place], None]] = {}
"""What has to be done, besides new columns, to come from the version before to this one. Safe to repeat."""

_log = logging.getLogger("animeds.upkeep")


def stored_version(place: Place) -> int:
    """Return the version of a database's tables. Raises StoreError for tables of others, and for newer ones."""
    metadata = place.dataset("sources").schema.metadata or {}
    text = metadata.get(schema.VERSION_KEY, b"").decode()
    if not text.isdecimal():
        raise StoreError(f"{place.uri} holds Lance tables that animeds-db did not make", hint=place.way_out)
    if int(text) > schema.SCHEMA_VERSION:
        raise StoreError(
            f"{place.uri} was made by a newer animeds-db: tables of version {text}, "
            f"this one knows {schema.SCHEMA_VERSION}",
            hint="pip install -U animeds-db",
        )
    return int(text)


def upgrade(place: Place, tables: Sequence[schema.Table], version: int) -> None:
    """Bring a database of an older version to the current one, and say so in one line. `sources` comes first of
    `tables` and is done last. Raises StoreError where it cannot be written."""
    added = []
    for table in reversed(tables):
        if place.has_table(table.name):
            added += [f"{table.name}.{name}" for name in _add_columns(place, table)]
    for step in range(version + 1, schema.SCHEMA_VERSION + 1):
        if step in STEPS:
            STEPS[step](place)
    with write_errors(place.uri):
        sources = place.dataset("sources")
        sources.update_schema_metadata({schema.VERSION_KEY.decode(): str(schema.SCHEMA_VERSION)})
    what = f" (new: {', '.join(added)})" if added else ""
    _log.info(
        "%s: tables of version %d are of version %d now%s", place.uri, version, schema.SCHEMA_VERSION, what
    )


def _add_columns(place: Place, table: schema.Table) -> list[str]:
    """Add the columns that a table lacks, all null; return their names."""
    dataset = place.dataset(table.name)
    missing = lacking(table.schema, dataset)
    if missing:
        empty = [field for field in missing if field.name not in SURE_COLUMNS]
        try:
            with write_errors(place.uri):
                if empty:
                    dataset.add_columns(pa.schema(empty))
                if len(empty) < len(missing):
                    _add_sure_columns(place, table)
        except StoreError:
            if lacking(table.schema, place.dataset(table.name)):  # else another process was first
                raise
    return [field.name for field in missing]


def _add_sure_columns(place: Place, table: schema.Table) -> None:
    """Add sure_tags and sure_scores, worked out from the stored scores and the thresholds of their taggers."""
    import lance

    sure = SureTags.of(place.dataset("models"), place.dataset("vocabulary"), table)

    target = pa.schema(list(sure.fields))

    def columns(rows: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(sure(rows), schema=target)

    computed = lance.batch_udf(output_schema=target)(columns)
    place.dataset(table.name).add_columns(computed, read_columns=list(sure.needs))


def lacking(wanted: pa.Schema, dataset: lance.LanceDataset) -> list[pa.Field]:
    """Return the columns of a schema that a table of an older version does not have."""
    return [field for field in wanted if field.name not in dataset.schema.names]
