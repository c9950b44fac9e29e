"""A worker on Ray: opens the database and loads the models once, then takes one source after the other.

Its one rule: errors that a person can act on are returned, not raised: Ray would wrap them in its own.
Knows nothing of Ray itself.
"""

from __future__ import annotations

import os
import pickle
import platform
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import animeds_db
from animeds_db import schema
from animeds_db.cores import VARIABLE
from animeds_db.errors import AnimedsError, EngineError, SourceError, StoreError
from animeds_db.models import Models
from animeds_db.store import Store
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


@dataclass(frozen=True)
class Seat:
    """Where a worker runs."""

    node: str
    pid: int


def versions() -> dict[str, str]:
    """Return what has to be the same on the machine that gives out the work and on every worker."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"animeds-db": animeds_db.__version__, "tables": str(schema.SCHEMA_VERSION), "Python": python}


class Worker:
    """Ingests sources with `threads` cores. First `begin`, then `ingest` for one source at a time."""

    def __init__(self, threads: int) -> None:
        os.environ[VARIABLE] = str(threads)  # before anything starts threads
        self._node = socket.gethostname()
        self._frames = 0

    def begin(self, wanted: Mapping[str, str], job: bytes) -> Seat | AnimedsError:
        """Open the database and load the models of a pickled Job, and return where this is.

        Versions are compared before anything is unpickled. Returns EngineError, StoreError or ModelError.
        """
        try:
            self._compare(wanted)
            self._job: Job = pickle.loads(job)
            self._open()
        except AnimedsError as error:
            return error
        return Seat(self._node, os.getpid())

    def ingest(self, spec: SourceSpec) -> Outcome | AnimedsError:
        """Bring one source into the store. A source that is not on this node is an outcome like a bad file."""
        self._frames = 0
        if not spec.path.exists():
            return Outcome(spec.name.title, "failed", error=self._not_here(spec))
        try:
            return ingest_source(
                self._store,
                spec,
                self._job.sampling,
                self._analyser,
                replace=self._job.replace,
                advance=self._advance,
            )
        except AnimedsError as error:
            return error

    def frames(self) -> int:
        """Return how many frames of the source at work are done. May be asked while `ingest` runs."""
        return self._frames

    def _advance(self, done: int, _position_s: float | None) -> None:
        self._frames = done

    def _compare(self, wanted: Mapping[str, str]) -> None:
        here = versions()
        other = [
            f"{name} {here.get(name)}, not {value}"
            for name, value in wanted.items()
            if here.get(name) != value
        ]
        if other:
            raise EngineError(
                f"the worker on {self._node} has {'; '.join(other)}",
                hint=f"install the same everywhere: pip install animeds-db=={wanted.get('animeds-db')}",
            )

    def _open(self) -> None:
        try:
            self._store = Store.open(self._job.uri)
        except StoreError as error:
            raise StoreError(
                f"the worker on {self._node} cannot open the database: {error}",
                hint="put it where every worker reaches it: a disk that all share, or s3://…; "
                "credentials have to be there as well",
            ) from error
        models = self._job.load()
        ids = tuple(str(record["model_id"]) for record in models.records())
        if ids != self._job.model_ids:
            raise EngineError(
                f"the worker on {self._node} has other models: {', '.join(ids) or 'none'}, "
                f"not {', '.join(self._job.model_ids) or 'none'}",
                hint="pull the same revisions everywhere: animeds models pull",
            )
        self._analyser = analyser_for(self._store, models)

    def _not_here(self, spec: SourceSpec) -> SourceError:
        return SourceError(
            f"{spec.path} is not on {self._node}, where this worker runs",
            hint="workers have to see sources under the same path: put them on a disk that all share",
        )
