"""DuckDB over a store: the views and macros of `sql/`, and one SELECT at a time.

Its one rule: a session reads. DuckDB holds no table of its own here, files are out of its reach, and
only a single statement that selects or explains is run.

Every table is pinned at one version. When a version moved, the next query sees the new one; relations
that were handed out before keep theirs.
"""

from __future__ import annotations

import atexit
import json
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from animeds_db import surface
from animeds_db.errors import QueryError, did_you_mean
from animeds_db.lanceview import LanceView
from animeds_db.query_errors import EXPLAIN, explained
from animeds_db.scripts import sql_script
from animeds_db.store import Store

ATTACHED = ("show", "season", "episode")
"""Columns of the source that its frames and detections show as their own."""
_LOCKS = (
    "SET python_enable_replacements = false",  # no variable of the caller's program is a table
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
TextVector = Callable[[str], list[float]]
Choices = dict[str, int | None]
"""Tasks for which a second model was chosen, with the width of its vectors."""
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s*ANALYZE\b)?(\s*\([^()]*\))?", re.I)
_VOCABULARY = (
    # two writers may have named one tag at once: the lower number counts
    """SET VARIABLE tag_lines = (
        SELECT coalesce(chr(10) || string_agg(format('{}{}{:05d}', tag, chr(9), tag_id), chr(10)) || chr(10), '')
        FROM (SELECT tag, min(tag_id) AS tag_id FROM lance_vocabulary WHERE tag IS NOT NULL GROUP BY tag))""",
    """SET VARIABLE tag_names = (
        SELECT coalesce(list(tag ORDER BY place), []::VARCHAR[])
        FROM range(1, (SELECT coalesce(max(tag_id), 0) + 1 FROM lance_vocabulary)) AS places(place)
        LEFT JOIN lance_vocabulary ON tag_id = place)""",
)
_RERUNS = (
    # While these are false, DuckDB folds the branches of the views that read the results of second models,
    # or people's words, away when it plans a query.
    "SET VARIABLE retagged = (SELECT count(*) > 0 FROM lance_taggings)",
    "SET VARIABLE embedded_again = (SELECT count(*) > 0 FROM lance_embeddings)",
    "SET VARIABLE chosen_tagger = (SELECT model FROM lance_choices WHERE task = 'tagger')",
    "SET VARIABLE chosen_embedder = (SELECT model FROM lance_choices WHERE task = 'image')",
    "SET VARIABLE detected_again = (SELECT count(*) > 0 FROM lance_detected)",
    "SET VARIABLE frames_labelled = (SELECT count(*) > 0 FROM lance_labels WHERE field = 'frame')",
)


class Session:
    """SQL over one store. `unfinished` also shows rows of sources whose ingest has not ended.

    `text_vector` turns words into a vector of the model that made the frames' vectors: what the macro
    `search_text` asks. A session knows no model itself.
    """

    def __init__(
        self, store: Store, *, unfinished: bool = False, text_vector: TextVector | None = None
    ) -> None:
        self._store = store
        self._unfinished = unfinished
        self._base = _closed_at_exit(_locked_database())
        self._current: duckdb.DuckDBPyConnection | None = None
        self._versions: dict[str, int] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._choices: Choices = {}
        self._made: frozenset[str] = frozenset()
        vector = text_vector or _no_text_vector
        self._base.create_function("text_vector", vector, ["VARCHAR"], "FLOAT[]", side_effects=False)

    def close(self) -> None:
        """Close the session; relations that it handed out end with it."""
        if self._current is not None:
            self._current.close()
            self._current = None
        self._base.close()

    def sql(
        self, text: str, params: Mapping[str, Any] | None = None, *, file: str | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Return one SELECT as a relation: `.pl()`, `.to_arrow_table()`, `.fetchall()` give its rows.

        Without parameters it is lazy: each of those calls runs it, on the versions of now. `params` fill
        `$name` in the text; with them it is run at once. `file` is named in errors.
        Raises QueryError with line, column and hint for SQL that cannot be run; errors which only come up
        while rows are read are DuckDB's own, and `errors()` turns them as well.
        """
        with self.errors(text, file):
            statement = self._checked(text, file)
            values = _matched(statement.named_parameters, params or {}, file)
            try:
                return _relation(self._connection(text, *_texts(values)), statement.query, values)
            except duckdb.Error as error:
                raise self._placed(error, statement, text, values, file) from error

    def arrow(
        self, text: str, params: Mapping[str, Any] | None = None, *, file: str | None = None
    ) -> pa.Table:
        """Run one SELECT and return its rows. Raises QueryError also for what fails while rows are read."""
        with self.errors(text, file):
            return self.sql(text, params, file=file).to_arrow_table()

    def step(
        self, script: str, tables: Mapping[str, pa.Table], params: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """Run a script of ours over the views and over rows of the caller, and return its rows.

        `tables` gives those rows by the names under which the script knows them. Raises QueryError.
        """
        with self.errors(script):
            connection = self._connection(script, *_texts(params or {}))
            for name, table in tables.items():
                connection.register(name, table)
            try:
                relation = _relation(connection, script, dict(params or {}))
                return relation.to_arrow_table()
            finally:
                for name in tables:
                    connection.unregister(name)

    def _placed(
        self, error: duckdb.Error, statement: Any, text: str, values: dict[str, Any], file: str | None
    ) -> QueryError:
        """Return the error with its place in the text, which DuckDB forgets when it makes a relation."""
        if statement.type != duckdb.StatementType.EXPLAIN:
            cursor = self._pinned()
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
        return list(surface.view_names())

    def _checked(self, text: str, file: str | None) -> Any:
        """Return the text's only statement. Raises QueryError unless it is one, and only reads."""
        statements = self._base.extract_statements(text) if text.strip() else []
        if len(statements) != 1:
            what = "no statement" if not statements else f"{len(statements)} statements"
            raise QueryError(f"{what} where one SELECT is expected", hint="SELECT … FROM frames", file=file)
        statement = statements[0]
        if not self._reads(statement):
            raise QueryError(
                f"a session only reads: this is {_spoken(statement.type)}, not a SELECT",
                hint="CREATE, INSERT, COPY, SET, PRAGMA and the like are not possible here; "
                "`PIVOT …` is: SELECT * FROM (PIVOT … ON x IN (…) USING …)",
                file=file,
            )
        return statement

    def _reads(self, statement: Any) -> bool:
        """Tell whether this is a SELECT, or an EXPLAIN of one: EXPLAIN ANALYZE runs what it explains."""
        if statement.type == duckdb.StatementType.EXPLAIN:
            return any(self._is_one_reading(rest) for rest in _explained_parts(statement.query))
        return statement.type == duckdb.StatementType.SELECT and not self._writes(statement.query)

    def _is_one_reading(self, text: str) -> bool:
        try:
            statements = self._base.extract_statements(text) if text.strip(" ;") else []
        except duckdb.ParserException:
            return False
        return len(statements) == 1 and (
            statements[0].type == duckdb.StatementType.SELECT and not self._writes(statements[0].query)
        )

    def _writes(self, query: str) -> bool:
        """Tell whether a WITH hides a DELETE, INSERT, UPDATE, MERGE or COPY: to DuckDB that is a SELECT."""
        row = self._base.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()[0]
        tree = json.loads(row[0])
        return bool(tree["error"]) or any(kind.endswith("_QUERY_NODE") for kind in _types(tree))

    def _connection(self, *texts: str) -> duckdb.DuckDBPyConnection:
        """Return the connection on which the newest versions are registered, and what the texts speak of is made."""
        versions = {name: self._store.version(name) for name in self._store.names()}
        if self._current is None or versions != self._versions or _is_busy(self._current):
            self._current = self._pinned()
            self._versions = versions
        self._make(self._current, surface.spoken_of(texts))
        return self._current

    def _pinned(self) -> duckdb.DuckDBPyConnection:
        """Register one version of every table on a new connection.

        `sources` is read before and after the others: it says which rows may be seen.
        """
        sources = self._store.table("sources")
        while True:
            tables = {name: self._store.table(name) for name in self._store.names()} | {"sources": sources}
            again = self._store.table("sources")
            if again.version == sources.version:
                break
            sources = again
        connection = _closed_at_exit(self._base.cursor())
        attached, hidden = self._of_sources(sources)
        for name, table in tables.items():
            has_source = "source_id" in table.schema.names
            view = LanceView(
                table,
                hidden=hidden if has_source else (),
                attached=attached if has_source and name != "sources" else None,
            )
            connection.register(f"lance_{name}", view)
        for statement in (*_VOCABULARY, *_RERUNS):
            connection.execute(statement)
        schemas = {name: table.schema for name, table in tables.items()}
        self._renew(connection, schemas, _choices(tables) | _corrections(tables))
        return connection

    def _of_sources(self, sources: Any) -> tuple[pa.Table, list[str]]:
        """Return the attached columns per source, and the ids of sources that are hidden."""
        rows = sources.to_table(columns=["source_id", *ATTACHED, "state"])
        hidden = [
            source
            for source, state in zip(rows["source_id"].to_pylist(), rows["state"].to_pylist(), strict=True)
            if state != "done" and not self._unfinished
        ]
        return rows.drop_columns(["state"]).combine_chunks(), hidden

    def _make(self, connection: duckdb.DuckDBPyConnection, names: frozenset[str]) -> None:
        """Create views and macros that are not there yet."""
        if names - self._made:
            surface.create(connection, names, _stand_ins(self._schemas["frames"], self._choices))
            self._made |= names

    def _renew(
        self, connection: duckdb.DuckDBPyConnection, schemas: dict[str, pa.Schema], choices: Choices
    ) -> None:
        """Create again what is there when columns, or the models that count, are others now."""
        if (schemas, choices) != (self._schemas, self._choices):
            self._schemas, self._choices = schemas, choices
            surface.create(connection, self._made, _stand_ins(schemas["frames"], choices))


def _texts(values: Mapping[str, Any]) -> list[str]:
    """Return the parameters that are words: they may name a view."""
    return [value for value in values.values() if isinstance(value, str)]


def _choices(tables: Mapping[str, Any]) -> Choices:
    """Return the tasks for which a model other than that of the ingest counts, and the width of its vectors."""
    chosen = tables["choices"].to_table().to_pylist()
    if not chosen:
        return {}
    models = tables["models"].to_table(columns=["model_id", "width"])
    widths = dict(zip(models["model_id"].to_pylist(), models["width"].to_pylist(), strict=True))
    return {row["task"]: widths.get(row["model"]) for row in chosen}


def _corrections(tables: Mapping[str, Any]) -> Choices:
    """Return what was corrected by people, or named: "tags", "characters"; in the form of choices."""
    corrected: Choices = {}
    if tables["labels"].count_rows("field = 'tag'"):
        corrected["tags"] = None
    if tables["identities"].count_rows() or tables["labels"].count_rows("kind IS NOT NULL"):
        corrected["characters"] = None
    return corrected


def _stand_ins(frames: pa.Schema, choices: Choices) -> dict[str, str]:
    """Return views and what stands in for them where a second model was chosen, or people corrected: joins,
    so only there."""
    views = {"tagger": "model_frames.sql", "tags": "tagged_frames.sql", "characters": "named_detections.sql"}
    instead = {
        sql_script("views", name): sql_script("steps", name) for key, name in views.items() if key in choices
    }
    if width := choices.get("image"):
        ingested = "ingested.embedding" if frames.field("embedding").type.list_size == width else "NULL"
        script = sql_script("steps", "embedded_frames.sql").format(width=width, ingested=ingested)
        instead[sql_script("views", "embedded_frames.sql")] = script
    return instead


def _no_text_vector(_words: str) -> list[float]:
    raise QueryError("this session has no model for text", hint="open the database with animeds_db.open()")


def _closed_at_exit(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Remember a connection until it goes; relations may outlive their session."""
    _OPEN.add(connection)
    return connection


@atexit.register
def _close_all() -> None:
    """Close what is open when Python ends, about which DuckDB's binding would complain on stderr."""
    for connection in list(_OPEN):
        connection.close()


def _locked_database() -> duckdb.DuckDBPyConnection:
    base = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    for setting in _LOCKS:
        base.execute(setting)
    return base


def _is_busy(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether somebody is still reading rows of an earlier query: a connection does one thing at a time."""
    try:
        connection.execute("SELECT 1").fetchall()
    except duckdb.ResourceInUseException:
        return True
    return False


def _relation(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]
) -> duckdb.DuckDBPyRelation:
    query = _without_semicolon(query)
    relation = connection.sql(query, params=values) if values else connection.sql(query)
    assert relation is not None  # only a statement without rows gives None
    return relation


def _without_semicolon(query: str) -> str:
    """Return one statement without its `;`: DuckDB puts a relation's text into brackets to build upon it."""
    text = query.encode()
    for place, kind in duckdb.tokenize(query):  # places count bytes
        if kind == duckdb.token_type.operator and text[place : place + 1] == b";":
            text = text[:place] + b" " + text[place + 1 :]
    return text.decode()


def _matched(names: set[str], params: Mapping[str, Any], file: str | None) -> dict[str, Any]:
    """Return the parameters. Raises QueryError when one is missing or has no place in the query."""
    for name in params:
        if name not in names:
            raise QueryError(
                f"this query has no parameter ${name}", hint=did_you_mean(name, names), file=file
            )
    missing = sorted(names - set(params))
    if missing:
        raise QueryError(
            f"no value for {', '.join('$' + name for name in missing)}",
            hint=" ".join(f"-p {name}=…" for name in missing),
            file=file,
        )
    return dict(params)


def _explained_parts(query: str) -> list[str]:
    """Return what may stand behind `EXPLAIN [ANALYZE] [(options)]`, without options and with them."""
    found = _EXPLAIN.match(query)
    if not found:  # a comment in between, for example: refused
        return []
    return [query[found.end() :], query[found.end() - len(found[2] or "") :]]


def _types(node: Any) -> Iterator[str]:
    """Yield every `type` in a serialised statement."""
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node["type"]
        for value in node.values():
            yield from _types(value)
    elif isinstance(node, list):
        for value in node:
            yield from _types(value)


def _spoken(kind: Any) -> str:
    name = str(kind).rsplit(".", 1)[-1].replace("_", " ")
    return "one that writes" if name == "SELECT" else name
