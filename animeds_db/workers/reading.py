"""Workers that read one database: each opens it once, then does pieces of one question over its rows.

Its one rule: a worker writes nothing. What it finds comes back as arrays, and the asking process writes.
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
    """A piece of work, small enough to be sent around: all it needs of the database, the tool reads."""

    def by(self, tool: ToolIn, /) -> ResultOut:
        """Do it, on whichever machine."""


class Spread(Protocol[ToolOut]):
    """Has pieces done somewhere, by tools made once for each who does them."""

    def __call__(self, pieces: Sequence[Piece[ToolOut, Result]], /) -> Iterator[tuple[int, Result]]:
        """Yield (place, result) of each piece, as they come."""


@dataclass(frozen=True)
class Reading(Generic[Tool]):
    """What is the same for every piece: the database, and what makes the tool of a worker (it is pickled)."""

    uri: str
    unfinished: bool
    make: Callable[[Session], Tool]


class Reader(Worker[Reading[Any], Piece[Any, Any], Any]):
    """Does pieces over a database."""

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
    """Yield what does pieces on Ray's workers, or, for None, one after the other here, with the same results."""
    if on is None:
        yield _here(make(session))
        return
    job = Reading(store.place.shared, session.unfinished, make)
    with cluster(on) as ray, HandOut(ray, Reader, job, on) as workers:
        yield workers.run


def _here(tool: Tool) -> Spread[Tool]:
    def run(pieces: Sequence[Piece[Tool, Result]]) -> Iterator[tuple[int, Result]]:
        return ((place, piece.by(tool)) for place, piece in enumerate(pieces))

    return run
