"""Ray itself: is it installed, is there a cluster, does another process distribute work for this database?

Every problem with Ray is raised as an EngineError that says what to do.
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
"""Seconds to wait for an answer from the address of a cluster."""
OBJECTS_BYTES = 80 * 2**20
"""Bytes of shared memory for a Ray that is started here. Little goes through it, and the rest goes to the disk. Ray's
minimum is 75 MB."""


@dataclass(frozen=True)
class Ray:
    """Settings of the engine Ray: the cluster, the number of workers, and the resources that each reserves.

    address: host:port, ray://… or auto; None: RAY_ADDRESS, else Ray is started on this machine. workers: None means
    as many as there are cores, but not more than there is work. gpus: per worker; may be a fraction of a GPU.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0.0


def imported(address: str | None = None) -> Any:
    """Return the package ray with telemetry switched off. Raises EngineError if it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address:  # each attempt takes 40 s if something other than Ray answers; Ray's default is 20
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    try:
        import ray
    except ImportError as error:
        raise EngineError(
            f"the engine ray needs the package ray, which cannot be imported ({error})",
            hint='install it: pip install "animeds-db[ray]"',
        ) from error
    return ray


def expect(address: str | None) -> None:
    """Raise EngineError unless Ray is installed and the address answers. A quick check before the real start."""
    address = address or os.environ.get("RAY_ADDRESS")
    imported(address)
    with _errors(address):
        _expect_answer(address or "")


@contextlib.contextmanager
def cluster(on: Ray) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine, and yield the package ray.

    An existing connection of this process is used and left open. Without an address (or RAY_ADDRESS), Ray is
    started with the cores that its workers need and this machine has, and stopped at the end.
    """
    cpus = core_count() if on.workers is None else on.workers * on.cpus
    address = on.address or os.environ.get("RAY_ADDRESS")
    ray = imported(address)
    if ray.is_initialized():
        yield ray
        return
    with _errors(address), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "lance is not fork-safe"
        )  # safe, because Ray immediately starts other programs
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
    """Make this the only process that distributes work for this database on this cluster, or raise EngineError.

    A named actor serves as the lock. Ray allows a name only once, and frees it when the owner ends in any way.
    """
    name = f"coordinator {xxhash.xxh3_64_hexdigest(uri.encode())}"
    who = f"process {os.getpid()} on {socket.gethostname()}, since {datetime.datetime.now():%Y-%m-%d %H:%M}"
    options = {"name": name, "namespace": NAMESPACE, "num_cpus": 0}
    try:
        mark = ray.remote(Coordinator).options(**options).remote(who)
        ray.get(mark.who.remote())
    except ValueError as error:
        raise EngineError(
            f"another ingest for {uri} is running on this cluster ({_other(ray, name)})",
            hint="wait until it ends, then run this command again: finished work is skipped",
        ) from error
    try:
        yield
    finally:
        ray.kill(mark)


class Coordinator:
    """The lock of a process that distributes work."""

    def __init__(self, who: str) -> None:
        self._who = who

    def who(self) -> str:
        """Return a description of that process."""
        return self._who


def _other(ray: Any, name: str) -> str:
    try:
        return str(ray.get(ray.get_actor(name, namespace=NAMESPACE).who.remote(), timeout=REACH_S))
    except (ValueError, ray.exceptions.RayError):
        return "it has just ended"


def _expect_answer(address: str) -> None:
    """Raise OSError unless something listens at the address. Ray itself would try for a minute."""
    where = urlsplit(address if "://" in address else f"//{address}")
    if where.hostname and where.port:
        socket.create_connection((where.hostname, where.port), timeout=REACH_S).close()


@contextlib.contextmanager
def _errors(address: str | None) -> Iterator[None]:
    """Turn Ray's errors on starting and connecting into EngineError."""
    try:
        yield
    except Exception as error:
        message = " ".join(str(error).split())[:300] or type(error).__name__
        if address:
            raise EngineError(
                f"no Ray cluster can be reached at {address}: {message}",
                hint="start one (`ray start --head`), or leave --address out to start Ray on this machine; "
                "the versions of Python and Ray must be the same there",
            ) from error
        raise EngineError(
            f"Ray could not be started on this machine: {message}",
            hint="see the logs in /tmp/ray/session_latest/logs, or use --engine local, which needs no Ray",
        ) from error
