"""Named queries: SQL files with a header, the built-in ones and those of the user, whose own win.

    -- name: by_tags
    -- Frames by their tags.
    -- Further lines describe the query.
    -- param has: list            tags that a frame must bear
    -- param threshold: real = 0.35   score that counts as bearing
    SELECT …

Its one rule: the file is the query. The name is the file's, the whole text is what DuckDB gets, so
lines in errors are lines of the file. An explanation stands two spaces or more behind the type or default.
Types: text, int, real, bool, list (of texts). A parameter without a default must be given; the default
`null` makes it optional.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importlib_resources

from animeds_db import settings
from animeds_db.errors import QueryError, StoreError, UsageError, did_you_mean

if TYPE_CHECKING:
    import duckdb

Value = str | int | float | bool | list[str] | None
TYPES = ("text", "int", "real", "bool", "list")
_YES = ("true", "yes", "1", "on")
_NO = ("false", "no", "0", "off")
_NAME = re.compile(r"^--\s*name:\s*(\S*)\s*$")
_PARAM = re.compile(r"^--\s*param\s+(.*)$")
_SIGNATURE = re.compile(r"^([A-Za-z_]\w*)\s*:\s*([a-z]+)(?:\s*=\s*|(?=\s|$))(.*)$")
_HAS_DEFAULT = re.compile(r"^[A-Za-z_]\w*\s*:\s*[a-z]+\s*=")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class Param:
    """One parameter: `$name` in the SQL. `default` counts only where `required` is False."""

    name: str
    type: str
    required: bool
    default: Value = None
    help: str = ""

    def convert(self, value: Any) -> Value:
        """Return a value given by a person (often text) in this parameter's type. Raises ValueError."""
        if value is None:
            return None
        if self.type == "list":
            return split_list(value) if isinstance(value, str) else [str(item) for item in value]
        return _SCALARS[self.type](value)


@dataclass(frozen=True)
class NamedQuery:
    """A query file, read. `text` is the whole file, `sql` what is run: the same, so that lines agree."""

    name: str
    title: str
    description: str
    params: tuple[Param, ...]
    text: str
    path: Path

    @property
    def sql(self) -> str:
        """What DuckDB gets."""
        return self.text

    def bind(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Return a value for every parameter, in its type.

        Raises QueryError for an unknown name, a value that does not fit, or one that is missing.
        """
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                hint = did_you_mean(name, known) if known else "it takes none"
                raise QueryError(f'the query {self.name} has no parameter "{name}"', hint=hint)
        return {name: self._value(param, given) for name, param in known.items()}

    def _value(self, param: Param, given: Mapping[str, Any]) -> Value:
        if param.name not in given:
            if param.required:
                raise QueryError(
                    f"the query {self.name} needs a value for {param.name} ({param.help or param.type})",
                    hint=f"-p {param.name}=…",
                )
            return param.default
        try:
            return param.convert(given[param.name])
        except (ValueError, TypeError):
            raise QueryError(
                f"the query {self.name} takes {_KIND_WORDS[param.type]} for {param.name}, "
                f"not {given[param.name]!r}",
            ) from None


def find(name: str, folders: Sequence[Path] | None = None) -> NamedQuery:
    """Return the query of that name. Raises QueryError when there is none, or its file is broken."""
    paths = _files(folders)
    if name not in paths:
        raise QueryError(f'there is no query "{name}"', hint=did_you_mean(name, paths))
    return read(paths[name])


def list_queries(folders: Sequence[Path] | None = None) -> list[NamedQuery]:
    """Return all queries by name. A broken file is told as a warning and hides no other."""
    found = []
    for path in _files(folders).values():
        try:
            found.append(read(path))
        except QueryError as error:
            _log.warning("%s", error)
    return found


def as_relation(folders: Sequence[Path] | None = None) -> duckdb.DuckDBPyRelation:
    """Return the queries as rows: name, title, params (as they are given with -p), description, path."""
    import duckdb
    import pyarrow as pa

    rows = [
        {
            "name": query.name,
            "title": query.title,
            "params": ", ".join(_signature(param) for param in query.params),
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
        raise QueryError(f"cannot read this query: {error}", file=str(path)) from error
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
                raise _broken(path, number, f'the name "{name[1]}" is not the file\'s, {path.stem}')
        elif found := _PARAM.match(line):
            param = _read_param(found[1].strip(), path, number)
            if param.name in params:
                raise _broken(path, number, f"the parameter {param.name} is there twice")
            params[param.name] = param
        else:
            words.append(line.removeprefix("--").removeprefix(" "))
    title, _, rest = "\n".join(words).strip().partition("\n")
    return NamedQuery(path.stem, title.strip(), rest.strip(), tuple(params.values()), text, path)


def render(query: NamedQuery) -> str:
    """Return a query as a file that `parse` reads back the same; the SQL is that of `query.text`."""
    lines = [f"-- name: {query.name}"]
    lines += [f"-- {line}".rstrip() for line in [query.title, *query.description.split("\n")] if query.title]
    lines += [f"-- param {_signature(param)}{'   ' * bool(param.help)}{param.help}" for param in query.params]
    return "\n".join([*lines, _body(query.text)])


def save(
    name: str, sql: str, *, title: str = "", description: str = "", folder: Path | None = None
) -> NamedQuery:
    """Write a query as a file of yours (into ./queries) and return it as it is read back.

    Parameters that no header line declares become texts that must be given. Raises UsageError for a name that is
    no word, or is taken there; QueryError for SQL that is not one SELECT, StoreError where it cannot be written.
    """
    if not _WORD.fullmatch(name):
        raise UsageError(
            f'"{name[:80]}" is no name for a query', hint="letters, digits and _; a letter first"
        )
    path = (folder or Path("queries")) / f"{name}.sql"
    from animeds_db.session.statements import parameters

    head = parse(sql, path)
    params = {param.name: param for param in head.params}
    for one in parameters(sql):
        params.setdefault(one, Param(one, "text", required=True))
    words = [*title.splitlines(), "", *description.splitlines()]
    if any(_NAME.match(f"-- {line}") or _PARAM.match(f"-- {line}") for line in words):
        raise UsageError("no line of a title or description begins with `name:` or `param`")
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
        raise UsageError(f"there is a query {name} of yours already", hint="choose another name") from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error}") from error
    return read(path)


def split_list(text: str) -> list[str]:
    """Split `a, 'b, c', d` at its commas. An empty text is an empty list; quotes keep commas and spaces."""
    items = []
    rest = text.strip()
    if rest.startswith("[") and rest.endswith("]"):
        rest = rest[1:-1].strip()
    while rest:
        quoted = re.match(rf"{_QUOTED.pattern}\s*(?:,|$)", rest)
        if quoted:
            items.append(quoted[1].replace("''", "'"))
            rest = rest[quoted.end() :].strip()
            continue
        item, _, rest = rest.partition(",")
        rest = rest.strip()
        if item.strip():
            items.append(item.strip())
    return items


def _body(text: str) -> str:
    lines = text.split("\n")
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        lines.pop(0)
    return "\n".join(lines)


def _files(folders: Sequence[Path] | None) -> dict[str, Path]:
    """Return the path of every query by name. Folders that come later win."""
    built_in = [Path(str(f)) for f in importlib_resources.files("animeds_queries").iterdir()]
    paths = [p for p in built_in if p.suffix == ".sql"]
    for folder in _user_folders() if folders is None else folders:
        if folder.is_dir():
            paths += folder.glob("*.sql")
    return {path.stem: path for path in sorted(paths, key=lambda p: p.stem)}


def _user_folders() -> list[Path]:
    """Return ./queries and the folders of the setting `queries`; the setting wins."""
    named = settings.resolve("queries").value.split(os.pathsep)
    return list(dict.fromkeys(Path(name).expanduser() for name in ("queries", *named) if name))


def _read_param(text: str, path: Path, line: int) -> Param:
    found = _SIGNATURE.match(text)
    if not found:
        raise _broken(path, line, "a parameter is written `-- param NAME: TYPE = DEFAULT   explanation`")
    name, kind, rest = found[1], found[2], found[3]
    if kind not in TYPES:
        raise _broken(path, line, f'there is no type "{kind}"', hint=did_you_mean(kind, TYPES))
    if not _HAS_DEFAULT.match(text):
        return Param(name, kind, required=True, help=rest.strip())
    default, words = _split_default(rest)
    if default == "null":
        return Param(name, kind, required=False, help=words)
    try:
        value = Param(name, kind, required=False).convert(_unquoted(default) if kind == "text" else default)
    except ValueError:
        raise _broken(path, line, f"{default} is not {_KIND_WORDS[kind]}") from None
    return Param(name, kind, required=False, default=value, help=words)


def _split_default(text: str) -> tuple[str, str]:
    """Split `DEFAULT   explanation` at the first two spaces outside quotes."""
    outside = _QUOTED.sub(lambda m: "x" * len(m[0]), text)
    gap = re.search(r"\s{2,}", outside)
    if not gap:
        return text.strip(), ""
    return text[: gap.start()].strip(), text[gap.end() :].strip()


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if _QUOTED.fullmatch(text) else text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _signature(param: Param) -> str:
    if param.required:
        return f"{param.name}: {param.type}"
    return f"{param.name}: {param.type} = {_literal(param.default)}"


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    return str(value).lower()


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _YES + _NO:
        raise ValueError(value)
    return word in _YES


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


_SCALARS: dict[str, Callable[[Any], str | int | float | bool]] = {
    "text": str,
    "int": _whole,
    "real": float,
    "bool": _truth,
}
_KIND_WORDS = {
    "text": "a text",
    "int": "a whole number",
    "real": "a number",
    "bool": "true or false",
    "list": "a list (a, b, c)",
}


def _broken(path: Path, line: int, message: str, *, hint: str | None = None) -> QueryError:
    return QueryError(message, hint=hint, file=str(path), line=line)
