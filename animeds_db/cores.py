"""The number of cores one run may use, and work on several items at once. All code that starts threads asks here."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

VARIABLE = "ANIMEDS_THREADS"
"""Environment variable that limits the cores used. Ray workers get it set to the number of cores they reserved."""

MAX_BYTES = 256 * 2**20
"""Maximum bytes of all items in flight together: as much as one picture of the largest size allowed."""

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 8
"""Maximum number of threads. More gain little, and each decoder takes memory (40 MB for 1080p HEVC)."""


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


def worker_count() -> int:
    """Return the number of threads to start: the cores this process may use, at most MAX_WORKERS."""
    return min(core_count(), MAX_WORKERS)


def map_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    weigh: Callable[[Item], int] = lambda _item: 0,
) -> Generator[Result]:
    """Yield `work(item)` for each item, in order, computed by threads that work a few items ahead.

    `weigh` returns the bytes that an item and its result take. No item is started while those in flight add up
    to MAX_BYTES or more; a single item is always allowed, whatever its size.
    An error in `work` or in `items` is raised when its item is due. Closing the generator waits for the items
    already started, so that no thread uses a file after it was closed.
    """
    count = workers or worker_count()
    waiting: deque[tuple[Future[Result], int]] = deque()
    held = 0

    with ThreadPoolExecutor(count, thread_name_prefix="animeds-media") as pool:
        try:
            for item in items:
                weight = weigh(item)
                while waiting and (len(waiting) > count or held + weight > MAX_BYTES):
                    first, freed = waiting.popleft()
                    held -= freed
                    yield first.result()
                    del first
                waiting.append((pool.submit(work, item), weight))
                held += weight
                del item
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()
