"""What every worker on Ray has in common: it begins with a job, then does one item of it after the other.

Its one rule: errors that a person can act on are returned, not raised: Ray would wrap them in its own.
Knows nothing of Ray itself.
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
    """Where a worker runs."""

    node: str
    pid: int


def versions() -> dict[str, str]:
    """Return what has to be the same on the machine that gives out the work and on every worker."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"animeds-db": animeds_db.__version__, "tables": str(schema.SCHEMA_VERSION), "Python": python}


class Worker(ABC, Generic[Job, Item, Answer]):
    """Works with `threads` cores. First `begin`, then `do` for one item at a time."""

    def __init__(self, threads: int) -> None:
        os.environ[VARIABLE] = str(threads)  # before anything starts threads
        self.node = socket.gethostname()

    def begin(self, wanted: Mapping[str, str], job: bytes) -> Seat | AnimedsError:
        """Get ready for a pickled job, and return where this is.

        Versions are compared before anything is unpickled. Returns EngineError, StoreError or ModelError.
        """
        try:
            self._compare(wanted)
            self.prepare(pickle.loads(job))
        except AnimedsError as error:
            return error
        return Seat(self.node, os.getpid())

    def do(self, item: Item) -> Answer | AnimedsError:
        """Do one item of the job; an error that ends the whole run is returned."""
        try:
            return self.work(item)
        except AnimedsError as error:
            return error

    @abstractmethod
    def prepare(self, job: Job) -> None:
        """Open and load what every item needs. Raises AnimedsError."""

    @abstractmethod
    def work(self, item: Item) -> Answer:
        """Do one item. Raises AnimedsError for what would happen with every other item too."""

    def done(self) -> int:
        """Return how much of the item at work is done. May be asked while `do` runs."""
        return 0

    def open_store(self, uri: str) -> Store:
        """Open the database. Raises StoreError that says on which machine it cannot be."""
        try:
            return Store.open(uri)
        except StoreError as error:
            raise StoreError(
                f"the worker on {self.node} cannot open the database: {error.headline}",
                hint="put it where every worker reaches it: a disk that all share, or s3://…; "
                "credentials have to be there as well",
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
                f"the worker on {self.node} has {'; '.join(other)}",
                hint=f"install the same everywhere: pip install animeds-db=={wanted.get('animeds-db')}",
            )
