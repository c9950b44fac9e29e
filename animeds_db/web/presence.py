"""Stops work for clients that have closed their connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Request


@asynccontextmanager
async def while_there(request: Request | None, stop: Callable[[], object]) -> AsyncIterator[None]:
    """Call `stop` if the client closes its connection in the meantime, and if the block ends with an error."""
    watch = asyncio.create_task(_stop_when_gone(request, stop)) if request else None
    try:
        yield
    except BaseException:
        stop()
        raise
    finally:
        if watch:
            watch.cancel()
            await asyncio.wait([watch])


async def _stop_when_gone(request: Request, stop: Callable[[], object]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    stop()
