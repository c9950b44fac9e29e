"""Workers that read one database: each opens it once, then works on pieces of one computation over its rows.

Workers do not write. They return their results as arrays, and the calling process writes them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from animeds_db.session import Session
from animeds_db.store import Store
from animeds_db.workers.cluster import Ray, cluster
from animeds_db.workers.handout import HandOut
from animeds_db.workers.worker import Worker

Tool = TypeVar("Tool")
ToolIn = TypeVar("ToolIn", contravariant=True)
ToolOut = TypeVar("ToolOut", covariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)
Result = TypeVar("Result")


class Piece(Protocol[ToolIn, ResultOut]):
    """A piece of work, small enough to send. The tool reads what it needs from the database."""

    def by(self, tool: ToolIn, /) -> ResultOut:
        """Do the work with a tool and return the result."""


class Spread(Protocol[ToolOut]):
    """Runs pieces, here or on workers. Each worker makes its tool once."""

    def __call__(self, pieces: Sequence[Piece[ToolOut, Result]], /) -> Iterator[tuple[int, Result]]:
        """Yield (index, result) of each piece as they finish."""


@dataclass(frozen=True)
class Reading(Generic[Tool]):
    """The job shared by all pieces: the database, and a function that makes a worker's tool (it is pickled)."""

    uri: str
    unfinished: bool
    make: Callable[[Session], Tool]


class Reader(Worker[Reading[Any], Piece[Any, Any], Any]):
    """A worker that runs pieces on a database."""

    def prepare(self, job: Reading[Any]) -> None:
        """Open the database and make the tool."""
        self._tool = job.make(Session(self.open_store(job.uri), unfinished=job.unfinished))

    def work(self, item: Piece[Any, Any]) -> Any:
        """Do one piece."""
        return item.by(self._tool)


@contextlib.contextmanager
def spread(
    store: Store, session: Session, make: Callable[[Session], Tool], on: Ray | None
) -> Iterator[Spread[Tool]]:
    """Yield a function that runs pieces on Ray's workers, or one after the other here if `on` is None.

    The results are the same.
    """
    if on is None:
        yield _here(make(session))
        return
    job = Reading(store.location.shared, session.unfinished, make)
    with cluster(on) as ray, HandOut(ray, Reader, job, on) as workers:
        yield workers.run


def _here(tool: Tool) -> Spread[Tool]:
    def run(pieces: Sequence[Piece[Tool, Result]]) -> Iterator[tuple[int, Result]]:
        return ((place, piece.by(tool)) for place, piece in enumerate(pieces))

    return run
