"""Has a captioner describe frames and boxes that are in the database, and writes what it answers.

Pictures are decoded while others wait for their answer, and only as fast as answers come. Answers are committed every
few seconds, so a run can be interrupted, and continued by the same call.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import ModelError, SourceError, UsageError
from animeds_db.media import Frame, FrameKey, fetch
from animeds_db.models.captioners.answers import Answer, PictureError, description
from animeds_db.models.captioners.captioner import Captioner, record, small_picture
from animeds_db.remote.paths import present, source_path
from animeds_db.store import Store
from animeds_db.upkeep.optimize import tend_if_worth_it
from animeds_ingest import ledger, pipeline
from animeds_ingest.crew import Crew
from animeds_ingest.one_source import source_errors
from animeds_ingest.outcomes import Outcome, Report, Silent, Watcher
from animeds_ingest.reruns.running import KEYS

Row = dict[str, Any]

COMMIT_ROWS = 16
"""Number of descriptions after which they are written."""
COMMIT_S = 5.0
"""Seconds after which they are written in any case: a description costs seconds, and often money."""
IN_A_ROW = 8
"""Number of pictures in a row that fail until the run ends: then the captioner is at fault, not the pictures."""


@dataclass(frozen=True)
class Failure:
    """A picture (id of a frame or box) that was not described, and why."""

    picture: str
    error: ModelError


@dataclass
class Described(Report):
    """The outcomes of all sources, the pictures that failed, and what was used. `cost` is in US dollars.

    `stopped` says why pictures are left although nothing is wrong: the limit of costs is reached.
    """

    failures: list[Failure] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    stopped: str | None = None


@dataclass(frozen=True)
class _Shown:
    """A picture on its way to the captioner: its row of `pictures`, and the pixels, uint8 RGB [h,w,3]."""

    row: Row
    pixels: np.ndarray
    time_s: float | None


def describe(
    store: Store,
    captioner: Captioner,
    pictures: pa.Table,
    *,
    prompt: str,
    language: str,
    max_cost: float | None = None,
    watcher: Watcher | None = None,
) -> Described:
    """Describe pictures: rows with picture, frame_id, source_id, detection_id, crop and prompt (its words).

    `prompt` and `language` are stored with each description. With `max_cost` (US dollars), no request is sent that may
    exceed it, by the dearest one so far. A picture that fails is in the report, and the others go on. Raises UsageError
    for a limit without a price, ModelError if the captioner itself fails or many pictures in a row do, and StoreError
    if the database fails; what was answered before is in the database. The captioner is closed at the end.
    """
    entry = captioner.files.entry
    if max_cost is not None and entry.ask.price is None:
        raise UsageError(
            f"{entry.name} has no price, so a limit of costs cannot be kept.",
            hint="Add price = [READ, WRITTEN] to ask in its manifest entry: US dollars per million tokens.",
        )
    run = _Run(store, captioner, prompt, language, max_cost, watcher or Silent())
    try:
        return run.all(pictures)
    finally:
        captioner.close()


class _Run:
    """One run of a captioner."""

    def __init__(
        self,
        store: Store,
        captioner: Captioner,
        prompt: str,
        language: str,
        max_cost: float | None,
        watcher: Watcher,
    ) -> None:
        self._store, self._captioner, self._watcher = store, captioner, watcher
        self._prompt, self._language, self._max_cost = prompt, language, max_cost
        self._ask = captioner.files.entry.ask
        self._report = Described()
        self._dearest: float | None = None
        self._failed_in_a_row = 0

    def all(self, pictures: pa.Table) -> Described:
        """Describe the pictures, source by source."""
        ledger.register_models(self._store, [record(self._captioner)])
        sources = _sources(self._store, pictures)
        for index, source in enumerate(sources):
            title = source["title"] or source["source_id"]
            self._watcher.source(index, len(sources), title, source["duration_s"])
            mine = pictures.filter(pc.field("source_id") == source["source_id"])
            outcome = self._source(title, source, mine.to_pylist())
            self._report.outcomes.append(outcome)
            self._watcher.outcome(outcome)
            if self._report.stopped:
                break
        tend_if_worth_it(self._store)
        return self._report

    def _source(self, title: str, source: Row, rows: Sequence[Row]) -> Outcome:
        started, n = time.monotonic(), 0
        try:
            with source_errors(source_path(source["uri"])):
                for n in self._answers(source, rows):  # noqa: B007 (the last number counts)
                    pass
        except SourceError as error:
            return Outcome(title, "failed", n, time.monotonic() - started, error=error)
        return Outcome(title, "done", n, time.monotonic() - started)

    def _answers(self, source: Row, rows: Sequence[Row]) -> Iterator[int]:
        """Describe the pictures of a source; yield the number of descriptions so far."""
        waiting: list[Row] = []
        n, since = 0, time.monotonic()
        crew = Crew(self._asked, self._captioner.parallel)
        with (
            closing(_shown(self._store, source, rows)) as shown,
            closing(crew.results(shown, self._may_start)) as results,
        ):
            try:
                for item, result in results:
                    if (row := self._row(item, result)) is not None:
                        waiting.append(row)
                        n += 1
                        self._watcher.frames(n, item.time_s)
                    if len(waiting) >= COMMIT_ROWS or time.monotonic() - since >= COMMIT_S:
                        self._commit(waiting)
                        waiting, since = [], time.monotonic()
                    yield n
            finally:  # also after Ctrl-C: what was answered was paid for
                self._commit(waiting)

    def _asked(self, shown: _Shown) -> Answer | PictureError:
        """Ask the captioner about one picture. Called in several threads."""
        try:
            return self._captioner(small_picture(shown.pixels, int(self._ask.edge)), shown.row["prompt"])
        except PictureError as error:
            return error

    def _row(self, shown: _Shown, result: Answer | PictureError) -> Row | None:
        """Return the row of an answer, or None for a picture that failed. Raises ModelError if many did."""
        try:
            if isinstance(result, PictureError):
                raise result
            cost = self._count(result)
            text = description(result, self._language, int(self._ask.tokens))
        except PictureError as error:
            self._fail(shown.row["picture"], error)
            return None
        self._failed_in_a_row = 0
        row = {name: shown.row[name] for name in ("frame_id", "source_id", "detection_id")}
        about = (self._captioner.id, self._prompt, self._language)
        return row | {
            "description_id": schema.description_id(shown.row["picture"], *about),
            **dict(zip(("model", "prompt", "language"), about, strict=True)),
            "text": text,
            "tokens_in": result.tokens_in,
            "tokens_out": result.tokens_out,
            "cost": cost,
            "described_at": ledger.now(),
        }

    def _count(self, answer: Answer) -> float | None:
        """Add an answer to the totals and return its cost. Raises ModelError if it must be known and is not."""
        self._report.tokens_in += answer.tokens_in or 0
        self._report.tokens_out += answer.tokens_out or 0
        cost = answer.cost(self._ask.price)
        if cost is not None:
            self._report.cost += cost
            self._dearest = max(self._dearest or 0.0, cost)
        elif self._max_cost is not None:
            raise ModelError(
                f"{self._captioner.files.entry.name} does not count tokens, so the cost is not known",
                hint="leave out --max-cost",
            )
        return cost

    def _may_start(self, running: int) -> bool:
        """Return True if one more request cannot exceed the limit. Until a cost is known, one is sent at a time."""
        if self._max_cost is None:
            return True
        if self._dearest is None:
            may = running == 0 and self._report.cost <= self._max_cost
        else:
            may = self._report.cost + (running + 1) * self._dearest <= self._max_cost
        if not may and not running:
            self._report.stopped = f"the limit of ${self._max_cost:g} would be exceeded"
        return may

    def _fail(self, picture: str, error: PictureError) -> None:
        self._report.failures.append(Failure(picture, error))
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= IN_A_ROW:
            raise ModelError(
                f"{IN_A_ROW} pictures in a row could not be described. The last one: {error.headline}",
                hint=error.hint or "check the captioner and the prompt; the same command continues",
            ) from error

    def _commit(self, rows: Sequence[Row]) -> None:
        if rows:
            table = pa.Table.from_pylist(list(rows), schema.DESCRIPTIONS.schema)
            self._store.upsert("descriptions", table)


def _sources(store: Store, pictures: pa.Table) -> list[Row]:
    ids = pictures["source_id"].unique().to_pylist()
    columns = ["source_id", "title", "duration_s", "uri", "other_uris", "kind"]
    rows: list[Row] = store.take("sources", ids, columns).to_pylist()
    return sorted(rows, key=lambda row: str(row["uri"]))


def _shown(store: Store, source: Row, rows: Sequence[Row]) -> Generator[_Shown]:
    """Yield the pictures of a source. Each frame is decoded once, a little ahead of its use."""
    of_frame: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_frame[row["frame_id"]].append(row)
    found = store.take("frames", sorted(of_frame), KEYS).to_pylist()
    keys = [FrameKey(**row) for row in found]
    frames = fetch(present(source["uri"], source["other_uris"]), source["kind"], keys)
    with closing(pipeline.overlapped(frames, _decoded, 1)) as decoded:
        for frame_id, time_s, pixels in decoded:
            for row in of_frame[frame_id]:
                yield _Shown(row, _cut(pixels, row["crop"]), time_s)


def _decoded(item: tuple[FrameKey, Frame]) -> tuple[str, float | None, np.ndarray]:
    key, frame = item
    return key.frame_id, frame.time_s, frame.pixels()


def _cut(pixels: np.ndarray, crop: Sequence[float] | None) -> np.ndarray:
    """Return the part of uint8 RGB [h,w,3] that a crop (left, top, right, bottom, 0…1) marks: at least one pixel."""
    if crop is None:
        return pixels
    height, width = pixels.shape[:2]
    left, top = min(int(crop[0] * width), width - 1), min(int(crop[1] * height), height - 1)
    right, bottom = max(left + 1, round(crop[2] * width)), max(top + 1, round(crop[3] * height))
    return pixels[top:bottom, left:right]
