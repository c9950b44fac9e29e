"""Explains why a selection has no or few rows: the number of rows that each of its conditions leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import duckdb

from animeds_db.session.scripts import sql_script
from animeds_db.session.statements import parameters, without_semicolon

if TYPE_CHECKING:
    from animeds_db.session import Session
    from animeds_db.session.queries.named import NamedQuery
    from animeds_db.session.selected import Selected

LIMITS = ("limit", "count", "per", "copies", "dropped")
"""Parameters that are not conditions."""
EVERY = ("list", "tags")
"""Types of lists whose items are conditions of their own. Of the other lists one item must hold."""
_GATES = {
    "unmeasured": "not measured",
    "blank": "blank",
    "small": "below 720 pixels high",
    "dark": "too dark",
    "bright": "too bright",
    "blurred": "blurred",
    "text": "with burned-in text",
    "border": "with a border",
}


def why_empty(session: Session, selected: Selected) -> list[str]:
    """Return one sentence per condition of a selection with no or few rows: the number of rows that it leaves.

    A named query is run again, adding one parameter at a time. For SQL, each condition of its WHERE is run alone. If
    it reads from `good`, frames are also counted by quality gate. If it reads from `clips`, missing shots are named.
    """
    if selected.tables:
        return []
    if selected.named is not None:
        lines = list(_by_parameters(session, selected, selected.named))
    else:
        lines = list(_by_conditions(session, selected))
    if re.search(r"\bclips\b", selected.sql):
        lines += _by_measured_shots(session)
    if re.search(r"\bgood(_frames)?\b", selected.sql) and selected.params.get("quality", True):
        lines += _by_gates(session)
    return lines


def why_few(session: Session, selected: Selected, n_frames: int) -> list[str]:
    """Return what each condition leaves, if a selection has fewer frames than its parameter `count`; else []."""
    count = selected.params.get("count") if selected.named is not None else None
    if count is None or n_frames >= count:
        return []
    return [f"{n_frames} of {count} frames were found", *why_empty(session, selected)]


def _by_parameters(session: Session, selected: Selected, named: NamedQuery) -> Iterator[str]:
    values = {
        param.name: selected.params[param.name] if param.required else param.default for param in named.params
    }
    values |= {name: selected.params[name] for name in LIMITS if name in values}
    values |= {"count": None} if "count" in values else {}
    yield f"{_count(session, selected.sql, values)} match before these conditions"
    for name, value, shown in _steps(named, selected.params):
        values[name] = value
        left = _count(session, selected.sql, values)
        yield f"{name}={shown} leaves {left}"
        if not left:
            return


def _steps(named: NamedQuery, params: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value so far and what was added, for each value that is not the default."""
    for param in named.params:
        value = params[param.name]
        if param.required or param.name in LIMITS or value == param.default:
            continue
        if isinstance(value, list) and param.type in EVERY and not param.choices:
            yield from ((param.name, value[: n + 1], value[n]) for n in range(len(value)))
        elif isinstance(value, list):
            yield param.name, value, ",".join(value)
        else:
            yield param.name, value, str(value).lower() if param.type == "bool" else str(value)


def _by_conditions(session: Session, selected: Selected) -> Iterator[str]:
    """Yield how many rows each condition of the outermost WHERE leaves by itself."""
    for condition, sql in _alone(selected.sql):
        yield f"{condition} leaves {_count(session, sql, selected.params)}"


def _alone(sql: str) -> Iterator[tuple[str, str]]:
    """Yield each condition of the outermost WHERE, and the statement with this condition alone and no LIMIT."""
    with duckdb.connect() as parser:
        tree = json.loads(parser.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0])
        if tree["error"]:
            return
        statement = tree["statements"][0]
        where = statement["node"].get("where_clause")
        if where is None:
            return
        for condition in where["children"] if where["type"] == "CONJUNCTION_AND" else [where]:
            node = statement["node"] | {"where_clause": condition, "modifiers": []}
            one = json.dumps({"error": False, "statements": [statement | {"node": node}]})
            text = parser.execute("SELECT json_deserialize_sql($one::JSON)", {"one": one}).fetchall()[0][0]
            yield text.rpartition(" WHERE ")[2], text


def _by_measured_shots(session: Session) -> Iterator[str]:
    if not session.arrow("SELECT 1 FROM timed_shots LIMIT 1").num_rows:
        yield "no shots were found yet, so there are no clips: run animeds shots"


def _by_gates(session: Session) -> Iterator[str]:
    rows = session.arrow(sql_script("steps/export", "count_gates.sql")).to_pylist()
    parts = [f"{row['n']} {_GATES[row['gate']]}" for row in rows if row["gate"] in _GATES]
    total = sum(row["n"] for row in rows)
    if parts:
        yield f"of {total} kept frames, good leaves out {', '.join(parts)}"


def _count(session: Session, sql: str, params: Mapping[str, Any]) -> int:
    used = {name: params[name] for name in parameters(sql)}
    rows = session.sql(f"SELECT count(*) FROM (\n{without_semicolon(sql)}\n)", used).fetchall()
    found: int = rows[0][0]
    return found
