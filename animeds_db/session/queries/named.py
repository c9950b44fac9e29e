"""Named queries: SQL files with a header, built-in or the user's own. Own queries replace built-in ones.

    -- name: by_tags
    -- Frames by their tags.
    -- Further lines describe the query.
    -- param has: list            tags that a frame must have
    -- param threshold: real = 0.35   minimum score of these tags
    SELECT …

The name of the query is the file name. DuckDB runs the whole text, so lines in errors are lines of the file. Two or
more spaces separate an explanation from the type or default. Types: text, int, real, bool, list (of texts); character
and show, and the lists tags, characters, appearances, shows and episodes, whose values must be in the database;
`series|season|episode` for one of these words, `series|season[]` for a list of them; `condition` for SQL over the
columns of the view frames, which is written into the query in place of its `$name`. A range in the explanation of a
number, `0…1` or `1…`, is checked. A parameter without a default is required; the default `null` makes it optional.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importlib_resources

from animeds_db import settings
from animeds_db.errors import QueryError, StoreError, UsageError, did_you_mean
from animeds_db.session.query_params import (
    KIND_WORDS,
    Condition,
    Param,
    Value,
    broken,
    read_param,
    signature,
)

if TYPE_CHECKING:
    import duckdb

_NAME = re.compile(r"^--\s*name:\s*(\S*)\s*$")
_PARAM = re.compile(r"^--\s*param\s+(.*)$")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class NamedQuery:
    """A parsed query file. `text` is the whole file; `sql` is what runs: the same text, so that line numbers agree."""

    name: str
    title: str
    description: str
    params: tuple[Param, ...]
    text: str
    path: Path

    @property
    def sql(self) -> str:
        """The SQL that DuckDB runs."""
        return self.text

    def bind(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Return a typed value for every parameter.

        Raises QueryError for an unknown name, an invalid value, or a missing one.
        """
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                hint = did_you_mean(name, known) if known else "it has no parameters"
                raise QueryError(f'The query {self.name} has no parameter "{name}".', hint=hint)
        return {name: self._value(param, given) for name, param in known.items()}

    def _value(self, param: Param, given: Mapping[str, Any]) -> Value:
        if param.name not in given:
            if param.required:
                raise QueryError(
                    f"The query {self.name} needs a value for {param.name} ({param.help or param.type}).",
                    hint=f"-p {param.name}=…",
                )
            return param.default
        try:
            value = param.convert(given[param.name])
        except (ValueError, TypeError):
            raise QueryError(
                f"The query {self.name} needs {KIND_WORDS[param.type]} for {param.name}, "
                f"not {given[param.name]!r}.",
            ) from None
        if fault := param.fault(value):
            raise QueryError(f"The query {self.name}: {fault}.")
        if isinstance(value, Condition):
            from animeds_db.session.statements import check_condition

            check_condition(param.name, value)
        return value


def find(name: str, folders: Sequence[Path] | None = None) -> NamedQuery:
    """Return the query with this name. Raises QueryError if it does not exist or its file is invalid."""
    paths = _files(folders)
    if name not in paths:
        raise QueryError(f'There is no query "{name}".', hint=did_you_mean(name, paths))
    return read(paths[name])


def list_queries(folders: Sequence[Path] | None = None) -> list[NamedQuery]:
    """Return all queries by name. An invalid file gives a warning and is skipped."""
    found = []
    for path in _files(folders).values():
        try:
            found.append(read(path))
        except QueryError as error:
            _log.warning("%s", error.headline)
    return found


def as_relation(folders: Sequence[Path] | None = None) -> duckdb.DuckDBPyRelation:
    """Return the queries as rows: name, title, params, description, path."""
    import duckdb
    import pyarrow as pa

    rows = [
        {
            "name": query.name,
            "title": query.title,
            "params": ", ".join(signature(param) for param in query.params),
            "description": query.description,
            "path": str(query.path),
        }
        for query in list_queries(folders)
    ]
    names = ("name", "title", "params", "description", "path")
    table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))
    return duckdb.connect().from_arrow(table)


def read(path: Path) -> NamedQuery:
    """Read one file. Raises QueryError with file and line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"Cannot read this query: {error}", file=str(path)) from error
    return parse(text, path)


def parse(text: str, path: Path) -> NamedQuery:
    """Read a query's header. Raises QueryError with file and line."""
    words: list[str] = []
    params: dict[str, Param] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line.startswith("--"):
            if line:
                break
            continue
        if name := _NAME.match(line):
            if name[1] != path.stem:
                raise broken(path, number, f'The name "{name[1]}" must be the name of the file, {path.stem}.')
        elif found := _PARAM.match(line):
            param = read_param(found[1].strip(), path, number)
            if param.name in params:
                raise broken(path, number, f"The parameter {param.name} is declared twice.")
            params[param.name] = param
        else:
            words.append(line.removeprefix("--").removeprefix(" "))
    title, _, rest = "\n".join(words).strip().partition("\n")
    return NamedQuery(path.stem, title.strip(), rest.strip(), tuple(params.values()), text, path)


def render(query: NamedQuery) -> str:
    """Return the text of a query file that `parse` reads back as the same query."""
    lines = [f"-- name: {query.name}"]
    lines += [f"-- {line}".rstrip() for line in [query.title, *query.description.split("\n")] if query.title]
    lines += [f"-- param {signature(param)}{'   ' * bool(param.help)}{param.help}" for param in query.params]
    return "\n".join([*lines, _body(query.text)])


def save(
    name: str, sql: str, *, title: str = "", description: str = "", folder: Path | None = None
) -> NamedQuery:
    """Save a query as a file in ./queries, and return it as it is read back.

    Parameters without a header line become required texts. Raises UsageError for an invalid name or one that exists
    already, QueryError for SQL that is not one SELECT, StoreError if the file cannot be written.
    """
    if not _WORD.fullmatch(name):
        raise UsageError(
            f'"{name[:80]}" is not a valid name for a query.',
            hint="use letters, digits and _, starting with a letter",
        )
    path = (folder or Path("queries")) / f"{name}.sql"
    from animeds_db.session.statements import parameters

    head = parse(sql, path)
    params = {param.name: param for param in head.params}
    for one in parameters(sql):
        params.setdefault(one, Param(one, "text", required=True))
    words = [*title.splitlines(), "", *description.splitlines()]
    if any(_NAME.match(f"-- {line}") or _PARAM.match(f"-- {line}") for line in words):
        raise UsageError("Lines of a title or description must not begin with `name:` or `param`.")
    query = NamedQuery(
        name, " ".join(title.split()) or head.title, description.strip(), tuple(params.values()), sql, path
    )
    text = render(query).rstrip() + "\n"
    parse(text, path)
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"A query {name} exists already in ./queries.", hint="choose another name") from None
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error}") from error
    return read(path)


def _body(text: str) -> str:
    lines = text.split("\n")
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        lines.pop(0)
    return "\n".join(lines)


def _files(folders: Sequence[Path] | None) -> dict[str, Path]:
    """Return the path of every query by name. Later folders win."""
    built_in = [Path(str(f)) for f in importlib_resources.files("animeds_queries").iterdir()]
    paths = [p for p in built_in if p.suffix == ".sql"]
    for folder in _user_folders() if folders is None else folders:
        if folder.is_dir():
            paths += folder.glob("*.sql")
    return {path.stem: path for path in sorted(paths, key=lambda p: p.stem)}


def _user_folders() -> list[Path]:
    """Return ./queries and the folders in the setting `queries`, which win."""
    named = settings.resolve("queries").value.split(os.pathsep)
    return list(dict.fromkeys(Path(name).expanduser() for name in ("queries", *named) if name))
