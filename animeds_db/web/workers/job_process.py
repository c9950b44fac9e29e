"""A process that runs one job: `python -m animeds_db.web.workers.job_process URI REQUEST`.

It reports progress and its result on stdout. An interrupt ends it as Ctrl-C ends the same command; so does the end of
the service, which closes its stdin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import IO, Any

from animeds_db.errors import AnimedsError
from animeds_db.web.errors import as_json
from animeds_db.web.workers import framing

EVERY_S = 0.2
"""Seconds between two messages about progress."""
END_S = 1.5
"""Seconds after the end of the service until this process exits, even if a thread hangs."""


class Reporter:
    """Sends the progress of a job to the service."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` items are finished."""
        self.tell(done=done, total=total, urgent=done == total)

    def tell(self, *, urgent: bool = False, **facts: Any) -> None:
        """Report facts about the job: done, total, part, step, or a `line` of the log. Few unless they are urgent."""
        now = time.monotonic()
        if urgent or "line" in facts or now - self._last > EVERY_S:
            self._last = now
            framing.send_json(self._target, framing.FACTS, facts)

    def ready(self) -> None:
        """Report that the process has started, and can be interrupted."""
        framing.send(self._target, framing.READY)


def main(uri: str, text: str) -> int:
    """Run the job, and return the exit code."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # prints must not end up in the messages
    try:
        threading.Thread(target=_end_with_service, daemon=True).start()
        request = json.loads(text)
        from animeds_db.web.workers.job_kinds import run

        framing.send_json(target, framing.DONE, run(uri, request, Reporter(target)))
    except AnimedsError as error:
        framing.send_json(target, framing.FAILED, as_json(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the service has ended
        return 1
    return 0


def _end_with_service() -> None:
    while os.read(0, 4096):  # returns nothing when the service has closed it, or has ended
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(END_S)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
