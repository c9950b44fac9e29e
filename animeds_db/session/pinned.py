"""One version of every table on one DuckDB connection. Tables are opened, read and registered as queries need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from animeds_db.session.scans.only import Only
from animeds_db.store import Store

if TYPE_CHECKING:
    import lance

    from animeds_db.schema import Table
    from animeds_db.session.scans.kept_lists import KeptLists
    from animeds_db.session.scans.lance_view import LanceView
    from animeds_db.session.scans.tag_names import TagNames
    from animeds_db.store.sure_tags import SureTags

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
    "retagged": lambda pinned: not pinned.is_empty("taggings"),
    "boxes_tagged": lambda pinned: not pinned.is_empty("box_tags"),
    "embedded_again": lambda pinned: not pinned.is_empty("embeddings"),
    "classified": lambda pinned: not pinned.is_empty("classifications"),
    "detected_again": lambda pinned: not pinned.is_empty("detected"),
    "frames_labelled": lambda pinned: pinned.has_labels_where("field = 'frame'"),
    "renamed": lambda pinned: pinned.has_labels_where("field = 'name'"),
    "boxes_labelled": lambda pinned: pinned.has_labels_where("kind IS NOT NULL"),
    "tags_labelled": lambda pinned: pinned.has_labels_where("field = 'tag'"),
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
        self,
        store: Store,
        connection: duckdb.DuckDBPyConnection,
        only: Only,
        lists: KeptLists,
        *,
        unfinished: bool,
    ) -> None:
        self.connection = connection
        self.kept: set[str] = set()
        """Label views that this connection has as temporary tables (see catalog.keep)."""
        self.known: dict[str, Any] = {}
        """What was computed of the tables at these versions (see Session.once)."""
        self._store = store
        self._only = only
        self._lists = lists
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

    def is_empty(self, name: str) -> bool:
        """Return True if a table has no rows."""
        return self._store.is_empty(name, self.versions[name])

    def has_labels_where(self, condition: str) -> bool:
        """Return True if the table `labels` has rows that meet a condition in Lance's SQL."""
        return self.has_labels and self.table("labels").count_rows(condition) > 0

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
        from animeds_db.session.scans.lance_view import LanceView
        from animeds_db.session.scans.tag_names import NUMBERS

        table = self.table(name)
        stored = table.schema  # Lance builds it again at each access
        has_source = "source_id" in stored.names
        attached, hidden = self._of_sources if has_source else (None, ())
        wanted = self._store.schema(name) if self._store.pinned else None
        return LanceView(
            table,
            hidden=hidden,
            attached=attached if name != "sources" else None,
            wanted=wanted.schema if wanted else None,
            only=self._only,
            lists=self._lists,
            of_frames=name == "frames",
            sure=self._sure_tags(table, wanted) if wanted else None,
            names=self._names if NUMBERS in (wanted.schema if wanted else stored).names else None,
        )

    def _sure_tags(self, table: lance.LanceDataset, wanted: Table) -> SureTags | None:
        """Return what computes the columns of sure tags, if a table is older than these."""
        from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

        column = SURE_COLUMNS[0]
        if column not in wanted.schema.names or column in table.schema.names:
            return None
        return SureTags.of(self.table("models"), self.table("vocabulary"), wanted)

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
        from animeds_db.session.scans.tag_names import TagNames

        return TagNames(lambda: self.table("vocabulary").to_table())

    @cached_property
    def has_labels(self) -> bool:
        """True if the table `labels` has rows."""
        return not self.is_empty("labels")

    @cached_property
    def chosen(self) -> dict[str, str]:
        """The model that was chosen for each task, if it is not that of the ingest."""
        rows = [] if self.is_empty("choices") else self.table("choices").to_table().to_pylist()
        return {row["task"]: row["model"] for row in rows}

    @cached_property
    def choices(self) -> Choices:
        """The tasks with a chosen model, with the width of its vectors; "tags" and "characters" if these have labels
        or names; and "text" if text was read on frames."""
        found: Choices = {}
        if self.chosen:
            models = self.table("models").to_table(columns=["model_id", "width"])
            widths = dict(zip(models["model_id"].to_pylist(), models["width"].to_pylist(), strict=True))
            found = {task: widths.get(model) for task, model in self.chosen.items()}
        if self.has_labels_where("field = 'tag'"):
            found["tags"] = None
        if not self.is_empty("identities") or self.has_labels_where("kind IS NOT NULL"):
            found["characters"] = None
        if not self.is_empty("screen_texts"):
            found["text"] = None
        return found


def read_by(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the tables and the variables that these statements read."""
    lower = [text.lower() for text in texts]
    tables = {name for text in lower for name in _TABLE.findall(text)}
    variables = {name for text in lower for name in _VARIABLE.findall(text)}
    return tables | ({"vocabulary"} if variables & VOCABULARY.keys() else set()), variables
