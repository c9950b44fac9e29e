"""DuckDB in memory, with a limit on the memory it takes, and locked so that a query cannot change its settings."""

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
"""Default memory of one DuckDB, at most: what does not fit is written to the disk, and one person's query
should leave the machine usable."""
LEAST_MEMORY = "64MiB"
"""Smallest memory limit: below it DuckDB cannot even start its threads."""
_LOCKS = (
    "SET perfect_ht_threshold = 17",  # numbers of tags are SMALLINT: to count them takes no hash table
    "SET python_enable_replacements = false",  # no variable of the caller's program is a table
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_OPEN: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


@dataclass(frozen=True)
class Bounds:
    """Limits of a session of the service: `memory` as DuckDB writes it ("2GB"), and threads.

    Such a session writes nothing to the disk: a query that needs more memory fails.
    """

    memory: str
    threads: int


def locked_database(bounds: Bounds | None = None) -> duckdb.DuckDBPyConnection:
    """Return a new database in memory: no files, no extensions, no variables of the program.

    Without `bounds`, the setting `memory` limits its memory (default: half of the machine's, at most 4 GiB), and
    what does not fit is written to the folder for temporary files. Raises UsageError when that setting is not a size.
    """
    base = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    if bounds:
        base.execute(f"SET memory_limit = '{bounds.memory}'")
        base.execute(f"SET threads = {bounds.threads:d}")
        base.execute("SET temp_directory = ''")
    else:
        _limit_memory(base)
        # a folder of its own, which DuckDB makes when it is needed and deletes afterwards
        spill = Path(tempfile.gettempdir()) / f"animeds-{secrets.token_hex(8)}"
        base.execute("SET temp_directory = $1", [str(spill)])
    for setting in _LOCKS:
        base.execute(setting)
    return closed_at_exit(base)


def _limit_memory(base: duckdb.DuckDBPyConnection) -> None:
    """Set the memory limit that the setting `memory` names, else the default."""
    asked = settings.resolve("memory")
    if not asked.value:
        base.execute("SET memory_limit = '50%'")  # of the machine's, or of the container's where that is less
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
            f'the setting memory is "{asked.value}" ({asked.origin}): it must be a size of at least {LEAST_MEMORY}',
            hint="write for example 2GB",
        )
    base.execute("SET memory_limit = $1", [asked.value])


def closed_at_exit(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Remember a connection until it goes; relations may outlive their session."""
    _OPEN.add(connection)
    return connection


@atexit.register
def _close_all() -> None:
    """Close what is open when Python ends, about which DuckDB's binding would complain on stderr."""
    for connection in list(_OPEN):
        connection.close()
