"""The engine for many machines: sources, or stretches of them, are given out to workers on Ray.

Its one rule: a task may be begun any number of times. A worker that is lost costs what it had not yet
committed; another one goes on from there, and rows are merged by their key, so that nothing is doubled.

Nothing but descriptions of tasks and outcomes goes through Ray; rows and pixels never do.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from animeds_db.errors import EngineError, SourceError
from animeds_db.models import Models
from animeds_db.store.location import Place
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
) -> Report:
    """Bring every source into the store by workers on Ray; the rows are those of the local engine.

    `asked` is as for the local engine. Stopped by Ctrl-C, sources at work are marked as interrupted.
    `load` is called on every worker and has to give the same models there (it is pickled).
    Raises EngineError when Ray is missing or out of reach, when another process hands out work for this
    database on the same cluster, or when workers cannot work; StoreError and ModelError as the local engine.
    """
    uri = Place(store.uri).shared
    ids = tuple(str(record["model_id"]) for record in models.records())
    job = Job(uri, sampling, load, ids, replace, asked)
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
    """Hands out the tasks of one ingest and gathers what became of its sources."""

    def __init__(self, ray: Any, store: Store, job: Job, on: Ray, watcher: Watcher) -> None:
        super().__init__(ray, SourceWorker, job, on)
        self._store, self._watcher = store, watcher
        self._has_models = bool(job.model_ids)
        self._outcomes: dict[int, Outcome] = {}
        self._sources = 0
        self._committed: dict[str, int] = {}
        self._told = 0

    def ingest(self, specs: Sequence[SourceSpec]) -> Report:
        """Work until every source has an outcome; they stand in the order of the sources.

        Where there are more workers than sources, videos are shared out in stretches: models are what takes long.
        """
        self._sources = len(specs)
        shared = [
            place
            for place, spec in enumerate(specs)
            if spec.kind == "video" and self._has_models and self.most() > len(specs)
        ]
        others = [place for place in range(len(specs)) if place not in shared]
        for place, answer in self.run([Whole(specs[place]) for place in others]):
            self._ended(others[place], answer)
        self._in_stretches(specs, shared)
        return Report([self._outcomes[place] for place in range(len(specs))])

    def _in_stretches(self, specs: Sequence[SourceSpec], places: Sequence[int]) -> None:
        """Number the videos at these places, then give out all their stretches together."""
        began = time.monotonic()
        numbered: dict[int, Numbering] = {}
        for task, answer in self.run([ToNumber(specs[place]) for place in places]):
            if isinstance(answer, Numbering):
                numbered[places[task]] = answer
            else:
                self._ended(places[task], answer)
        tasks = [
            (place, ToAnalyse(specs[place], video.row["source_id"], stretch))
            for place, video in numbered.items()
            for stretch in video.stretches
        ]
        left = Counter(place for place, _ in tasks)
        errors: dict[int, list[SourceError]] = defaultdict(list)

        def conclude(place: int) -> None:
            seconds = time.monotonic() - began
            self._ended(place, finish(self._store, specs[place], numbered[place], errors[place], seconds))

        for place in numbered.keys() - left.keys():  # nothing was left to do of it
            conclude(place)
        for at, answer in self.run([task for _, task in tasks]):
            place = tasks[at][0]
            if isinstance(answer, SourceError):
                errors[place].append(answer)
            left[place] -= 1
            if not left[place]:
                conclude(place)

    def began(self, items: Sequence[Task]) -> None:
        """Say which sources are at work, and that so many are done."""
        titles = ", ".join(dict.fromkeys(task.spec.name.title for task in items))
        self._told = sum(hand.done for hand in self._hands)
        self._watcher.source(len(self._outcomes), self._sources, titles, None)

    def progressed(self, done: int) -> None:
        """Say how many frames were done since a task began."""
        if done > self._told:
            self._watcher.frames(done - self._told, None)

    def has_moved(self, item: Task) -> bool:
        """Tell whether frames of a source were committed since its last loss."""
        key = str(item.spec.path)
        before, self._committed[key] = self._committed.get(key, 0), self._frames_of(item.spec)
        return self._committed[key] > before

    def given_up(self, item: Task, losses: int, reason: str) -> Answer:
        """Return that the source failed; the others go on."""
        told = SourceError(
            f"{item.spec.path}: {losses} workers died at it ({reason})",
            hint="does `animeds ingest` read it on one machine? Is there memory enough for each worker?",
        )
        return failed(item, told)

    def _ended(self, place: int, outcome: Answer) -> None:
        assert isinstance(outcome, Outcome)
        where = f"source_id = {quoted(outcome.source_id or '')}"
        if outcome.error is None and not self._store.table("sources").count_rows(where):
            raise EngineError(
                f"a worker has ingested {outcome.title}, but not into this database: "
                f"what it sees at {self._store.uri} is another one",
                hint="put the database where every worker reaches it: a disk that all share, or s3://…",
            )
        self._outcomes[place] = outcome
        self._watcher.outcome(outcome)

    def _frames_of(self, spec: SourceSpec) -> int:
        """Return how many frames of a source are committed."""
        where = f"uri = {quoted(str(spec.path.resolve()))}"
        sources = self._store.table("sources").to_table(columns=["source_id"], filter=where)
        return sum(committed(self._store, source) for source in sources["source_id"].to_pylist())
