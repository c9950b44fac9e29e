"""The pool of workers that run clients' SQL, one query each at a time."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyarrow as pa

from animeds_db.errors import AnimedsError, QueryError, StoreError
from animeds_db.web.errors import BusyError, from_json
from animeds_db.web.options import Limits
from animeds_db.web.workers import framing
from animeds_db.web.workers.child import Child
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.slots import SHORT_S, Slots

GRACE_S = 1.0
"""Seconds that an interrupted worker has to respond before it is ended."""
START_S = 60.0
"""Seconds that a worker has to start."""
AHEAD = 2
"""Maximum number of pieces of a result held for a slow client."""
_QUERY = ("query", "Select fewer rows or columns (WHERE, LIMIT).")
_WORDS = {"video": ("video", "Play a shorter part.")}
"""What messages call a task, and what they advise."""
_log = logging.getLogger("animeds")


class Worker:
    """One process that answers queries."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._number = 0
        self._is_ready = False

    async def wait_until_ready(self) -> None:
        """Wait until the worker is ready, ignoring messages about earlier tasks. Raises EOFError."""
        while not self._is_ready:
            kind, _ = await self.child.receive()
            self._is_ready = kind == framing.READY

    async def ask(self, ask: Ask) -> AsyncIterator[tuple[bytes, bytes]]:
        """Send a task; yield the worker's messages until it finishes. Raises EOFError if the worker exits early."""
        self._number += 1
        self._is_ready = False
        await self.child.send(framing.ASK, ask.as_json() | {"number": self._number})
        while True:
            kind, body = await self.child.receive()
            yield kind, body
            if kind in (framing.DONE, framing.FAILED):
                return

    async def settle(self) -> bool:
        """Stop the running query, if any. Return True if the worker can be used again."""
        try:
            async with asyncio.timeout(GRACE_S):
                if not self._is_ready:
                    await self.child.send(framing.CANCEL, self._number)
                await self.wait_until_ready()
        except (TimeoutError, EOFError, OSError):
            return False
        return True


class Workers:
    """The workers of one database."""

    def __init__(self, uri: str, limits: Limits, unfinished: bool = False) -> None:
        self.limits = limits
        self._slots = Slots(limits.workers, limits.waiting, limits.waiting_s)
        settings = {"memory": limits.memory, "threads": limits.threads, "unfinished": unfinished}
        self._arguments = (uri, json.dumps(settings))
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._coming: asyncio.Task[Worker] | None = None
        """A worker that is starting and that no query has taken."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def in_background(self, task: asyncio.Task[Any]) -> None:
        """Keep a reference to a task until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start(self) -> None:
        """Start a worker if none is idle: the first query need not wait for it, nor the next one behind a long one."""
        if not self._idle and self._coming is None and len(self._all) < 2 * self.limits.workers:
            self._coming = asyncio.create_task(self._new())
            self._coming.add_done_callback(self._came)
            self.in_background(self._coming)

    def _came(self, started: asyncio.Task[Worker]) -> None:
        """Keep a worker for the next query, unless a query has taken it while it started."""
        if started is not self._coming:
            return
        self._coming = None
        if started.cancelled():
            return
        if error := started.exception():
            _log.error("%s", error)
        else:
            self._idle.append(started.result())

    async def close(self) -> None:
        """Stop all queries and end all workers."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(self._end(worker) for worker in list(self._all)))

    @asynccontextmanager
    async def slot(self, query: Query) -> AsyncIterator[Worker]:
        """Wait for a slot and a worker; release both at the end. Raises BusyError, StoreError."""
        async with self._slots.taken(query):
            worker = await self._next()
            long = asyncio.get_running_loop().call_later(SHORT_S, self.start)
            try:
                yield worker
            finally:
                long.cancel()
                given_back = asyncio.create_task(self._give_back(worker))
                self.in_background(given_back)
                await asyncio.shield(given_back)  # a query that is stopped now must not lose its worker

    async def _give_back(self, worker: Worker) -> None:
        if await worker.settle() and len(self._idle) < self.limits.workers:
            self._idle.append(worker)
        else:
            await self._end(worker)

    async def _next(self) -> Worker:
        """Return an idle worker, the one that is starting, or a new one. Raises StoreError."""
        if self._idle:
            return self._idle.pop()
        if self._coming is None:
            return await self._new()
        started, self._coming = self._coming, None
        return await started

    async def _new(self) -> Worker:
        worker = Worker(await Child.start("animeds_db.web.workers.worker", *self._arguments))
        self._all.add(worker)
        try:
            async with asyncio.timeout(START_S):
                await worker.wait_until_ready()
        except (EOFError, TimeoutError):
            await self._end(worker)
            raise StoreError(
                "A worker of the service did not start.", hint="Its messages are on stderr."
            ) from None
        except asyncio.CancelledError:
            await self._end(worker)
            raise
        return worker

    async def _end(self, worker: Worker) -> None:
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        await worker.child.close()


class Query:
    """One task, from its start until its rows are read or discarded.

    It holds a slot and a worker while the worker runs, for at most `seconds`, or `stalled_s` if the client reads no
    rows. Afterwards it only holds at most AHEAD pieces.
    """

    def __init__(self, workers: Workers, ask: Ask) -> None:
        self.facts: dict[str, Any] = {}
        """Facts of the result: rows, truncated, seconds. For JSON and CSV they arrive before the rows."""
        self._workers, self._ask = workers, ask
        self._noun, self._advice = _WORDS.get(ask.task, _QUERY)
        self._stopped: str | None = None
        self._pieces: asyncio.Queue[bytes | AnimedsError | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(AHEAD)
        self._task = asyncio.create_task(self._run())
        workers.in_background(self._task)

    def stop(self, why: str = "gone") -> None:
        """Interrupt the query; end its worker if it does not respond."""
        if not self._task.done() and self._stopped is None:
            self._stopped = why
            self._task.cancel()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the result in pieces; stop the query if reading ends. Raises QueryError, BusyError, StoreError."""
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, AnimedsError):
                    raise piece
                self._room.release()
                yield piece
        finally:
            self.stop()

    async def table(self) -> pa.Table:
        """Return the whole result. Raises as `pieces` does."""
        data = bytearray()
        async for piece in self.pieces():
            data += piece
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            return reader.read_all()

    async def _run(self) -> None:
        end: AnimedsError | None = None
        try:
            async with self._workers.slot(self) as worker, asyncio.timeout(self._workers.limits.seconds):
                async for kind, body in worker.ask(self._ask):
                    await self._take(kind, body)
        except AnimedsError as error:
            end = error
        except TimeoutError:
            self._stopped = self._stopped or "time"
        except (EOFError, OSError):
            end = QueryError(
                f"This {self._noun} took more memory than the service allows.", hint=self._advice
            )
        except asyncio.CancelledError:
            if self._stopped is None:  # the service ends
                self._stopped = "gone"
                raise
        finally:
            self._pieces.put_nowait(self._why() or end)

    async def _take(self, kind: bytes, body: bytes) -> None:
        if kind == framing.ROWS:
            try:
                async with asyncio.timeout(self._workers.limits.stalled_s):
                    await self._room.acquire()
            except TimeoutError:
                self._stopped = "stalled"
                raise
            self._pieces.put_nowait(body)
        elif kind == framing.FAILED:
            raise from_json(json.loads(body))
        else:
            self.facts |= json.loads(body)

    def _why(self) -> AnimedsError | None:
        """Return why the query was stopped."""
        limits = self._workers.limits
        if self._stopped == "time":
            return QueryError(
                f"This {self._noun} took longer than {limits.seconds:g} seconds and was stopped.",
                hint=f"{self._advice} Or raise the limit with `animeds serve --seconds`.",
            )
        if self._stopped == "stalled":
            return QueryError(
                f"This {self._noun} was stopped because the client read no rows for {limits.stalled_s:g} seconds."
            )
        if self._stopped == "busy":
            return BusyError(
                f"This {self._noun} was stopped because other requests were waiting and it had run longest.",
                hint=f"Try again later. {self._advice}",
            )
        return (
            QueryError(f"This {self._noun} was stopped because the client disconnected.")
            if self._stopped
            else None
        )
