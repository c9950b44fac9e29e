"""Which SQL a session runs, and with which values. Its one rule: one statement, and it only reads."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import duckdb

from animeds_db.errors import QueryError, did_you_mean

_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s*ANALYZE\b)?(\s*\([^()]*\))?", re.I)


def checked(base: duckdb.DuckDBPyConnection, text: str, file: str | None) -> Any:
    """Return the text's only statement. Raises QueryError unless it is one, and only reads."""
    statements = base.extract_statements(text) if text.strip() else []
    if len(statements) != 1:
        what = "no statement" if not statements else f"{len(statements)} statements"
        raise QueryError(f"{what} where one SELECT is expected", hint="SELECT … FROM frames", file=file)
    statement = statements[0]
    if not _reads(base, statement):
        raise QueryError(
            f"a session only reads: this is {_spoken(statement.type)}, not a SELECT",
            hint="CREATE, INSERT, COPY, SET, PRAGMA and the like are not possible here; "
            "`PIVOT …` is: SELECT * FROM (PIVOT … ON x IN (…) USING …)",
            file=file,
        )
    return statement


def matched(names: set[str], params: Mapping[str, Any], file: str | None) -> dict[str, Any]:
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


def without_semicolon(query: str) -> str:
    """Return one statement without its `;`: DuckDB puts a relation's text into brackets to build upon it."""
    text = query.encode()
    for place, kind in duckdb.tokenize(query):  # places count bytes
        if kind == duckdb.token_type.operator and text[place : place + 1] == b";":
            text = text[:place] + b" " + text[place + 1 :]
    return text.decode()


def filled(query: str, values: Mapping[str, Any]) -> str:
    """Return the statement with literals where its parameters were. Raises QueryError for a value without one."""
    text, done, end = query.encode(), [], 0
    tokens = duckdb.tokenize(query)  # places count bytes; `$name` is two tokens: `$` and the name
    for (place, kind), (start, _) in pairwise(tokens):
        if kind != duckdb.token_type.operator or text[place : place + 1] != b"$" or start != place + 1:
            continue
        name = re.match(rb"\w+", text[start:])
        if name and name[0].decode() in values:
            done += [text[end:place], literal(values[name[0].decode()]).encode()]
            end = start + len(name[0])
    return b"".join([*done, text[end:]]).decode()


def parameters(text: str) -> list[str]:
    """Return the names of the parameters of a text, each once: `$name` that is not in a comment or a string."""
    found = []
    raw = text.encode()
    for (place, kind), (start, _) in pairwise(duckdb.tokenize(text)):
        if kind == duckdb.token_type.operator and raw[place : place + 1] == b"$" and start == place + 1:
            name = re.match(rb"[A-Za-z_]\w*", raw[start:])
            found += [name[0].decode()] if name else []
    return list(dict.fromkeys(found))


def literal(value: Any) -> str:
    """Return a value as SQL: NULL, a number, a text, or a list of those. Raises QueryError for anything else."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, float):
        return f"({value!r}::DOUBLE)" if math.isfinite(value) else f"('{value!r}'::DOUBLE)"
    if isinstance(value, str):
        if "\0" in value:
            raise QueryError("a text with a zero byte is no value of a query")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]" + "::VARCHAR[]" * (not value)
    raise QueryError(
        f"{type(value).__name__} is no value of a query", hint="a text, a number, or a list of them"
    )


def _reads(base: duckdb.DuckDBPyConnection, statement: Any) -> bool:
    """Tell whether this is a SELECT, or an EXPLAIN of one: EXPLAIN ANALYZE runs what it explains."""
    if statement.type == duckdb.StatementType.EXPLAIN:
        return any(_is_one_reading(base, rest) for rest in _explained_parts(statement.query))
    return statement.type == duckdb.StatementType.SELECT and not _writes(base, statement.query)


def _is_one_reading(base: duckdb.DuckDBPyConnection, text: str) -> bool:
    try:
        statements = base.extract_statements(text) if text.strip(" ;") else []
    except duckdb.ParserException:
        return False
    return len(statements) == 1 and (
        statements[0].type == duckdb.StatementType.SELECT and not _writes(base, statements[0].query)
    )


def _writes(base: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Tell whether a WITH hides a DELETE, INSERT, UPDATE, MERGE or COPY: to DuckDB that is a SELECT."""
    row = base.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()[0]
    tree = json.loads(row[0])
    return bool(tree["error"]) or any(kind.endswith("_QUERY_NODE") for kind in _types(tree))


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
