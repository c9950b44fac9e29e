"""What a service was told when it started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""What this machine is called in an address, if only itself can reach it."""


@dataclass(frozen=True)
class Limits:
    """Limits of strangers' queries and exports.

    exports, exports_each: exports that run at once, of all clients and of each; export_s: seconds that one may take;
    export_idle_s: seconds that may pass until its first picture, and between two.

    rows, size: rows and bytes of one answer in JSON or CSV; an Arrow stream has `seconds` only. stalled_s: seconds for
    which a client may take nothing of what it asked for. memory: bytes of one process's DuckDB. workers: queries that
    run at once, as many again where they run long; waiting, waiting_s: how many more may wait, and for how long.
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
    exports: int = 4
    exports_each: int = 2
    export_s: float = 6 * 3600.0
    export_idle_s: float = 300.0


@dataclass(frozen=True)
class Options:
    """What `animeds serve` was told.

    token: who knows it may ask; None: whoever reaches the address. hosts: names under which the service may be
    spoken to; None: those of this machine. exports: the folder below which exports are written; None: no exports.
    who: in whose name labels are written, where the client does not say. ahead: whether the filters of the first
    page are counted when the service starts, before anybody asks.
    """

    read_only: bool = False
    token: str | None = None
    hosts: tuple[str, ...] | None = None
    exports: Path | None = None
    who: str | None = None
    unfinished: bool = False
    ahead: bool = False
    limits: Limits = field(default_factory=Limits)
