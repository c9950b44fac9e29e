"""The base class of workers on Ray: a worker is prepared for a job, then does its items one after the other.

AnimedsErrors are returned, not raised, because Ray would wrap them in its own errors. This module does not
import Ray.
"""

from __future__ import annotations

import os
import pickle
import platform
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import animeds_db
from animeds_db import schema
from animeds_db.cores import VARIABLE
from animeds_db.errors import AnimedsError, EngineError, StoreError
from animeds_db.store import Store

Job = TypeVar("Job")
Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Seat:
    """The machine and process of a worker."""

    node: str
    pid: int


def versions() -> dict[str, str]:
    """Return the versions that must be the same on this machine and on every worker."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"animeds-db": animeds_db.__version__, "tables": str(schema.SCHEMA_VERSION), "Python": python}


class Worker(ABC, Generic[Job, Item, Answer]):
    """A worker that uses `threads` cores. Call `begin` first, then `do` for one item at a time."""

    def __init__(self, threads: int) -> None:
        os.environ[VARIABLE] = str(threads)  # before anything starts threads
        self.node = socket.gethostname()

    def begin(self, wanted: Mapping[str, str], job: bytes) -> Seat | AnimedsError:
        """Prepare for a pickled job, and return where this worker runs.

        Versions are compared before anything is unpickled. Returns EngineError, StoreError or ModelError.
        """
        try:
            self._compare(wanted)
            self.prepare(pickle.loads(job))
        except AnimedsError as error:
            return error
        return Seat(self.node, os.getpid())

    def do(self, item: Item) -> Answer | AnimedsError:
        """Do one item and return its result, or an error that ends the whole run."""
        try:
            return self.work(item)
        except AnimedsError as error:
            return error

    @abstractmethod
    def prepare(self, job: Job) -> None:
        """Open and load what all items need. Raises AnimedsError."""

    @abstractmethod
    def work(self, item: Item) -> Answer:
        """Do one item and return its result. Raises AnimedsError only for errors that would affect all items."""

    def done(self) -> int:
        """Return the progress of the current item. May be called while `do` runs."""
        return 0

    def open_store(self, uri: str) -> Store:
        """Open the database. Raises StoreError that names this machine."""
        try:
            return Store.open(uri)
        except StoreError as error:
            raise StoreError(
                f"the worker on {self.node} cannot open the database: {error.headline}",
                hint="put it where every worker can reach it: a shared disk, or s3://…; "
                "workers also need the credentials",
            ) from error

    def _compare(self, wanted: Mapping[str, str]) -> None:
        here = versions()
        other = [
            f"{name} {here.get(name)}, not {value}"
            for name, value in wanted.items()
            if here.get(name) != value
        ]
        if other:
            raise EngineError(
                f"the worker on {self.node} has other versions: {'; '.join(other)}",
                hint=f"install the same version everywhere: pip install animeds-db=={wanted.get('animeds-db')}",
            )
