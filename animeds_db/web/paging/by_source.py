"""Pages and numbers of frames of selections in time order, found source by source.

For each selection, the number of its frames in each source is remembered as soon as it is known. A page then reads only
the sources that it shows. While the numbers are not known, sources are read in time order until the page is full.
After people's corrections, only the sources that they are about are counted again.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from fastapi import Request

from animeds_db.store import Store
from animeds_db.web.paging.corrected import Corrections
from animeds_db.web.paging.grid import Grid
from animeds_db.web.selection import Selection
from animeds_db.web.workers.framing import Ask

if TYPE_CHECKING:
    from animeds_db.web.service import Service

SELECTIONS = 256
"""Maximum number of selections whose numbers are remembered: four bytes for each source."""
FIRST, GROWTH, LARGEST = 8_000, 4, 128_000
"""Numbers of frames in the groups of sources that are read while a page is not full: in the first, how many times as
many in each next one, and at most."""
FEW = 64
"""Maximum number of sources that are counted by themselves. More are counted with all others, which is faster."""
UNKNOWN = -1
Numbers = npt.NDArray[np.int32]


class BySource:
    """The selections of one database, at the newest versions of its tables."""

    def __init__(self, store: Store, grid: Grid) -> None:
        self._store, self._grid = store, grid
        self._corrections = Corrections(store)
        self._versions: Mapping[str, int] = {}
        self._renewing = asyncio.Lock()
        self._sources: list[str] = []
        """In the order of shows and episodes; none if frames have other sources, too."""
        self._sizes: list[int] = []
        self._numbers: OrderedDict[str, Numbers] = OrderedDict()

    async def page(
        self, service: Service, request: Request | None, selection: Selection, start: int, count: int
    ) -> tuple[list[str], bool] | None:
        """Return `count` ids of frames from position `start`, and whether more follow; None if SQL is needed."""
        numbers = await self._of(selection)
        if numbers is None:
            return None
        known = _length_of_known(numbers)
        ends = np.cumsum(numbers[:known])
        first = int(np.searchsorted(ends, start, side="right"))
        before = int(ends[first - 1]) if first else 0
        # the source of the frame after the page
        last = int(np.searchsorted(ends, start + count, side="right"))
        shown = [i for i in range(first, min(last + 1, known)) if numbers[i]]
        groups = [[self._sources[i] for i in shown]] if shown else []
        if last >= known:
            groups += self._groups(known)
        if not groups:
            return [], False
        ask = Ask(_sql(selection), rows=count, skip=start - before, task="page", more={"groups": groups})
        answer = await service.answer(request, ask)
        counts = json.loads(answer.table.schema.metadata[b"facts"])["counts"]
        self._learn(numbers, counts)
        return answer.table["frame_id"].to_pylist(), answer.truncated

    async def count(self, service: Service, request: Request | None, selection: Selection) -> int | None:
        """Return the number of frames; None if SQL is needed."""
        numbers = await self._of(selection)
        if numbers is None:
            return None
        unknown = np.flatnonzero(numbers == UNKNOWN)
        if len(unknown):
            sources = [self._sources[i] for i in unknown]
            sql = f"SELECT source_id, count(*) AS n FROM (\n{_sql(selection)}\n) GROUP BY source_id"
            few = Ask(sql, task="within", more={"sources": sources})
            answer = await service.answer(request, few if len(sources) <= FEW else Ask(sql))
            counted = dict(zip(*(answer.table[name].to_pylist() for name in ("source_id", "n")), strict=True))
            self._learn(numbers, dict.fromkeys(sources, 0) | counted)
        return int(numbers.sum())

    async def _of(self, selection: Selection) -> Numbers | None:
        """Return the number of frames in each source, UNKNOWN where it is not known; None if SQL is needed."""
        if not selection.is_by_source:
            return None
        versions = await asyncio.to_thread(self._store.versions)
        async with self._renewing:
            if versions != self._versions:
                await self._renew(versions)
        if not self._sources:
            return None
        key = _sql(selection)
        if key not in self._numbers:
            self._numbers[key] = np.full(len(self._sources), UNKNOWN, np.int32)
            while len(self._numbers) > SELECTIONS:
                self._numbers.popitem(last=False)
        self._numbers.move_to_end(key)
        return self._numbers[key]

    async def _renew(self, versions: Mapping[str, int]) -> None:
        """Forget the numbers that may have changed between the last versions of the tables and these."""
        corrected = await asyncio.to_thread(self._corrections.between, self._versions, versions)
        if corrected is None:
            self._versions = {}  # an error below must not leave numbers that count as new
            self._numbers.clear()
            self._sources, self._sizes = await self._grid.sources()
        else:
            again = np.isin(self._sources, corrected)
            # answers that are on their way belong to the arrays of before
            self._numbers = OrderedDict(
                (key, np.where(again, np.int32(UNKNOWN), numbers)) for key, numbers in self._numbers.items()
            )
        self._versions = versions

    def _learn(self, numbers: Numbers, counts: Mapping[str, int]) -> None:
        for i, source in enumerate(self._sources):
            if source in counts:
                numbers[i] = counts[source]

    def _groups(self, first: int) -> list[list[str]]:
        """Return the sources from the one at `first` on, in groups of more and more frames."""
        bounds, frames, room = [first], 0, FIRST
        for i in range(first, len(self._sources)):
            frames += self._sizes[i]
            if frames >= room:
                bounds.append(i + 1)
                frames, room = 0, min(room * GROWTH, LARGEST)
        bounds.append(len(self._sources))
        return [self._sources[a:b] for a, b in pairwise(bounds) if a < b]


def _sql(selection: Selection) -> str:
    return f"SELECT frame_id, source_id\nFROM frames\nWHERE {selection.condition()}"


def _length_of_known(numbers: Numbers) -> int:
    """Return how many sources from the first one on have a known number."""
    unknown = np.flatnonzero(numbers == UNKNOWN)
    return int(unknown[0]) if len(unknown) else len(numbers)
