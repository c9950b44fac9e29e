"""Checks of the SQL and the values that a session runs: one statement that only reads and calls allowed functions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import duckdb

from animeds_db.errors import QueryError, did_you_mean
from animeds_db.session import catalog
from animeds_db.session.functions import ALLOWED
from animeds_db.session.query_params import Condition

_CALL = re.compile(
    r'(?:"query_location":(\d+),"query_location_length":\d+,)?"function_name":("(?:[^"\\]|\\.)*")'
)
_WRITES = re.compile(r'"type":"\w+_QUERY_NODE"')
"""Both match only keys of DuckDB's JSON: quotes inside its strings have a backslash."""
DEEPEST = 32
"""Maximum depth of nested lists in the value of a parameter."""
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(\s*ANALYZE\b)?(\s*\([^()]*\))?", re.I)


def checked(base: duckdb.DuckDBPyConnection, text: str, file: str | None) -> Any:
    """Return the only statement of a text. Raises QueryError unless it only reads and calls allowed functions."""
    _check_value(text, file)
    statements = base.extract_statements(text) if text.strip() else []
    if len(statements) != 1:
        what = "no statement" if not statements else f"{len(statements)} statements"
        raise QueryError(f"Expected one SELECT, but found {what}.", hint="SELECT … FROM frames", file=file)
    statement = statements[0]
    tree = _reading(base, statement)
    if tree is None:
        raise QueryError(
            f"Only SELECT is allowed, but this is {_described(statement)}.",
            hint="CREATE, INSERT, COPY, SET, PRAGMA and the like are not allowed. "
            "Write PIVOT as SELECT * FROM (PIVOT … ON x IN (…) USING …)",
            file=file,
        )
    _check_functions(tree, text, file, is_explained=_kind(statement) == duckdb.StatementType.EXPLAIN)
    return statement


def matched(names: set[str], params: Mapping[str, Any], file: str | None) -> dict[str, Any]:
    """Return the parameters. Raises QueryError if one is missing or unknown to the query."""
    for name in params:
        _check_value(name, file)
        if name not in names:
            raise QueryError(
                f"This query has no parameter ${name}.", hint=did_you_mean(name, names), file=file
            )
    missing = sorted(names - set(params))
    if missing:
        raise QueryError(
            f"Missing value for {', '.join('$' + name for name in missing)}.",
            hint=" ".join(f"-p {name}=…" for name in missing),
            file=file,
        )
    for value in params.values():
        _check_value(value, file)
    return dict(params)


def without_semicolon(query: str) -> str:
    """Return one statement without its `;`, so that DuckDB can put its text into brackets."""
    text = query.encode()
    for place, kind in duckdb.tokenize(query):  # positions count bytes
        if kind == duckdb.token_type.operator and text[place : place + 1] == b";":
            text = text[:place] + b" " + text[place + 1 :]
    return text.decode()


def filled(query: str, values: Mapping[str, Any]) -> str:
    """Return the statement with literals instead of its parameters. Raises QueryError for unsupported values."""
    text, done, end = query.encode(), [], 0
    tokens = duckdb.tokenize(query)  # positions count bytes; `$name` is two tokens: `$` and the name
    for (place, kind), (start, _) in pairwise(tokens):
        if kind != duckdb.token_type.operator or text[place : place + 1] != b"$" or start != place + 1:
            continue
        name = re.match(rb"\w+", text[start:])
        if name and name[0].decode() in values:
            done += [text[end:place], literal(values[name[0].decode()]).encode()]
            end = start + len(name[0])
    return b"".join([*done, text[end:]]).decode()


def with_conditions(query: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the statement with its conditions instead of their parameters, and the other values."""
    conditions = {name: value for name, value in values.items() if isinstance(value, Condition)}
    others = {name: value for name, value in values.items() if name not in conditions}
    return (filled(query, conditions) if conditions else query), others


def check_condition(name: str, text: str) -> None:
    """Raise QueryError unless a text is one SQL expression, with brackets around it and without them.

    name: the parameter, which errors name.
    """
    _check_value(text, None)
    with duckdb.connect() as parser:
        try:
            expected = _around(parser, "true")
            is_one = all(_around(parser, form) == expected for form in (text, literal(Condition(text))))
        except duckdb.Error as error:
            raise QueryError(f"{name} is not an SQL condition: {error}", hint=_CONDITION) from None
    if not is_one:
        raise QueryError(f"{name} is not an SQL condition.", hint=_CONDITION)


_CONDITION = (
    "an expression over the columns of frames without a comment, such as sharpness > 60 AND episode = 3"
)


def _around(parser: duckdb.DuckDBPyConnection, expression: str) -> dict[str, Any] | None:
    """Return what a SELECT of an expression has besides it, as DuckDB's JSON; None if that is not one column."""
    text = f"SELECT {expression}"
    if len(parser.extract_statements(text)) != 1:
        return None
    tree = json.loads(parser.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()[0][0])
    if tree["error"]:
        raise duckdb.ParserException(tree["error_message"])
    node: dict[str, Any] = tree["statements"][0]["node"]
    return node | {"select_list": []} if len(node.get("select_list", ())) == 1 else None


def parameters(text: str) -> list[str]:
    """Return the names of the parameters (`$name` outside comments and strings) in a text, each once."""
    found = []
    raw = text.encode()
    for (place, kind), (start, _) in pairwise(duckdb.tokenize(text)):
        if kind == duckdb.token_type.operator and raw[place : place + 1] == b"$" and start == place + 1:
            name = re.match(rb"[A-Za-z_]\w*", raw[start:])
            found += [name[0].decode()] if name else []
    return list(dict.fromkeys(found))


def literal(value: Any) -> str:
    """Return a value as SQL: NULL, a number, a text, a condition, or a list. Raises QueryError for other values."""
    if value is None:
        return "NULL"
    if isinstance(value, Condition):
        return f"({value})"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, float):
        return f"({value!r}::DOUBLE)" if math.isfinite(value) else f"('{value!r}'::DOUBLE)"
    if isinstance(value, str):
        if "\0" in value:
            raise QueryError("A parameter must not contain a zero byte.")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]" + "::VARCHAR[]" * (not value)
    raise QueryError(
        f"A parameter cannot be of type {type(value).__name__}.",
        hint="use text, a number, or a list of these",
    )


def _check_value(value: Any, file: str | None, depth: int = 0) -> None:
    """Raise QueryError for text that is not Unicode, also inside lists, and for lists that are too deep."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            code = ord(value[error.start])
            raise QueryError(
                f"Character {error.start + 1} is half of a surrogate pair (U+{code:04X}), which is not valid text.",
                file=file,
            ) from None
    elif isinstance(value, list | tuple):
        if depth >= DEEPEST:
            raise QueryError(f"A parameter has lists nested more than {DEEPEST} deep.", file=file)
        for item in value:
            _check_value(item, file, depth + 1)


def _check_functions(tree: str, text: str, file: str | None, *, is_explained: bool) -> None:
    for location, quoted in _CALL.findall(tree):
        name = json.loads(quoted)
        if name.lower() in ALLOWED or name.lower() in catalog.names():
            continue
        is_placed = location and int(location) <= len(text.encode()) and not is_explained
        before = text.encode()[: int(location)].decode(errors="replace") if is_placed else ""
        raise QueryError(
            f'Queries cannot use a function "{name}".',
            hint=_other_function(name.lower()),
            file=file,
            line=before.count("\n") + 1 if is_placed else None,
            column=len(before.rpartition("\n")[2]) + 1 if is_placed else None,
        )


def _other_function(name: str) -> str:
    guess = did_you_mean(name, ALLOWED | catalog.names())
    reason = "a query reads this database only: no files, no addresses, no settings"
    return reason if guess.startswith("known") else f"{guess} ({reason})"


def _reading(base: duckdb.DuckDBPyConnection, statement: Any) -> str | None:
    """Return a SELECT, or the SELECT of an EXPLAIN, as DuckDB's JSON; None for a statement that does more than read.

    EXPLAIN ANALYZE runs what it explains.
    """
    kind = _kind(statement)
    if kind == duckdb.StatementType.EXPLAIN:
        parts = (_one_reading(base, rest) for rest in _explained_parts(statement.query))
        return next((tree for tree in parts if tree is not None), None)
    return _tree(base, statement.query) if kind == duckdb.StatementType.SELECT else None


def _one_reading(base: duckdb.DuckDBPyConnection, text: str) -> str | None:
    try:
        statements = base.extract_statements(text) if text.strip(" ;") else []
    except duckdb.ParserException:
        return None
    if len(statements) != 1 or _kind(statements[0]) != duckdb.StatementType.SELECT:
        return None
    return _tree(base, statements[0].query)


def _tree(base: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Return a SELECT as DuckDB's JSON; None if its WITH contains a DELETE, INSERT, UPDATE, MERGE or COPY."""
    tree: str = base.execute("SELECT json_serialize_sql($query)", {"query": query}).fetchall()[0][0]
    return None if tree.startswith('{"error":true') or _WRITES.search(tree) else tree


def _explained_parts(query: str) -> list[str]:
    """Return the possible statements after `EXPLAIN [ANALYZE] [(options)]`, without options and with them."""
    found = _EXPLAIN.match(query)
    if not found:  # a comment in between, for example: refused
        return []
    return [query[found.end() :], query[found.end() - len(found[2] or "") :]]


def _kind(statement: Any) -> Any:
    """Return the kind of a statement; None for a kind that DuckDB's Python package does not know, such as CONNECT."""
    try:
        return statement.type
    except ValueError:
        return None


def _described(statement: Any) -> str:
    kind = _kind(statement)
    name = str(kind).rsplit(".", 1)[-1].replace("_", " ") if kind else statement.query.split()[0].upper()
    return "one that writes" if name == "SELECT" else name
