"""A few workers, and who may use them when. Its one rule: an answer comes in time, or an error says why not.

Each query has a worker of its own while it runs. Whoever comes when all are busy waits; whoever comes when too
many wait is told so. A query that is too slow, or whose asker has gone, is interrupted; a worker that does not
heed that is ended, and another one started.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from animeds_db.errors import QueryError, StoreError
from animeds_db.web.errors import BusyError, from_json
from animeds_db.web.options import Limits
from animeds_db.web.workers import framing
from animeds_db.web.workers.framing import Ask

GRACE_S = 1.0
"""How long an interrupted worker may take to say so."""
START_S = 60.0
_log = logging.getLogger("animeds")


class Call:
    """One query under way; `cancel` may come from any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.told: dict[str, Any] = {}
        self._stopped: str | None = None
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    @property
    def stopped(self) -> str | None:
        """Why it was stopped: "time" or "gone"; None while it was not."""
        return self._stopped

    def runs_in(self, worker: Worker | None) -> None:
        """Say by which worker it is run."""
        with self._lock:
            self._worker = worker
            if worker and self._stopped:
                worker.stop()

    def cancel(self, why: str = "gone") -> None:
        """Stop it: interrupt, and end the worker if it does not heed that."""
        with self._lock:
            if self._stopped is None:
                self._stopped = why
                if self._worker:
                    self._worker.stop()


class Worker:
    """One process that answers queries."""

    def __init__(self, uri: str, options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "animeds_db.web.workers.worker", uri, options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self._number = 0
        self._ready = False
        self._timer: threading.Timer | None = None

    def wait_until_ready(self) -> None:
        """Wait for its first word. Raises StoreError when it ends instead."""
        if not self._ready:
            try:
                kind, _ = framing.receive(self._out)
            except EOFError:
                raise StoreError(
                    "a worker of the service did not start", hint="its words are on stderr"
                ) from None
            assert kind == framing.READY
            self._ready = True

    def ask(self, ask: Ask) -> None:
        """Start a query."""
        self._number += 1
        self._ready = False
        framing.tell(self._in, framing.ASK, ask.as_json() | {"number": self._number})

    def messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield what it says until it is done. Raises EOFError when it ends before that."""
        while True:
            kind, body = framing.receive(self._out)
            yield kind, body
            if kind in (framing.DONE, framing.FAILED):
                return

    def stop(self) -> None:
        """Interrupt its query, and end it if it goes on."""
        try:
            framing.tell(self._in, framing.CANCEL, self._number)
        except OSError:  # it has ended
            return
        self._timer = threading.Timer(GRACE_S, self.process.kill)
        self._timer.daemon = True
        self._timer.start()

    def calm(self) -> None:
        """Its query has ended by itself: it may live."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process."""
        self.calm()
        self.process.kill()
        self.process.wait()
        for pipe in (self._in, self._out):
            try:
                pipe.close()
            except OSError:  # what could not be sent to it any more
                _log.debug("a worker ended with a question unread")


@dataclass
class Workers:
    """The workers of one database."""

    uri: str
    limits: Limits
    unfinished: bool = False
    _idle: queue.LifoQueue[Worker | None] = field(default_factory=queue.LifoQueue)
    _all: set[Worker] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: int = 0
    _closed: bool = False

    def __post_init__(self) -> None:
        for _ in range(self.limits.workers):
            self._idle.put(None)  # a place for a worker that was not started yet

    def start(self) -> None:
        """Start the first worker, so that the first query need not wait for it."""
        worker = self._idle.get()
        self._idle.put(worker or self._new())

    def close(self) -> None:
        """End all workers."""
        self._closed = True
        with self._lock:
            workers = list(self._all)
            self._all.clear()
        for worker in workers:
            worker.close()

    def run(self, ask: Ask, call: Call) -> Iterator[bytes]:
        """Run a query; yield its rows as pieces of an Arrow IPC stream. `call.told` says at the end how it went.

        Raises QueryError and the other errors of a session, BusyError.
        """
        with self._borrowed(call) as worker:
            worker.wait_until_ready()
            timer = threading.Timer(call.seconds, call.cancel, ["time"])
            timer.daemon = True
            timer.start()
            try:
                yield from self._asked(worker, ask, call)
            finally:
                timer.cancel()

    def _asked(self, worker: Worker, ask: Ask, call: Call) -> Iterator[bytes]:
        try:
            worker.ask(ask)
            call.runs_in(worker)
            for kind, body in worker.messages():
                if kind == framing.ROWS:
                    yield body
                elif kind == framing.FAILED:
                    raise self._why(call) or from_json(json.loads(body))
                elif kind == framing.DONE:
                    call.told = json.loads(body)
        except (EOFError, OSError):
            raise self._why(call) or QueryError(
                "this query took more memory than one may take here", hint="fewer rows or columns at once"
            ) from None

    def _why(self, call: Call) -> QueryError | None:
        if call.stopped == "time":
            return QueryError(
                f"this query took longer than {call.seconds:g} seconds and was stopped",
                hint="ask for less (WHERE, LIMIT), or let `animeds serve --seconds` allow more",
            )
        return QueryError("this query was stopped: nobody waits for it any more") if call.stopped else None

    @contextmanager
    def _borrowed(self, call: Call) -> Iterator[Worker]:
        worker = self._take() or self._new()
        done = False
        try:
            yield worker
            done = True
        except QueryError:
            done = True
            raise
        finally:
            call.runs_in(None)
            worker.calm()
            if not done or not worker.alive or not self._settled(worker):
                self._forget(worker)
                self._idle.put(None)
            else:
                self._idle.put(worker)

    def _settled(self, worker: Worker) -> bool:
        try:
            worker.wait_until_ready()
        except (StoreError, OSError):
            return False
        return True

    def _take(self) -> Worker | None:
        with self._lock:
            if self._waiting >= self.limits.waiting:
                raise BusyError(f"{self._waiting} queries wait already", hint="try again in a moment")
            self._waiting += 1
        try:
            return self._idle.get(timeout=self.limits.waiting_s)
        except queue.Empty:
            raise BusyError(
                f"all {self.limits.workers} workers have been busy for {self.limits.waiting_s:g} seconds",
                hint="try again in a moment; `animeds serve --workers` allows more queries at once",
            ) from None
        finally:
            with self._lock:
                self._waiting -= 1

    def _new(self) -> Worker:
        told = {"memory": self.limits.memory, "threads": self.limits.threads, "unfinished": self.unfinished}
        worker = Worker(self.uri, json.dumps(told))
        with self._lock:
            self._all.add(worker)
        return worker

    def _forget(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.close()
