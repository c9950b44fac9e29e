"""The sample show and its database, made once per test run and shared by all its processes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import animeds_db
from animeds_db.dataset.dataset import open_or_create
from animeds_db.models import load_profile
from animeds_db.sample.show import draw_show
from animeds_ingest.engines.local import ingest
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

SEED = 8
_TEMPORARY = Path(tempfile.gettempdir())
"""As it was at the start: a test can choose another one for what it tests."""


@cache
def episodes() -> Path:
    """Return the folder with two episodes and truth.json. Do not change it."""
    return once("episodes", lambda folder: draw_show(folder, episodes=2, seed=SEED))


@cache
def database() -> Path:
    """Return the database of those episodes, ingested with the tiny pack. Do not change it."""
    return once("show.animeds", _ingest)


def _ingest(path: Path) -> None:
    models = load_profile("tiny", device="cpu")
    with open_or_create(str(path), models) as dataset:
        report = ingest(dataset.store, discover([episodes()]), Sampling.parse("keyframes"), models)
    assert not report.failed


@cache
def measured() -> Path:
    """Return that database after `animeds shots`. Do not change it."""
    return once("measured.animeds", _measure)


def _measure(path: Path) -> None:
    shutil.copytree(database(), path)
    with animeds_db.open(path) as dataset:
        assert not dataset.shots().failed


def once(name: str, make: Callable[[Path], object]) -> Path:
    """Make something in a folder that the workers of one pytest-xdist run share; the first one makes it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"process-{os.getpid()}"
    shared = _TEMPORARY / f"animeds-tests-{run}"
    if not os.environ.get("PYTEST_XDIST_TESTRUNUID"):
        atexit.register(shutil.rmtree, shared, ignore_errors=True)
    shared.mkdir(exist_ok=True)
    target, claim = shared / name, shared / f"{name}.claim"
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        patience = time.monotonic() + 300
        while not target.exists():
            assert time.monotonic() < patience, f"another test process did not finish {target}"
            time.sleep(0.1)
        return target
    partial = shared / f"partial-{name}"
    make(partial)
    partial.rename(target)
    return target
