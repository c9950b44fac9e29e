"""Selections: a named query with parameters, SQL, or rows of the caller, as the statement that a session runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.session.given import Rows, as_table

if TYPE_CHECKING:
    from animeds_db.session.queries.named import NamedQuery

ROWS = "given_rows"
"""Name under which SQL reads the rows of a caller."""
_SPACE = re.compile(r"\s")
ALSO = ("copies", "dropped")
"""Parameters of named queries that include near-duplicates, and frames that a person dropped."""


@dataclass(frozen=True)
class Selected:
    """A selection: SQL with its parameters, the named query it comes from, if any, and the caller's tables it reads."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    named: NamedQuery | None = None
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    @classmethod
    def of(
        cls, query: str | Rows | None, sql: str | None, params: Mapping[str, Any], *, dropped: bool = False
    ) -> Selected:
        """Return the named query with its parameters bound, the SQL, or the rows.

        query: the name of a query, SQL (a text with a space), or rows with frame_id. sql: always SQL.
        dropped: include dropped frames if the named query leaves them out by default.
        Raises UsageError unless exactly one of query and sql is given, and for rows without frame_id; QueryError for an
        unknown query or parameter.
        """
        if (query is None) == (sql is None):
            raise UsageError(
                "A selection is either a named query or SQL.", hint="give exactly one of query and sql"
            )
        if query is None or (isinstance(query, str) and _SPACE.search(query.strip())):
            return cls(str(sql or query), params)
        if not isinstance(query, str):
            return cls._of_rows(as_table(query), params)
        from animeds_db.session.queries.named import find

        named = find(query)
        selected = cls(named.sql, named.bind(params), named)
        return selected.with_params(dropped=True) if dropped else selected

    @classmethod
    def _of_rows(cls, rows: pa.Table, params: Mapping[str, Any]) -> Selected:
        if params:
            raise UsageError("Parameters belong to a named query or to SQL, not to rows.")
        if "frame_id" not in (name.lower() for name in rows.column_names):
            raise UsageError(
                f"These rows have no column frame_id. Their columns: {', '.join(rows.column_names)}.",
                hint="a selection is any table with a frame_id column",
            )
        return cls(f"SELECT * FROM {ROWS}  -- {rows.num_rows} rows of the caller", tables={ROWS: rows})

    @property
    def file(self) -> str | None:
        """The file to name in errors; None for SQL text."""
        return None if self.named is None else str(self.named.path)

    @property
    def wider(self) -> Selected | None:
        """The same query with near-duplicates and dropped frames; None if it never leaves any out."""
        other = self.with_params(**dict.fromkeys(ALSO, True))
        return None if other == self else other

    def with_params(self, **values: Any) -> Selected:
        """Return the selection with these parameters, as far as the named query has them."""
        known = () if self.named is None else [param.name for param in self.named.params]
        return replace(self, params={**self.params, **{k: v for k, v in values.items() if k in known}})
