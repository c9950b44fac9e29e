"""One statement on one DuckDB connection: how it is run, cut to some rows, and ended."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from animeds_db.session.statements import filled, without_semicolon

# DuckDB warns of the copy in `rows_of`. Filters belong to the whole process: to change them for the time of a query
# would also change them for the queries of other threads, and change them back too early.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning, re.escape(__name__))


def roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """End the transaction, if one is open. An interrupt that comes late stops the statement that should end it."""
    while True:
        try:
            connection.execute("ROLLBACK")
            return
        except duckdb.InterruptException:
            continue
        except duckdb.TransactionException:  # none is open: the interrupt stopped its beginning
            return


def is_busy(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return True if rows of an earlier query are still being read: a connection runs one query at a time."""
    try:
        connection.execute("SELECT 1").fetchall()
    except duckdb.ResourceInUseException:
        return True
    return False


@contextmanager
def arrow_errors() -> Iterator[None]:
    """Convert Arrow errors while DuckDB's rows are read back to DuckDB errors."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise duckdb.Error(str(error)) from error


def cut(statement: Any, values: dict[str, Any], limit: int | None, offset: int) -> str:
    """Return the statement with its values and a LIMIT around it, so that DuckDB can stop early."""
    query = filled(without_semicolon(statement.query), values)
    if statement.type == duckdb.StatementType.EXPLAIN or (limit is None and not offset):
        return query
    return f"SELECT * FROM (\n{query}\n) LIMIT {'ALL' if limit is None else limit} OFFSET {offset}"


def rows_of(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> pa.Table:
    """Run a statement of ours and return its rows, copied once. A relation copies nothing, but is planned twice."""
    result: pa.Table = connection.execute(without_semicolon(query), values or None).to_arrow_table()
    return result


def relation_of(
    connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]
) -> duckdb.DuckDBPyRelation:
    """Return a statement as a relation, which is lazy without values. It is planned once here and once when it runs."""
    query = without_semicolon(query)
    relation = connection.sql(query, params=values) if values else connection.sql(query)
    assert relation is not None  # only a statement without rows gives None
    return relation
