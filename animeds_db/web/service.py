"""`Service`: what the API works with.

Strangers' SQL runs in the workers, never in this process. One `Dataset` here writes labels and gives pictures.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from fastapi import Request

from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, QueryError
from animeds_db.store import Store
from animeds_db.web.errors import as_json
from animeds_db.web.grid import Grid
from animeds_db.web.options import Options
from animeds_db.web.pictures import Pictures
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.jobs import Jobs
from animeds_db.web.workers.pool import Query, Workers
from animeds_db.web.workers.rendering import compact

OWN_BYTES = 8 << 20
"""Maximum bytes of the rows that the service itself works with. Rows for clients pass through it in pieces."""
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
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def start(self) -> None:
        """Start what takes a moment."""
        self.workers.start()

    async def close(self) -> None:
        """End the workers, jobs and threads."""
        await self.jobs.close()
        await self.workers.close()
        self.pictures.close()
        self._grid.close()
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
        """Run SQL and return its rows: at most `rows`, and never more than the limits and OWN_BYTES allow.

        Ends the query when the client has gone. Raises QueryError, BusyError and what else a session raises.
        """
        most = min(self.limits.rows, self.limits.rows if rows is None else rows)
        ask = Ask(self._fitting(sql), dict(params or {}), most, skip, file=file)
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
        """Have a worker do something, and return its rows: at most OWN_BYTES of them. Raises as `rows` does."""
        query = Query(self.workers, replace(ask, size=OWN_BYTES))
        async with _while_there(request, query):
            data = bytearray()
            async for piece in query.pieces():
                data += piece
        with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
            table = reader.read_all()
        return Answer(table, query.told["truncated"], query.told["seconds"])

    async def stream(self, request: Request, ask: Ask) -> tuple[dict[str, Any], AsyncGenerator[bytes]]:
        """Have a worker do something. Return the facts of the answer that are known already, and its bytes.

        Raises as `rows` does before the first bytes. Later errors end an Arrow stream with a line of JSON; behind a
        complete one such a line has its facts.
        """
        self._fitting(ask.sql)
        query = Query(self.workers, ask)
        pieces = query.pieces()
        async with _while_there(request, query):
            first = await anext(pieces)
        return query.told, _all_pieces(first, pieces, query if ask.form == "arrow" else None)

    def _fitting(self, sql: str) -> str:
        if len(sql) > self.limits.text:
            raise QueryError(
                f"this SQL has {len(sql)} letters; at most {self.limits.text} are read here",
                hint="long lists of ids belong into a table or a label",
            )
        if "\0" in sql:
            raise QueryError("this SQL holds a zero byte")
        return sql


async def _all_pieces(
    first: bytes, pieces: AsyncGenerator[bytes], query: Query | None
) -> AsyncGenerator[bytes]:
    """Yield an answer; behind an Arrow stream, that of `query`, a line of JSON that says how it ended."""
    async with aclosing(pieces):
        yield first
        try:
            async for piece in pieces:
                yield piece
        except AnimedsError as error:
            if query is None:
                raise
            yield compact({"error": as_json(error)}).encode()
            return
        if query is not None:
            yield compact(query.told).encode()


@asynccontextmanager
async def _while_there(request: Request | None, query: Query) -> AsyncIterator[None]:
    """Stop the query when the client closes its connection meanwhile."""
    watch = asyncio.create_task(_stop_when_gone(request, query)) if request else None
    try:
        yield
    except BaseException:
        query.stop()
        raise
    finally:
        if watch:
            watch.cancel()
            await asyncio.wait([watch])


async def _stop_when_gone(request: Request, query: Query) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    query.stop()


def service_of(request: Request) -> Service:
    """Return the service of this application."""
    service: Service = request.app.state.service
    return service
