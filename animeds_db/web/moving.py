"""Light videos for the pages, made in workers on demand. The latest are cached.

They have workers of their own, so that queries never wait for videos. A video that several requests want is made
once, and stopped when all of their clients have left.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request

from animeds_db.errors import QueryError
from animeds_db.web.options import Options
from animeds_db.web.pictures import Kept
from animeds_db.web.presence import while_there
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.pool import Query, Workers

KEPT_BYTES = 64 << 20
"""Maximum bytes of the cached videos: about a hundred. The least recently used are removed first."""
VIDEO_BYTES = 8 << 20
"""Maximum bytes of one video. The encoder's bit rate keeps ten seconds below 5 MB."""
AT_ONCE = 1
"""Number of videos that are made at the same time, and the same number again for those that take longer."""
WAITING = 8
"""Maximum number of videos that wait for their turn."""
Key = tuple[tuple[str, Any], ...]


@dataclass(eq=False)
class _Making:
    """A video that is being made, and the number of requests that wait for it."""

    task: asyncio.Task[bytes]
    n_waiting: int = 0


class MovingPictures:
    """The light videos of one database."""

    def __init__(self, uri: str, options: Options) -> None:
        limits = replace(options.limits, workers=AT_ONCE, waiting=WAITING)
        self._workers = Workers(uri, limits, options.unfinished)
        self._kept = Kept(KEPT_BYTES)
        self._making: dict[Key, _Making] = {}

    async def close(self) -> None:
        """Stop all work and end the workers."""
        await self._workers.close()

    async def video(self, request: Request, version: int, **asked: Any) -> bytes:
        """Return an mp4. `asked`: what to play, as the worker's task `video` understands it.

        version: of the table of shots. A video of an earlier version is made again.
        Raises MissingError, SourceError if the file is missing or has changed, UsageError, BusyError, QueryError.
        """
        key = (("version", version), *sorted(asked.items()))
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        making = self._making.get(key) or self._start(key, asked)
        making.n_waiting += 1
        waiting = asyncio.ensure_future(asyncio.shield(making.task))
        try:
            async with while_there(request, waiting.cancel):
                await asyncio.wait([waiting])
            if waiting.cancelled():
                raise QueryError("This video was stopped because the client disconnected.")
            return waiting.result()
        finally:
            waiting.cancel()
            making.n_waiting -= 1
            if not making.n_waiting:
                making.task.cancel()

    def _start(self, key: Key, asked: dict[str, Any]) -> _Making:
        making = self._making[key] = _Making(asyncio.create_task(self._make(key, asked)))
        making.task.add_done_callback(lambda _task: self._forget(key, making))
        return making

    def _forget(self, key: Key, making: _Making) -> None:
        if self._making.get(key) is making:
            del self._making[key]

    async def _make(self, key: Key, asked: dict[str, Any]) -> bytes:
        table = await Query(self._workers, Ask(task="video", more=asked, size=VIDEO_BYTES)).table()
        video: bytes = table["video"][0].as_py()
        self._kept.put(key, video)
        return video
