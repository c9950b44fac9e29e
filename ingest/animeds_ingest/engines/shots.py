"""Finds the shots of many videos: here, one after the other, or with workers on Ray, a video to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from animeds_db import settings
from animeds_db.errors import SourceError
from animeds_db.media.hardware import NONE, Hardware, choose_hardware
from animeds_db.store import Store
from animeds_db.store.location import Location
from animeds_db.upkeep.optimize import tend_if_worth_it
from animeds_db.workers import HandOut, Ray, Worker, cluster, sole_coordinator
from animeds_ingest import ledger
from animeds_ingest.choice import hardware_here
from animeds_ingest.outcomes import Report, Silent, Watcher
from animeds_ingest.shot_finding import Row, ShotsFound, shots_of_source


def shots(
    store: Store,
    sources: Sequence[str] | None = None,
    *,
    again: bool = False,
    on: Ray | None = None,
    watcher: Watcher | None = None,
    hwaccel: str | None = None,
) -> Report:
    """Find the shots of videos in the database: exact first and last frames, drawings, cadence, motion.

    `sources` are ids; None means all videos. Videos that have shots are skipped, unless `again`. `on` hands the
    videos to workers on Ray. `hwaccel` names what decodes them, as for an ingest. A video that cannot be read is an
    outcome `failed` in the report; the others go on.
    Raises UsageError for an unknown id, StoreError, and EngineError if Ray cannot be used.
    """
    rows, watcher = ledger.videos(store, sources), watcher or Silent()
    decoder = settings.resolve("hwaccel", hwaccel).value
    if on is None:
        report = _here(store, rows, again, watcher, hardware_here(decoder))
    else:
        report = _on_ray(rows, Job(Location(store.uri).shared, again, decoder), on, watcher)
    tend_if_worth_it(store)
    return report


def _here(store: Store, rows: Sequence[Row], again: bool, watcher: Watcher, hardware: Hardware) -> Report:
    report = Report()
    for index, row in enumerate(rows):
        watcher.source(index, len(rows), _title(row), row["duration_s"])
        outcome = shots_of_source(store, row, again=again, advance=watcher.frames, hardware=hardware)
        report.outcomes.append(outcome)
        watcher.outcome(outcome)
    return report


def _on_ray(rows: Sequence[Row], job: Job, on: Ray, watcher: Watcher) -> Report:
    found: dict[int, ShotsFound] = {}
    with (
        cluster(on) as ray,
        sole_coordinator(ray, job.uri),
        _Videos(ray, ShotWorker, job, on) as hands,
    ):
        for index, outcome in hands.run(rows):
            found[index] = outcome
            watcher.outcome(outcome)
    return Report([found[index] for index in range(len(rows))])


@dataclass(frozen=True)
class Job:
    """The job shared by all videos of a run."""

    uri: str
    again: bool
    hwaccel: str = NONE


class ShotWorker(Worker[Job, Row, ShotsFound]):
    """Finds the shots of one video after the other. An item is the video's row of `sources`."""

    def prepare(self, job: Job) -> None:
        """Open the database. Raises StoreError."""
        self._again, self._hardware = job.again, choose_hardware(job.hwaccel)
        self._store = self.open_store(job.uri)
        self._frames = 0

    def work(self, item: Row) -> ShotsFound:
        """Find and write the shots of one video."""
        self._frames = 0
        return shots_of_source(
            self._store, item, again=self._again, advance=self._advance, hardware=self._hardware
        )

    def done(self) -> int:
        """Return the number of frames of the current video that are done."""
        return self._frames

    def _advance(self, done: int, _position_s: float | None) -> None:
        self._frames = done


class _Videos(HandOut[Job, Row, ShotsFound]):
    def given_up(self, item: Row, losses: int, reason: str) -> ShotsFound:
        """Return a failed outcome for the video. The others continue."""
        error = SourceError(
            f"{item['uri']}: {losses} workers died while reading it ({reason})",
            hint="check that `animeds shots` can read it on one machine",
        )
        return ShotsFound(_title(item), "failed", error=error, source_id=item["source_id"])


def _title(row: Row) -> str:
    return str(row["title"] or row["source_id"])
