"""A DuckDB in memory that reads nothing but what it is given. Its one rule: no setting can be changed afterwards."""

from __future__ import annotations

import atexit
import weakref
from dataclasses import dataclass

import duckdb

_LOCKS = (
    "SET perfect_ht_threshold = 17",  # numbers of tags are SMALLINT: to count them takes no hash table
    "SET python_enable_replacements = false",  # no variable of the caller's program is a table
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


@dataclass(frozen=True)
class Bounds:
    """What one session may take: `memory` as DuckDB writes it ("2GB"; nothing goes to the disk then), threads."""

    memory: str
    threads: int


def locked_database(bounds: Bounds | None = None) -> duckdb.DuckDBPyConnection:
    """Return a new database in memory: no files, no extensions, no variables of the program."""
    base = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    if bounds:
        base.execute(f"SET memory_limit = '{bounds.memory}'")
        base.execute(f"SET threads = {bounds.threads:d}")
        base.execute("SET temp_directory = ''")
    for setting in _LOCKS:
        base.execute(setting)
    return closed_at_exit(base)


def closed_at_exit(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Remember a connection until it goes; relations may outlive their session."""
    _OPEN.add(connection)
    return connection


@atexit.register
def _close_all() -> None:
    """Close what is open when Python ends, about which DuckDB's binding would complain on stderr."""
    for connection in list(_OPEN):
        connection.close()
