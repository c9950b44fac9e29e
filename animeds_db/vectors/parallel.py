"""Threads over blocks: one BLAS thread in each of our threads, never more than the caller asked for.

OpenBLAS splits every product over all cores and spins while it waits; on the small blocks used here,
on a busy machine, that is ten times slower. So BLAS is limited to one thread while our own threads
divide the blocks. The limit applies to the whole process. Its users are counted, so that with two joins
at once (in a web service) the first to end does not lift it.
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
"""Called with (rows done, total rows) in the calling thread. An exception in it stops the work."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_lock = threading.Lock()
_inside = 0
_holder: _Holder | None = None


class _Holder(threading.Thread):
    """A thread that limits BLAS to one thread until released.

    threadpoolctl lets only the thread that set a limit lift it, but the last caller to leave is not always the
    first that entered. So a separate thread does both.
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
    """Limit BLAS to one thread while any caller is in the block. The last one to leave restores the previous limit.

    Does nothing if the application itself has set a limit with threadpoolctl.
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
    """Return the number of threads to use: `threads`, or by default one for each core this process may use."""
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

    Results come in the order in which they are ready. At most two blocks per thread are in progress, so that
    results do not pile up if `take` is slow. After an exception, blocks that have not started are dropped.
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
