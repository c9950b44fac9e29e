"""How many cores one run may use, and work on several items at once. Whatever starts threads asks here."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 8
"""More decoders than this gain little and hold a decoder's memory each (40 MB for 1080p HEVC)."""

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


def worker_count() -> int:
    """Return how many threads are worth starting: the cores this process may use, at most MAX_WORKERS."""
    return min(core_count(), MAX_WORKERS)


def map_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Generator[Result]:
    """Yield work(item) for each item, in order, computed by threads that run a few items ahead.

    An error in `work` or in `items` is raised when its turn comes. Closing the generator waits for what
    has been started, so that nothing uses a file after it was closed.
    """
    count = workers or worker_count()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="animeds-media") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                while len(waiting) > count + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
