"""What happens to the tables of a database when it is opened.

A database that is whole and of this release is only looked at: no table is opened, and Lance is not imported.
"""

from __future__ import annotations

from collections.abc import Sequence

from animeds_db import schema
from animeds_db.store.checksums import Ledger
from animeds_db.store.fsync import heal
from animeds_db.store.location import Location, add_missing_tables, check_files, damaged, write_errors
from animeds_db.store.manifests import noted


def make_ready(location: Location) -> None:
    """Set aside versions that a power cut left incomplete, upgrade tables of older releases, and add new tables.

    Raises StoreError if the location is not a database, or if it is damaged or was created by a newer release.
    """
    location.check()
    names = [table.name for table in schema.all_tables()]
    if location.path is not None:
        with write_errors(location.uri):
            for name in names:
                heal(location.path / f"{name}.lance")
    if not _is_current(location):
        _upgrade(location)
    here = location.of_each(names, location.has_table)
    if missing := [name for name in names if not here[name]]:
        _refuse_lost(location, missing)
        add_missing_tables(location, schema.all_tables(*widths_of(location)))


def widths_of(location: Location) -> tuple[int, int]:
    """Return the width of `frames.embedding` and of `detections.vector`."""
    frames, detections = (check_files(location, name).schema for name in ("frames", "detections"))
    return frames.field("embedding").type.list_size, detections.field("vector").type.list_size


def _is_current(location: Location) -> bool:
    """Return True if the tables are known to have the version of this release."""
    if location.path is None:
        return False
    return noted(location.path / "sources.lance", schema.VERSION_KEY) == str(schema.SCHEMA_VERSION)


def _upgrade(location: Location) -> None:
    """Upgrade the tables if an older release created them. Raises StoreError if they are not ours, or too new."""
    from animeds_db.store.upgrade import stored_version, upgrade

    version = stored_version(location)
    if version < schema.SCHEMA_VERSION:
        for table in schema.all_tables():
            if location.has_table(table.name):
                check_files(location, table.name)
        upgrade(location, schema.all_tables(*widths_of(location)), version)


def _refuse_lost(location: Location, missing: Sequence[str]) -> None:
    """Raise StoreError for a table that is gone and had rows: it would be made again, empty."""
    if location.path is not None:
        for name in missing:
            if any(Ledger.of(location.path, name).rows.values()):
                raise damaged(location, name)
