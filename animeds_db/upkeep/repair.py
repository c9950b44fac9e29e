"""Making a damaged database whole again: without the rows that are lost, and ready for what brings them back.

No row that can be read is deleted, but marks that promise what is gone. Damaged manifests and tables are moved aside,
never deleted. The sources are marked before anything else is changed: one that was killed can be run again.
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
from animeds_db.store.location import Place, add_missing_tables, write_errors
from animeds_db.store.store import quoted
from animeds_db.upkeep.comparing import Gaps
from animeds_db.upkeep.examining import Examined

if TYPE_CHECKING:
    import lance

    from animeds_db.upkeep.check import Report

ASIDE = "_damaged"
"""Folder in a database with tables of which no version was whole."""
LOST_TAG = "lost_tag_{}"
"""Name of a tag of which only the number is left, so that the number is never given to another tag."""
BLOCK = 10_000
"""Rows that are deleted at once."""


def mend(place: Place, report: Report, gaps: Gaps) -> None:
    """Repair what a check found. Raises StoreError where the database cannot be written."""
    widths = _widths(report.tables)
    store = Store(place, widths)
    made = {table.name: table for table in schema.all_tables(*widths)}
    for table in report.tables:  # `sources` comes first
        with write_errors(place.uri):
            _use_whole_version(place, table)
        add_missing_tables(place, [made[table.name]])
        _drop_fragments(place, table)
        if table.salvaged is not None and table.salvaged.num_rows:
            store.upsert(table.name, table.salvaged)
        if table.name == "sources":
            _mark(store, report.damaged)
    store = Store.open(place.uri)
    _reserve_tags(store, gaps.lost_tags)
    _delete(store, "detected", gaps.unfounded)
    _delete(store, "taggings", gaps.untold)
    with write_errors(place.uri):
        for table in report.tables:
            _settle(place, store, table)


def _use_whole_version(place: Place, table: Examined) -> None:
    """Set aside the manifests that are damaged; where none is whole, the whole table."""
    if place.path is None:
        return
    folder = place.path / f"{table.name}.lance"
    for manifest in table.torn:
        if manifest.parent.name != TORN:
            set_aside(folder, manifest)
    if table.dataset is None and folder.exists():
        aside = place.path / ASIDE
        aside.mkdir(exist_ok=True)
        numbers = (aside / f"{table.name}-{n}.lance" for n in range(1, 10_000))
        target = next(path for path in numbers if not path.exists())
        folder.rename(target)
        flush_folder(place.path)
    if table.dataset is None:  # those of the new table begin anew
        checksums_file(place.path, table.name).unlink(missing_ok=True)


def _drop_fragments(place: Place, table: Examined) -> None:
    """Make a version of the table without the fragments that cannot be read."""
    import lance

    if not table.dropped:
        return
    assert table.dataset is not None
    dropped = lance.LanceOperation.Delete([], table.dropped, "true")
    with write_errors(place.uri):
        made = lance.LanceDataset.commit(
            place.table(table.name),
            dropped,
            read_version=table.dataset.version,
            storage_options=place.options,
        )
        if place.path is not None:
            flush_tree(place.path / f"{table.name}.lance" / "_versions")
            record(place.path, table.name, made, ())


def _widths(tables: list[Examined]) -> tuple[int, int]:
    """Return the widths of the two columns of vectors, from whichever table is left that tells."""
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
    """Mark sources as damaged, so that the next ingest goes through all of each."""
    for start in range(0, len(sources), BLOCK):
        listed = ", ".join(quoted(source) for source in sources[start : start + BLOCK])
        store.commit("sources", partial(_update_state, where=f"source_id IN ({listed})"))


def _update_state(dataset: lance.LanceDataset, where: str) -> None:
    dataset.update({"state": quoted(schema.DAMAGED)}, where)


def _settle(place: Place, store: Store, table: Examined) -> None:
    """Note that this damage has been dealt with, and the checksums of files that had none."""
    if place.path is None:
        return
    done = place.path / f"{table.name}.lance" / TORN / "repaired"
    for manifest in table.torn:
        aside = place.path / f"{table.name}.lance" / TORN / manifest.name
        if aside.is_file():
            done.mkdir(exist_ok=True)
            shutil.move(aside, done / manifest.name)
    if table.problems or table.unrecorded:
        known = Ledger.of(place.path, table.name).files
        missing = [path for path in table.unrecorded if path not in known]
        record(place.path, table.name, store.table(table.name), missing)
