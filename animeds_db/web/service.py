"""`Service`: everything behind the API.

Clients' SQL runs in workers, never in this process. One `Dataset` here writes labels and reads pictures.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from fastapi import Request

from animeds_db.dataset import Dataset
from animeds_db.errors import AnimedsError, QueryError, StoreError
from animeds_db.store import Store
from animeds_db.web.errors import as_json
from animeds_db.web.moving import MovingPictures
from animeds_db.web.options import Options
from animeds_db.web.paging.by_source import BySource
from animeds_db.web.paging.grid import Grid
from animeds_db.web.paging.recounts import Recounts
from animeds_db.web.pictures import Pictures
from animeds_db.web.presence import while_there
from animeds_db.web.selection import Selection
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.jobs import Jobs
from animeds_db.web.workers.pool import Query, Workers
from animeds_db.web.workers.rendering import compact

OWN_BYTES = 8 << 20
"""Maximum bytes of rows that the service itself holds. Rows for clients pass through it in pieces."""
KEPT = 256
"""Maximum number of cached results: pages of frames, facets, counts. A change of a table makes them invalid."""


@dataclass(frozen=True)
class Answer:
    """Rows of a query, whether there are more, and the seconds they took."""

    table: pa.Table
    truncated: bool
    seconds: float


class _Opened:
    """An open database: one `Dataset` that writes labels, its pictures, and its grid."""

    def __init__(self, uri: str, unfinished: bool) -> None:
        self.dataset = Dataset(Store.open(uri), unfinished=unfinished)
        self.pictures = Pictures(self.dataset)
        self.grid = Grid(self.dataset.store, unfinished=unfinished)
        self.by_source = BySource(self.dataset.store, self.grid)

    def close(self) -> None:
        """End the threads and the session."""
        self.pictures.close()
        self.grid.close()
        self.dataset.close()


class Service:
    """One database, as the API uses it."""

    def __init__(self, uri: str, options: Options) -> None:
        self.options = options
        self.limits = options.limits
        self.uri = uri
        self.writing = threading.Lock()
        self._opening = threading.Lock()
        self._opened: _Opened | None = None
        if not self.may_ingest or Store.exists(uri):
            self._open()
        self.workers = Workers(uri, options.limits, options.unfinished)
        self.moving = MovingPictures(uri, options)
        self.jobs = Jobs(uri, options)
        self._recounts: Recounts[Answer] = Recounts()
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def start(self) -> None:
        """Start the first worker, if there is a database."""
        if self._opened is not None:
            self.workers.start()

    async def close(self) -> None:
        """End the workers, jobs and threads."""
        self._recounts.close()
        await self.jobs.close()
        await self.workers.close()
        await self.moving.close()
        if self._opened is not None:
            self._opened.close()

    @property
    def may_ingest(self) -> bool:
        """True if the page may ingest, and so make the database."""
        return bool(self.options.roots) and not self.options.read_only

    @property
    def has_database(self) -> bool:
        """True if there is a database. The first ingest makes it."""
        return self._opened is not None or Store.exists(self.uri)

    def expect_database(self) -> None:
        """Raise StoreError if there is no database yet."""
        self._open()

    @property
    def dataset(self) -> Dataset:
        """The database. Raises StoreError if there is none yet."""
        return self._open().dataset

    @property
    def pictures(self) -> Pictures:
        """The pictures of the database. Raises StoreError if there is none yet."""
        return self._open().pictures

    def profiles(self) -> list[str]:
        """Return the names of the profiles of models that an ingest can use."""
        from animeds_db.models.manifest import load_manifest

        return [*load_manifest().profiles, "none"]

    def _open(self) -> _Opened:
        """Return the open database. Raises StoreError if there is none yet."""
        with self._opening:
            if self._opened is None:
                if self.may_ingest and not Store.exists(self.uri):
                    raise StoreError(
                        f"There is no database at {self.uri} yet.",
                        hint="Choose a folder on the page Add, and press Ingest.",
                    )
                self._opened = _Opened(self.uri, self.options.unfinished)
            return self._opened

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
        """Run SQL and return its rows: at most `rows`, and at most as many as the limits and OWN_BYTES allow.

        Stops the query when the client disconnects. Raises QueryError, BusyError and the errors of a session.
        """
        most = min(self.limits.rows, self.limits.rows if rows is None else rows)
        ask = Ask(self._fitting(sql), dict(params or {}), most, skip, file=file)
        return await self.answer(request, ask)

    async def cached(
        self, request: Request | None, sql: str, *, rows: int | None = None, skip: int = 0
    ) -> Answer:
        """Run SQL as `rows` does, or return the cached rows if no table has changed."""
        key = (sql, rows, skip)
        answer: Answer = await self.kept(key, lambda: self.rows(request, sql, rows=rows, skip=skip))
        return answer

    async def tiles(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the grid rows of these frames, by id."""
        tiles: dict[str, dict[str, Any]] = await self.kept(tuple(ids), lambda: self._open().grid.tiles(ids))
        return tiles

    async def page(
        self, request: Request | None, selection: Selection, start: int, count: int
    ) -> tuple[list[str], bool] | None:
        """Return ids of a selection in time order, and whether more follow; None if SQL is needed."""
        opened = self._open()
        if selection.is_everything and selection.sort == "time":
            found = self.kept(("all frames", start, count), lambda: opened.grid.page(start, count))
        else:
            found = self.kept(
                ("page", selection.sql(), start, count),
                lambda: opened.by_source.page(self, request, selection, start, count),
            )
        page: tuple[list[str], bool] | None = await found
        return page

    async def count(self, request: Request | None, selection: Selection) -> int:
        """Return the number of frames in a selection."""
        found = await self._open().by_source.count(self, request, selection)
        if found is None:
            sql = f"SELECT count(*) AS n FROM (\n{selection.sql(order=False)}\n)"
            found = int((await self.cached(request, sql)).table["n"][0].as_py())
        return found

    async def kept(self, key: tuple[Any, ...], make: Callable[[], Awaitable[Any]]) -> Any:
        """Return the cached value of a key, or make it if it is missing or a table has changed."""
        key = (*key, await self._versions())
        if key not in self._answers:
            self._answers[key] = await make()
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(key)
        return self._answers[key]

    async def counted(self, request: Request | None, sql: str, rows: int) -> tuple[Answer, bool]:
        """Run SQL that counts, and return its rows, and False.

        After a change that takes longer than a moment: the rows from before, and True. They are being counted again.
        """

        def count(may_end: bool) -> Awaitable[Answer]:
            return self.rows(request if may_end else None, sql, rows=rows)

        return await self._recounts.get((sql, rows), await self._versions(), count)

    async def _versions(self) -> tuple[int, ...]:
        store = self.dataset.store
        return await asyncio.to_thread(lambda: tuple(store.version(name) for name in store.names()))

    async def check_names(
        self, request: Request | None, selection: Selection, *, found: bool = False
    ) -> None:
        """Raise QueryError if a filter has a tag, character or show that the database does not have.

        found: frames of this selection are known, which proves most of these names.
        """
        names = selection.doubtful_names if found else selection.names
        if names:
            ask = Ask(task="names", more={"names": names})
            await self.kept(("names", *names), lambda: self.answer(request, ask))

    async def check(self, request: Request, sql: str) -> None:
        """Raise QueryError for SQL that cannot be run, without running it. Parameters may be missing."""
        await self.answer(request, Ask(self._fitting(sql), task="check"))

    async def answer(self, request: Request | None, ask: Ask) -> Answer:
        """Run a task in a worker and return its rows, at most OWN_BYTES. Raises as `rows` does."""
        self.expect_database()
        query = Query(self.workers, replace(ask, size=OWN_BYTES))
        async with while_there(request, query.stop):
            table = await query.table()
        return Answer(table, query.facts["truncated"], query.facts["seconds"])

    async def stream(self, request: Request, ask: Ask) -> tuple[dict[str, Any], AsyncGenerator[bytes]]:
        """Run a task in a worker. Return the facts of the result known so far, and its bytes.

        Raises as `rows` does before the first bytes. A line of JSON follows an Arrow stream: its facts, or the error
        that ended it.
        """
        self._fitting(ask.sql)
        self.expect_database()
        query = Query(self.workers, ask)
        pieces = query.pieces()
        async with while_there(request, query.stop):
            first = await anext(pieces)
        return query.facts, _all_pieces(first, pieces, query if ask.form == "arrow" else None)

    def _fitting(self, sql: str) -> str:
        if len(sql) > self.limits.text:
            raise QueryError(
                f"This SQL has {len(sql)} characters. At most {self.limits.text} are allowed.",
                hint="label the frames instead of listing many ids",
            )
        if "\0" in sql:
            raise QueryError("This SQL contains a zero byte.")
        return sql


async def _all_pieces(
    first: bytes, pieces: AsyncGenerator[bytes], query: Query | None
) -> AsyncGenerator[bytes]:
    """Yield the bytes of a result and, after an Arrow stream (`query`), a line of JSON that says how it ended."""
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
            yield compact(query.facts).encode()


def service_of(request: Request) -> Service:
    """Return the service of this application."""
    service: Service = request.app.state.service
    return service
