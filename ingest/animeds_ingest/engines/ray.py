"""The engine for many machines: gives sources, or stretches of them, to workers on Ray.

A task may be started any number of times. If a worker is lost, only its uncommitted work is lost: another
worker continues from there, and rows are merged by key, so nothing is stored twice.

Only descriptions of tasks and outcomes go through Ray, not rows or pixels.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from animeds_db.errors import EngineError, SourceError
from animeds_db.media.hardware import NONE
from animeds_db.models import Models
from animeds_db.store.location import Location
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep.optimize import tend_if_worth_it
from animeds_db.workers import HandOut, Ray, cluster, sole_coordinator
from animeds_ingest import ledger
from animeds_ingest.engines.ray_worker import (
    Answer,
    Job,
    SourceWorker,
    Task,
    ToAnalyse,
    ToNumber,
    Whole,
    failed,
)
from animeds_ingest.engines.stretches import Numbering, finish
from animeds_ingest.one_source import committed, prepare
from animeds_ingest.outcomes import Outcome, Report, Silent, Watcher
from animeds_ingest.request import ASKED
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec


def ingest(
    store: Store,
    specs: Sequence[SourceSpec],
    sampling: Sampling,
    models: Models,
    load: Callable[[], Models],
    on: Ray,
    *,
    asked: frozenset[str] = ASKED,
    replace: bool = False,
    watcher: Watcher | None = None,
    hwaccel: str = NONE,
) -> Report:
    """Ingest all sources with workers on Ray. The rows are the same as those of the local engine.

    `asked` is as for the local engine. After Ctrl-C, sources in progress are marked as interrupted.
    `load` is called on every worker and must return the same models there (it is pickled). `hwaccel` names what decodes
    videos, as in `media.hardware`; a worker without that device decodes on its processor and notes it.
    Raises EngineError if Ray is missing or cannot be reached, if another process distributes work for this
    database on the same cluster, or if workers cannot run; StoreError and ModelError as in the local engine.
    """
    uri = Location(store.uri).shared
    ids = tuple(str(record["model_id"]) for record in models.records())
    job = Job(uri, sampling, load, ids, replace, asked, hwaccel)
    with cluster(on) as ray, sole_coordinator(ray, uri):
        prepare(store, models)
        try:
            with _Tasks(ray, store, job, on, watcher or Silent()) as workers:
                report = workers.ingest([_absolute(spec) for spec in specs])
        except KeyboardInterrupt:
            ledger.interrupt_running(store, specs)
            raise
    tend_if_worth_it(store)
    return report


def _absolute(spec: SourceSpec) -> SourceSpec:
    return replace(spec, path=spec.path.absolute())


class _Tasks(HandOut[Job, Task, Answer]):
    """Distributes the tasks of one ingest and collects the outcomes of its sources."""

    def __init__(self, ray: Any, store: Store, job: Job, on: Ray, watcher: Watcher) -> None:
        super().__init__(ray, SourceWorker, job, on)
        self._store, self._watcher = store, watcher
        self._has_models = bool(job.model_ids)
        self._outcomes: dict[int, Outcome] = {}
        self._sources = 0
        self._committed: dict[str, int] = {}
        self._told = 0

    def ingest(self, specs: Sequence[SourceSpec]) -> Report:
        """Work until every source has an outcome, and return these in the order of the sources.

        If there are more workers than sources, videos are divided into stretches, because models take most of the time.
        """
        self._sources = len(specs)
        shared = [
            index
            for index, spec in enumerate(specs)
            if spec.kind == "video" and self._has_models and self.most() > len(specs)
        ]
        others = [index for index in range(len(specs)) if index not in shared]
        for index, answer in self.run([Whole(specs[index]) for index in others]):
            self._ended(others[index], answer)
        self._in_stretches(specs, shared)
        return Report([self._outcomes[index] for index in range(len(specs))])

    def _in_stretches(self, specs: Sequence[SourceSpec], indices: Sequence[int]) -> None:
        """Number the frames of the videos at these indices, then distribute all their stretches together."""
        began = time.monotonic()
        numbered: dict[int, Numbering] = {}
        for task, answer in self.run([ToNumber(specs[index]) for index in indices]):
            if isinstance(answer, Numbering):
                numbered[indices[task]] = answer
            else:
                self._ended(indices[task], answer)
        tasks = [
            (index, ToAnalyse(specs[index], video.row["source_id"], stretch))
            for index, video in numbered.items()
            for stretch in video.stretches
        ]
        left = Counter(index for index, _ in tasks)
        errors: dict[int, list[SourceError]] = defaultdict(list)

        def conclude(index: int) -> None:
            seconds = time.monotonic() - began
            self._ended(index, finish(self._store, specs[index], numbered[index], errors[index], seconds))

        for index in numbered.keys() - left.keys():  # nothing was left to do
            conclude(index)
        for at, answer in self.run([task for _, task in tasks]):
            index = tasks[at][0]
            if isinstance(answer, SourceError):
                errors[index].append(answer)
            left[index] -= 1
            if not left[index]:
                conclude(index)

    def began(self, items: Sequence[Task]) -> None:
        """Report the sources in progress and the number of finished ones."""
        titles = ", ".join(dict.fromkeys(task.spec.name.title for task in items))
        self._told = sum(hand.done for hand in self._hands)
        self._watcher.source(len(self._outcomes), self._sources, titles, None)

    def progressed(self, done: int) -> None:
        """Report the number of frames done since a task started."""
        if done > self._told:
            self._watcher.frames(done - self._told, None)

    def has_moved(self, item: Task) -> bool:
        """Return True if frames of a source were committed since its last loss."""
        key = str(item.spec.path)
        before, self._committed[key] = self._committed.get(key, 0), self._frames_of(item.spec)
        return self._committed[key] > before

    def given_up(self, item: Task, losses: int, reason: str) -> Answer:
        """Return a failed outcome for the source. The others continue."""
        told = SourceError(
            f"{item.spec.path}: {losses} workers died while reading it ({reason})",
            hint="check that `animeds ingest` can read it on one machine, and that each worker has enough memory",
        )
        return failed(item, told)

    def _ended(self, index: int, outcome: Answer) -> None:
        assert isinstance(outcome, Outcome)
        where = f"source_id = {quoted(outcome.source_id or '')}"
        if outcome.error is None and not self._store.table("sources").count_rows(where):
            raise EngineError(
                f"a worker has ingested {outcome.title}, but into another database: "
                f"{self._store.uri} is a different one on that machine",
                hint="put the database where every worker can reach it: a shared disk, or s3://…",
            )
        self._outcomes[index] = outcome
        self._watcher.outcome(outcome)

    def _frames_of(self, spec: SourceSpec) -> int:
        """Return the number of committed frames of a source."""
        where = f"uri = {quoted(str(spec.path.resolve()))}"
        sources = self._store.table("sources").to_table(columns=["source_id"], filter=where)
        return sum(committed(self._store, source) for source in sources["source_id"].to_pylist())
