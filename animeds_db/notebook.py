"""What notebooks hand over and see: parameters, and results as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

from animeds_db.errors import UsageError

SHOWN = 50
"""Maximum number of rows in a notebook's table."""


def as_html(lines: Iterable[str], rows: duckdb.DuckDBPyRelation | Sequence[Mapping[str, Any]] = ()) -> str:
    """Return lines as paragraphs, and below them the first rows of a relation or list as a table."""
    told = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    listed = rows if isinstance(rows, Sequence) else rows.limit(SHOWN + 1).to_arrow_table().to_pylist()
    if not listed:
        return told
    head = "".join(f"<th>{html.escape(name)}</th>" for name in listed[0])
    body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in listed[:SHOWN])
    more = "<p>…</p>" if len(listed) > SHOWN else ""
    return f"{told}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: Any) -> str:
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"


def given_values(
    params: Mapping[str, Any] | Sequence[Any] | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return parameters by name; those of a list get the names 1, 2, …. Raises UsageError for other types."""
    if params is None:
        return dict(values)
    if isinstance(params, Mapping):
        twice = sorted(params.keys() & values.keys())
        if twice:
            raise UsageError(f"The parameter {twice[0]} is given twice.", hint="give it once")
        return {**params, **values}
    if isinstance(params, Sequence) and not isinstance(params, str | bytes):
        return {str(number): value for number, value in enumerate(params, start=1)} | dict(values)
    raise UsageError(
        f"Parameters must be a mapping or a list, not {type(params).__name__}.",
        hint='sql("SELECT … WHERE episode = $e", e=1)',
    )
