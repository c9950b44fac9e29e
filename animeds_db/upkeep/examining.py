"""Examines one table: its newest complete version, its damaged files, its lost rows.

Nothing is changed here. In a folder, every file of that version is compared with its checksum. A file without a
checksum, and a table at a URI, is read from the first row to the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.checksums import Ledger
from animeds_db.store.fsync import fragment_files, stored_files, torn
from animeds_db.store.location import Location, first_words, read_errors
from animeds_db.store.manifests import is_whole, manifests, version_of

if TYPE_CHECKING:
    import lance

APPENDED = ("vocabulary", "models", "labels")
"""Tables whose rows never change. A row in a file of another version is still valid and can be restored."""

INGESTED_OF_SOURCE = ("frames", "detections", "thumbnails")
"""Tables whose rows are restored by the next ingest of their source."""


@dataclass
class Examined:
    """The state of one table on the disk."""

    name: str
    dataset: lance.LanceDataset | None = None
    """Its newest complete version, or None."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with its files, one sentence each."""
    torn: list[Path] = field(default_factory=list)
    """Damaged manifests that are newer than `dataset`, or were set aside when the database was opened."""
    dropped: list[int] = field(default_factory=list)
    """Ids of the fragments that cannot be read."""
    lost: int = 0
    """Number of lost rows, without `salvaged`."""
    sources: Counter[str] = field(default_factory=Counter)
    """Number of lost rows by source id, as far as the checksums show."""
    salvaged: pa.Table | None = None
    """Rows from intact files of other versions, which a repair restores."""
    unrecorded: list[str] = field(default_factory=list)
    """Readable files without a checksum."""

    def left(self, columns: Sequence[str]) -> pa.Table:
        """Return these columns of the readable rows and of those that a repair restores."""
        parts = [] if self.dataset is None else [self._scan(list(columns))]
        if self.salvaged is not None:
            parts.append(self.salvaged.select(list(columns)))
        empty = schema_of(self.name).schema.empty_table().select(list(columns))
        return pa.concat_tables([part.cast(empty.schema) for part in parts]) if parts else empty

    def _scan(self, columns: list[str]) -> pa.Table:
        assert self.dataset is not None
        whole = [f for f in self.dataset.get_fragments() if f.fragment_id not in self.dropped]
        if not whole:
            return schema_of(self.name).schema.empty_table().select(columns)
        return self.dataset.scanner(columns=columns, fragments=whole).to_table()


def schema_of(name: str) -> schema.Table:
    """Return a table's key and columns, with vectors of the default width."""
    return next(table for table in schema.all_tables() if table.name == name)


def examine(location: Location, name: str) -> Examined:
    """Read one table of a database and return its state."""
    found = Examined(name)
    if location.path is None:
        found.dataset = location.dataset(name) if location.has_table(name) else None
        _read_fragments(found, None, Ledger({}, {}, {}))
        return found
    folder, ledger = location.path / f"{name}.lance", Ledger.of(location.path, name)
    _find_version(found, location, folder, ledger)
    _read_fragments(found, folder, ledger)
    _count_lost_versions(found, ledger)
    if found.problems and name in APPENDED:
        _salvage(found, folder, ledger)
    return found


def _find_version(found: Examined, location: Location, folder: Path, ledger: Ledger) -> None:
    """Set the newest version with an intact manifest, and the problems of those after it."""
    for manifest in manifests(folder):
        path = f"_versions/{manifest.name}"
        problem = "is incomplete" if not is_whole(manifest) else ledger.problem(folder, path)
        if problem is None:
            try:
                found.dataset = location.dataset(found.name, version_of(manifest))
            except StoreError as error:
                problem = f"cannot be read ({first_words(error.__cause__)})"
            else:
                break
        found.torn.append(manifest)
        found.problems.append(f"{found.name}.lance/{path} (version {version_of(manifest)}) {problem}.")
    for manifest in torn(folder):
        found.torn.append(manifest)
        found.problems.append(
            f"{found.name}: version {version_of(manifest)} was incomplete and was set aside when it was found."
        )
    version = found.dataset.version if found.dataset is not None else 0
    if not found.torn and ledger.newest > version:
        what = f"version {ledger.newest} is missing" if version else "the table is missing"
        found.problems.append(f"{found.name}.lance: {what}.")


def _read_fragments(found: Examined, folder: Path | None, ledger: Ledger) -> None:
    """Find the fragments that cannot be read, and count their rows."""
    for fragment in found.dataset.get_fragments() if found.dataset is not None else ():
        files = fragment_files(fragment)
        wrong = {path: problem for path in files if folder and (problem := ledger.problem(folder, path))}
        if not wrong and not all(path in ledger.files for path in files):
            unreadable = _unreadable(fragment)
            wrong = {files[0]: f"cannot be read ({unreadable})"} if unreadable else {}
            found.unrecorded += [path for path in files if path not in ledger.files and not wrong]
        if wrong:
            about = fragment.metadata
            found.dropped.append(fragment.fragment_id)
            found.lost += about.physical_rows - about.num_deletions
            found.sources.update(_rows_by_source(files, ledger))
            found.problems += [f"{found.name}.lance/{path} {problem}." for path, problem in wrong.items()]


def _unreadable(fragment: lance.LanceFragment) -> str | None:
    """Return why a fragment cannot be read from its first row to its last, or None if it can."""
    try:
        with read_errors(fragment.metadata.files[0].path):
            for _ in fragment.to_batches():
                pass
    except StoreError as error:
        return first_words(error.__cause__)
    return None


def _count_lost_versions(found: Examined, ledger: Ledger) -> None:
    """Count the rows that only damaged or missing versions had."""
    if not found.problems:
        return
    version = found.dataset.version if found.dataset is not None else 0
    gone = {v for v in ledger.rows if v > version} | {version_of(manifest) for manifest in found.torn}
    here = stored_files(found.dataset) if found.dataset is not None else frozenset()
    files = {path for v in gone for path in ledger.added.get(v, ())} - here
    found.sources.update(_rows_by_source(files, ledger))
    if ledger.newest > version:
        rows = found.dataset.count_rows() if found.dataset is not None else 0
        found.lost += max(0, ledger.rows[ledger.newest] - rows)


def _rows_by_source(files: Iterable[str], ledger: Ledger) -> Counter[str]:
    rows: Counter[str] = Counter()
    for path in files:
        rows.update(ledger.files[path].sources if path in ledger.files else {})
    return rows


def _salvage(found: Examined, folder: Path, ledger: Ledger) -> None:
    """Find lost rows in intact files that the newest complete version does not refer to."""
    from lance.file import LanceFileReader

    table = schema_of(found.name)
    named = set(stored_files(found.dataset)) if found.dataset is not None else set()
    parts: list[pa.Table] = []
    for file in sorted((folder / "data").glob("*.lance")):
        if (path := f"data/{file.name}") in named or ledger.problem(folder, path):
            continue
        try:
            with read_errors(str(file)):
                rows = LanceFileReader(str(file)).read_all().to_table()
        except StoreError:  # left incomplete by an interrupted run, and never part of a version
            continue
        if set(table.schema.names) <= set(rows.column_names):
            parts.append(rows.select(table.schema.names).cast(table.schema))
    if not parts:
        return
    rows = pa.concat_tables(parts)
    first = pa.table([rows[table.key], pa.array(range(rows.num_rows))], ["key", "row"])
    rows = rows.take(first.group_by("key").aggregate([("row", "min")])["row_min"])
    there = found.left([table.key])[table.key].combine_chunks()
    found.salvaged = rows.filter(pc.invert(pc.is_in(rows[table.key], there)))
    found.lost = max(0, found.lost - found.salvaged.num_rows)
