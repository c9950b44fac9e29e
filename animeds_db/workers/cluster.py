"""Ray itself: is it installed, is the cluster there, does anybody else hand out work for this database?

Its one rule: whatever is wrong with Ray comes out as an EngineError that says what to do.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import xxhash

from animeds_db.cores import core_count
from animeds_db.errors import EngineError

NAMESPACE = "animeds"
REACH_S = 5.0
"""How long to wait for somebody to answer at the address of a cluster."""
OBJECTS_BYTES = 80 * 2**20
"""Ray's shared memory when it is started here: little goes through it, and what is more goes to the disk. Its least
is 75 MB."""


@dataclass(frozen=True)
class Ray:
    """Ray as the engine: where its cluster is, how many workers, and what each reserves there.

    address: host:port, ray://…, auto; None: RAY_ADDRESS, else Ray is started on this machine. workers: None: as
    many as there are cores for, and no more than there is work for. gpus: for each, may be a fraction of a card.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0


def imported(address: str | None = None) -> Any:
    """Return the package ray, its telemetry switched off. Raises EngineError when it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address:  # each attempt takes 40 s where something else than Ray answers; Ray's own number is 20
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    try:
        import ray
    except ImportError as error:
        raise EngineError(
            f"the engine ray needs the package ray, which cannot be imported ({error})",
            hint='pip install "animeds-db[ray]"',
        ) from error
    return ray


def expect(address: str | None) -> None:
    """Raise EngineError unless Ray is installed and somebody answers at the address: what can be told at once."""
    address = address or os.environ.get("RAY_ADDRESS")
    imported(address)
    with _errors(address):
        _expect_answer(address or "")


@contextlib.contextmanager
def cluster(on: Ray) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine, and yield the package ray.

    A connection that this process has already is used, and left open. Without an address (nor RAY_ADDRESS)
    Ray is started with the cores that its workers need and this machine has, and stopped at the end.
    """
    cpus = core_count() if on.workers is None else on.workers * on.cpus
    address = on.address or os.environ.get("RAY_ADDRESS")
    ray = imported(address)
    if ray.is_initialized():
        yield ray
        return
    with _errors(address), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "lance is not fork-safe")  # Ray starts other programs, at once
        if address:
            _expect_answer(address)
            ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(
                num_cpus=max(1, min(cpus, core_count())),
                include_dashboard=False,
                namespace=NAMESPACE,
                object_store_memory=OBJECTS_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
            )
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def sole_coordinator(ray: Any, uri: str) -> Iterator[None]:
    """Be the only process that hands out work for this database on this cluster, or raise EngineError.

    The mark is an actor with a name, which Ray gives once and takes back when its owner ends, however it ends.
    """
    name = f"coordinator {xxhash.xxh3_64_hexdigest(uri.encode())}"
    who = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.datetime.now():%Y-%m-%d %H:%M}"
    options = {"name": name, "namespace": NAMESPACE, "num_cpus": 0}
    try:
        mark = ray.remote(Coordinator).options(**options).remote(who)
        ray.get(mark.who.remote())
    except ValueError as error:
        raise EngineError(
            f"another ingest hands out work for {uri} on this cluster ({_other(ray, name)})",
            hint="wait until it has ended, and run this again: what it has done is skipped",
        ) from error
    try:
        yield
    finally:
        ray.kill(mark)


class Coordinator:
    """The mark of a process that hands out work."""

    def __init__(self, who: str) -> None:
        self._who = who

    def who(self) -> str:
        """Return which process that is."""
        return self._who


def _other(ray: Any, name: str) -> str:
    try:
        return str(ray.get(ray.get_actor(name, namespace=NAMESPACE).who.remote(), timeout=REACH_S))
    except (ValueError, ray.exceptions.RayError):
        return "it has just ended"


def _expect_answer(address: str) -> None:
    """Raise OSError unless somebody listens there: Ray itself would try for a minute."""
    where = urlsplit(address if "://" in address else f"//{address}")
    if where.hostname and where.port:
        socket.create_connection((where.hostname, where.port), timeout=REACH_S).close()


@contextlib.contextmanager
def _errors(address: str | None) -> Iterator[None]:
    """Turn what Ray raises on starting and connecting into EngineError."""
    try:
        yield
    except Exception as error:
        told = " ".join(str(error).split())[:300] or type(error).__name__
        if address:
            raise EngineError(
                f"there is no Ray cluster to be reached at {address}: {told}",
                hint="start one (`ray start --head`), or leave --address out to start Ray on this machine; "
                "Python and Ray have to be of the same versions there",
            ) from error
        raise EngineError(
            f"Ray could not be started on this machine: {told}",
            hint="its logs are in /tmp/ray/session_latest/logs; --engine local needs no Ray",
        ) from error
