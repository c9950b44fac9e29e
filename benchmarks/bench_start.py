"""What a command takes on a small database, beside a Python that only imports what every query needs.

Each round starts `python -c "import duckdb, lance"` and every command once, in turns. Processor time counts that of all
threads; memory is the highest that the process had (VmHWM). Every module is compiled, as pip installs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bench_tags
from tools.ratios import Section
from tools.timing import fresh_process, median_used, table

IMPORTS = 'python -c "import duckdb, lance"'
COMMANDS = {
    'sql "SELECT 1"': ["sql", "SELECT 1"],
    "status": ["status"],
    "query by_tags": ["query", "by_tags", "-p", "has=1girl,red_hair"],
    "--help": ["--help"],
}


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
    taken = {name: [fresh_process(words)] for name, words in jobs.items()}  # also reads every file once
    for _ in range(rounds):
        for name, words in jobs.items():
            taken[name].append(fresh_process(words))
    medians = {name: median_used(t[1:]) for name, t in taken.items()}
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
