"""The whole command `animeds dedup`, as a fresh process: all frames compared, and again after 1 % more frames.

Each row is a process of its own, in turns. "1 % more" starts from what a run before these frames remembered. "reading"
is a Python that opens the table and reads what a comparison needs: ids, sources, hashes and vectors. Memory is the
highest that the process had (VmHWM).

python benchmarks/bench_dedup_time.py --frames 30000 --rounds 3 --work FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tools import series
from tools.folders import work_folder
from tools.ratios import Section, joined
from tools.timing import Used, fresh_process, machine, median_used, table, warm

from animeds_db.store import Store

SHARE = 100
"""One frame in this many is new."""
REMEMBERED = Path("remembered") / "pairs.bin"
READING = """
import lance, sys
columns = ["frame_id", "source_id", "shot", "time_s", "phash", "is_blank", "embedder", "embedding"]
print(lance.dataset(sys.argv[1] + "/frames.lance").to_table(columns=columns).nbytes)
"""
ALL, NEW, NONE, START, READ = (
    "all frames",
    "1 % more frames",
    "no new frames",
    "start: sql 'SELECT 1'",
    "reading ids, hashes and vectors",
)


def material(work: Path, n: int) -> Path:
    """Return a database of `n` frames of which the last 1 % are new to dedup; writes it once."""
    path = work / f"series-{n}.animeds"
    if (path / "done").exists():
        return path
    shutil.rmtree(path, ignore_errors=True)
    new = n // SHARE
    series.write(path, n - new)
    _dedup(path)
    shutil.copy(path / REMEMBERED, _before(path))
    series.add(Store.open(str(path)), new, -(-n // 1000))
    (path / "done").touch()
    return path


def run(work: Path, *, frames: int, rounds: int) -> Section:
    """Return the report section."""
    path = material(work, frames)
    warm(path)
    jobs: dict[str, Callable[[], Used]] = {
        ALL: lambda: _all(path),
        NEW: lambda: _new(path),
        NONE: lambda: _dedup(path),
        START: lambda: fresh_process(
            [sys.executable, "-m", "animeds_db", "sql", "SELECT 1", "--db", str(path)]
        ),
        READ: lambda: fresh_process([sys.executable, "-c", READING, str(path)]),
    }
    found: dict[str, list[Used]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            found[name].append(job())
    medians = {name: median_used(several) for name, several in found.items()}
    base = medians[ALL]
    rows = [
        [name, f"{wall:.2f}", f"{wall / base.wall:.1%}", f"{cpu:.2f}", f"{cpu / base.cpu:.1%}", f"{mb:.0f}"]
        for name, (wall, cpu, mb) in medians.items()
    ]
    text = "\n\n".join(
        [
            f"## The command `animeds dedup` on {frames:,} frames, {rounds} rounds",
            table(["run", "wall s", "of all frames", "processor s", "of all frames", "peak MB"], rows),
        ]
    )
    return Section(text, {f"{frames:,} frames: 1 % more ÷ all, processor": medians[NEW].cpu / base.cpu})


def _all(path: Path) -> Used:
    (path / REMEMBERED).unlink(missing_ok=True)
    return _dedup(path)


def _new(path: Path) -> Used:
    shutil.copy(_before(path), path / REMEMBERED)
    return _dedup(path)


def _dedup(path: Path) -> Used:
    return fresh_process([sys.executable, "-m", "animeds_db", "dedup", "--db", str(path)])


def _before(path: Path) -> Path:
    """Return the copy of what was remembered before the new frames."""
    return path.with_suffix(".pairs.bin")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[30_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    with work_folder(options.work) as work:
        print(f"{machine()}\n")
        print(joined(*(run(work, frames=n, rounds=options.rounds) for n in options.frames)))


if __name__ == "__main__":
    main()
