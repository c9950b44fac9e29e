"""The engine for many machines: sources are given out to workers on Ray, one to each at a time.

Its one rule: a source may be begun any number of times. A worker that is lost costs what it had not yet
committed; another one goes on from there, and rows are merged by their key, so that nothing is doubled.

    this process ── a source ──► worker (a Ray actor: models loaded once) ── rows ──► the database
          ◄── what became of it ──┘

Nothing but descriptions of sources and outcomes goes through Ray; rows and pixels never do.
"""

from __future__ import annotations

import logging
import pickle
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from animeds_db.errors import AnimedsError, EngineError, SourceError
from animeds_db.models import Models
from animeds_db.places import Place
from animeds_db.store import Store, quoted
from animeds_ingest.one_source import prepare
from animeds_ingest.outcomes import Outcome, Report, Silent, Watcher
from animeds_ingest.ray_cluster import cluster, sole_coordinator
from animeds_ingest.ray_worker import Job, Seat, Worker, versions
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec

LOSSES = 5
"""So often may a source lose its worker without one more commit until it counts as what kills them."""
FALSE_STARTS = 3
"""So many workers in a row may die before they are ready."""
TICK_S = 0.5
"""How often progress is asked for."""

_DETAILS = ("class_name", "actor_id", "pid", "namespace", "ip")
_log = logging.getLogger("animeds")


@dataclass(frozen=True)
class Crew:
    """How many workers, and what each reserves of the cluster. `gpus` may be a fraction of a card."""

    size: int | None = None
    """None: as many as there are cores for, and no more than sources."""
    cpus: int = 1
    gpus: float = 0.0


def ingest(
    store: Store,
    specs: Sequence[SourceSpec],
    sampling: Sampling,
    models: Models,
    load: Callable[[], Models],
    *,
    address: str | None = None,
    crew: Crew = Crew(),
    replace: bool = False,
    watcher: Watcher | None = None,
) -> Report:
    """Bring every source into the store by workers on Ray; the rows are those of the local engine.

    `load` is called on every worker and has to give the same models there (it is pickled). `address` is that
    of a cluster (host:port, ray://…, auto); None: RAY_ADDRESS, else Ray is started on this machine.
    Raises EngineError when Ray is missing or out of reach, when another process hands out work for this
    database on the same cluster, or when workers cannot work; StoreError and ModelError as the local engine.
    """
    place = Place(store.uri)
    uri = place.uri if place.path is None else str(place.path.absolute())
    ids = tuple(str(record["model_id"]) for record in models.records())
    job = Job(uri, sampling, load, ids, replace)
    with cluster(address, (crew.size or len(specs)) * crew.cpus) as ray, sole_coordinator(ray, uri):
        prepare(store, models)
        run = _Run(ray, store, [_absolute(spec) for spec in specs], job, crew, watcher or Silent())
        report = run.report()
    store.compact_if_needed()
    return report


def _absolute(spec: SourceSpec) -> SourceSpec:
    return replace(spec, path=spec.path.absolute())


@dataclass
class _Hand:
    """One worker: the actor, what it was asked last, and the source it is at (None: it begins)."""

    actor: Any
    asked: Any
    source: int | None = None
    pulse: Any = None
    frames: int = 0


class _Run:
    """Hands out the sources of one ingest and gathers what became of them."""

    def __init__(
        self, ray: Any, store: Store, specs: Sequence[SourceSpec], job: Job, crew: Crew, watcher: Watcher
    ) -> None:
        self._ray, self._store, self._specs, self._watcher = ray, store, specs, watcher
        self._job = pickle.dumps(job)
        self._crew = crew
        self._size = _size(ray, crew, len(specs))
        self._waiting = deque(range(len(specs)))
        self._hands: list[_Hand] = []
        self._outcomes: dict[int, Outcome] = {}
        self._losses: Counter[int] = Counter()
        self._committed: dict[int, int] = {}
        self._false_starts = 0
        self._told = 0

    def report(self) -> Report:
        """Work until every source has an outcome; they stand in the order of the sources."""
        try:
            while len(self._outcomes) < len(self._specs):
                self._hire()
                done, _ = self._ray.wait([hand.asked for hand in self._hands], timeout=TICK_S)
                for hand in [hand for hand in self._hands if hand.asked in done]:
                    self._answered(hand)
                self._tell_progress()
        finally:
            for hand in self._hands:
                self._ray.kill(hand.actor)
        return Report([self._outcomes[i] for i in range(len(self._specs))])

    def _hire(self) -> None:
        """Start workers while there are sources that no worker, ready or beginning, is there for."""
        beginning = sum(hand.source is None for hand in self._hands)
        while len(self._hands) < self._size and beginning < len(self._waiting):
            options = {"num_cpus": self._crew.cpus, "num_gpus": self._crew.gpus, "max_concurrency": 2}
            actor = self._ray.remote(Worker).options(max_restarts=0, **options).remote(self._crew.cpus)
            self._hands.append(_Hand(actor, actor.begin.remote(versions(), self._job)))
            beginning += 1

    def _answered(self, hand: _Hand) -> None:
        """Take what a worker answered: it is ready, it has done a source, it is lost, or it cannot work."""
        try:
            answer = self._ray.get(hand.asked)
        except self._ray.exceptions.RayActorError as error:
            self._lost(hand, error)
            return
        except self._ray.exceptions.RayTaskError as error:  # a fault of ours, or of a library
            raise EngineError(f"a worker failed: {_last_line(error)}") from error
        if isinstance(answer, AnimedsError):
            raise answer
        if isinstance(answer, Seat):
            self._false_starts = 0
            _log.info("worker %d on %s is ready", answer.pid, answer.node)
        else:
            assert hand.source is not None
            self._ended(hand.source, answer)
        self._next(hand)

    def _next(self, hand: _Hand) -> None:
        """Give a worker its next source, or send it home."""
        hand.source, hand.frames, hand.pulse = None, 0, None
        if not self._waiting:
            self._dismiss(hand)
            return
        hand.source = self._waiting.popleft()
        hand.asked = hand.actor.ingest.remote(self._specs[hand.source])
        self._tell_sources()

    def _ended(self, source: int, outcome: Outcome) -> None:
        if outcome.error is None and not self._is_here(outcome):
            raise EngineError(
                f"a worker has ingested {outcome.title}, but not into this database: "
                f"what it sees at {self._store.uri} is another one",
                hint="put the database where every worker reaches it: a disk that all share, or s3://…",
            )
        self._outcomes[source] = outcome
        self._watcher.outcome(outcome)

    def _is_here(self, outcome: Outcome) -> bool:
        where = f"source_id = {quoted(outcome.source_id or '')}"
        return bool(self._store.table("sources").count_rows(where))

    def _lost(self, hand: _Hand, error: Exception) -> None:
        """Put the source of a lost worker back, unless it is what kills them; another worker will be started."""
        self._dismiss(hand)
        if hand.source is None:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise EngineError(
                    f"{FALSE_STARTS} workers in a row died before they were ready: {_last_line(error)}",
                    hint="is animeds-db installed on every node (pip install 'animeds-db[ray]'), "
                    "and is there memory for the models?",
                ) from error
            return
        spec = self._specs[hand.source]
        committed = self._frames_of(spec)
        self._losses[hand.source] += 1
        if committed > self._committed.get(hand.source, 0):
            self._losses[hand.source] = 1
        self._committed[hand.source] = committed
        _log.info("the worker at %s was lost (%s)", spec.path, _last_line(error))
        if self._losses[hand.source] < LOSSES:
            self._waiting.append(hand.source)  # the others first: it may be what kills them
            return
        told = SourceError(
            f"{spec.path}: {LOSSES} workers died at it ({_last_line(error)})",
            hint="does `animeds ingest` read it on one machine? Is there memory enough for each worker?",
        )
        self._ended(hand.source, Outcome(spec.name.title, "failed", error=told))

    def _frames_of(self, spec: SourceSpec) -> int:
        """Return how many frames of a source are committed."""
        where = f"uri = {quoted(str(spec.path.resolve()))}"
        ids = (
            self._store.table("sources")
            .to_table(columns=["source_id"], filter=where)["source_id"]
            .to_pylist()
        )
        frames = self._store.table("frames")
        return sum(int(frames.count_rows(f"source_id = {quoted(i)}")) for i in ids)

    def _dismiss(self, hand: _Hand) -> None:
        self._hands.remove(hand)
        self._ray.kill(hand.actor)

    def _tell_sources(self) -> None:
        """Say which sources are at work, and that this many are done."""
        titles = [self._specs[hand.source].name.title for hand in self._hands if hand.source is not None]
        self._told = sum(hand.frames for hand in self._hands)
        self._watcher.source(len(self._outcomes), len(self._specs), ", ".join(titles), None)

    def _tell_progress(self) -> None:
        """Ask busy workers how far they are; an answer counts when it is there, nobody waits for it."""
        for hand in self._hands:
            if hand.source is None:
                continue
            if hand.pulse is not None and self._ray.wait([hand.pulse], timeout=0)[0]:
                hand.frames = self._beat(hand)
                hand.pulse = None
            hand.pulse = hand.pulse or hand.actor.frames.remote()
        done = sum(hand.frames for hand in self._hands) - self._told
        if done > 0:
            self._watcher.frames(done, None)

    def _beat(self, hand: _Hand) -> int:
        try:
            return int(self._ray.get(hand.pulse))
        except self._ray.exceptions.RayError:
            return hand.frames  # the answer to `asked` says what happened


def _size(ray: Any, crew: Crew, sources: int) -> int:
    """Return how many workers to start. Raises EngineError when the cluster has no room for one."""
    there = ray.cluster_resources()
    room = int(there.get("CPU", 0) // crew.cpus)
    if crew.gpus:
        room = min(room, int(there.get("GPU", 0) / crew.gpus))
    if not room:
        raise EngineError(
            f"this Ray cluster has {there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs: no worker "
            f"with {crew.cpus} cores and {crew.gpus:g} GPUs finds room",
            hint="ask for less with --worker-cpus and --worker-gpus, or add nodes",
        )
    return min(crew.size or room, room, sources)


def _last_line(error: Exception) -> str:
    """Return what happened, of the many lines that Ray says."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    told = [line for line in lines if ":" in line and not line.startswith(_DETAILS)]
    return (told or lines or [type(error).__name__])[-1][:300]
