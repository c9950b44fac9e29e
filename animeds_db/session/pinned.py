"""One version of every table on one DuckDB connection. Tables are opened, read and registered as queries need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from animeds_db.schema import Table
from animeds_db.session.lance_view import LanceView, Only
from animeds_db.session.tag_names import NUMBERS, TagNames
from animeds_db.store import Store
from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

if TYPE_CHECKING:
    import lance

ATTACHED = ("show", "season", "episode")
"""Columns of a source that its frames and detections also have. `show` is also available as show_name, because `show`
is an SQL keyword."""
Choices = dict[str, int | None]
"""Tasks for which another model was chosen, with the width of its vectors."""
VOCABULARY: Mapping[str, str] = {
    # two writers may have added the same tag at once: the lower number is used
    "tag_lines": """SET VARIABLE tag_lines = (
        SELECT coalesce(chr(10) || string_agg(format('{}{}{:07d}', tag, chr(9), tag_id), chr(10)) || chr(10), '')
        FROM (SELECT tag, min(tag_id) AS tag_id FROM lance_vocabulary
            WHERE NOT regexp_matches(tag, '[\\x00-\\x1f]') -- a stranger's tag must not read as two lines
            GROUP BY tag))""",
    "tag_names": """SET VARIABLE tag_names = (
        SELECT coalesce(list(tag ORDER BY place), []::VARCHAR[])
        FROM range(1, (SELECT coalesce(max(tag_id), 0) + 1 FROM lance_vocabulary)) AS places(place)
        LEFT JOIN lance_vocabulary ON tag_id = place)""",
    "tag_categories": """SET VARIABLE tag_categories = (
        SELECT coalesce(list(category ORDER BY place), []::VARCHAR[])
        FROM range(1, (SELECT coalesce(max(tag_id), 0) + 1 FROM lance_vocabulary)) AS places(place)
        LEFT JOIN lance_vocabulary ON tag_id = place)""",
}
"""The statement that sets each variable which is made of the table `vocabulary`."""
VARIABLES: Mapping[str, Callable[[Pinned], bool | str | None]] = {
    "retagged": lambda pinned: pinned.table("taggings").count_rows() > 0,
    "boxes_tagged": lambda pinned: pinned.table("box_tags").count_rows() > 0,
    "embedded_again": lambda pinned: pinned.table("embeddings").count_rows() > 0,
    "classified": lambda pinned: pinned.table("classifications").count_rows() > 0,
    "detected_again": lambda pinned: pinned.table("detected").count_rows() > 0,
    "frames_labelled": lambda pinned: pinned.table("labels").count_rows("field = 'frame'") > 0,
    "renamed": lambda pinned: pinned.table("labels").count_rows("field = 'name'") > 0,
    "boxes_labelled": lambda pinned: pinned.table("labels").count_rows("kind IS NOT NULL") > 0,
    "tags_labelled": lambda pinned: pinned.table("labels").count_rows("field = 'tag'") > 0,
    "chosen_tagger": lambda pinned: pinned.chosen.get("tagger"),
    "chosen_embedder": lambda pinned: pinned.chosen.get("image"),
}
"""Variables that tell the views about results of further models, and about labels. While these are false or missing,
DuckDB removes the branches that use them when it plans a query."""
_TABLE = re.compile(r"\blance_(\w+)")
_VARIABLE = re.compile(r"getvariable\('(\w+)'\)")


class Pinned:
    """The tables of a store at the versions of one moment, on one connection.

    `versions` are read at once. `sources` is read before and after the others, because it decides which rows are
    visible.
    """

    def __init__(
        self, store: Store, connection: duckdb.DuckDBPyConnection, only: Only, *, unfinished: bool
    ) -> None:
        self.connection = connection
        self.kept: set[str] = set()
        """Label views that this connection has as temporary tables (see catalog.keep)."""
        self.known: dict[str, Any] = {}
        """What was computed of the tables at these versions (see Session.once)."""
        self._store = store
        self._only = only
        self._unfinished = unfinished
        self._tables: dict[str, lance.LanceDataset] = {}
        self._ready: set[str] = set()
        before = store.version("sources")
        while True:
            self.versions = store.versions()
            if self.versions["sources"] == before:
                break
            before = self.versions["sources"]

    def table(self, name: str) -> lance.LanceDataset:
        """Return a table at its pinned version."""
        if name not in self._tables:
            self._tables[name] = self._store.table(name, self.versions[name])
        return self._tables[name]

    def register(self, texts: Sequence[str]) -> dict[str, pa.Schema]:
        """Register the tables and set the variables that these statements read, and return the tables' schemas."""
        tables, variables = read_by(texts)
        new = [name for name in self._store.names() if name in tables and name not in self._ready]
        self._tables |= self._store.location.of_each(new, self.table)
        for name in new:
            self.connection.register(f"lance_{name}", self._view(name))
        for variable in sorted(variables - self._ready):
            self._set(variable)
        self._ready |= {*new, *variables}
        return {name: self.table(name).schema for name in new}

    def _view(self, name: str) -> LanceView:
        table = self.table(name)
        has_source = "source_id" in table.schema.names
        attached, hidden = self._of_sources if has_source else (None, ())
        wanted = self._store.schema(name) if self._store.pinned else None
        return LanceView(
            table,
            hidden=hidden,
            attached=attached if name != "sources" else None,
            wanted=wanted.schema if wanted else None,
            only=self._only,
            of_frames=name == "frames",
            sure=SureTags.of(self.table("models"), self.table("vocabulary"), wanted)
            if wanted and _is_older(table, wanted)
            else None,
            names=self._names if NUMBERS in self._store.schema(name).schema.names else None,
        )

    def _set(self, variable: str) -> None:
        if variable in VOCABULARY:
            self.connection.execute(VOCABULARY[variable])
        elif (value := VARIABLES[variable](self)) is not None:
            self.connection.execute(f"SET VARIABLE {variable} = $1", [value])

    @cached_property
    def _of_sources(self) -> tuple[pa.Table, Sequence[str]]:
        """The attached columns per source, and the ids of sources that are hidden."""
        rows = self.table("sources").to_table(columns=["source_id", *ATTACHED, "state"])
        hidden = [
            source
            for source, state in zip(rows["source_id"].to_pylist(), rows["state"].to_pylist(), strict=True)
            if state != "done" and not self._unfinished
        ]
        shows = rows["show"]
        return rows.drop_columns(["state"]).append_column("show_name", shows).combine_chunks(), hidden

    @cached_property
    def _names(self) -> TagNames:
        """The names of tags."""
        return TagNames(lambda: self.table("vocabulary").to_table())

    @cached_property
    def has_labels(self) -> bool:
        """True if the table `labels` has rows."""
        return bool(self.table("labels").count_rows())

    @cached_property
    def chosen(self) -> dict[str, str]:
        """The model that was chosen for each task, if it is not that of the ingest."""
        return {row["task"]: row["model"] for row in self.table("choices").to_table().to_pylist()}

    @cached_property
    def choices(self) -> Choices:
        """The tasks with a chosen model, with the width of its vectors; "tags" and "characters" if these have labels
        or names; and "text" if text was read on frames."""
        found: Choices = {}
        if self.chosen:
            models = self.table("models").to_table(columns=["model_id", "width"])
            widths = dict(zip(models["model_id"].to_pylist(), models["width"].to_pylist(), strict=True))
            found = {task: widths.get(model) for task, model in self.chosen.items()}
        if self.table("labels").count_rows("field = 'tag'"):
            found["tags"] = None
        if self.table("identities").count_rows() or self.table("labels").count_rows("kind IS NOT NULL"):
            found["characters"] = None
        if self.table("screen_texts").count_rows():
            found["text"] = None
        return found


def _is_older(table: lance.LanceDataset, wanted: Table) -> bool:
    """Return True if a table does not have the columns of sure tags."""
    return SURE_COLUMNS[0] in wanted.schema.names and SURE_COLUMNS[0] not in table.schema.names


def read_by(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the tables and the variables that these statements read."""
    lower = [text.lower() for text in texts]
    tables = {name for text in lower for name in _TABLE.findall(text)}
    variables = {name for text in lower for name in _VARIABLE.findall(text)}
    return tables | ({"vocabulary"} if variables & VOCABULARY.keys() else set()), variables
