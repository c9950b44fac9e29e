"""What a command takes on a small database, beside a Python that only imports what every query needs.

Each round starts `python -c "import duckdb, lance"` and every command once, in turns. Processor time counts that of all
threads; memory is the highest that the process had (VmHWM).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import bench_tags
from tools.ratios import Section
from tools.timing import table

IMPORTS = 'python -c "import duckdb, lance"'
COMMANDS = {
    'sql "SELECT 1"': ["sql", "SELECT 1"],
    "status": ["status"],
    "query by_tags": ["query", "by_tags", "-p", "has=1girl,red_hair"],
    "--help": ["--help"],
}
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


def run(work: Path, *, n: int = 100, rounds: int = 5) -> Section:
    """Return the report section. n: frames in the database."""
    path = work / f"start-{n}.animeds"
    if not path.exists():
        bench_tags.write_database(path, *bench_tags.draw_tags(n)).close()
    python = [sys.executable]
    jobs = {IMPORTS: [*python, "-c", "import duckdb, lance"]}
    for name, words in COMMANDS.items():
        database = [] if name == "--help" else ["--db", str(path)]
        jobs[name] = [*python, "-m", "animeds_db", *words, *database]
    taken = {name: [_taken(words)] for name, words in jobs.items()}  # also reads every file once
    for _ in range(rounds):
        for name, words in jobs.items():
            taken[name].append(_taken(words))
    medians = {
        name: [statistics.median(one) for one in zip(*t[1:], strict=True)] for name, t in taken.items()
    }
    base = medians[IMPORTS]
    rows = [
        [name, f"{wall:.2f} s, {wall / base[0]:.2f} ×", f"{cpu:.2f} s, {cpu / base[1]:.2f} ×", f"{mb:.0f} MB"]
        for name, (wall, cpu, mb) in medians.items()
    ]
    text = "\n\n".join(
        [
            f"## Start of a command, on a database of {n} frames",
            __doc__.partition("\n\n")[2].strip(),
            table(["command", "wall, × imports", "processor, × imports", "peak memory"], rows),
        ]
    )
    return Section(text, {f"{name} ÷ imports": medians[name][1] / base[1] for name in COMMANDS})


def _taken(words: Sequence[str]) -> tuple[float, float, float]:
    """Run a command and return its wall time and processor time in seconds, and its highest memory in MB."""
    ran = subprocess.run([sys.executable, "-c", LAUNCHER, *words], check=True, capture_output=True, text=True)
    wall, cpu, memory = map(float, ran.stdout.split())
    return wall, cpu, memory / 1024 / PER_MB
