"""Threads over blocks: one BLAS thread in each of our threads, never more than the caller asked for.

OpenBLAS splits every product over all cores and spins while it waits; on the small blocks used here,
on a busy machine, that loses a factor of ten. So BLAS is held to one thread while our own threads
share out the blocks. The limit is a setting of the whole process: it is counted, so that two joins
at once (a web service) do not lift it under each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from animeds_db.cores import core_count
from animeds_db.errors import UsageError

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) from the calling thread; what it raises stops the work."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_inside = 0
_holder: _Holder | None = None


class _Holder(threading.Thread):
    """Holds BLAS to one thread until released.

    A thread of its own, since threadpoolctl lets only the thread that set a limit lift it again, and the
    last caller to leave need not be the first that came.
    """

    def __init__(self) -> None:
        super().__init__(name="animeds-blas-limit", daemon=True)
        self._ready, self._release = threading.Event(), threading.Event()

    def run(self) -> None:
        with threadpool_limits(limits=1, user_api="blas"):
            self._ready.set()
            self._release.wait()

    def hold(self) -> None:
        self.start()
        self._ready.wait()

    def release(self) -> None:
        self._release.set()
        self.join()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread while any caller is inside; the last one out restores what was set before.

    Does nothing where the application itself holds a limit by threadpoolctl at the time.
    """
    global _inside, _holder
    with _lock:
        if _inside == 0:
            _holder = _Holder()
            _holder.hold()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _holder is not None:
                _holder.release()
                _holder = None


def thread_count(threads: int | None) -> int:
    """Return how many threads to use: as asked, else one for each core this process may run on."""
    if threads is None:
        return core_count()
    if threads < 1:
        raise UsageError(f"threads must be 1 or more, not {threads}", hint="leave it out to use every core")
    return threads


def run_blocks(
    work: Callable[[Item], Result],
    blocks: Sequence[Item],
    threads: int,
    take: Callable[[Result], None] | None = None,
) -> None:
    """Call work(block) for each block in threads, and take(result) for each in the calling thread.

    Results come in whatever order they are ready. At most two blocks per thread are under way, so a
    slow `take` is not flooded; when anything raises, blocks that have not started are dropped.
    """
    with one_blas_thread():
        if threads == 1 or len(blocks) <= 1:
            for block in blocks:
                _take(work(block), take)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="animeds-vectors") as pool:
            _run_ahead(pool, work, blocks, 2 * threads, take)


def _run_ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    blocks: Sequence[Item],
    ahead: int,
    take: Callable[[Result], None] | None,
) -> None:
    waiting: set[Future[Result]] = set()
    try:
        for number, block in enumerate(blocks, start=1):
            waiting.add(pool.submit(work, block))
            while len(waiting) >= ahead or (waiting and number == len(blocks)):
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    _take(future.result(), take)
    finally:
        for future in waiting:
            future.cancel()


def _take(result: Result, take: Callable[[Result], None] | None) -> None:
    if take is not None:
        take(result)


def spans(start: int, stop: int, step: int) -> Iterator[slice]:
    """Yield the slices of at most `step` that cover start … stop."""
    for low in range(start, stop, step):
        yield slice(low, min(low + step, stop))
