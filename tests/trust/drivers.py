"""Several drivers do one trial at once. Each is a forked process with work folders of its own."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from stage import Stage

T = TypeVar("T")


def spread(stage: Stage, jobs: int, work: Callable[[Stage, int], T]) -> list[T]:
    """Run `work(stage of the driver, number of the driver)` in `jobs` forked processes; return what each returned.

    Raises RuntimeError when one of them fails: that is a defect of the trial.
    """
    started = []
    for number in range(jobs):
        own = stage.for_driver(str(number + 1))
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            _drive(own, number, work, writer)
        os.close(writer)
        started.append((pid, reader))
    results: list[T] = []
    for pid, reader in started:
        with os.fdopen(reader, "rb") as pipe:
            told = pipe.read()
        os.waitpid(pid, 0)
        answer: tuple[str, Any] = pickle.loads(told) if told else ("it died", None)
        failure, value = answer
        if failure:
            raise RuntimeError(f"a driver of the trial failed: {failure}")
        results.append(value)
    return results


def _drive(stage: Stage, number: int, work: Callable[[Stage, int], T], writer: int) -> None:
    try:
        told: tuple[str, Any] = ("", work(stage, number))
    except BaseException:  # noqa: BLE001 (raised again by `spread`)
        told = (traceback.format_exc(), None)
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(pickle.dumps(told))
    os._exit(0)
