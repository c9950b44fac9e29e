"""Slots for running queries, so that short queries run beside long ones.

A query starts as a short one. After SHORT_S seconds it counts as a long one as soon as another query waits. There are
as many slots for long queries as for short ones. When those are taken too, the query that has run longest is stopped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from animeds_db.web.errors import BusyError

SHORT_S = 1.0
"""Seconds after which a query can count as long."""
FAIR_S = 5.0
"""Seconds that every query may run even if others wait."""


class Stoppable(Protocol):
    """A query that can be stopped."""

    def stop(self, why: str) -> None:
        """Stop the query. It leaves its slot a moment later."""


class Slots:
    """At most `number` short and `number` long queries; at most `waiting` more wait, each for `waiting_s` seconds."""

    def __init__(self, number: int, waiting: int, waiting_s: float) -> None:
        self._number, self._waiting, self._waiting_s = number, waiting, waiting_s
        self._short: dict[Stoppable, float] = {}
        self._long: dict[Stoppable, float] = {}
        self._stopped: set[Stoppable] = set()
        self._waiters: deque[tuple[Stoppable, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def taken(self, query: Stoppable) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises BusyError when too many wait, or when none becomes free in time."""
        try:
            await self._wait(query)
            yield
        finally:
            for held in (self._short, self._long):
                held.pop(query, None)
            self._stopped.discard(query)
            self._assign()

    async def _wait(self, query: Stoppable) -> None:
        if len(self._waiters) >= self._waiting:
            raise BusyError(
                f"The service is busy: {len(self._waiters)} queries are waiting.",
                hint="Try again in a moment.",
            )
        waiter = (query, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._assign()
        try:
            async with asyncio.timeout(self._waiting_s):
                await waiter[1]
        except TimeoutError:
            raise BusyError(
                f"The service is busy: all {self._number} workers were in use for {self._waiting_s:g} seconds.",
                hint="Try again in a moment. `animeds serve --workers` allows more queries at once.",
            ) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _assign(self) -> None:
        """Give free slots to waiting queries; free one if that is fair, or check again when it will be."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        now = asyncio.get_running_loop().time()
        while self._waiters:
            if len(self._short) < self._number:
                query, granted = self._waiters.popleft()
                if not granted.done():
                    self._short[query] = now
                    granted.set_result(None)
                continue
            pause = self._make_free(now)
            if pause > 0:
                self._timer = asyncio.get_running_loop().call_later(pause, self._assign)
                return
            if pause < 0:
                return  # a query was stopped: it will leave its slot

    def _make_free(self, now: float) -> float:
        """Move or stop one query. Return 0 when a slot is free now, -1 when it soon is, else the seconds to wait."""
        query, since = next(iter(self._short.items()))  # the one that has run longest
        if now - since < SHORT_S:
            return SHORT_S - (now - since)
        if len(self._long) < self._number:
            self._long[query] = self._short.pop(query)
            return 0.0
        if self._stopped:
            return -1.0
        query, since = next(iter(self._long.items()))
        if now - since < FAIR_S:
            return FAIR_S - (now - since)
        self._stopped.add(query)
        query.stop("busy")
        return -1.0
