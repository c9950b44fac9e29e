"""Background exports, each in its own process with limits.

A job does not depend on a page: it continues when the browser is closed, and its progress and result can be requested
later.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animeds_db.errors import ExportError, UsageError
from animeds_db.web.errors import BusyError, MissingError, RefusedError, as_json
from animeds_db.web.options import Options
from animeds_db.web.workers import framing
from animeds_db.web.workers.child import Child

KEPT = 100
"""Maximum number of finished jobs that are remembered."""
GRACE_S = 1.0
"""Seconds that a stopped job has to clean up. It can be continued in either case."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


@dataclass
class Job:
    """One export. state: running, done, failed or cancelled; `version` grows with every change."""

    id: str
    out: str
    client: str
    state: str = "running"
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    version: int = 0
    has_started: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the job as JSON."""
        names = ("state", "out", "done", "total", "report", "error")
        return {"job": self.id} | {name: getattr(self, name) for name in names}

    def change(self, **values: Any) -> None:
        """Set these values."""
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1


class Jobs:
    """The exports of one service."""

    def __init__(self, uri: str, options: Options) -> None:
        self._uri, self._options = uri, options
        self._jobs: dict[str, Job] = {}

    def folder(self, name: str) -> Path:
        """Return the folder of an export of this name. Raises RefusedError without --exports, UsageError."""
        if self._options.exports is None:
            raise RefusedError(
                "This service writes no exports.",
                hint="`animeds serve --exports FOLDER` lets it write below a folder.",
            )
        if not _NAME.fullmatch(name) or name.endswith(".") or _DEVICES.fullmatch(name):
            raise UsageError(
                f'"{name[:80]}" is not a valid name for a folder.',
                hint="Use letters, digits, - _ and . only. A path is not allowed.",
            )
        return self._options.exports / name

    def start(self, sql: str, options: dict[str, Any], out: str, client: str) -> Job:
        """Start an export for a client (its address). Raises BusyError, RefusedError, UsageError."""
        folder = self.folder(out)
        self._check_room(out, client)
        request = {
            "sql": sql,
            "options": options,
            "out": str(folder),
            "unfinished": self._options.unfinished,
            "memory": self._options.limits.memory,
            "threads": self._options.limits.threads,
        }
        job = Job(secrets.token_hex(6), out, client)
        self._jobs[job.id] = job
        for old in [i for i, j in self._jobs.items() if j.state != "running"][:-KEPT]:
            del self._jobs[old]
        job.task = asyncio.create_task(self._run(job, request))
        return job

    def get(self, job_id: str) -> Job:
        """Return a job. Raises MissingError."""
        if job_id not in self._jobs:
            raise MissingError(
                f"There is no export {job_id[:40]}.",
                hint="The service loses its list of exports when it stops.",
            )
        return self._jobs[job_id]

    def all(self) -> list[dict[str, Any]]:
        """Return all jobs, newest first."""
        return [job.as_json() for job in reversed(self._jobs.values())]

    async def cancel(self, job_id: str) -> Job:
        """Stop a job. Starting the same export again continues it. Raises MissingError."""
        job = self.get(job_id)
        if job.task is not None and not job.task.done():
            job.task.cancel()
            await asyncio.wait([job.task])
        return job

    async def close(self) -> None:
        """Stop all jobs."""
        await asyncio.gather(*(self.cancel(job_id) for job_id in self._jobs))

    def _check_room(self, out: str, client: str) -> None:
        limits = self._options.limits
        running = [job for job in self._jobs.values() if job.state == "running"]
        if any(job.out == out for job in running):
            raise BusyError(
                f"Another export is already writing to {out}.", hint="Wait until it ends, or stop it."
            )
        if Counter(job.client for job in running)[client] >= limits.exports_each:
            raise BusyError(
                f"{limits.exports_each} of your exports are running already.",
                hint="Wait until one ends, or stop it.",
            )
        if len(running) >= limits.exports:
            raise BusyError(
                f"The service is busy: {len(running)} exports are running.",
                hint="Try again in a few minutes.",
            )

    async def _run(self, job: Job, request: dict[str, Any]) -> None:
        limits = self._options.limits
        child: Child | None = None
        try:
            child = await Child.start("animeds_db.web.workers.exporter", self._uri, json.dumps(request))
            async with asyncio.timeout(limits.export_s):
                await self._follow(job, child)
        except asyncio.CancelledError:
            if child and job.has_started:
                await _tidied(child)
            job.change(state="cancelled")
        except TimeoutError:
            job.change(state="failed", error=as_json(self._too_slow(job)))
        except (EOFError, OSError):
            message = (
                f"The export used more than its {limits.memory >> 20} MB of memory, or its process was ended."
            )
            hint = "Export smaller pictures or fewer frames, or let `animeds serve --memory` allow more."
            job.change(state="failed", error=as_json(ExportError(message, hint=hint)))
        finally:
            if child:
                await child.close()

    async def _follow(self, job: Job, child: Child) -> None:
        """Read the messages of an export until it ends. Raises TimeoutError without progress, and EOFError."""
        while job.state == "running":
            async with asyncio.timeout(self._options.limits.export_idle_s):
                kind, body = await child.receive()
            if kind == framing.READY:
                job.has_started = True
                continue
            content = json.loads(body)
            if kind == framing.DONE:
                job.change(state="done", report=content, done=content["n_pictures"])
            elif kind == framing.FAILED:
                job.change(state="failed", error=content)
            else:
                job.change(**content)

    def _too_slow(self, job: Job) -> ExportError:
        idle = self._options.limits.export_idle_s
        what = f"It wrote no picture for {idle:g} seconds" if job.done < job.total else "It took too long"
        if not job.total:
            what = f"Its selection was not ready after {idle:g} seconds"
        return ExportError(
            f"The export was stopped. {what}.", hint="Export less at once, or use `animeds export` itself."
        )


async def _tidied(child: Child) -> None:
    """Interrupt an export, and wait a moment for it to end by itself."""
    child.interrupt()
    with suppress(TimeoutError, EOFError):
        async with asyncio.timeout(GRACE_S):
            while True:
                await child.receive()
