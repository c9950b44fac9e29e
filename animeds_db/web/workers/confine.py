"""Limits that the operating system enforces on processes of the service."""

from __future__ import annotations

import os
from pathlib import Path

ROOM = 2 << 30
"""Bytes of memory allowed beyond DuckDB's limit: for Lance, Arrow, a text model and decoded frames."""


def confine(memory: int | None, *, niceness: int, writes: bool = False) -> None:
    """Limit this process to `memory` + ROOM bytes beyond its current use (None: no limit), and lower its CPU priority.

    Without `writes` it cannot write files either. Call it after all libraries are loaded. On Windows it does nothing:
    there the service only limits the time.
    """
    try:
        import resource
    except ImportError:
        return
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not writes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sizes = Path("/proc/self/statm")
    if (
        memory is not None and sizes.exists()
    ):  # Linux; elsewhere the data segment is not what programs allocate from
        used = int(sizes.read_bytes().split()[5]) * resource.getpagesize()
        most = used + memory + ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
