"""Limits that the operating system holds a process of the service to."""

from __future__ import annotations

import os
from pathlib import Path

ROOM = 2 << 30
"""Bytes that such a process may use beyond DuckDB's memory limit: for Lance, Arrow, a text model, decoded frames."""


def confine(memory: int, *, niceness: int, writes: bool = False) -> None:
    """Limit this process to `memory` + ROOM bytes beyond what it uses now, and let others have the processor first.

    Without `writes` it cannot write a file either. Call it after all libraries are loaded. On Windows it does nothing:
    there the service limits only the time.
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
    if sizes.exists():  # Linux; elsewhere the data segment is not what programs allocate from
        used = int(sizes.read_bytes().split()[5]) * resource.getpagesize()
        most = used + memory + ROOM
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
