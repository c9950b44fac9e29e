"""The number of cores one run may use. All code that starts threads asks here."""

from __future__ import annotations

import os

VARIABLE = "ANIMEDS_THREADS"
"""Environment variable that limits the cores used. Ray workers get it set to the number of cores they reserved."""


def core_count() -> int:
    """Return the number of cores to use: those this process may run on, or ANIMEDS_THREADS if fewer; at least 1."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    asked = os.environ.get(VARIABLE, "")
    return max(1, min(cores, int(asked))) if asked.isdecimal() and int(asked) else cores


def is_limited() -> bool:
    """Return True if ANIMEDS_THREADS allows fewer cores than this process could use."""
    return core_count() < (os.cpu_count() or 1)
