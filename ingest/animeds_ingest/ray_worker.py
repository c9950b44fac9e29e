"""A worker of an ingest on Ray: the database and the models are opened once, then one source after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from animeds_db.errors import EngineError, SourceError
from animeds_db.models import Models
from animeds_db.workers import Worker
from animeds_ingest.one_source import analyser_for, ingest_source
from animeds_ingest.outcomes import Outcome
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec


@dataclass(frozen=True)
class Job:
    """What is the same for every source of a run. `load` gives the models of `model_ids`, on any node."""

    uri: str
    sampling: Sampling
    load: Callable[[], Models]
    model_ids: tuple[str, ...]
    replace: bool


class SourceWorker(Worker[Job, SourceSpec, Outcome]):
    """Ingests one source at a time."""

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
                hint="pull the same revisions everywhere: animeds models pull",
            )
        self._analyser = analyser_for(self._store, models)

    def work(self, spec: SourceSpec) -> Outcome:
        """Bring one source into the store. A source that is not on this node is an outcome like a bad file."""
        self._frames = 0
        if not spec.path.exists():
            return Outcome(spec.name.title, "failed", error=self._not_here(spec))
        return ingest_source(
            self._store,
            spec,
            self._job.sampling,
            self._analyser,
            replace=self._job.replace,
            advance=self._advance,
        )

    def done(self) -> int:
        """Return how many frames of the source at work are done."""
        return self._frames

    def _advance(self, done: int, _position_s: float | None) -> None:
        self._frames = done

    def _not_here(self, spec: SourceSpec) -> SourceError:
        return SourceError(
            f"{spec.path} is not on {self.node}, where this worker runs",
            hint="workers have to see sources under the same path: put them on a disk that all share",
        )
