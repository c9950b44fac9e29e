"""DuckDB over a store: the views and macros of `sql/`, and one SELECT at a time.

A session only reads. DuckDB has no tables of its own, cannot read files, and runs only a single SELECT or EXPLAIN.

Every table is pinned at one version. The next query after a change uses the new version; relations that were returned
earlier keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from animeds_db.errors import QueryError
from animeds_db.session import catalog
from animeds_db.session.given import registered, sorted_ids
from animeds_db.session.messages import EXPLAIN, explained
from animeds_db.session.pinned import Choices, Pinned
from animeds_db.session.running import arrow_errors, cut, is_busy, relation_of, roll_back, rows_of
from animeds_db.session.sandbox import Bounds, closed_at_exit, locked_database
from animeds_db.session.scans.kept_lists import KeptLists
from animeds_db.session.scans.only import Only
from animeds_db.session.statements import (
    checked,
    matched,
    with_conditions,
)
from animeds_db.store import Store
from animeds_db.store.location import read_errors

if TYPE_CHECKING:
    import lance

BATCH = 8192
"""Number of rows per batch of a stream."""
MANY = 10_000
"""From this many of the caller's rows on, a step is planned twice, which takes less than a copy of its result."""
PART = 16_384
"""Number of the caller's rows per part of a script that runs in parts. DuckDB plans the script again for each part."""
MOST_KNOWN = 256
"""Maximum number of results of `Session.once` that are kept."""
T = TypeVar("T")
TextVector = Callable[[str], list[float]]
SaidFrames = Callable[[str], list[dict[str, Any]]]
SAID_FRAMES = "STRUCT(frame_id VARCHAR, line_id VARCHAR, away_s DOUBLE, score DOUBLE)[]"
"""DuckDB's type of the frames on which words are said."""


class Session:
    """SQL over one store. `unfinished` includes sources whose ingest has not finished.

    `text_vector` converts text to a vector of the model that made the frames' vectors, for the macro `search_text`.
    `said_frames` returns the frames on which words are said, for the macro `search_said`.
    """

    def __init__(
        self,
        store: Store,
        *,
        unfinished: bool = False,
        text_vector: TextVector | None = None,
        said_frames: SaidFrames | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._store = store
        self.unfinished = unfinished
        self._base = locked_database(bounds)
        self._current: Pinned | None = None
        self._schemas: dict[str, pa.Schema] = {}
        self._choices: Choices = {}
        self._made: set[str] = set()
        self._only = Only()
        self._lists = KeptLists(0) if bounds else KeptLists()  # each worker of the service would keep its own
        self._held = False
        vector = text_vector or _no_text_vector
        self._base.create_function("text_vector", vector, ["VARCHAR"], "FLOAT[]", side_effects=False)
        said = said_frames or _no_said_frames
        self._base.create_function("said_frames", said, ["VARCHAR"], SAID_FRAMES, side_effects=False)

    def close(self) -> None:
        """Close the session. Its relations cannot be read afterwards."""
        if self._current is not None:
            self._current.connection.close()
            self._current = None
        self._base.close()

    def sql(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        *,
        file: str | None = None,
        tables: Mapping[str, pa.Table] | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Return one SELECT as a relation: `.pl()`, `.to_arrow_table()`, `.fetchall()` return its rows.

        Without parameters it is lazy: each of these calls runs it on the current versions. `params` replace `$name` in
        the text, and `tables` are the caller's rows by name; with either it runs at once. `file` is named in errors.
        Raises QueryError with line, column and hint for SQL that cannot be run. Errors while rows are read are
        DuckDB's own; `errors()` converts them as well.
        """
        text, params = with_conditions(text, params or {})
        with self.errors(text, file):
            statement = checked(self._base, text, file)
            values = matched(statement.named_parameters, params, file)
            connection = self._connection(text, *_texts(values))
            try:
                with registered(connection, tables or {}):
                    relation = relation_of(connection, statement.query, values)
                    return connection.from_arrow(relation.to_arrow_table()) if tables else relation
            except duckdb.Error as error:
                raise self._placed(error, statement, text, values, file, tables) from error

    def arrow(
        self, text: str, params: Mapping[str, Any] | None = None, *, file: str | None = None
    ) -> pa.Table:
        """Run one SELECT and return its rows. Raises QueryError, also for errors while rows are read."""
        with self.errors(text, file):
            return self.sql(text, params, file=file).to_arrow_table()

    @contextmanager
    def reading(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        offset: int = 0,
        file: str | None = None,
    ) -> Iterator[pa.RecordBatchReader]:
        """Yield the rows of an untrusted SELECT as a stream, in a read-only transaction that is rolled back.

        `limit`, `offset`: return only these rows. Another thread can stop it with `interrupt`. Raises QueryError.
        """
        text, params = with_conditions(text, params or {})
        with self.errors(text, file), arrow_errors():
            statement = checked(self._base, text, file)
            values = matched(statement.named_parameters, params, file)
            connection = self._connection(text, *_texts(values))
            try:
                connection.execute("BEGIN TRANSACTION READ ONLY")
                try:
                    relation = relation_of(connection, cut(statement, values, limit, offset), {})
                except duckdb.Error as error:
                    raise self._placed(error, statement, text, values, file) from error
                with relation.to_arrow_reader(BATCH) as reader:
                    yield reader
            finally:
                connection.abort()  # a reader that stopped early leaves a result open
                roll_back(connection)

    def interrupt(self) -> None:
        """Stop the running query, if any, from another thread. It raises QueryError there."""
        if self._current is not None:
            self._current.connection.interrupt()

    def step(
        self, script: str, tables: Mapping[str, pa.Table], params: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run one of our scripts over the views and the caller's rows, and return its rows.

        `tables` has the caller's rows by the names that the script uses. Raises QueryError.
        """
        with self.errors(script):
            connection = self._connection(script, *_texts(params or {}))
            with registered(connection, tables):
                if sum(map(len, tables.values())) < MANY:
                    return rows_of(connection, script, dict(params or {}))
                return relation_of(connection, script, dict(params or {})).to_arrow_table()

    def of_frames(
        self,
        script: str,
        frames: Sequence[str] | pa.Array,
        tables: Mapping[str, pa.Table] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> pa.Table:
        """Run one of our scripts as if the tables had only the rows of these frames, and return its rows.

        This is much faster than a condition in the script. `tables`, `params`: as for `step`. Nothing else may be read
        from this session in the meantime. Where the rows of many frames are is remembered while the frames are equal.
        """
        return self._only_of(Only.of(frames), script, tables, params)

    def of_rows(self, script: str, rows: Sequence[int], params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one of our scripts as if the tables had only the rows of the frames at these addresses.

        `rows`: addresses in the table of frames, as `table` returns it (see store.vector_files), of sources that this
        session shows. This takes half as long as `of_frames`.
        """
        with self.held():
            return self._only_of(Only(cache(partial(self._ids, rows)), rows), script, None, params)

    def _ids(self, rows: Sequence[int]) -> list[str]:
        """Return the ids of the frames at these addresses."""
        condition = f"_rowaddr IN ({', '.join(map(str, rows)) or 'NULL'})"
        ids: list[str] = (
            self.table("frames").to_table(columns=["frame_id"], filter=condition)["frame_id"].to_pylist()
        )
        return ids

    def _only_of(
        self,
        only: Only,
        script: str,
        tables: Mapping[str, pa.Table] | None,
        params: Mapping[str, Any] | None,
    ) -> pa.Table:
        with self.errors(script):
            connection = self._connection(script, *_texts(params or {}))
            self._only.show(only)
            try:
                with registered(connection, tables or {}):
                    return rows_of(connection, script, dict(params or {}))
            finally:
                self._only.show(Only())

    def table(self, name: str) -> lance.LanceDataset:
        """Return a Lance table at the version that queries read now."""
        self._connection()
        assert self._current is not None
        return self._current.table(name)

    def in_parts(
        self, script: str, name: str, rows: pa.Table, tables: Mapping[str, pa.Table] | None = None
    ) -> Generator[pa.Table]:
        """Run one of our scripts for some of the caller's rows after the others, and yield the rows of each time.

        name: what the script calls `rows`, which have a frame_id. Each time, the tables have only the rows of the
        frames of that part, as for `of_frames`. It needs the memory of one part. DuckDB plans the script again for
        each part, because the views read variables.
        """
        from animeds_db.session.part import Part

        part, among = Part(rows.schema), sorted_ids(rows)

        def parts() -> Iterator[Only]:
            for first in range(0, rows.num_rows, PART):
                part.rows = rows.slice(first, PART)
                yield Only.of(sorted_ids(part.rows), among)

        with self.errors(script):
            connection = self._connection(script)
            with registered(connection, {name: part, **(tables or {})}):
                yield from self._each(connection, script, parts())

    def by_source(self, script: str, groups: Iterable[Sequence[str]]) -> Generator[pa.Table]:
        """Run one of our scripts for one group of sources after the other, and yield the rows of each time.

        Each time, the tables with frames, boxes and their names have only the rows of these sources. A group is read
        when its rows are asked for.
        """
        with self.errors(script):
            connection = self._connection(script)
            yield from self._each(connection, script, (Only(sources=sources) for sources in groups))

    def _each(
        self, connection: duckdb.DuckDBPyConnection, script: str, parts: Iterable[Only]
    ) -> Generator[pa.Table]:
        """Yield the rows of a script while the tables have only the rows of each of these parts.

        It is not prepared: DuckDB plans a prepared statement again each time it runs, besides the first time.
        """
        for only in parts:
            self._only.show(only)
            try:
                found = rows_of(connection, script, {})
            finally:  # before the caller goes on, who may ask other things or give up
                self._only.show(Only())
            yield found

    def relation(self, rows: pa.Table) -> duckdb.DuckDBPyRelation:
        """Return rows as a relation, without planning a query."""
        return self._connection().from_arrow(rows)

    def once(self, key: str, compute: Callable[[], T]) -> T:
        """Return what `compute` returned when it was first called for the current versions of the tables."""
        self._connection()
        assert self._current is not None
        known = self._current.known
        if key not in known:
            value = compute()
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[key] = value
        found: T = known[key]
        return found

    def _placed(
        self,
        error: duckdb.Error,
        statement: Any,
        text: str,
        values: dict[str, Any],
        file: str | None,
        tables: Mapping[str, pa.Table] | None = None,
    ) -> QueryError:
        """Return the error with its position in the text, which DuckDB loses when it makes a relation."""
        if statement.type != duckdb.StatementType.EXPLAIN:
            cursor = self._prepared(self._pin(), (text, *_texts(values)))
            try:
                with registered(cursor, tables or {}):
                    cursor.execute(f"{EXPLAIN}{text}", values or None)
            except duckdb.Error as again:
                return explained(again, text, file, self.views(), moved=1)
            finally:
                cursor.close()
        return explained(error, text, file, self.views())

    @contextmanager
    def errors(self, text: str = "", file: str | None = None) -> Iterator[None]:
        """Turn DuckDB's errors into QueryError while the rows of a relation are read."""
        try:
            yield
        except duckdb.Error as error:
            raise explained(error, text, file, self.views()) from error

    def views(self) -> list[str]:
        """Return the names of the views."""
        return list(catalog.view_names())

    def _connection(self, *texts: str) -> duckdb.DuckDBPyConnection:
        """Return a connection with the newest versions of the tables, and with the views and macros in these
        texts."""
        if self._current is None or not (self._held or self._is_current(self._current)):
            with read_errors(self._store.uri), self.errors():
                self._current = self._pin()
        with read_errors(self._store.uri), self.errors():
            return self._prepared(self._current, texts)

    def _is_current(self, pinned: Pinned) -> bool:
        return self._store.versions() == pinned.versions and not is_busy(pinned.connection)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read the same versions of the tables in all queries of a block, and look for newer ones only before it.

        Rows must not be left unread in the block. To look for newer versions takes a millisecond each time.
        """
        self._connection()
        before, self._held = self._held, True
        try:
            yield
        finally:
            self._held = before

    @property
    def versions(self) -> dict[str, int]:
        """The table versions that the last query read."""
        return dict(self._current.versions) if self._current is not None else {}

    def _pin(self) -> Pinned:
        """Return the newest versions of the tables on a new connection."""
        cursor = closed_at_exit(self._base.cursor())
        return Pinned(self._store, cursor, self._only, self._lists, unfinished=self.unfinished)

    def _prepared(self, pinned: Pinned, texts: Sequence[str]) -> duckdb.DuckDBPyConnection:
        """Return the connection with the tables, variables, views and macros that these texts read."""
        names = catalog.mentioned_in(texts)
        instead: dict[str, str] = {}
        if names:
            if pinned.choices != self._choices:
                self._choices = pinned.choices
                self._made.clear()
            frames = pinned.table("frames").schema if "image" in self._choices else None
            instead = catalog.stand_ins(frames, self._choices)
        views = [] if catalog.are_all(names) else catalog.label_views(names, instead)
        without = set() if not views or pinned.has_labels else set(views)
        scripts = catalog.scripts_for(names, instead, without)
        schemas = pinned.register([*texts, *scripts])
        if any(self._schemas.get(name, schema) != schema for name, schema in schemas.items()):
            self._made.clear()
        self._schemas |= schemas
        if catalog.are_all(names):  # tables beside the views would be listed twice
            catalog.drop_kept(pinned)
            catalog.create(pinned.connection, names, instead, self._made)
        else:
            catalog.keep(pinned, views, instead, self._made)
            catalog.create(pinned.connection, names, instead, self._made, pinned.kept)
        return pinned.connection


def _texts(values: Mapping[str, Any]) -> list[str]:
    """Return the text parameters, which can contain the name of a view."""
    return [value for value in values.values() if isinstance(value, str)]


def _no_text_vector(_words: str) -> list[float]:
    raise QueryError("This session has no text model.", hint="open the database with animeds_db.open()")


def _no_said_frames(_words: str) -> list[dict[str, Any]]:
    raise QueryError("This session cannot search subtitles.", hint="open the database with animeds_db.open()")
