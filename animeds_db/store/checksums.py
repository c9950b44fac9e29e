"""Checksums of every file of a database: its size, its hash, and the number of rows per source.

Lance keeps no checksums, so a file that a failing disk or an interrupted copy has changed may be read without an error.
Each commit therefore appends one line of JSON to `_checksums/<table>.jsonl` in the folder of the database:

    {"version": 5, "rows": 120, "files": {"data/….lance": {"size": 1404, "xxh3": "…", "sources": {"k3f9a2qd": 16}}}}

It is outside the table's own folder, so that it shows what was lost even if that folder is deleted. Object storage
checks its files itself, so a database at a URI has no such file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from animeds_db.safe_files import inside
from animeds_db.store.fsync import flush_files
from animeds_db.store.manifests import manifest_names

if TYPE_CHECKING:
    import lance

FOLDER = "_checksums"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """The expected content of one file. `sources`: rows per source id; empty for files without that column."""

    size: int
    xxh3: str
    sources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ledger:
    """The checksums of one table: its files, and the rows and files that each version added."""

    files: Mapping[str, Stored]
    """The files, by path below the table's folder."""
    rows: Mapping[int, int]
    """Number of rows of the whole table, by version."""
    added: Mapping[int, tuple[str, ...]]
    """Paths of the files that a version added. A version that was lost and written again has the files of both."""

    newest: int = 0
    """The last recorded version; 0 if there is none."""

    @classmethod
    def of(cls, database: Path, table: str) -> Ledger:
        """Read the checksums of a table. Incomplete lines are skipped."""
        files: dict[str, Stored] = {}
        rows: dict[int, int] = {}
        version = 0
        added: dict[int, tuple[str, ...]] = {}
        for line in _lines(database, table):
            try:
                record = json.loads(line)
                new = {str(path): Stored(**about) for path, about in record["files"].items()}
                version, n = int(record["version"]), int(record["rows"])
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
            files |= new
            rows[version], added[version] = n, (*added.get(version, ()), *new)
        return cls(files, rows, added, version)

    def problem(self, table: Path, path: str) -> str | None:
        """Return what is wrong with a file of the table, as text, or None if it is unchanged or unknown."""
        file = table / path
        if not file.is_file():
            return "is missing"
        known = self.files.get(path)
        if known is None:
            return None
        if file.stat().st_size != known.size:
            return f"has {file.stat().st_size} bytes instead of {known.size}"
        return None if file_hash(file) == known.xxh3 else "does not match its checksum"


def record(
    database: Path, table: str, dataset: lance.LanceDataset, files: Iterable[str], known: Ledger | None = None
) -> None:
    """Append the checksums of a version (its manifest, and the files that it added) and sync them.

    `known`: checksums of the same files in the database that this one is a copy of.
    """
    folder = database / f"{table}.lance"
    manifest = [name for name in manifest_names(dataset.version) if (folder / name).is_file()]
    elsewhere = known.files if known else {}
    there = [path for path in sorted(files) if (folder / path).is_file()]  # without files deleted meanwhile
    record = {path: vars(elsewhere.get(path) or _stored(folder, path)) for path in (*there, *manifest)}
    line = json.dumps({"version": dataset.version, "rows": dataset.count_rows(), "files": record})
    file = checksums_file(database, table)
    file.parent.mkdir(exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(handle, f"\n{line}\n".encode())  # in one write, because others may append at the same time
    finally:
        os.close(handle)
    flush_files([file])


def checksums_file(database: Path, table: str) -> Path:
    """Return the file with the checksums of a table. Raises UnsafePathError if the path contains a link."""
    return inside(database, f"{FOLDER}/{table}.jsonl")


def is_recorded(database: Path, table: str) -> bool:
    """Return True if a table has checksums. One that was never written has none."""
    return (database / FOLDER / f"{table}.jsonl").exists()


def file_hash(file: Path) -> str:
    """Return the xxh3-128 of a file's bytes, in hexadecimal."""
    seen = xxhash.xxh3_128()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            seen.update(block)
    return seen.hexdigest()


def _lines(database: Path, table: str) -> Iterable[str]:
    try:
        text = checksums_file(database, table).read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()


def _stored(folder: Path, path: str) -> Stored:
    file = folder / path
    sources = _sources(file) if path.startswith("data/") else {}
    return Stored(file.stat().st_size, file_hash(file), sources)


def _sources(file: Path) -> dict[str, int]:
    """Return the number of rows per source in a data file; empty if it lacks that column."""
    from lance.file import LanceFileReader

    if "source_id" not in LanceFileReader(str(file)).metadata().schema.names:
        return {}
    ids: Any = LanceFileReader(str(file), columns=["source_id"]).read_all().to_table()["source_id"]
    return {str(row["values"]): int(row["counts"]) for row in ids.value_counts().to_pylist() if row["values"]}
