"""The views and macros of `sql/`: which of them a query mentions, and what each of them builds on.

Only these are created, because creating fifty views takes longer than most queries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import TYPE_CHECKING

import duckdb

from animeds_db.session.label_views import LABEL_VIEWS
from animeds_db.session.scripts import sql_script, sql_scripts, with_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from animeds_db.session.pinned import Choices, Pinned

_MAKES = re.compile(r"CREATE OR REPLACE (VIEW|MACRO)\s+(\w+)")
_COMMENT = re.compile(r"--[^\n]*")
_FROM = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)|'(\w+)'")
"""A relation that is given to a macro is named in quotes."""
_WORD = re.compile(r"\w+")
_CALLED = re.compile(r'(\w+)"?\s*\(')
_READS = re.compile(r"\blance_\w+")
FOLDERS = ("macros", "tables", "layers", "views")
_ASKS_FOR_ALL = re.compile(r"\bSHOW\s+(ALL\s+)?TABLES\b|\bduckdb_\w+\s*\(|\binformation_schema\b", re.I)


@dataclass(frozen=True)
class _Script:
    text: str
    makes: frozenset[str]
    views: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> _Script:
        found = _MAKES.findall(_COMMENT.sub("", text))
        views = tuple(name for kind, name in found if kind == "VIEW")
        return cls(text, frozenset(name for _, name in found), views)


@cache
def _scripts() -> Mapping[str, _Script]:
    """Return the script that makes each view or macro."""
    scripts = [_Script.read(text) for folder in FOLDERS for text in sql_scripts(folder)]
    return {name: script for script in scripts for name in script.makes}


@cache
def _views() -> frozenset[str]:
    return frozenset(view for script in _scripts().values() for view in script.views)


@cache
def view_names() -> tuple[str, ...]:
    """Return the names of all views, sorted."""
    return tuple(sorted(_views()))


@cache
def descriptions() -> Mapping[str, Mapping[str, str]]:
    """Return what the comment of each public view and macro says, by name, under the keys `views` and `macros`."""
    return {
        folder: {
            name: _leading_comment(text)
            for text in sql_scripts(folder)
            for name in sorted(_Script.read(text).makes)
        }
        for folder in ("views", "macros")
    }


def _leading_comment(text: str) -> str:
    lines = takewhile(lambda line: line.startswith("--"), text.splitlines())
    return "\n".join(line.removeprefix("--").removeprefix(" ") for line in lines)


@cache
def names() -> frozenset[str]:
    """Return the names of all views and macros, in lower case."""
    return frozenset(name.lower() for name in _scripts())


def mentioned_in(texts: Iterable[str]) -> frozenset[str]:
    """Return the views whose names occur in the texts, and the macros that they call. A few too many do no harm."""
    words: set[str] = set()
    called: set[str] = set()
    for text in texts:
        if _ASKS_FOR_ALL.search(text):
            return frozenset(_scripts())
        words |= {word.lower() for word in _WORD.findall(text)}
        called |= {word.lower() for word in _CALLED.findall(text)}
    return frozenset(words & _views() | called & _scripts().keys())


def reads(condition: str, columns: Set[str]) -> bool:
    """Return True if a condition mentions one of these columns, or calls a macro. A few too many do no harm."""
    words = {word.lower() for word in _WORD.findall(condition)}
    called = {name.lower() for name in _CALLED.findall(condition)}
    return bool(words & columns or called & _scripts().keys())


def is_of_one_frame(condition: str) -> bool:
    """Return True if a condition on frames reads nothing but the columns of the frame: no query, and no macro with one.

    It then means the same if the tables have only the rows of some frames.
    """
    words = {word.lower() for word in _WORD.findall(condition)}
    if words & {"select", "from", "table"}:
        return False
    called = {name.lower() for name in _CALLED.findall(condition)} & _scripts().keys()
    return not any(_READS.search(script) for script in scripts_for(called, {}))


def are_all(names: Set[str]) -> bool:
    """Return True if these are all views and macros."""
    return names == _scripts().keys()


def scripts_for(names: Iterable[str], instead: Mapping[str, str], kept: Set[str] = frozenset()) -> list[str]:
    """Return the scripts that make these views and macros, each after those it builds on.

    `instead` maps a script to its replacement. `kept` has the views that need no script (see `keep`).
    """
    ordered: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        script = _scripts()[name]
        text = instead.get(script.text, script.text)
        if text in seen:
            return
        seen.add(text)
        for other in sorted(_below(text) - script.makes - kept):
            visit(other)
        ordered.append(text)

    for name in sorted(set(names) - kept):
        visit(name)
    return ordered


@cache
def _below(text: str) -> frozenset[str]:
    text = _COMMENT.sub("", text)
    relations = {word.lower() for words in _FROM.findall(text) for word in words}
    called = {word.lower() for word in _CALLED.findall(text)}
    return frozenset(relations & _views() | called & _scripts().keys())


def label_views(names: Iterable[str], instead: Mapping[str, str]) -> list[str]:
    """Return the views of labels that these views build on, or are, each after those it builds on."""
    below = set(scripts_for(names, instead))
    return [name for name in LABEL_VIEWS if _scripts()[name].text in below]


def stand_ins(frames: pa.Schema | None, choices: Choices) -> dict[str, str]:
    """Return replacements for views if another model was chosen or people made corrections.

    They need joins, so they are used only then. `frames` is needed if another model for vectors was chosen.
    """
    views = {
        "text": "measured_frames.sql",
        "tagger": "model_frames.sql",
        "tags": "tagged_frames.sql",
        "characters": "identified_detections.sql",
    }
    instead = {
        sql_script("layers", name): sql_script("layers/chosen", name)
        for key, name in views.items()
        if key in choices
    }
    if frames is not None and (width := choices.get("image")):
        ingested = "ingested.embedding" if frames.field("embedding").type.list_size == width else "NULL"
        script = sql_script("layers/chosen", "embedded_frames.sql")
        instead[sql_script("layers", "embedded_frames.sql")] = with_texts(
            script, width=width, ingested=ingested
        )
    return instead


def keep(pinned: Pinned, views: Iterable[str], instead: Mapping[str, str], there: set[str]) -> None:
    """Store these views of labels as temporary tables with the same names, which DuckDB finds before the views.

    `pinned.kept` holds the tables this connection has; new ones are added. `there`: see `create`.
    """
    for name in views:
        if name in pinned.kept:
            continue
        if pinned.has_labels:
            create(pinned.connection, [name], instead, there)
            pinned.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM main.{name}")
        else:
            pinned.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({LABEL_VIEWS[name]})")
        pinned.kept.add(name)


def drop_kept(pinned: Pinned) -> None:
    """Remove the temporary tables that `keep` has made."""
    for name in pinned.kept:
        pinned.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
    pinned.kept.clear()


def create(
    connection: duckdb.DuckDBPyConnection,
    names: Iterable[str],
    instead: Mapping[str, str],
    there: set[str],
    kept: Set[str] = frozenset(),
) -> None:
    """Create views and macros and what they build on, but for those in `kept`. Raises DuckDB's error if a script
    cannot run.

    `there` holds the scripts that have been run. They are skipped, and new ones are added.
    """
    waiting = [script for script in scripts_for(names, instead, kept) if script not in there]
    while waiting:  # one pass, unless two scripts mention each other
        failed = []
        for script in waiting:
            try:
                connection.execute(script)
                there.add(script)
            except (duckdb.CatalogException, duckdb.BinderException) as error:
                failed.append(script)
                reason = error
        if len(failed) == len(waiting):
            raise reason
        waiting = failed
