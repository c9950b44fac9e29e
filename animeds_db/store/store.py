"""Reads and writes the Lance tables of one database: commits, versions, compaction.

When a write returns, it is complete and on the disk. Repeating it changes nothing.
A database is a folder (or URI) with one Lance table per name, such as `<uri>/frames.lance`.
`lancedb.connect(uri)` can open it, too.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import StoreError
from animeds_db.store.checksums import is_recorded, record
from animeds_db.store.fsync import flush, short_file, stored_files, withdraw
from animeds_db.store.history import At, History, Versions
from animeds_db.store.location import (
    Location,
    check_files,
    create_database,
    read_errors,
    write_errors,
)
from animeds_db.store.manifests import is_surely_empty, newest_version
from animeds_db.store.opening import make_ready, widths_of
from animeds_db.tagtext import expect_name

if TYPE_CHECKING:
    import lance
    import lancedb
    from lancedb.table import Table

RETRIES = 50
RETRY_TIME = datetime.timedelta(minutes=2)
VECTORS = ("embedding", "vector")
"""Columns with vectors for searches, in whichever table."""
MAX_TAGS = 1_000_000
"""Maximum number of tags: more make every query slower, because it looks names up in one text (macros/tag_id.sql)."""


class Store:
    """The tables of one database. Safe to use from several threads and processes at once."""

    def __init__(
        self,
        location: Location,
        widths: tuple[int, int] | None = None,
        pinned: Versions | None = None,
    ) -> None:
        self.location = location
        """The folder or URI."""
        self.pinned = pinned
        """The table versions to read, if not the newest state. The store is then read-only."""
        self._handles: dict[str, lance.LanceDataset] = {}
        self._safe: set[str] = set()
        self._searched: dict[str, Table] = {}
        self._names = [table.name for table in schema.all_tables()]
        self._widths = widths

    @staticmethod
    def exists(uri: str) -> bool:
        """Return True if there is a database at `uri`. It may still be too new, or damaged."""
        location = Location(uri)
        location.check_way()
        return location.has_table("sources")

    @classmethod
    def create(
        cls, uri: str, embedding_width: int = schema.DEFAULT_WIDTH, vector_width: int = schema.DEFAULT_WIDTH
    ) -> Store:
        """Create an empty database for vectors of these widths.

        It appears complete or not at all. Raises StoreError if something is already there.
        """
        create_database(Location(uri), schema.all_tables(embedding_width, vector_width))
        return cls.open(uri)

    @classmethod
    def open(cls, uri: str, at: At | None = None) -> Store:
        """Open a database, or read it as it was `at` a version or time (see store.history).

        No table is opened before it is read. A newest version that a power cut left incomplete is set aside, with a
        warning. Raises StoreError if the path is not a database, or if the database is damaged or was created by a
        newer release.
        """
        location = Location(uri)
        make_ready(location)
        store = cls(location)
        return store if at is None else cls(location, pinned=store.history().resolve(at))

    @property
    def widths(self) -> tuple[int, int]:
        """Width of `frames.embedding` and of `detections.vector`."""
        if self._widths is None:
            self._widths = widths_of(self.location)
        return self._widths

    def history(self) -> History:
        """Return the history of the database."""
        return History.of(self.location, self.names())

    @property
    def uri(self) -> str:
        """The folder or URI of this database."""
        return self.location.uri

    def names(self) -> list[str]:
        """Return the names of the tables."""
        return list(self._names)

    def schema(self, name: str) -> schema.Table:
        """Return a table's key and Arrow schema, with this database's vector widths."""
        return next(table for table in schema.all_tables(*self.widths) if table.name == name)

    def table(self, name: str, version: int | None = None) -> lance.LanceDataset:
        """Return a table at a version (default: the pinned or newest one). The handle keeps reading that version.

        The last handle of each table is returned again for the same version, because it keeps what it has read of an
        index. Raises StoreError, also for a table with files outside its own folder.
        """
        last = self._handles.get(name)
        if version is not None and last is not None and last.version == version:
            return last
        at = version or (self.pinned[name] if self.pinned else None)
        found = (self.location.dataset if name in self._safe else self._checked)(name, at)
        if version is not None:  # without one, the caller may write with its handle
            self._handles[name] = found
        return found

    def _checked(self, name: str, version: int | None) -> lance.LanceDataset:
        """Return a table. Raises StoreError if it has data files outside its own folder."""
        dataset = check_files(self.location, name, version)
        self._safe.add(name)
        return dataset

    def lancedb(self) -> lancedb.DBConnection:
        """Return LanceDB's connection to this database; it always sees the newest versions."""
        return self.location.connect()

    def lancedb_table(self, name: str) -> Table:
        """Return a table as LanceDB knows it, at its newest (or pinned) version."""
        if name not in self._safe:
            self._checked(name, self.pinned[name] if self.pinned else None)
        with read_errors(self.uri):
            return self.lancedb().open_table(name, version=self.pinned[name] if self.pinned else None)

    def search_table(self, name: str) -> Table:
        """Return a table as LanceDB knows it, for searches only: its indexes stay in memory between two calls."""
        with read_errors(self.uri):
            if name not in self._searched:
                self._searched[name] = self.lancedb_table(name)
            elif not self.pinned:
                self._searched[name].checkout_latest()
        return self._searched[name]

    def version(self, name: str) -> int:
        """Return the number of a table's pinned or newest version. It grows with every commit."""
        if self.pinned:
            return self.pinned[name]
        with read_errors(self.uri):
            if self.location.path is not None:
                newest = newest_version(self.location.path / f"{name}.lance")
                if newest is not None:
                    return newest
            if name not in self._handles:
                self._handles[name] = self.table(name)
            return int(self._handles[name].latest_version)

    def versions(self) -> dict[str, int]:
        """Return the pinned or newest version of every table."""
        return self.location.of_each(self.names(), self.version)

    def is_empty(self, name: str, version: int | None = None) -> bool:
        """Return True if a table has no rows at a version (default: the pinned or newest one)."""
        version = version or self.version(name)
        folder = self.location.path
        with read_errors(self.uri):
            if (
                folder
                and not is_recorded(folder, name)
                and is_surely_empty(folder / f"{name}.lance", version)
            ):
                return True
            return not self.table(name, version).count_rows()

    def upsert(self, name: str, rows: pa.Table) -> int:
        """Insert the rows whose key is new, in one commit, and return their number.

        Safe to repeat, and while others write. Raises StoreError if the disk is full or the rows do not fit the table.
        """
        key, rows = self._fitting(name, rows)
        if not rows.num_rows:
            return 0

        def write(table: lance.LanceDataset) -> Any:
            return _merge(table, key).when_not_matched_insert_all().execute(rows)

        inserted = int(self._write(name, write)["num_inserted_rows"])
        if inserted < rows.num_rows:
            self._expect_present(name, key, rows)
        return inserted

    def replace(self, name: str, rows: pa.Table, where_source: str | None = None) -> None:
        """Replace the rows with the same keys and insert the others, in one commit.

        With `where_source`, rows of that source that are not in `rows` are deleted in the same commit.
        """
        key, rows = self._fitting(name, rows)

        def write(table: lance.LanceDataset) -> Any:
            merge = _merge(table, key).when_matched_update_all().when_not_matched_insert_all()
            if where_source is not None:
                merge = merge.when_not_matched_by_source_delete(f"source_id = {quoted(where_source)}")
            return merge.execute(rows)

        done = self._write(name, write)
        if done["num_inserted_rows"] + done["num_updated_rows"] != rows.num_rows:
            self._expect_present(name, key, rows)

    def rewrite(self, name: str, rows: pa.Table) -> None:
        """Replace a table's content with these rows, in their order, in one commit. Used for computed tables.

        If two processes do this at once, the later one wins. Raises StoreError if other writers keep winning.
        """
        _, rows = self._fitting(name, rows)
        self._write(name, lambda table: table.insert(rows, mode="overwrite"))

    def delete(self, name: str, where: str) -> None:
        """Delete the rows that match `where`, a condition in Lance's SQL."""
        self._write(name, lambda table: table.delete(where))

    def take(self, name: str, keys: Sequence[str | int], columns: Sequence[str]) -> pa.Table:
        """Return the rows with these keys, in the order of `keys`. Missing keys are skipped."""
        import pyarrow.compute as pc

        key = self.schema(name).key
        wanted = pa.array(keys, self.schema(name).schema.field(key).type)
        if not len(wanted):
            return self.schema(name).schema.empty_table().select(list(columns))
        read = list(dict.fromkeys([*columns, key]))
        with read_errors(self.uri):
            found = self.table(name).to_table(columns=read, filter=pc.field(key).isin(wanted.unique()))
        places = pc.drop_null(pc.index_in(wanted, found[key].combine_chunks()))
        return found.select(list(columns)).take(places)

    def ensure_tags(self, labels: Sequence[tuple[str, str]]) -> dict[str, int]:
        """Return the ids of these (tag, category) pairs, and add those that the vocabulary lacks.

        Ids start at 1, are never reused and never change. Safe while others write: an id is a key, so only one
        writer gets it, and if two writers add the same tag, both use the lower id.
        Raises StoreError for more than a million tags, and UsageError for a tag that is not valid.
        """
        for tag, _ in labels:
            expect_name("tag", tag)
        for _ in range(RETRIES):
            ids, highest = self._tag_ids()
            missing = {tag: category for tag, category in labels if tag not in ids}
            if not missing:
                return {tag: ids[tag] for tag, _ in labels}
            self._add_tags(missing, highest + 1)
        raise StoreError(
            f"{self.uri}: no tag ids could be reserved, because other processes kept adding tags",
            hint="run it again after they finish",
        )

    def _tag_ids(self) -> tuple[dict[str, int], int]:
        rows = self.table("vocabulary").to_table(columns=["tag_id", "tag"]).to_pylist()
        rows.sort(key=lambda row: -int(row["tag_id"]))  # the lowest id of a tag comes last, so it is kept
        return {row["tag"]: row["tag_id"] for row in rows}, rows[0]["tag_id"] if rows else 0

    def _add_tags(self, missing: dict[str, str], first: int) -> None:
        if first + len(missing) - 1 > MAX_TAGS:
            raise StoreError(
                f"{self.uri} has {first - 1:,} tags and room for {MAX_TAGS - first + 1:,} more; "
                f"{len(missing):,} new ones are needed",
                hint=_room_hint(len(missing), first - 1),
            )
        columns = [range(first, first + len(missing)), missing.keys(), missing.values()]
        self.upsert("vocabulary", pa.table([list(c) for c in columns], schema=schema.VOCABULARY.schema))

    def size_bytes(self) -> int:
        """Return the size in bytes: of all files in a folder; at a URI or if pinned, of the versions in use."""
        if self.location.path is not None and not self.pinned:
            return sum(p.stat().st_size for p in self.location.path.rglob("*") if p.is_file())
        fragments = (f for name in self.names() for f in self.table(name).get_fragments())
        return sum(file.file_size_bytes or 0 for f in fragments for file in f.metadata.files)

    def _fitting(self, name: str, rows: pa.Table) -> tuple[str, pa.Table]:
        """Return the table's key and the rows in its schema. Raises StoreError if they do not fit."""
        import pyarrow.compute as pc

        table = self.schema(name)
        try:
            rows = rows.select(table.schema.names).cast(table.schema)
        except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
            raise StoreError(f"{self.uri}: these rows do not fit the table {name}: {error}") from error
        if pc.count_distinct(rows[table.key]).as_py() != rows.num_rows:
            raise StoreError(f"{self.uri}: two of the rows for {name} have the same {table.key}")
        return table.key, _without_nan(rows)

    def _expect_present(self, name: str, key: str, rows: pa.Table) -> None:
        """Raise StoreError unless each key exists once. Lance has had merges that silently did nothing."""
        import pyarrow.compute as pc

        with read_errors(self.uri):
            n = self.table(name).count_rows(filter=pc.field(key).isin(rows[key].combine_chunks()))
        if n != rows.num_rows:
            raise StoreError(f"{self.uri}: {name} holds {n} of the {rows.num_rows} rows just written")

    def expect_writable(self) -> None:
        """Raise StoreError if the store reads an old version."""
        if self.pinned:
            raise StoreError(
                f"{self.uri} is open at the old version {sum(self.pinned.values())}, which cannot be changed",
                hint="open it without `--at` (in Python: `at=`) to write",
            )

    def _write(self, name: str, write: Callable[[lance.LanceDataset], Any]) -> Any:
        """Run one write, repeated while other writers commit first. Raises StoreError."""
        for _ in range(RETRIES - 1):
            try:
                return self.commit(name, write)
            except StoreError as error:
                if not _was_overtaken(error):
                    raise
        return self.commit(name, write)

    def commit(self, name: str, write: Callable[[lance.LanceDataset], Any]) -> Any:
        """Run one write on a table and sync its files. Raises StoreError, also if the store reads an old version."""
        self.expect_writable()
        dataset = self.table(name)
        before = stored_files(dataset)
        with write_errors(self.location.table(name)):
            result = write(dataset)
            if self.location.path is not None:
                after = self.table(name)
                new = stored_files(after) - before
                self._expect_whole(name, after, new)
                flush(self.location.path / f"{name}.lance", after.version, new)
                record(self.location.path, name, after, new)
        return result

    def _expect_whole(self, name: str, dataset: lance.LanceDataset, new: frozenset[str]) -> None:
        """Take the commit back and raise StoreError if the disk did not take all of its files."""
        assert self.location.path is not None
        folder = self.location.path / f"{name}.lance"
        short = short_file(folder, dataset, new)
        if short is None:
            return
        path, here, size = short
        what = f"{folder}: a write failed: {path} has {here} of {size} bytes"
        if path in stored_files(
            self.table(name, dataset.version - 1)
        ):  # the newest version is another writer's
            raise StoreError(
                f"{what}, and others have written since", hint="run `animeds check --repair`, then this again"
            )
        withdraw(folder, dataset.version)
        raise StoreError(
            what, hint="free some space on that disk and run it again; what was stored before is safe"
        )


def quoted(text: str) -> str:
    """Return `text` as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _room_hint(wanted: int, there: int) -> str:
    """Return the hint for a database that cannot take this many tags."""
    if wanted > MAX_TAGS:
        return (
            f"a database can have at most {MAX_TAGS:,} tags. Choose a tagger with fewer (animeds models list)"
        )
    if not there:
        return "choose a tagger with fewer tags (animeds models list)"
    return (
        "use the database's own tagger, or one with the same tags (animeds status lists its models); "
        "or ingest the episodes into another database with --db"
    )


def _merge(table: lance.LanceDataset, key: str) -> Any:
    # by a scan of the keys: that two writers insert a key only once has been tried without an index
    return table.merge_insert(key).use_index(False).retry_timeout(RETRY_TIME)


def _without_nan(rows: pa.Table) -> pa.Table:
    """Return the rows, with null in place of each vector that has a NaN: no search can compare it."""
    import pyarrow.compute as pc

    for place, field in enumerate(rows.schema):
        if field.name not in VECTORS:
            continue
        vectors = rows[field.name].combine_chunks()
        broken = pc.list_parent_indices(vectors).filter(pc.is_nan(pc.list_flatten(vectors)))
        if len(broken):
            whole = pc.invert(pc.is_in(pa.array(range(len(vectors)), pa.int64()), broken))
            rows = rows.set_column(place, field, pc.if_else(whole, vectors, None))
    return rows


def _was_overtaken(error: StoreError) -> bool:
    """Return True if a write failed only because other writers committed first."""
    return any(words in str(error.__cause__) for words in ("ommit conflict", "Too many concurrent writers"))
