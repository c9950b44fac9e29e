"""The files of sql/ over rows that a test writes down: plain tables of DuckDB, no store.

Every table of the schema is there, empty unless rows are given; a column that a row lacks is NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from animeds_db import schema
from animeds_db.session import catalog, pinned, session
from animeds_db.session.label_views import LABEL_VIEWS
from animeds_db.session.scans.tag_names import KIND, NAMES, NUMBERS, TagNames
from animeds_db.session.scripts import sql_script, with_texts

SQL = Path(__file__).parents[2] / "sql"
WIDTH = 4
SOURCE = "aaaaaaaa"
Rows = Iterable[Mapping[str, Any]]
Answer = list[tuple[Any, ...]]
_TABLES = {table.name: table for table in schema.all_tables(WIDTH, WIDTH)}


def table(name: str, rows: Rows) -> pa.Table:
    """Return rows of a table of the schema, with the columns of the source that a session attaches."""
    wanted = _TABLES[name].schema
    if "source_id" in wanted.names and name != "sources":
        for column, kind in (
            ("show", pa.string()),
            ("season", pa.int32()),
            ("episode", pa.int32()),
            ("show_name", pa.string()),
        ):
            if column not in wanted.names:
                wanted = wanted.append(pa.field(column, kind))
    rows = [dict(row) for row in rows]
    unknown = {column for row in rows for column in row} - set(wanted.names)
    assert not unknown, f"{name} has no {unknown}"
    return pa.Table.from_pylist(rows, wanted)


def with_names(rows: pa.Table, names: TagNames) -> pa.Table:
    """Return the rows with the names of their tags, which a session adds to tables with tags."""
    if NUMBERS not in rows.column_names:
        return rows
    return rows.append_column(NAMES, pa.chunked_array(map(names, rows[NUMBERS].chunks), KIND))


class Database:
    """DuckDB with the tables of a store, and the views and macros that a text asks for."""

    def __init__(
        self,
        text_vector: Callable[[str], list[float]] | None = None,
        *,
        said_frames: Callable[[str], list[dict[str, Any]]] | None = None,
        chosen: Mapping[str, int | None] | None = None,
        variables: Mapping[str, Any] | None = None,
        **tables: Rows,
    ) -> None:
        self.connection = duckdb.connect()
        vector = text_vector or (lambda words: [1.0, 0.0, 0.0, 0.0])
        self.connection.create_function("text_vector", vector, ["VARCHAR"], "FLOAT[]")
        said = said_frames or (lambda words: [])
        self.connection.create_function("said_frames", said, ["VARCHAR"], session.SAID_FRAMES)
        rows = {name: list(tables.get(name, ())) for name in _TABLES}
        names = TagNames(lambda: table("vocabulary", rows["vocabulary"]))
        self._waiting = {f"lance_{name}": with_names(table(name, rows[name]), names) for name in _TABLES}
        self._register(" ".join(pinned.VOCABULARY.values()))
        for statement in pinned.VOCABULARY.values():
            self.connection.execute(statement)
        known = {
            "retagged": bool(rows["taggings"]),
            "boxes_tagged": bool(rows["box_tags"]),
            "embedded_again": bool(rows["embeddings"]),
            "detected_again": bool(rows["detected"]),
            "classified": bool(rows["classifications"]),
            "frames_labelled": any(row["field"] == "frame" for row in rows["labels"]),
            "renamed": any(row["field"] == "name" for row in rows["labels"]),
            "boxes_labelled": any(row.get("kind") for row in rows["labels"]),
            "tags_labelled": any(row["field"] == "tag" for row in rows["labels"]),
        }
        for name, value in {**known, **(variables or {})}.items():
            self.connection.execute(f"SET VARIABLE {name} = $1", [value])
        if rows["identities"] or any(row.get("kind") for row in rows["labels"]):
            chosen = {"characters": None, **(chosen or {})}
        if any(row["field"] == "tag" for row in rows["labels"]):
            chosen = {"tags": None, **(chosen or {})}
        self.instead = catalog.stand_ins(_TABLES["frames"].schema, dict(chosen or {}))
        self.made: set[str] = set()
        self.kept: set[str] = set()

    def sql(self, text: str, params: Mapping[str, Any] | None = None, **given: pa.Table) -> Answer:
        """Return the rows of a SELECT; `given` are the relations that it reads besides."""
        self._make(text, given)
        return self.connection.execute(text, dict(params) if params else None).fetchall()

    def rows(
        self, text: str, params: Mapping[str, Any] | None = None, **given: pa.Table
    ) -> list[dict[str, Any]]:
        """Return the rows of a SELECT by the names of their columns."""
        self._make(text, given)
        answer = self.connection.sql(text.rstrip().rstrip(";"), params=dict(params) if params else None)
        found: list[dict[str, Any]] = answer.to_arrow_table().to_pylist()
        return found

    def step(
        self,
        file: str,
        params: Mapping[str, Any] | None = None,
        texts: Mapping[str, object] | None = None,
        **given: pa.Table,
    ) -> list[dict[str, Any]]:
        """Run a file of sql/steps, e.g. "sync/tags.sql"; `texts` replace the names in braces."""
        folder, _, name = file.rpartition("/")
        return self.rows(with_texts(sql_script(f"steps/{folder}", name), **(texts or {})), params, **given)

    def _make(self, text: str, given: Mapping[str, pa.Table]) -> None:
        for name, rows in given.items():
            self.connection.register(name, rows)
        names = catalog.mentioned_in([text])
        below = " ".join(catalog.scripts_for(names, self.instead))
        self._register(f"{text} {below}")
        for name in LABEL_VIEWS:  # as in a session, whose queries are planned much sooner by it
            if name not in {*self.kept, *given} and re.search(rf"\bVIEW {name} AS\b", below):
                catalog.create(self.connection, [name], self.instead, self.made, self.kept)
                self.connection.execute(f"CREATE TEMP TABLE {name} AS FROM main.{name}")
                self.kept.add(name)
        catalog.create(self.connection, names, self.instead, self.made, self.kept)

    def _register(self, text: str) -> None:
        """Register the tables that a text reads: all of them take longer than most queries."""
        for name in self._waiting.keys() & set(re.findall(r"lance_\w+", text)):
            self.connection.register(name, self._waiting.pop(name))


def columns(**values: Iterable[Any] | pa.Array) -> pa.Table:
    """Return a relation, column by column."""
    return pa.table(
        {name: value if isinstance(value, pa.Array) else pa.array(value) for name, value in values.items()}
    )


def frame_id(number: int, source: str = SOURCE) -> str:
    return f"{source}-{number:09d}"


def frame(number: int, source: str = SOURCE, **columns: Any) -> dict[str, Any]:
    """One frame at second `number`, of shot 0, unless said otherwise."""
    return {
        "frame_id": frame_id(number, source),
        "source_id": source,
        "time_s": float(number),
        "ordinal": number,
        "shot": 0,
        "width": 1000,
        "height": 1000,
    } | columns


def box(
    number: int,
    index: int = 0,
    edges: tuple[float, float, float, float] = (0.4, 0.2, 0.6, 0.4),
    kind: str = "face",
    **columns: Any,
) -> dict[str, Any]:
    """One detection in a frame."""
    return {
        "detection_id": schema.detection_id(frame_id(number), kind, index),
        "frame_id": frame_id(number),
        "source_id": SOURCE,
        "kind": kind,
        "score": 0.9,
        "model": "detector@1",
        **dict(zip(("left", "top", "right", "bottom"), edges, strict=True)),
    } | columns


def label(number: int, field: str, value: str | None, op: str = "set", **columns: Any) -> dict[str, Any]:
    """One label; a higher number is a newer label, of an act of its own."""
    return {
        "label_id": f"{number:04d}",
        "act": f"act{number}",
        "field": field,
        "op": op,
        "value": value,
        "who": "me",
    } | columns


def box_label(
    number: int, field: str, value: str | None, of: Mapping[str, Any], op: str = "set"
) -> dict[str, Any]:
    """A label about a box."""
    about = ("frame_id", "source_id", "kind", "left", "top", "right", "bottom")
    return label(number, field, value, op, **{name: of[name] for name in about})


def identity(of: Mapping[str, Any], character: str, score: float = 0.9, **columns: Any) -> dict[str, Any]:
    """What the classifier found for a box."""
    return {
        "detection_id": of["detection_id"],
        "frame_id": of["frame_id"],
        "source_id": of["source_id"],
        "character": character,
        "score": score,
        "margin": 0.5,
        "by": "examples",
    } | columns


def box_tagging(of: Mapping[str, Any], *scores: tuple[int, int], model: str = "tagger@1") -> dict[str, Any]:
    """One row of `box_tags`: a tagger's tags of a box, (number of the tag, per cent), best first."""
    columns = tagged(*scores)
    del columns["tagger"]
    about = {name: of[name] for name in ("detection_id", "frame_id", "source_id", "kind")}
    return {"box_tagging_id": f"{of['detection_id']}@{model}", "model": model, **about, **columns}


def vocabulary(*names: str, category: str = "general", first: int = 1) -> list[dict[str, Any]]:
    return [{"tag_id": first + n, "tag": name, "category": category} for n, name in enumerate(names)]


def tagged(*scores: tuple[int, int], sure: int = 35, tagger: str = "tagger@1") -> dict[str, Any]:
    """The columns of a frame with these tags: (number of the tag, per cent), best first."""
    return {
        "tags": [tag for tag, _ in scores],
        "tag_scores": [score * 10 for _, score in scores],
        "sure_tags": [tag for tag, score in scores if score >= sure],
        "sure_scores": [score * 10 for _, score in scores if score >= sure],
        "tagger": tagger,
    }
