"""Gives items of work to workers on Ray, one at a time to each, until every item has a result.

An item may be started any number of times: if a worker is lost, another one starts its item again.

    this process ── an item ──► worker (a Ray actor: opened and loaded once) ── rows ──► the database
          ◄── the result ──┘
"""

from __future__ import annotations

import logging
import pickle
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from animeds_db.errors import AnimedsError, EngineError
from animeds_db.workers.cluster import Ray
from animeds_db.workers.worker import Seat, Worker, versions

LOSSES = 5
"""Maximum number of workers lost on one item, without progress, before the item is given up."""
FALSE_STARTS = 3
"""Maximum number of workers in a row that may die before they are ready."""
TICK_S = 0.5
"""Seconds between requests for progress."""

_DETAILS = ("class_name", "actor_id", "pid", "namespace", "ip")
_log = logging.getLogger("animeds")

Job = TypeVar("Job")
Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass
class Hand:
    """One worker: the actor, its pending request (None: idle), and its current item (None: no item)."""

    actor: Any
    asked: Any
    item: int | None = None
    pulse: Any = None
    done: int = 0


class HandOut(Generic[Job, Item, Answer]):
    """Workers of one kind, prepared for the same job. A context manager that stops them at the end.

    Subclasses handle progress and lost workers. Raises EngineError if the cluster has no room for a single worker,
    if workers cannot run, or if an item keeps losing them; also raises an AnimedsError that a worker returned.
    """

    def __init__(self, ray: Any, kind: type[Worker[Job, Item, Answer]], job: Job, on: Ray) -> None:
        self._ray, self._kind, self._on = ray, kind, on
        self._job = pickle.dumps(job)
        self._room = _room(ray, on)
        self._hands: list[Hand] = []
        self._waiting: deque[int] = deque()
        self._items: Sequence[Item] = ()
        self._losses: Counter[int] = Counter()
        self._false_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand in self._hands:
            self._ray.kill(hand.actor)
        self._hands.clear()

    def run(self, items: Sequence[Item]) -> Iterator[tuple[int, Answer]]:
        """Yield (index, result) of each item as they finish. Workers are kept for the next call."""
        self._items, self._waiting = items, deque(range(len(items)))
        self._losses.clear()
        left = len(items)
        while left:
            for hand in self._hands:
                if hand.asked is None:
                    self._give(hand)
            self._hire()
            busy = [hand.asked for hand in self._hands if hand.asked is not None]
            answered, _ = self._ray.wait(busy, timeout=TICK_S)
            for hand in [hand for hand in self._hands if hand.asked in answered]:
                for answer in self._heard(hand):
                    left -= 1
                    yield answer
            self._ask_progress()

    def most(self) -> int:
        """Return the maximum number of workers at a time."""
        return min(self._on.workers or self._room, self._room)

    def began(self, items: Sequence[Item]) -> None:
        """Hook: called with the items in progress whenever one starts."""

    def progressed(self, done: int) -> None:
        """Hook: called with the total progress of the items in progress."""

    def has_moved(self, item: Item) -> bool:  # noqa: ARG002
        """Return True if an item that lost its worker made progress since its last loss. Such losses do not count."""
        return False

    def given_up(self, item: Item, losses: int, reason: str) -> Answer:  # noqa: ARG002
        """Return the result for an item that keeps losing its workers, or raise an error."""
        raise EngineError(
            f"{losses} workers died while processing the same item ({reason})",
            hint="they may lack memory: try fewer workers per machine, or a lower --memory",
        )

    def _hire(self) -> None:
        """Start workers while there are more items than workers."""
        most = min(self.most(), len(self._items))
        beginning = sum(hand.item is None for hand in self._hands)
        while len(self._hands) < most and beginning < len(self._waiting):
            options = {"num_cpus": self._on.cpus, "num_gpus": self._on.gpus, "max_concurrency": 2}
            actor = self._ray.remote(self._kind).options(max_restarts=0, **options).remote(self._on.cpus)
            self._hands.append(Hand(actor, actor.begin.remote(versions(), self._job)))
            beginning += 1

    def _heard(self, hand: Hand) -> Iterator[tuple[int, Answer]]:
        """Process a worker's reply: it is ready, it finished an item, it was lost, or it cannot run."""
        item, hand.item = hand.item, None
        try:
            answer = self._ray.get(hand.asked)
        except self._ray.exceptions.RayActorError as error:
            self._hands.remove(hand)
            self._ray.kill(hand.actor)
            yield from self._lost(item, _last_line(error))
            return
        except self._ray.exceptions.RayTaskError as error:  # a bug of ours or of a library
            raise EngineError(f"a worker failed: {_last_line(error)}") from error
        if isinstance(answer, AnimedsError):
            raise answer
        self._give(hand)
        if isinstance(answer, Seat):
            self._false_starts = 0
            _log.info("worker %d on %s is ready", answer.pid, answer.node)
        elif item is not None:
            yield item, answer

    def _give(self, hand: Hand) -> None:
        """Give a worker its next item. If there is none, it stays idle."""
        hand.asked, hand.done, hand.pulse = None, 0, None
        if self._waiting:
            hand.item = self._waiting.popleft()
            hand.asked = hand.actor.do.remote(self._items[hand.item])
            self.began([self._items[other.item] for other in self._hands if other.item is not None])

    def _lost(self, item: int | None, reason: str) -> Iterator[tuple[int, Answer]]:
        """Queue the item of a lost worker again, unless it was lost too often. Another worker will be started."""
        if item is None:
            self._false_starts += 1
            if self._false_starts >= FALSE_STARTS:
                raise EngineError(
                    f"{FALSE_STARTS} workers in a row died before they were ready: {reason}",
                    hint="check that animeds-db is installed on every node (pip install 'animeds-db[ray]'), "
                    "and that there is enough memory for the models",
                )
            return
        _log.info("a worker was lost at item %d of %d (%s)", item + 1, len(self._items), reason)
        self._losses[item] = 1 if self.has_moved(self._items[item]) else self._losses[item] + 1
        if self._losses[item] < LOSSES:
            self._waiting.append(item)  # the others first, because this item may be what kills workers
        else:
            yield item, self.given_up(self._items[item], LOSSES, reason)

    def _ask_progress(self) -> None:
        """Ask busy workers for their progress. Replies are used when they arrive; nothing waits for them."""
        for hand in self._hands:
            if hand.item is None:
                continue
            if hand.pulse is not None and self._ray.wait([hand.pulse], timeout=0)[0]:
                hand.done = self._beat(hand)
                hand.pulse = None
            hand.pulse = hand.pulse or hand.actor.done.remote()
        self.progressed(sum(hand.done for hand in self._hands))

    def _beat(self, hand: Hand) -> int:
        try:
            return int(self._ray.get(hand.pulse))
        except self._ray.exceptions.RayError:
            return hand.done  # the reply to `asked` says what happened


def _room(ray: Any, on: Ray) -> int:
    """Return the number of workers that fit on the cluster. Raises EngineError if not even one does."""
    there = ray.cluster_resources()
    room = int(there.get("CPU", 0) // on.cpus)
    if on.gpus:
        room = min(room, int(there.get("GPU", 0) / on.gpus))
    if not room:
        raise EngineError(
            f"this Ray cluster has {there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs, which is "
            f"not enough for a worker with {on.cpus} cores and {on.gpus:g} GPUs",
            hint="reserve less with --worker-cpus and --worker-gpus, or add nodes",
        )
    return room


def _last_line(error: Exception) -> str:
    """Return the line with the actual error from Ray's long message."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    messages = [line for line in lines if ":" in line and not line.startswith((*_DETAILS, "hint: "))]
    return (messages or lines or [type(error).__name__])[-1][:300]
