"""Selections: a named query with parameters, or SQL, as the statement that a session runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from animeds_db.errors import UsageError

if TYPE_CHECKING:
    from animeds_db.session.named_queries import NamedQuery

ALSO = ("copies", "dropped")
"""Parameters of named queries that include near-duplicates, and frames that a person dropped."""


@dataclass(frozen=True)
class Selected:
    """A selection: SQL with its parameters, and the named query it comes from, if any."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)
    named: NamedQuery | None = None

    @classmethod
    def of(
        cls, query: str | None, sql: str | None, params: Mapping[str, Any], *, dropped: bool = False
    ) -> Selected:
        """Return the named query with its parameters bound, or the SQL.

        dropped: include dropped frames if the named query leaves them out by default.
        Raises UsageError unless exactly one of query and sql is given; QueryError for an unknown query or parameter.
        """
        if (query is None) == (sql is None):
            raise UsageError(
                "A selection is either a named query or SQL.", hint="give exactly one of query and sql"
            )
        if query is None:
            return cls(str(sql), params)
        from animeds_db.session.named_queries import find

        named = find(query)
        selected = cls(named.sql, named.bind(params), named)
        return selected.with_params(dropped=True) if dropped else selected

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
