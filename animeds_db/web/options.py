"""Options and limits of the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Host names of this machine for connections from itself."""


@dataclass(frozen=True)
class Limits:
    """Limits for clients' queries and jobs.

    jobs, jobs_each: maximum number of jobs that wait or run, in total and per client. job_s: maximum seconds of one
    job; an ingest has no such limit. job_idle_s: maximum seconds without progress.

    rows, size: maximum rows and bytes of a JSON or CSV response; an Arrow stream is limited by `seconds` only.
    stalled_s: maximum seconds in which a client reads nothing. memory: bytes of memory of each process's DuckDB.
    workers: number of queries that run at once, and the same number again for long ones. waiting, waiting_s: maximum
    number of waiting queries, and their maximum waiting time in seconds.
    """

    rows: int = 100_000
    size: int = 32 << 20
    seconds: float = 30.0
    stalled_s: float = 5.0
    memory: int = 2 << 30
    threads: int = 2
    workers: int = 3
    waiting: int = 64
    waiting_s: float = 15.0
    text: int = 100_000
    jobs: int = 12
    jobs_each: int = 8
    job_s: float = 6 * 3600.0
    job_idle_s: float = 300.0


@dataclass(frozen=True)
class Options:
    """Options of `animeds serve`.

    token: required from clients; None: no token. hosts: accepted host names; None: those of this machine. exports: the
    folder for exports; None: no exports. roots: the page can ingest what lies below these folders; none: it cannot
    ingest. who: author of labels when the client does not name one. ahead: compute the
    filters of the first page when the service starts.
    """

    read_only: bool = False
    token: str | None = None
    hosts: tuple[str, ...] | None = None
    exports: Path | None = None
    roots: tuple[Path, ...] = ()
    who: str | None = None
    unfinished: bool = False
    ahead: bool = False
    limits: Limits = field(default_factory=Limits)
