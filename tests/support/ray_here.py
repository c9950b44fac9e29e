"""Ray for tests: a cluster on this machine, and who kills its workers."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from animeds_db import workers
from animeds_db.workers import Ray


@contextlib.contextmanager
def ray_here() -> Iterator[Any]:
    """Ray on this machine, as small as it gets; the test is skipped where it is not installed."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'animeds-db[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token is written to the home folder
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        with workers.cluster(Ray(workers=2)) as ray:
            yield ray


class Assassin(logging.Handler):
    """Kills workers (kill -9) a random while after they said that they are ready, until it has killed enough."""

    def __init__(self, kills: int, longest_s: float) -> None:
        super().__init__(logging.INFO)
        self.left, self.longest_s, self.chance = kills, longest_s, random.Random(8)

    def emit(self, record: logging.LogRecord) -> None:
        if "is ready" in record.msg and self.left:
            self.left -= 1
            pid = int(record.args[0])  # type: ignore[index,arg-type]
            threading.Timer(self.chance.uniform(0, self.longest_s), self.kill, [pid]).start()

    @staticmethod
    def kill(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it had ended
            os.kill(pid, signal.SIGKILL)
