"""Numbers that take long to count. After a change, the numbers from before are given while they are counted again."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

KEPT = 256
"""Maximum number of results that are kept."""
PATIENCE_S = 0.25
"""Maximum seconds that a request waits for new numbers if there are older ones."""
T = TypeVar("T")
_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class _Counted(Generic[T]):
    versions: Hashable
    value: T


class Recounts(Generic[T]):
    """Results by key, each with the versions of the tables from which it was counted."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, _Counted[T]] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[None]] = {}

    async def get(
        self, key: Hashable, versions: Hashable, count: Callable[[bool], Awaitable[T]]
    ) -> tuple[T, bool]:
        """Return the result of a key, and True if it is older than these versions and is being counted again.

        `count` counts; its argument is False if it must go on although nobody waits for it. Raises its errors.
        """
        known = self._known.get(key)
        if known is None:
            known = _Counted(versions, await count(True))
            self._keep(key, known)
        elif known.versions != versions:
            running = self._running.get(key) or self._start(key, versions, count)
            await asyncio.wait([running], timeout=PATIENCE_S)
            if running.done() and not running.cancelled() and (error := running.exception()):
                raise error
        newest = self._known.get(key, known)  # others may have pushed it out
        return newest.value, newest.versions != versions

    def close(self) -> None:
        """Stop counting."""
        for running in self._running.values():
            running.cancel()

    def _start(
        self, key: Hashable, versions: Hashable, count: Callable[[bool], Awaitable[T]]
    ) -> asyncio.Task[None]:
        async def again() -> None:
            self._keep(key, _Counted(versions, await count(False)))

        running = asyncio.create_task(again())
        self._running[key] = running
        running.add_done_callback(lambda done: self._ended(key, done))
        return running

    def _ended(self, key: Hashable, done: asyncio.Task[None]) -> None:
        del self._running[key]
        if not done.cancelled() and (error := done.exception()):  # the next request tries again
            _log.debug("%s could not be counted again: %s", key, error)

    def _keep(self, key: Hashable, counted: _Counted[T]) -> None:
        self._known[key] = counted
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
