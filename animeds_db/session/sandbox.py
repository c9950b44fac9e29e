"""An in-memory DuckDB with a memory limit and locked settings."""

from __future__ import annotations

import atexit
import secrets
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

import duckdb

from animeds_db import settings
from animeds_db.errors import UsageError

MOST_MEMORY = "4GiB"
"""Maximum of the default memory limit, so that one query leaves the machine usable. Larger data is written to disk."""
LEAST_MEMORY = "64MiB"
"""Minimum memory limit. With less, DuckDB cannot start its threads."""
_LOCKS = (
    "SET python_enable_replacements = false",  # variables of the calling program are not tables
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


@dataclass(frozen=True)
class Bounds:
    """Limits of a session in the service: `memory` in DuckDB's notation ("2GB"), and threads.

    Such a session writes nothing to disk; a query that needs more memory fails.
    """

    memory: str
    threads: int


def locked_database(bounds: Bounds | None = None) -> duckdb.DuckDBPyConnection:
    """Return a new in-memory database without access to files, extensions or variables of the program.

    Without `bounds`, the setting `memory` limits its memory (default: half of the machine's, at most 4 GiB), and larger
    data is written to the folder for temporary files. Raises UsageError if that setting is not a valid size.
    """
    base = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    if bounds:
        base.execute(f"SET memory_limit = '{bounds.memory}'")
        base.execute(f"SET threads = {bounds.threads:d}")
        base.execute("SET temp_directory = ''")
        # memory goes back to the system while nothing runs
        base.execute("SET allocator_background_threads = true")
    else:
        _limit_memory(base)
        # a separate folder, which DuckDB creates when needed and deletes afterwards
        spill = Path(tempfile.gettempdir()) / f"animeds-{secrets.token_hex(8)}"
        base.execute("SET temp_directory = $1", [str(spill)])
    for setting in _LOCKS:
        base.execute(setting)
    return closed_at_exit(base)


def _limit_memory(base: duckdb.DuckDBPyConnection) -> None:
    """Set the memory limit from the setting `memory`, or the default."""
    asked = settings.resolve("memory")
    if not asked.value:
        base.execute(
            "SET memory_limit = '50%'"
        )  # of the memory of the machine, or of the container if that is less
        base.execute(
            "SET memory_limit = format('{}B', least(parse_formatted_bytes(current_setting('memory_limit')), "
            "parse_formatted_bytes($1)))",
            [MOST_MEMORY],
        )
        return
    try:
        row = base.execute(
            "SELECT parse_formatted_bytes($1) >= parse_formatted_bytes($2)", [asked.value, LEAST_MEMORY]
        ).fetchone()
    except duckdb.Error:
        row = None
    if row != (True,):
        raise UsageError(
            f'The setting memory is "{asked.value}" ({asked.origin}). It must be a size of at least {LEAST_MEMORY}.',
            hint="for example 2GB",
        )
    base.execute("SET memory_limit = $1", [asked.value])


def closed_at_exit(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Close the connection at exit if it is still open; relations can outlive their session."""
    _OPEN.add(connection)
    return connection


@atexit.register
def _close_all() -> None:
    """Close open connections at exit; DuckDB's binding would otherwise print warnings."""
    for connection in list(_OPEN):
        connection.close()
