"""A worker of an ingest on Ray. It opens the database and the models once, then does one task after the other.

A task is a whole source, or the numbering of a video, or a stretch of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from animeds_db.errors import EngineError, SourceError
from animeds_db.media.hardware import NONE, choose_hardware
from animeds_db.models import Models
from animeds_db.workers import Worker
from animeds_ingest.engines.stretches import Numbering, Stretch, ingest_stretch, number
from animeds_ingest.one_source import analyser_for, ingest_source
from animeds_ingest.outcomes import Outcome
from animeds_ingest.request import ASKED, Request
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec


@dataclass(frozen=True)
class Job:
    """The job shared by all sources of a run. `load` returns the models of `model_ids` on any node.

    Each worker chooses the device for `hwaccel` by itself.
    """

    uri: str
    sampling: Sampling
    load: Callable[[], Models]
    model_ids: tuple[str, ...]
    replace: bool
    asked: frozenset[str] = ASKED
    hwaccel: str = NONE


@dataclass(frozen=True)
class Whole:
    """A task: ingest a whole source. The result is its outcome."""

    spec: SourceSpec


@dataclass(frozen=True)
class ToNumber:
    """A task: number a video's frames. The result is a Numbering, or the outcome if there is nothing more to do."""

    spec: SourceSpec


@dataclass(frozen=True)
class ToAnalyse:
    """A task: analyse a stretch of a numbered video. The result is an error, or None."""

    spec: SourceSpec
    source_id: str
    stretch: Stretch


Task = Whole | ToNumber | ToAnalyse
Answer = Outcome | Numbering | SourceError | None


def failed(task: Task, error: SourceError) -> Answer:
    """Return the result of a task that failed, while others continue."""
    return error if isinstance(task, ToAnalyse) else Outcome(task.spec.name.title, "failed", error=error)


class SourceWorker(Worker[Job, Task, Answer]):
    """Ingests sources or stretches of them."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self._frames = 0

    def prepare(self, job: Job) -> None:
        """Open the database and load the models. Raises EngineError, StoreError or ModelError."""
        self._job = job
        self._store = self.open_store(job.uri)
        models = job.load()
        ids = tuple(str(record["model_id"]) for record in models.records())
        if ids != job.model_ids:
            raise EngineError(
                f"the worker on {self.node} has other models: {', '.join(ids) or 'none'}, "
                f"not {', '.join(job.model_ids) or 'none'}",
                hint="pull the same revisions on every machine: animeds models pull",
            )
        self._analyser = analyser_for(self._store, models)
        self._request = Request(job.sampling, lambda: self._analyser, job.asked, choose_hardware(job.hwaccel))

    def work(self, item: Task) -> Answer:
        """Do one task and return its result. A source that is not on this node is treated like a bad file."""
        self._frames = 0
        error = self._out_of_reach(item.spec)
        if error is not None:
            return failed(item, error)
        match item:
            case Whole(spec):
                job = self._job
                return ingest_source(
                    self._store,
                    spec,
                    self._request,
                    replace=job.replace,
                    advance=self._advance,
                )
            case ToNumber(spec):
                return number(self._store, spec, self._request, replace=self._job.replace)
            case ToAnalyse(spec, source_id, stretch):
                return ingest_stretch(self._store, spec, source_id, stretch, self._analyser, self._advance)

    def done(self) -> int:
        """Return the number of frames of the current task that are done."""
        return self._frames

    def _advance(self, done: int, _position_s: float | None) -> None:
        self._frames = done

    def _out_of_reach(self, spec: SourceSpec) -> SourceError | None:
        try:
            if spec.path.exists():
                return None
        except SourceError as error:  # of a bucket
            return error
        return SourceError(
            f"{spec.path} is not on {self.node}, where this worker runs",
            hint="sources must have the same path on every worker: put them on a shared disk, or s3://…",
        )
