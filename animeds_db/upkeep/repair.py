"""Repairs a damaged database: makes it usable without the lost rows, and ready to get them back.

No readable row is deleted, except marks that refer to lost rows. Damaged manifests and tables are moved aside, not
deleted. The sources are marked before anything else changes, so that an interrupted repair can be run again.
"""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db import schema
from animeds_db.store import Store
from animeds_db.store.checksums import Ledger, checksums_file, record
from animeds_db.store.fsync import TORN, flush_folder, flush_tree, set_aside
from animeds_db.store.location import Location, add_missing_tables, write_errors
from animeds_db.store.store import quoted
from animeds_db.upkeep.comparing import Gaps
from animeds_db.upkeep.examining import Examined

if TYPE_CHECKING:
    import lance

    from animeds_db.upkeep.check import Report

ASIDE = "_damaged"
"""Folder in a database for tables without any intact version."""
LOST_TAG = "lost_tag_{}"
"""Name of a tag of which only the id is left, so that the id is never given to another tag."""
BLOCK = 10_000
"""Number of rows deleted at once."""


def mend(location: Location, report: Report, gaps: Gaps) -> None:
    """Repair what a check found. Raises StoreError if the database cannot be written."""
    widths = _widths(report.tables)
    store = Store(location, widths)
    made = {table.name: table for table in schema.all_tables(*widths)}
    for table in report.tables:  # `sources` comes first
        with write_errors(location.uri):
            _use_whole_version(location, table)
        add_missing_tables(location, [made[table.name]])
        _drop_fragments(location, table)
        if table.salvaged is not None and table.salvaged.num_rows:
            store.upsert(table.name, table.salvaged)
        if table.name == "sources":
            _mark(store, report.damaged)
    store = Store.open(location.uri)
    _reserve_tags(store, gaps.lost_tags)
    _delete(store, "detected", gaps.wrong_box_counts)
    _delete(store, "taggings", gaps.taggings_with_lost_tags)
    _delete(store, "box_tags", gaps.box_tags_with_lost_tags)
    with write_errors(location.uri):
        for table in report.tables:
            _settle(location, store, table)


def _use_whole_version(location: Location, table: Examined) -> None:
    """Set aside the damaged manifests, or the whole table if no manifest is intact."""
    if location.path is None:
        return
    folder = location.path / f"{table.name}.lance"
    for manifest in table.torn:
        if manifest.parent.name != TORN:
            set_aside(folder, manifest)
    if table.dataset is None and folder.exists():
        aside = location.path / ASIDE
        aside.mkdir(exist_ok=True)
        numbers = (aside / f"{table.name}-{n}.lance" for n in range(1, 10_000))
        target = next(path for path in numbers if not path.exists())
        folder.rename(target)
        flush_folder(location.path)
    if table.dataset is None:  # the new table gets new checksums
        checksums_file(location.path, table.name).unlink(missing_ok=True)


def _drop_fragments(location: Location, table: Examined) -> None:
    """Write a version of the table without the fragments that cannot be read."""
    import lance

    if not table.dropped:
        return
    assert table.dataset is not None
    dropped = lance.LanceOperation.Delete([], table.dropped, "true")
    with write_errors(location.uri):
        made = lance.LanceDataset.commit(
            location.table(table.name),
            dropped,
            read_version=table.dataset.version,
            storage_options=location.options,
        )
        if location.path is not None:
            flush_tree(location.path / f"{table.name}.lance" / "_versions")
            record(location.path, table.name, made, ())


def _widths(tables: list[Examined]) -> tuple[int, int]:
    """Return the widths of the two vector columns, from whichever table still has them."""
    found = {table.name: table for table in tables}
    models = found["models"].left(["task", "width"]).to_pylist()

    def width(name: str, column: str, task: str) -> int:
        dataset = found[name].dataset
        if dataset is not None:
            return int(dataset.schema.field(column).type.list_size)
        return next((m["width"] for m in models if m["task"] == task and m["width"]), schema.DEFAULT_WIDTH)

    return width("frames", "embedding", "image"), width("detections", "vector", "character")


def _reserve_tags(store: Store, tags: list[int]) -> None:
    rows = [{"tag_id": tag, "tag": LOST_TAG.format(tag), "category": "general"} for tag in tags]
    if rows:
        store.upsert("vocabulary", pa.Table.from_pylist(rows, schema.VOCABULARY.schema))


def _delete(store: Store, name: str, keys: list[str]) -> None:
    key = store.schema(name).key
    for start in range(0, len(keys), BLOCK):
        listed = ", ".join(quoted(one) for one in keys[start : start + BLOCK])
        store.delete(name, f"{key} IN ({listed})")


def _mark(store: Store, sources: list[str]) -> None:
    """Mark sources as damaged, so that the next ingest reads each one again."""
    for start in range(0, len(sources), BLOCK):
        listed = ", ".join(quoted(source) for source in sources[start : start + BLOCK])
        store.commit("sources", partial(_update_state, where=f"source_id IN ({listed})"))


def _update_state(dataset: lance.LanceDataset, where: str) -> None:
    dataset.update({"state": quoted(schema.DAMAGED)}, where)


def _settle(location: Location, store: Store, table: Examined) -> None:
    """Record that this damage was handled, and add the checksums of files that had none."""
    if location.path is None:
        return
    done = location.path / f"{table.name}.lance" / TORN / "repaired"
    for manifest in table.torn:
        aside = location.path / f"{table.name}.lance" / TORN / manifest.name
        if aside.is_file():
            done.mkdir(exist_ok=True)
            shutil.move(aside, done / manifest.name)
    if table.problems or table.unrecorded:
        known = Ledger.of(location.path, table.name).files
        missing = [path for path in table.unrecorded if path not in known]
        record(location.path, table.name, store.table(table.name), missing)
