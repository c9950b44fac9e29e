"""DuckDB over a store: the views and macros of `sql/`, and one SELECT at a time.

A session only reads. DuckDB has no tables of its own, cannot read files, and runs only a single SELECT or EXPLAIN.

Every table is pinned at one version. The next query after a change uses the new version; relations that were returned
earlier keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from animeds_db.errors import QueryError
from animeds_db.schema import Table
from animeds_db.session import catalog
from animeds_db.session.given import registered
from animeds_db.session.lance_view import LanceView, Only
from animeds_db.session.messages import EXPLAIN, explained
from animeds_db.session.sandbox import Bounds, closed_at_exit, locked_database
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.session.statements import (
    checked,
    filled,
    matched,
    with_conditions,
    without_semicolon,
)
from animeds_db.store import Store
from animeds_db.store.location import read_errors
from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

ATTACHED = ("show", "season", "episode")
"""Columns of a source that its frames and detections also have. `show` is also available as show_name, because `show`
is an SQL keyword."""
BATCH = 8192
"""Number of rows per batch of a stream."""
TextVector = Callable[[str], list[float]]
Choices = dict[str, int | None]
"""Tasks for which another model was chosen, with the width of its vectors."""
VOCABULARY = (
    # two writers may have added the same tag at once: the lower number is used
    """SET VARIABLE tag_lines = (
        SELECT coalesce(chr(10) || string_agg(format('{}{}{:05d}', tag, chr(9), tag_id), chr(10)) || chr(10), '')
        FROM (SELECT tag, min(tag_id) AS tag_id FROM lance_vocabulary
            WHERE NOT regexp_matches(tag, '[\\x00-\\x1f]') -- a stranger's tag must not read as two lines
            GROUP BY tag))""",
    """SET VARIABLE tag_names = (
        SELECT coalesce(list(tag ORDER BY place), []::VARCHAR[])
        FROM range(1, (SELECT coalesce(max(tag_id), 0) + 1 FROM lance_vocabulary)) AS places(place)
        LEFT JOIN lance_vocabulary ON tag_id = place)""",
    """SET VARIABLE tag_categories = (
        SELECT coalesce(list(category ORDER BY place), []::VARCHAR[])
        FROM range(1, (SELECT coalesce(max(tag_id), 0) + 1 FROM lance_vocabulary)) AS places(place)
        LEFT JOIN lance_vocabulary ON tag_id = place)""",
)


class Session:
    """SQL over one store. `unfinished` includes sources whose ingest has not finished.

    `text_vector` converts text to a vector of the model that made the frames' vectors, for the macro `search_text`.
    """

    def __init__(
        self,
        store: Store,
        *,
        unfinished: bool = False,
        text_vector: TextVector | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._store = store
        self.unfinished = unfinished
        self._base = locked_database(bounds)
        self._current: duckdb.DuckDBPyConnection | None = None
        self._versions: dict[str, int] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._choices: Choices = {}
        self._asked: frozenset[str] = frozenset()
        self._made: set[str] = set()
        self._kept: set[str] = set()
        self._only = Only()
        vector = text_vector or _no_text_vector
        self._base.create_function("text_vector", vector, ["VARCHAR"], "FLOAT[]", side_effects=False)

    def close(self) -> None:
        """Close the session. Its relations cannot be read afterwards."""
        if self._current is not None:
            self._current.close()
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
                    relation = _relation(connection, statement.query, values)
                    return connection.from_arrow(relation.to_arrow_table()) if tables else relation
            except duckdb.Error as error:
                raise self._placed(error, statement, text, values, file) from error

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
        with self.errors(text, file), _arrow_errors():
            statement = checked(self._base, text, file)
            values = matched(statement.named_parameters, params, file)
            connection = self._connection(text, *_texts(values))
            connection.execute("BEGIN TRANSACTION READ ONLY")
            try:
                try:
                    relation = _relation(connection, _cut(statement, values, limit, offset), {})
                except duckdb.Error as error:
                    raise self._placed(error, statement, text, values, file) from error
                with relation.to_arrow_reader(BATCH) as reader:
                    yield reader
            finally:
                connection.abort()  # a reader that stopped early leaves a result open
                connection.execute("ROLLBACK")

    def interrupt(self) -> None:
        """Stop the running query, if any, from another thread. It raises QueryError there."""
        if self._current is not None:
            self._current.interrupt()

    def step(
        self, script: str, tables: Mapping[str, pa.Table], params: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run one of our scripts over the views and the caller's rows, and return its rows.

        `tables` has the caller's rows by the names that the script uses. Raises QueryError.
        """
        with self.errors(script):
            connection = self._connection(script, *_texts(params or {}))
            with registered(connection, tables):
                return _relation(connection, script, dict(params or {})).to_arrow_table()

    def of_frames(self, script: str, frames: Sequence[str]) -> pa.Table:
        """Run one of our scripts as if the tables had only the rows of these frames, and return its rows.

        This is much faster than a condition in the script. Nothing else may be read from this session in the
        meantime.
        """
        with self.errors(script):
            connection = self._connection(script)
            self._only.frames = frames
            try:
                return _relation(connection, script, {}).to_arrow_table()
            finally:
                self._only.frames = None

    def _placed(
        self, error: duckdb.Error, statement: Any, text: str, values: dict[str, Any], file: str | None
    ) -> QueryError:
        """Return the error with its position in the text, which DuckDB loses when it makes a relation."""
        if statement.type != duckdb.StatementType.EXPLAIN:
            cursor, _ = self._pinned()
            try:
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
        versions = self._store.location.of_each(self._store.names(), self._store.version)
        if self._current is None or versions != self._versions or _is_busy(self._current):
            with read_errors(self._store.uri), self.errors():
                self._current, self._versions = self._pinned()
            self._kept = set()
        self._make(self._current, catalog.mentioned_in(texts))
        return self._current

    @property
    def versions(self) -> dict[str, int]:
        """The table versions that the last query read."""
        return dict(self._versions)

    def _pinned(self) -> tuple[duckdb.DuckDBPyConnection, dict[str, int]]:
        """Register one version of every table on a new connection; return the connection and the versions.

        `sources` is read before and after the others, because it decides which rows are visible.
        """
        sources = self._store.table("sources")
        while True:
            tables = self._store.location.of_each(self._store.names(), self._store.table) | {
                "sources": sources
            }
            again = self._store.table("sources")
            if again.version == sources.version:
                break
            sources = again
        connection = closed_at_exit(self._base.cursor())
        attached, hidden = self._of_sources(sources)
        for name, table in tables.items():
            has_source = "source_id" in table.schema.names
            wanted = self._store.schema(name) if self._store.pinned else None
            view = LanceView(
                table,
                hidden=hidden if has_source else (),
                attached=attached if has_source and name != "sources" else None,
                wanted=wanted.schema if wanted else None,
                only=self._only,
                sure=SureTags.of(tables["models"], tables["vocabulary"], wanted)
                if wanted and _is_older(table, wanted)
                else None,
            )
            connection.register(f"lance_{name}", view)
        for statement in VOCABULARY:
            connection.execute(statement)
        for variable, value in _again(tables).items():
            connection.execute(f"SET VARIABLE {variable} = $1", [value])
        schemas = {name: table.schema for name, table in tables.items()}
        self._renew(connection, schemas, _choices(tables) | _corrections(tables))
        return connection, {name: int(table.version) for name, table in tables.items()}

    def _of_sources(self, sources: Any) -> tuple[pa.Table, list[str]]:
        """Return the attached columns per source, and the ids of sources that are hidden."""
        rows = sources.to_table(columns=["source_id", *ATTACHED, "state"])
        hidden = [
            source
            for source, state in zip(rows["source_id"].to_pylist(), rows["state"].to_pylist(), strict=True)
            if state != "done" and not self.unfinished
        ]
        shows = rows["show"]
        return rows.drop_columns(["state"]).append_column("show_name", shows).combine_chunks(), hidden

    def _make(self, connection: duckdb.DuckDBPyConnection, names: frozenset[str]) -> None:
        """Create missing views and macros."""
        instead = stand_ins(self._schemas["frames"], self._choices)
        catalog.keep(connection, names, instead, self._made, self._kept)
        if names - self._asked:
            catalog.create(connection, names, instead, self._made)
            self._asked |= names

    def _renew(
        self, connection: duckdb.DuckDBPyConnection, schemas: dict[str, pa.Schema], choices: Choices
    ) -> None:
        """Create the views and macros again if columns or the models in use have changed."""
        if (schemas, choices) != (self._schemas, self._choices):
            self._schemas, self._choices = schemas, choices
            self._made.clear()
            catalog.create(connection, self._asked, stand_ins(schemas["frames"], choices), self._made)


def _is_older(table: Any, wanted: Table) -> bool:
    """Return True if a table does not have the columns of sure tags."""
    return SURE_COLUMNS[0] in wanted.schema.names and SURE_COLUMNS[0] not in table.schema.names


def _texts(values: Mapping[str, Any]) -> list[str]:
    """Return the text parameters, which can contain the name of a view."""
    return [value for value in values.values() if isinstance(value, str)]


def _choices(tables: Mapping[str, Any]) -> Choices:
    """Return the tasks for which a model other than that of the ingest is used, and the width of its vectors."""
    chosen = tables["choices"].to_table().to_pylist()
    if not chosen:
        return {}
    models = tables["models"].to_table(columns=["model_id", "width"])
    widths = dict(zip(models["model_id"].to_pylist(), models["width"].to_pylist(), strict=True))
    return {row["task"]: widths.get(row["model"]) for row in chosen}


def _again(tables: Mapping[str, Any]) -> dict[str, bool | str]:
    """Return the variables that tell the views about results of further models, and about labels.

    While these are false or missing, DuckDB removes the branches that use them when it plans a query.
    """
    chosen = {row["task"]: row["model"] for row in tables["choices"].to_table().to_pylist()}
    models = {"chosen_tagger": chosen.get("tagger"), "chosen_embedder": chosen.get("image")}
    return {
        "retagged": tables["taggings"].count_rows() > 0,
        "boxes_tagged": tables["box_tags"].count_rows() > 0,
        "embedded_again": tables["embeddings"].count_rows() > 0,
        "detected_again": tables["detected"].count_rows() > 0,
        "frames_labelled": tables["labels"].count_rows("field = 'frame'") > 0,
        "tags_labelled": tables["labels"].count_rows("field = 'tag'") > 0,
        **{variable: model for variable, model in models.items() if model is not None},
    }


def _corrections(tables: Mapping[str, Any]) -> Choices:
    """Return which of "tags" and "characters" have labels or names, in the form of choices."""
    corrected: Choices = {}
    if tables["labels"].count_rows("field = 'tag'"):
        corrected["tags"] = None
    if tables["identities"].count_rows() or tables["labels"].count_rows("kind IS NOT NULL"):
        corrected["characters"] = None
    return corrected


def stand_ins(frames: pa.Schema, choices: Choices) -> dict[str, str]:
    """Return replacements for views if another model was chosen or people made corrections.

    They need joins, so they are used only then.
    """
    views = {
        "tagger": "model_frames.sql",
        "tags": "tagged_frames.sql",
        "characters": "identified_detections.sql",
    }
    instead = {
        sql_script("layers", name): sql_script("layers/chosen", name)
        for key, name in views.items()
        if key in choices
    }
    if width := choices.get("image"):
        ingested = "ingested.embedding" if frames.field("embedding").type.list_size == width else "NULL"
        script = sql_script("layers/chosen", "embedded_frames.sql")
        instead[sql_script("layers", "embedded_frames.sql")] = with_texts(
            script, width=width, ingested=ingested
        )
    return instead


def _no_text_vector(_words: str) -> list[float]:
    raise QueryError("This session has no text model.", hint="open the database with animeds_db.open()")


def _is_busy(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return True if rows of an earlier query are still being read: a connection runs one query at a time."""
    try:
        connection.execute("SELECT 1").fetchall()
    except duckdb.ResourceInUseException:
        return True
    return False


@contextmanager
def _arrow_errors() -> Iterator[None]:
    """Convert Arrow errors while DuckDB's rows are read back to DuckDB errors."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise duckdb.Error(str(error)) from error


def _cut(statement: Any, values: dict[str, Any], limit: int | None, offset: int) -> str:
    """Return the statement with its values and a LIMIT around it, so that DuckDB can stop early."""
    query = filled(without_semicolon(statement.query), values)
    if statement.type == duckdb.StatementType.EXPLAIN or (limit is None and not offset):
        return query
    return f"SELECT * FROM (\n{query}\n) LIMIT {'ALL' if limit is None else limit} OFFSET {offset}"


def _relation(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]
) -> duckdb.DuckDBPyRelation:
    query = without_semicolon(query)
    relation = connection.sql(query, params=values) if values else connection.sql(query)
    assert relation is not None  # only a statement without rows gives None
    return relation
