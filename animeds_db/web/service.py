"""`Service`: what the API works with. Its one rule: strangers' SQL runs in the workers, never in this process.

One `Dataset` writes labels and gives pictures. Rows come from the workers, so that a long query blocks nobody.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from fastapi import Request

from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, QueryError
from animeds_db.store import Store
from animeds_db.web.errors import BusyError, as_json
from animeds_db.web.grid import Grid
from animeds_db.web.options import Options
from animeds_db.web.pictures import Pictures
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.jobs import Jobs
from animeds_db.web.workers.pool import Call, Workers

KEPT = 256
"""Answers that are kept while no table changes: pages of frames, facets, counts."""


@dataclass(frozen=True)
class Answer:
    """Rows, whether there are more, and how long they took."""

    table: pa.Table
    truncated: bool
    seconds: float


class Service:
    """One database, as the API speaks of it."""

    def __init__(self, uri: str, options: Options) -> None:
        self.options = options
        self.limits = options.limits
        self.dataset = Dataset(Store.open(uri), unfinished=options.unfinished)
        self.writing = threading.Lock()
        self.pictures = Pictures(self.dataset)
        self._grid = Grid(self.dataset.store, unfinished=options.unfinished)
        self.workers = Workers(uri, options.limits, options.unfinished)
        self.jobs = Jobs(uri, options)
        self._threads = ThreadPoolExecutor(options.limits.workers, thread_name_prefix="animeds-sql")
        self._places = asyncio.Semaphore(options.limits.workers)
        self._waiting = 0
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def start(self) -> None:
        """Start what takes a moment."""
        self._threads.submit(self.workers.start)

    def close(self) -> None:
        """End the workers, jobs and threads."""
        self.jobs.close()
        self.workers.close()
        self.pictures.close()
        self._grid.close()
        self._threads.shutdown(cancel_futures=True)
        self.dataset.close()

    async def rows(
        self,
        request: Request | None,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        rows: int | None = None,
        skip: int = 0,
        file: str | None = None,
    ) -> Answer:
        """Run strangers' SQL and return its rows: at most `rows`, and never more than the limits allow.

        Ends the query when the client has gone. Raises QueryError, BusyError and what else a session raises.
        """
        most = min(self.limits.rows, self.limits.rows if rows is None else rows)
        ask = Ask(self._fitting(sql), dict(params or {}), most, skip, self.limits.size, file)
        return await self.answer(request, ask)

    async def cached(
        self, request: Request | None, sql: str, *, rows: int | None = None, skip: int = 0
    ) -> Answer:
        """Run SQL as `rows` does, or give what it gave before, while no table has changed."""
        key = (sql, rows, skip)
        answer: Answer = await self._kept(key, lambda: self.rows(request, sql, rows=rows, skip=skip))
        return answer

    async def tiles(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what a grid shows of these frames, by id."""
        tiles: dict[str, dict[str, Any]] = await self._kept(tuple(ids), lambda: self._grid.tiles(ids))
        return tiles

    async def page(self, start: int, count: int) -> tuple[list[str], bool] | None:
        """Return ids of all frames in the order of time, and whether more follow; None where SQL must find them."""
        page: tuple[list[str], bool] | None = await self._kept(
            ("all frames", start, count), lambda: self._grid.page(start, count)
        )
        return page

    async def _kept(self, key: tuple[Any, ...], make: Callable[[], Awaitable[Any]]) -> Any:
        """Return what was made for this key, or make it, anew whenever a table has changed."""
        store = self.dataset.store
        versions = await asyncio.to_thread(lambda: tuple(store.version(name) for name in store.names()))
        key = (*key, versions)
        if key not in self._answers:
            self._answers[key] = await make()
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(key)
        return self._answers[key]

    async def check(self, request: Request, sql: str) -> None:
        """Raise QueryError for SQL that could not be run, without running it; parameters may be missing."""
        await self.answer(request, Ask(self._fitting(sql), task="check"))

    async def answer(self, request: Request | None, ask: Ask) -> Answer:
        """Have a worker do something, and return its rows. Raises as `rows` does."""
        async with self._call(request) as call:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._collect, ask, call)

    async def stream(self, request: Request, ask: Ask) -> AsyncIterator[bytes]:
        """Have a worker do something, and yield its rows as an Arrow IPC stream, and behind it a line of JSON:
        what is to tell of it, or the error that ended it. Raises as `rows` does before the first piece."""
        self._fitting(ask.sql)
        begun = False
        async with self._call(request) as call:
            loop = asyncio.get_running_loop()
            pieces = self.workers.run(ask, call)
            try:
                while (piece := await loop.run_in_executor(self._threads, next, pieces, None)) is not None:
                    begun = True
                    yield piece
                yield compact(call.told).encode()
            except AnimedsError as error:
                if begun:
                    yield compact({"error": as_json(error)}).encode()
                raise
            finally:
                call.cancel()
                await asyncio.shield(loop.run_in_executor(self._threads, _drain, pieces))

    def _collect(self, ask: Ask, call: Call) -> Answer:
        data = b"".join(self.workers.run(ask, call))
        with pa.ipc.open_stream(data) as reader:
            table = reader.read_all()
        return Answer(table, call.told["truncated"], call.told["seconds"])

    def _fitting(self, sql: str) -> str:
        if len(sql) > self.limits.text:
            raise QueryError(
                f"this SQL has {len(sql)} letters; at most {self.limits.text} are read here",
                hint="long lists of ids belong into a table or a label",
            )
        if "\0" in sql:
            raise QueryError("this SQL holds a zero byte")
        return sql

    @asynccontextmanager
    async def _call(self, request: Request | None) -> AsyncIterator[Call]:
        """Wait for a place among the workers, and cancel the call when the client goes; without one, nobody can."""
        await self._wait()
        call = Call(self.limits.seconds)
        watch = asyncio.create_task(_until_gone(request, call)) if request else None
        try:
            yield call
        finally:
            if watch:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
            self._places.release()

    async def _wait(self) -> None:
        if self._waiting >= self.limits.waiting:
            raise BusyError(f"{self._waiting} queries wait already", hint="try again in a moment")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._places.acquire(), self.limits.waiting_s)
        except TimeoutError:
            raise BusyError(
                f"all {self.limits.workers} workers have been busy for {self.limits.waiting_s:g} seconds",
                hint="try again in a moment; `animeds serve --workers` allows more queries at once",
            ) from None
        finally:
            self._waiting -= 1


async def _until_gone(request: Request, call: Call) -> None:
    """Cancel the call when the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    call.cancel()


def _drain(pieces: Iterator[bytes]) -> None:
    """Read what a stopped query still says, so that its worker can be used again."""
    with suppress(QueryError):
        for _ in pieces:
            pass


def service_of(request: Request) -> Service:
    """Return the service of this application."""
    service: Service = request.app.state.service
    return service


def compact(value: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
