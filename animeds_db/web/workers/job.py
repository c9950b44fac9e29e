"""One job of the service: what it is, what it has done so far, and how it ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

Kind = Literal["ingest", "dedup", "cluster", "classify", "map", "export", "make"]
State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ACTIVE = ("waiting", "running")
MOST_LINES = 500
"""Maximum number of lines of a log. The oldest are removed first."""
_FLEETING = ("version", "has_started", "task", "n_lines")
"""Fields that end with the process."""


@dataclass
class Job:
    """One job. `version` grows with every change; `client` is the address of the client that started it.

    done, total: finished items and all items (pictures, sources, faces, frames); part: finished share of the current
    item, 0…1; step: what it is doing now. created_at, ended_at: seconds since 1970.
    """

    id: str
    kind: Kind
    title: str
    arguments: dict[str, Any]
    client: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    part: float = 0.0
    step: str = ""
    report: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    log: list[str] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    version: int = 0
    n_lines: int = 0
    """Number of lines that were ever written to the log."""
    has_started: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """True while it waits or runs."""
        return self.state in ACTIVE

    def as_json(self, lines_from: int = 0) -> dict[str, Any]:
        """Return the job for clients, with the lines of its log from number `lines_from`."""
        names = (
            "kind", "title", "state", "done", "total", "part", "step", "report", "error", "created_at", "ended_at",
        )  # fmt: skip
        gone = self.n_lines - len(self.log)
        first = max(lines_from, gone)
        out = self.arguments.get("out") if self.kind == "export" else None
        log = {"log": self.log[first - gone :], "log_from": first}
        return {"job": self.id, "out": out} | {name: getattr(self, name) for name in names} | log

    def to_remember(self) -> dict[str, Any]:
        """Return what a journal keeps."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _FLEETING}

    @classmethod
    def remembered(cls, record: dict[str, Any]) -> Self:
        """Return the job that a journal kept. What was active then was interrupted. Raises TypeError, ValueError."""
        job = cls(**record)
        if job.kind not in KINDS:
            raise ValueError(f"There is no kind of job {job.kind}.")
        job.n_lines = len(job.log)
        if job.is_active:
            job.state = "interrupted"
        return job

    def change(self, **values: Any) -> None:
        """Set these values; `line` is added to the log."""
        line = values.pop("line", None)
        if line:
            self.log.append(str(line)[:1000])
            self.n_lines += 1
            del self.log[:-MOST_LINES]
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1
