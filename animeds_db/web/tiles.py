"""What a grid shows of some frames. Its one rule: no slower for a larger database.

Strangers' SQL says which frames; ours is run here over the rows of those frames alone, in this process, so that
no long query keeps a grid waiting for its names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.web.plain import records
from animeds_db.web.selection import script


class Tiles:
    """The tiles of one database."""

    def __init__(self, store: Store, *, unfinished: bool = False) -> None:
        self._session = Session(store, unfinished=unfinished)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="animeds-tiles")

    def close(self) -> None:
        """End the thread and the session."""
        self._reader.shutdown(cancel_futures=True)
        self._session.close()

    async def of(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the tile of each of these frames that is there, by id."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, list(ids))

    def _read(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        rows = records(self._session.of_frames(script("web_frames"), ids)) if ids else []
        return {row["frame_id"]: row for row in rows}
