"""What a service was told when it started."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""What this machine is called in an address, if only itself can reach it."""


@dataclass(frozen=True)
class Limits:
    """What a stranger's query may take.

    rows: of one answer in JSON or CSV; a stream has `seconds` only. size: bytes of such an answer.
    memory: bytes of one worker's DuckDB. workers: queries at once; waiting: how many more may wait, and how long.
    """

    rows: int = 100_000
    size: int = 64 << 20
    seconds: float = 30.0
    memory: int = 2 << 30
    threads: int = 2
    workers: int = 3
    waiting: int = 64
    waiting_s: float = 15.0
    text: int = 100_000


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
