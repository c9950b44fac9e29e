"""The rows a grid of frames shows, found equally fast in a large database.

Clients' SQL selects the frames in a worker. The rows of those frames are read here, in this process, so that a long
query never delays a grid. Pages of all frames are found from the frame counts in `sources`, without reading other
frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.store.location import read_errors
from animeds_db.store.store import quoted
from animeds_db.web.plain import records
from animeds_db.web.selection import script

UNCOUNTED = 1000
"""Assumed number of frames of a source whose ingest has not finished."""


class Grid:
    """Reads frames of one database for grids."""

    def __init__(self, store: Store, *, unfinished: bool = False) -> None:
        self._store = store
        self._session = Session(store, unfinished=unfinished)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="animeds-grid")

    def close(self) -> None:
        """End the thread and the session."""
        self._reader.shutdown(cancel_futures=True)
        self._session.close()

    async def tiles(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the grid row of each of these frames that exists, by id."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._tiles, list(ids))

    async def page(self, start: int, count: int) -> tuple[list[str], bool] | None:
        """Return `count` ids of all frames in time order, from position `start`, and whether more follow.

        None if SQL is needed: a source is not finished, or its frame count is wrong.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._page, start, count)

    async def sources(self) -> tuple[list[str], list[int]]:
        """Return all sources in the order of shows and episodes, and about how many frames each has.

        None at all if there are frames of other sources.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._sources)

    def _sources(self) -> tuple[list[str], list[int]]:
        sources = self._session.arrow(script("sources"))
        with read_errors(self._store.uri):
            every = self._session.table("sources").to_table(columns=["source_id"])["source_id"].to_pylist()
            named = ", ".join(map(quoted, every)) or "NULL"
            others = self._session.table("frames").count_rows(f"source_id NOT IN ({named})")
        if others or not every:
            return [], []
        sizes = [size or UNCOUNTED for size in sources["frames"].to_pylist()]
        return sources["source_id"].to_pylist(), sizes

    def _tiles(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        rows = records(self._session.of_frames(script("frames"), ids)) if ids else []
        return {row["frame_id"]: row for row in rows}

    def _page(self, start: int, count: int) -> tuple[list[str], bool] | None:
        sources = self._session.arrow(script("sources"))
        ids: list[str] = sources["source_id"].to_pylist()
        sizes: list[int | None] = sources["frames"].to_pylist()
        frames = self._store.table("frames")
        if None in sizes or sum(size or 0 for size in sizes) != frames.count_rows():
            return None
        touched, before = _within(list(zip(ids, (size or 0 for size in sizes), strict=True)), start, count)
        if not touched:
            return [], False
        with read_errors(self._store.uri):
            ranges = " OR ".join(
                f"(frame_id >= '{i}-' AND frame_id < '{i}.')" for i in touched
            )  # '.' follows '-'
            found = frames.scanner(columns=["frame_id"], filter=ranges).to_table()["frame_id"].to_pylist()
        order = {source: n for n, source in enumerate(touched)}
        found.sort(key=lambda frame: (order[frame.partition("-")[0]], frame))
        return found[start - before :][:count], start + count < frames.count_rows()


def _within(sources: list[tuple[str, int]], start: int, count: int) -> tuple[list[str], int]:
    """Return the sources with frames `start` to `start + count`, and the number of frames before these sources."""
    touched, before, seen = [], 0, 0
    for source, size in sources:
        if seen + size > start and seen < start + count:
            touched.append(source)
        elif seen + size <= start:
            before = seen + size
        seen += size
    return touched, before
