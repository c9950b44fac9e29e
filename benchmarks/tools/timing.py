"""Time whole commands or calls in turns (A B C A B C …) and report medians and ratios, never single figures."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LAUNCHER = """
import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command. A process of its own does so, because the memory of a new process counts that of its parent first."""
PER_MB = 1 if sys.platform != "darwin" else 1024
"""`ru_maxrss` counts bytes on macOS, and kilobytes elsewhere."""


class Used(NamedTuple):
    """What a command used: wall time and processor time in seconds, and its highest memory in MB."""

    wall: float
    cpu: float
    mb: float


@dataclass(frozen=True)
class Timing:
    """Medians over the rounds, in seconds: wall time and processor time (this process and its children)."""

    wall: float
    cpu: float
    walls: tuple[float, ...]


def in_turns(jobs: Mapping[str, Callable[[], object]], rounds: int = 3) -> dict[str, Timing]:
    """Run every job once per round, in turns, and return the medians."""
    walls: dict[str, list[float]] = {name: [] for name in jobs}
    cpus: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            cpu, wall = processor_s(), time.perf_counter()
            job()
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(processor_s() - cpu)
    return {
        name: Timing(statistics.median(walls[name]), statistics.median(cpus[name]), tuple(walls[name]))
        for name in jobs
    }


def warm(folder: Path) -> None:
    """Read every file of a folder once, so that the system has it in memory."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass


def processor_s() -> float:
    """Return the processor time of this process and of its children that have ended, in seconds."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def command(*words: str, **environment: str) -> Callable[[], object]:
    """Return a job that runs a command and fails when it fails."""

    def job() -> object:
        return subprocess.run(
            words,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )

    return job


def fresh_process(words: Sequence[str]) -> Used:
    """Run a command, and return what it used. Raises CalledProcessError if it fails."""
    # modules stay compiled from the first run on, as pip installs them
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *words], check=True, capture_output=True, text=True, env=env
    )
    wall, cpu, memory = map(float, ran.stdout.split())
    return Used(wall, cpu, memory / 1024 / PER_MB)


def median_used(several: Sequence[Used]) -> Used:
    """Return the median of each."""
    return Used(*(statistics.median(one) for one in zip(*several, strict=True)))


def machine() -> str:
    """Name the machine that the figures are from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text("utf-8").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
