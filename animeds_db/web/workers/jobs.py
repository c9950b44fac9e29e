"""Exports in the background, each a process of its own. Its one rule: a job does not need its page.

A browser that is closed changes nothing; whoever asks later is told how far it is, or how it ended.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animeds_db.errors import UsageError
from animeds_db.web.errors import BusyError, MissingError, RefusedError
from animeds_db.web.options import Options
from animeds_db.web.workers import framing

AT_ONCE = 2
KEPT = 100
"""Jobs that are remembered after their end."""
PATIENCE_S = 10.0
"""How long a job that is stopped may tidy up."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


@dataclass
class Job:
    """One export. state: running, done, failed or cancelled; `version` grows with every change."""

    id: str
    out: str
    process: subprocess.Popen[bytes]
    state: str = "running"
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    version: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    stopped: bool = False

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        with self.lock:
            names = ("state", "out", "done", "total", "report", "error")
            return {"job": self.id} | {name: getattr(self, name) for name in names}

    def change(self, **values: Any) -> None:
        """Set what has changed."""
        with self.lock:
            for name, value in values.items():
                setattr(self, name, value)
            self.version += 1


class Jobs:
    """The exports of one service."""

    def __init__(self, uri: str, options: Options) -> None:
        self._uri, self._options = uri, options
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def folder(self, name: str) -> Path:
        """Return the folder of an export of this name. Raises RefusedError without --exports, UsageError."""
        if self._options.exports is None:
            raise RefusedError(
                "this service writes no exports",
                hint="`animeds serve --exports FOLDER` lets it write below a folder",
            )
        if not _NAME.fullmatch(name) or name.endswith(".") or _DEVICES.fullmatch(name):
            raise UsageError(
                f'"{name[:80]}" is no name for a folder', hint="letters, digits, - _ and . ; it is no path"
            )
        return self._options.exports / name

    def start(self, sql: str, options: dict[str, Any], out: str) -> Job:
        """Start an export. Raises BusyError when enough of them run, RefusedError, UsageError."""
        folder = self.folder(out)
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
            if any(job.out == out for job in running):
                raise BusyError(f"an export to {out} runs already", hint="wait for its end, or stop it")
            if len(running) >= AT_ONCE:
                raise BusyError(
                    f"{len(running)} exports run already", hint="wait for the end of one, or stop it"
                )
            wanted = {
                "sql": sql,
                "options": options,
                "out": str(folder),
                "unfinished": self._options.unfinished,
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "animeds_db.web.workers.exporter", self._uri, json.dumps(wanted)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal is told to it by `close`
            )
            job = Job(secrets.token_hex(6), out, process)
            self._jobs[job.id] = job
            for old in [i for i, j in self._jobs.items() if j.state != "running"][:-KEPT]:
                del self._jobs[old]
        job.thread = threading.Thread(target=_follow, args=(job,), name=f"animeds-export-{job.id}")
        job.thread.start()
        return job

    def get(self, job_id: str) -> Job:
        """Return a job. Raises MissingError."""
        if job_id not in self._jobs:
            raise MissingError(
                f"there is no export {job_id[:40]}", hint="an export is forgotten when the service ends"
            )
        return self._jobs[job_id]

    def all(self) -> list[dict[str, Any]]:
        """Return all jobs, newest first."""
        return [job.told() for job in reversed(self._jobs.values())]

    def cancel(self, job_id: str) -> Job:
        """Stop a job as Ctrl-C would; the same export goes on later where it stopped. Raises MissingError."""
        job = self.get(job_id)
        if job.state == "running" and not job.stopped:
            job.stopped = True
            job.process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
            timer = threading.Timer(PATIENCE_S, job.process.kill)
            timer.daemon = True
            timer.start()
        return job

    def close(self) -> None:
        """Stop what runs, and wait for it."""
        for job in list(self._jobs.values()):
            if job.state == "running":
                self.cancel(job.id)
        for job in list(self._jobs.values()):
            if job.thread:
                job.thread.join()


def _follow(job: Job) -> None:
    """Read what the process says until it ends."""
    assert job.process.stdout is not None
    ended = False
    with job.process.stdout as pipe:
        while True:
            try:
                kind, body = framing.receive(pipe)
            except (EOFError, OSError):
                break
            told = json.loads(body)
            if kind == framing.TOLD:
                job.change(**told)
            elif kind == framing.DONE:
                ended = True
                job.change(state="done", report=told, done=told["n_pictures"])
            elif kind == framing.FAILED:
                ended = True
                job.change(state="failed", error=told)
    code = job.process.wait()
    if job.stopped and not ended:
        job.change(state="cancelled")
    elif not ended:
        fault = {
            "kind": "ExportError",
            "message": f"the export ended with code {code}",
            "hint": "its words are on stderr",
        }
        job.change(state="failed", error=fault)
