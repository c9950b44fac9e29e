"""How many cores one run may use. Its one rule: whoever starts threads asks here."""

from __future__ import annotations

import os

VARIABLE = "ANIMEDS_THREADS"
"""Set it to use fewer cores than the machine has; workers on Ray are given it with the cores they reserved."""


def core_count() -> int:
    """Return the number of cores to use, at least 1: those this process may run on, or ANIMEDS_THREADS if fewer."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    asked = os.environ.get(VARIABLE, "")
    return max(1, min(cores, int(asked))) if asked.isdecimal() and int(asked) else cores


def is_limited() -> bool:
    """Tell whether ANIMEDS_THREADS allows fewer cores than there are."""
    return core_count() < (os.cpu_count() or 1)
