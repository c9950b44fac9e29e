"""Threads over blocks: one BLAS thread in each of our threads, never more than the caller asked for.

OpenBLAS splits every product over all cores and spins while it waits; on the small blocks used here,
on a busy machine, that loses a factor of ten. So BLAS is held to one thread while our own threads
share out the blocks. The limit is a setting of the whole process: it is counted, so that two joins
at once (a web service) do not lift it under each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from animeds_db.errors import UsageError

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) from the calling thread; what it raises stops the work."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_holders = 0
_limit: threadpool_limits | None = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread while any caller is inside; the last one out restores what was set before."""
    global _holders, _limit
    with _lock:
        if _holders == 0:
            _limit = threadpool_limits(limits=1, user_api="blas")
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _limit is not None:
                _limit.restore_original_limits()
                _limit = None


def thread_count(threads: int | None) -> int:
    """Return how many threads to use: as asked, else one for each core this process may run on."""
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)  # absent on macOS and Windows
        return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)
    if threads < 1:
        raise UsageError(f"threads must be 1 or more, not {threads}", hint="leave it out to use every core")
    return threads


def run_blocks(work: Callable[[Item], Result], blocks: Sequence[Item], threads: int) -> Iterator[Result]:
    """Yield work(block) for each block, in whatever order they finish.

    At most two blocks per thread are under way, so a slow consumer is not flooded; when the consumer
    stops (or raises), blocks that have not started are dropped.
    """
    with one_blas_thread():
        if threads == 1 or len(blocks) <= 1:
            yield from map(work, blocks)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="animeds-vectors") as pool:
            yield from _as_finished(pool, work, iter(blocks), 2 * threads)


def _as_finished(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], blocks: Iterable[Item], ahead: int
) -> Iterator[Result]:
    waiting: set[Future[Result]] = set()
    try:
        for block in blocks:
            waiting.add(pool.submit(work, block))
            if len(waiting) >= ahead:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in waiting:
            future.cancel()


def spans(start: int, stop: int, step: int) -> Iterator[slice]:
    """Yield the slices of at most `step` that cover start … stop."""
    for low in range(start, stop, step):
        yield slice(low, min(low + step, stop))
