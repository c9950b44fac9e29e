"""Threads that work on items, and wait for the one that hands out items and takes results."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Crew(Generic[Item, Result]):
    """Runs `work` on items in as many threads as there may be items at a time.

    The threads end with the process: a call that waits for an answer does not hold up Ctrl-C.
    """

    def __init__(self, work: Callable[[Item], Result], size: int) -> None:
        self._work, self._size = work, size
        self._todo: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Item, Result | None, BaseException | None]] = queue.SimpleQueue()

    def results(
        self, items: Iterator[Item], may_start: Callable[[int], bool] = lambda _running: True
    ) -> Generator[tuple[Item, Result]]:
        """Yield (item, result) as they finish. An item is taken only when a thread is free for it.

        `may_start` is asked before each item with the number of running ones. If it says no while none is running, no
        further item is taken. Raises the error of an item as it comes.
        """
        threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self._size)]
        for thread in threads:
            thread.start()
        running = 0
        try:
            for item in items:
                while running and (running == self._size or not may_start(running)):
                    yield self._next()
                    running -= 1
                if not may_start(running):
                    break
                self._todo.put(item)
                running += 1
            while running:
                yield self._next()
                running -= 1
        finally:
            for _ in threads:
                self._todo.put(None)

    def _run(self) -> None:
        while (item := self._todo.get()) is not None:
            try:
                self._done.put((item, self._work(item), None))
            except BaseException as error:  # noqa: BLE001 (raised again by the consumer)
                self._done.put((item, None, error))

    def _next(self) -> tuple[Item, Result]:
        item, result, error = self._done.get()
        if error is not None:
            raise error
        return item, result  # type: ignore[return-value]
