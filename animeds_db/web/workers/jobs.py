"""Background jobs: ingest, dedup, cluster, classify, export, make. Each runs in its own process, one after another.

A job does not depend on a page: it continues when the browser is closed, and its progress and result can be requested
later. A journal beside the database remembers the jobs, so that one that a restart interrupted can be continued.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from animeds_db.errors import AnimedsError
from animeds_db.web.errors import BusyError, JobError, MissingError, as_json
from animeds_db.web.options import Options
from animeds_db.web.workers import framing
from animeds_db.web.workers.child import Child
from animeds_db.web.workers.job import Job, Kind
from animeds_db.web.workers.journal import KEPT, Journal, journal_path

GRACE_S = 1.0
"""Seconds that a stopped job has to clean up. It can be continued in either case."""
UNLIMITED = ("ingest", "make")
"""Kinds of jobs that ingest. They have no limit of time or memory."""
_log = logging.getLogger("animeds")


class Jobs:
    """The jobs of one service, in the order in which they were started."""

    def __init__(self, uri: str, options: Options) -> None:
        self._uri, self._options = uri, options
        self._journal = Journal(None if options.read_only else journal_path(uri))
        self._jobs: dict[str, Job] = {}
        self._turn = asyncio.Lock()
        for record in self._journal.read():
            try:
                job = Job.remembered(record)
            except (TypeError, ValueError) as error:  # another release wrote it
                _log.debug("a job in the journal is not valid: %s", error)
                continue
            self._jobs[job.id] = job

    def start(self, kind: Kind, title: str, arguments: dict[str, Any], client: str) -> tuple[Job, bool]:
        """Start a job for a client (its address). Return it, and True if the same one was active already.

        Raises BusyError if too many jobs are active, or if another export writes to the same folder.
        """
        active = [job for job in self._jobs.values() if job.is_active]
        for job in active:
            if (job.kind, job.arguments) == (kind, arguments):
                return job, True
        self._check_room(active, kind, arguments, client)
        job = Job(secrets.token_hex(6), kind, title, arguments, client)
        self._jobs[job.id] = job
        self._forget()
        self._journal.write(job.to_remember())
        job.task = asyncio.create_task(self._wait_and_run(job))
        return job, False

    def continued(self, job_id: str, client: str) -> tuple[Job, bool]:
        """Start a job that did not finish again; finished work is not done again. Raises as `get` and `start` do."""
        job = self.get(job_id)
        return self.start(job.kind, job.title, job.arguments, client)

    def get(self, job_id: str) -> Job:
        """Return a job. Raises MissingError."""
        if job_id not in self._jobs:
            raise MissingError(
                f"There is no job {job_id[:40]}.", hint=f"The service remembers the last {KEPT} jobs."
            )
        return self._jobs[job_id]

    def all(self) -> list[Job]:
        """Return all jobs, newest first."""
        return list(reversed(self._jobs.values()))

    async def cancel(self, job_id: str) -> Job:
        """Stop a job. It can be continued. Raises MissingError."""
        job = self.get(job_id)
        if job.task is not None and not job.task.done():
            job.task.cancel()
            await asyncio.wait([job.task])
        if job.is_active:  # it was cancelled before its task had begun
            self._end(job, state="cancelled")
        return job

    async def close(self) -> None:
        """Stop all jobs. The next service says that they were interrupted."""
        for job in self._jobs.values():
            if job.is_active and job.task is not None:
                job.change(state="interrupted")
                job.task.cancel()
        tasks = [job.task for job in self._jobs.values() if job.task is not None and not job.task.done()]
        if tasks:
            await asyncio.wait(tasks)
        self._journal.close()

    def _check_room(self, active: list[Job], kind: Kind, arguments: dict[str, Any], client: str) -> None:
        limits = self._options.limits
        out = arguments.get("out")
        if kind == "export" and any(job.kind == kind and job.arguments["out"] == out for job in active):
            raise BusyError(
                f"Another export is already writing to {out}.", hint="Wait until it ends, or stop it."
            )
        if Counter(job.client for job in active)[client] >= limits.jobs_each:
            raise BusyError(
                f"{limits.jobs_each} of your jobs are waiting or running already.",
                hint="Wait until one ends, or stop it.",
            )
        if len(active) >= limits.jobs:
            raise BusyError(
                f"The service is busy: {len(active)} jobs are waiting or running.",
                hint="Try again in a few minutes.",
            )

    def _forget(self) -> None:
        for old in [i for i, job in self._jobs.items() if not job.is_active][:-KEPT]:
            del self._jobs[old]

    async def _wait_and_run(self, job: Job) -> None:
        try:
            async with self._turn:
                job.change(state="running")
                self._journal.write(job.to_remember())
                await self._run(job)
        except asyncio.CancelledError:
            self._end(job, state="interrupted" if job.state == "interrupted" else "cancelled")

    async def _run(self, job: Job) -> None:
        limits, options = self._options.limits, self._options
        request = {
            "kind": job.kind,
            "arguments": job.arguments,
            "unfinished": options.unfinished,
            "memory": limits.memory,
            "threads": limits.threads,
            "roots": [str(root) for root in options.roots],
            "exports": None if options.exports is None else str(options.exports),
        }
        child: Child | None = None
        try:
            child = await Child.start("animeds_db.web.workers.job_process", self._uri, json.dumps(request))
            async with asyncio.timeout(None if job.kind in UNLIMITED else limits.job_s):
                await self._follow(job, child)
        except asyncio.CancelledError:
            if child and job.has_started:
                await _tidied(child)
            raise
        except TimeoutError:
            self._end(job, state="failed", error=as_json(self._too_slow(job)))
        except (EOFError, OSError):
            self._end(job, state="failed", error=as_json(self._lost(job)))
        finally:
            if child:
                await child.close()

    async def _follow(self, job: Job, child: Child) -> None:
        """Read the messages of a job until it ends. Raises TimeoutError without progress, and EOFError."""
        while job.is_active:
            async with asyncio.timeout(self._options.limits.job_idle_s):
                kind, body = await child.receive()
            if kind == framing.READY:
                job.has_started = True
                continue
            content = json.loads(body)
            if kind == framing.DONE:
                self._end(job, state="done", report=content, done=content.get("done", job.total), part=0.0)
            elif kind == framing.FAILED:
                self._end(job, state="failed", error=content)
            else:
                job.change(**content)

    def _end(self, job: Job, **values: Any) -> None:
        job.change(ended_at=time.time(), step="", **values)
        self._journal.write(job.to_remember())

    def _too_slow(self, job: Job) -> AnimedsError:
        idle = self._options.limits.job_idle_s
        what = f"It made no progress for {idle:g} seconds" if job.done < job.total else "It took too long"
        if not job.total:
            waited = "Its selection was not ready" if job.kind == "export" else "It did not begin"
            what = f"{waited} after {idle:g} seconds"
        verb = {"cluster": "characters cluster", "classify": "characters classify"}.get(job.kind, job.kind)
        return JobError(
            f"The {job.kind} was stopped. {what}.",
            hint=f"Finished work is kept, so it can be continued. `animeds {verb}` has no time limit.",
        )

    def _lost(self, job: Job) -> AnimedsError:
        if job.kind in UNLIMITED:
            return JobError(
                f"The process of the {job.kind} has ended without a message.",
                hint="Continue it: finished work is kept. The memory may be too small for these models.",
            )
        return JobError(
            f"The {job.kind} used more than its {self._options.limits.memory >> 20} MB of memory, "
            "or its process was ended.",
            hint="Use fewer or smaller pictures at once, or let `animeds serve --memory` allow more.",
        )


async def _tidied(child: Child) -> None:
    """Interrupt a job, and wait a moment for it to end by itself."""
    child.interrupt()
    with suppress(TimeoutError, EOFError):
        async with asyncio.timeout(GRACE_S):
            while True:
                await child.receive()
