"""What a database remembers beside its data, in the rows of `settings`: the options of the last ingest, and what the
steps of a recipe were made of."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from animeds_db import schema
from animeds_db.store.location import read_errors
from animeds_db.store.store import Store

RECORD = "make."
"""Prefix of the rows in which `animeds make` records the steps that it has done."""
SELECTION = "selection."
"""Prefix of the rows with selections that people saved."""


def remembered(store: Store) -> dict[str, str]:
    """Return the options of the last ingest: profile, sampling, and models that replaced the profile's."""
    return {
        name: value for name, value in _settings(store).items() if not name.startswith((RECORD, SELECTION))
    }


def remember(store: Store, values: Mapping[str, str]) -> None:
    """Store the options of this ingest, replacing those of the last one."""
    before = remembered(store)
    if dict(values) != before:
        _put(store, {**dict.fromkeys(before), **values})


def step_record(store: Store, step: str) -> str | None:
    """Return what `record_step` stored last for a step of a recipe; None: nothing."""
    return _settings(store).get(RECORD + step)


def record_step(store: Store, step: str, value: str) -> None:
    """Store what a step of a recipe was made of, so that a later run can see whether anything changed."""
    if step_record(store, step) != value:
        _put(store, {RECORD + step: value})


def _settings(store: Store) -> dict[str, str]:
    with read_errors(store.uri):
        rows = store.table("settings").to_table().to_pylist()
    return {row["name"]: row["value"] for row in rows if row["value"] is not None}


def _put(store: Store, values: Mapping[str, str | None]) -> None:
    rows = [{"name": name, "value": value} for name, value in values.items()]
    store.replace("settings", pa.Table.from_pylist(rows, schema.SETTINGS.schema))
