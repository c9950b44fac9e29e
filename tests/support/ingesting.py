"""Ingest into a store without models, and look at what is there; for tests."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from tables import empty_store

from animeds_db.models import Models
from animeds_db.store import Store
from animeds_ingest.engines.local import ingest
from animeds_ingest.outcomes import Report
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

WITHOUT_MODELS = Models()
TIMES = ("started_at", "finished_at", "added_at")


def a_store(folder: Path) -> Store:
    """Create a store in a folder."""
    return empty_store(folder / "show.animeds", 8, 8)


def run(
    store: Store,
    *paths: Path | str,
    how: str = "keyframes",
    replace: bool = False,
    models: Models = WITHOUT_MODELS,
) -> Report:
    """Ingest these paths."""
    return ingest(store, discover(list(paths)), Sampling.parse(how), models, replace=replace)


def rows(store: Store, name: str) -> pa.Table:
    """Return a table sorted by its key, without the times at which things were done."""
    table = store.table(name).to_table()
    keep = [column for column in table.column_names if column not in TIMES]
    return table.select(keep).sort_by(store.schema(name).key)


def everything(store: Store) -> dict[str, list[dict[str, object]]]:
    """Return every table's rows, to compare two stores."""
    return {name: rows(store, name).to_pylist() for name in store.names()}
