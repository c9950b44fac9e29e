"""Tables that callers hand over with SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.session import catalog

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from animeds_db.session.part import Part

Rows: TypeAlias = Union["pa.Table", "pl.DataFrame", "pl.Series", "duckdb.DuckDBPyRelation", Sequence[str]]
"""Rows of a caller: an Arrow table, a polars DataFrame or Series, a relation of DuckDB, or a list of frame ids. A
pandas DataFrame works as well."""
_NAME = re.compile(r"[A-Za-z_]\w{0,59}")


def as_table(rows: Any) -> pa.Table:
    """Return rows of a caller as an Arrow table; a list or a Series becomes the column frame_id.

    Raises UsageError for any other type.
    """
    if isinstance(rows, pa.Table):
        return rows
    kind = f"{type(rows).__module__.partition('.')[0]}.{type(rows).__name__}"
    if kind == "polars.DataFrame":
        return _of_polars(rows)
    if kind == "polars.LazyFrame":
        return _of_polars(rows.collect())
    if kind == "polars.Series":
        return _of_polars(rows.alias(rows.name or "frame_id").to_frame())
    if kind == "pandas.DataFrame":
        return pa.Table.from_pandas(rows, preserve_index=False)
    if kind == "pandas.Series":
        return pa.table({str(rows.name or "frame_id"): pa.array(rows)})
    if hasattr(rows, "to_arrow_table"):
        return rows.to_arrow_table()
    if isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        return pa.table({"frame_id": pa.array([str(row) for row in rows], pa.string())})
    raise UsageError(
        f"{kind} is not a table of rows.",
        hint="give ids, a polars or pandas DataFrame, an Arrow table, a relation, or SQL",
    )


def _of_polars(frame: pl.DataFrame) -> pa.Table:
    import polars as pl

    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def as_tables(tables: Mapping[str, Any] | None) -> dict[str, pa.Table]:
    """Return tables of a caller by name. Raises UsageError for a name that is not valid or is one of our views."""
    for name in tables or {}:
        if not _NAME.fullmatch(name):
            raise UsageError(f'"{name}" is not a valid name for a table.', hint="use letters, digits and _")
        if name.lower() in catalog.names() or name.lower().startswith("lance_"):
            raise UsageError(f'"{name}" is a view or macro of the database.', hint="choose another name")
    return {name: as_table(rows) for name, rows in (tables or {}).items()}


def sorted_ids(rows: pa.Table) -> pa.Array:
    """Return the frames of rows with the column frame_id, each once, sorted: strings."""
    name = next(name for name in rows.column_names if name.lower() == "frame_id")
    found = rows[name].cast(pa.string()).unique().drop_null()
    import pyarrow.compute as pc

    return found.take(pc.sort_indices(found))


@contextmanager
def registered(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table | Part]
) -> Iterator[None]:
    """Let statements on a connection read these tables by their names."""
    try:
        for name, table in tables.items():
            connection.register(name, table)
        yield
    finally:
        for name in tables:
            connection.unregister(name)
