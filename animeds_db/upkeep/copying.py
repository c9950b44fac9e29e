"""Copies one state of a database to another database (a backup).

Lance never changes a file once it is written, so only files that the copy lacks are transferred. The data of all
tables comes first, then the manifests that refer to it, table by table; that of `sources` is the last and makes
the new state visible. `animeds-backup.json` in the copy names the copied database, so that later work in the copy
is not overwritten.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from animeds_db.errors import StoreError, UsageError
from animeds_db.store.checksums import Ledger, record
from animeds_db.store.fsync import stored_files
from animeds_db.store.history import Versions
from animeds_db.store.location import BACKUP_NAME, CHECK, Location, read_errors, refuse_occupied, write_errors
from animeds_db.upkeep.cleaning import clean, replaced
from animeds_db.upkeep.files import Files, digest
from animeds_db.upkeep.optimize import in_words, kept

if TYPE_CHECKING:
    from animeds_db.store import Store

TRIES = 3
_MANIFEST = re.compile(r"\w+\.lance/_versions/\d+\.manifest")
Progress = Callable[[int, int], None]
"""Called with the number of files copied and the total."""


@dataclass
class Copied:
    """Result of a backup: the state's number, rows per table, new files and their size in bytes."""

    to: str
    number: int
    rows: dict[str, int] = field(default_factory=dict)
    n_files: int = 0
    n_bytes: int = 0
    freed: int = 0

    @property
    def words(self) -> str:
        """The result as one line for users."""
        what = f"{self.rows['sources']} sources, {self.rows['frames']} frames"
        new = f"{self.n_files} new files, {in_words(self.n_bytes)}" if self.n_files else "no new files"
        freed = f"; {in_words(self.freed)} of older backups freed" if self.freed else ""
        return f"version {self.number} ({what}) is in {self.to}: {new}; checked{freed}"


def backup(store: Store, to: str, progress: Progress = lambda _done, _all: None) -> Copied:
    """Copy the state that a store reads (its pinned or newest one) to a folder or URI.

    An earlier backup there is updated: only new files are copied. Safe while others write. The copy is checked:
    every file if it is on a disk, and the number of rows in all tables. Raises UsageError, StoreError.
    """
    location = Location(to)
    location.check_way()
    _refuse_same(store, location)
    for attempt in range(TRIES):
        try:
            return _copy(store, location, progress)
        except StoreError as error:
            # a version was deleted while its files were read, by an upkeep with a short --keep
            if attempt == TRIES - 1 or store.pinned or "not found" not in str(error.__cause__).lower():
                raise
    raise AssertionError("unreachable")


def _copy(store: Store, location: Location, progress: Progress) -> Copied:
    now = datetime.datetime.now(datetime.UTC)  # before the history is read, table by table
    versions = store.pinned or store.history().at_time(now)
    source, target = Files(Location(store.uri)), Files(location)
    manifests = {name: _manifest(store, source, name, version) for name, version in versions.items()}
    record = _Record.of(target, store.uri)
    there = target.names()
    updated = location.has_table("sources")
    _refuse_other(record, location, manifests, source, there)
    done = Copied(location.uri, sum(versions.values()))
    files = list(_files(store, versions, manifests))
    for (
        path
    ) in files:  # checked before any is read or written, because a stranger's manifest may name any path
        source.check(path)
        target.check(path)
    record.noted(manifests).save(target)
    new = [path for path in files if path not in there]
    ledgers = {name: _ledger(store.location, name) for name in versions}
    for number, path in enumerate(new):
        progress(number, len(new))
        _refuse_damaged(store.location, ledgers, path)
        done.n_bytes += source.send(path, target)
    progress(len(new), len(new))
    done.n_files = len(new)
    target.settle(new)
    names = store.names()[::-1]  # `sources` comes last
    target.settle([path for name in names[:-1] for path in _make_newest(target, name, versions, manifests)])
    target.settle(_make_newest(target, names[-1], versions, manifests))
    _check(store, location, versions, done)
    _record_checksums(location, versions, ledgers)
    record.noted(manifests, finished=True).save(target)
    if updated:
        done.freed = _free(location)
    return done


def _ledger(location: Location, name: str) -> Ledger:
    return Ledger({}, {}, {}) if location.path is None else Ledger.of(location.path, name)


def _refuse_damaged(location: Location, ledgers: Mapping[str, Ledger], path: str) -> None:
    """Raise StoreError for a file that is not as it was written: an earlier backup may still have it whole."""
    if location.path is None:
        return
    name, _, file = path.partition(".lance/")
    if problem := ledgers[name].problem(location.path / f"{name}.lance", file):
        raise StoreError(f"{location.path / path} {problem}: this database is damaged", hint=CHECK)


def _record_checksums(location: Location, versions: Versions, ledgers: Mapping[str, Ledger]) -> None:
    """Write the checksums of a copy on a disk, so that it can be checked as its original can."""
    if location.path is None:
        return
    for name, version in versions.items():
        dataset = location.dataset(name, version)
        with write_errors(location.uri):
            new = stored_files(dataset) - _ledger(location, name).files.keys()
            record(location.path, name, dataset, new, ledgers[name])


def _files(store: Store, versions: Versions, manifests: dict[str, _Manifest]) -> Iterator[str]:
    """Yield the paths of all files of this state except the manifests."""
    for name, version in versions.items():
        with read_errors(store.uri):
            tracked = store.table(name, version).tracked_files(min_version=version).read_all()
        mine = tracked.filter(pc.equal(tracked["version"], version))
        for path in sorted(set(mine["path"].to_pylist())):
            if f"{name}.lance/{path}" != manifests[name].path:
                yield f"{name}.lance/{path}"


@dataclass(frozen=True)
class _Manifest:
    """The manifest file of one version of a table."""

    path: str
    content: bytes

    @property
    def mark(self) -> str:
        return digest(self.content)


def _manifest(store: Store, source: Files, name: str, version: int) -> _Manifest:
    for number in (2**64 - 1 - version, version):
        path = f"{name}.lance/_versions/{number}.manifest"
        if (content := source.read(path)) is not None:
            return _Manifest(path, content)
    raise StoreError(f"{store.uri}: version {version} of {name} no longer exists", hint="run it again")


def _make_newest(
    target: Files, name: str, versions: Versions, manifests: dict[str, _Manifest]
) -> tuple[str, str]:
    """Write a table's manifest, which makes this its newest version, and return the paths written."""
    target.write(manifests[name].path, manifests[name].content)
    # Lance looks for the newest version from here upwards, without gaps, but a backup has gaps
    hint = f"{name}.lance/_versions/latest_version_hint.json"
    target.write(hint, json.dumps({"version": versions[name]}).encode())
    return manifests[name].path, hint


def _check(store: Store, location: Location, versions: Versions, done: Copied) -> None:
    """Open the copy as a normal database and compare row counts. Raises StoreError if they differ."""
    for name, version in versions.items():
        copy = location.dataset(name)
        with read_errors(location.uri):
            copy.validate()
            rows = copy.count_rows()
        done.rows[name] = rows
        expected = store.table(name, version).count_rows()
        if (copy.version, rows) != (version, expected):
            raise StoreError(
                f"{location.uri}: {name} has {rows} rows at version {copy.version}, not {expected} at {version}",
                hint="another backup to the same location may be running; run this one again",
            )


def _free(location: Location) -> int:
    """Delete files that only older backups need, if those were replaced longer ago than the setting `keep`."""
    from animeds_db.store import Store

    copy = Store.open(location.uri)
    before, history = datetime.datetime.now(datetime.UTC) - kept(), copy.history()
    return sum(clean(copy, name, replaced(history.of_table(name), before)) for name in copy.names())


@dataclass(frozen=True)
class _Record:
    """Content of `animeds-backup.json`: the database that was copied, and the marks of the manifests copied from it."""

    database: str
    finished: bool
    marks: dict[str, list[str]]

    @classmethod
    def of(cls, target: Files, database: str) -> _Record:
        content = target.read(BACKUP_NAME)
        if content is None:
            return cls(database, finished=False, marks={})
        record: dict[str, Any] = json.loads(content)
        return cls(record["database"], record["finished"], record["marks"])

    def noted(self, manifests: dict[str, _Manifest], *, finished: bool = False) -> _Record:
        """Return the record with these manifests added, or with only these if the copy is `finished`."""
        marks = {name: [manifest.mark] for name, manifest in manifests.items()}
        if not finished:
            marks = {name: [*self.marks.get(name, []), *mark] for name, mark in marks.items()}
        return _Record(self.database, finished, marks)

    def save(self, target: Files) -> None:
        target.write(BACKUP_NAME, json.dumps(vars(self), indent=1).encode())


def _refuse_same(store: Store, location: Location) -> None:
    here = Location(store.uri)
    if here.uri.rstrip("/") == location.uri.rstrip("/") or (
        here.path is not None and location.path is not None and here.path.resolve() == location.path.resolve()
    ):
        raise UsageError(f"{location.uri} is the database itself", hint="give another folder or URI")


def _refuse_other(
    record: _Record, location: Location, manifests: dict[str, _Manifest], source: Files, there: set[str]
) -> None:
    """Raise StoreError if the target is not an earlier backup of this database, or was changed since."""
    if not record.marks and location.path is not None:
        refuse_occupied(location.path)
    hint = "give a folder or URI that does not exist yet"
    if not record.marks and there:
        raise StoreError(f"{location.uri} is not empty, and it is not a backup of this database", hint=hint)
    newest = _newest(there)
    target = Files(location)
    for name, manifest in manifests.items():
        if name not in newest:
            continue
        path = newest[name]
        here = target.read(path) or b""
        if digest(here) not in record.marks.get(name, []):
            raise StoreError(
                f"{location.uri} was changed since it was copied ({name}); a backup would undo those changes",
                hint=hint,
            )
        original = source.read(path)
        if original is not None and original != here:
            raise StoreError(
                f"{location.uri} is a backup of a different database, {record.database}", hint=hint
            )
        if _number(manifest.path) < _number(path):
            raise StoreError(
                f"{location.uri} already has a newer state than the one to copy ({name})",
                hint=f"{hint}; a backup cannot be replaced by an older state",
            )


def _newest(there: set[str]) -> dict[str, str]:
    """Return the newest manifest of each table."""
    manifests = sorted((p for p in there if _MANIFEST.fullmatch(p)), key=_number)
    return {path.partition(".lance/")[0]: path for path in manifests}


def _number(path: str) -> int:
    number = int(path.rsplit("/", 1)[-1].removesuffix(".manifest"))
    return 2**64 - 1 - number if number >= 2**63 else number
