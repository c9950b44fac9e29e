"""Workers on Ray: wall time of one and of two, rows beside those of the local engine, workers killed at random.

python benchmarks/bench_ray.py [--seconds 12] [--kills 10]

Decode-bound work: every frame of six videos, no models. Needs Ray (pip install "animeds-db[ray]").
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.folders import work_folder
from tools.ratios import Section
from tools.timing import in_turns, machine, table

from animeds_db.models import Models
from animeds_db.store import Store
from animeds_db.workers import Ray, cluster
from animeds_ingest.engines import local
from animeds_ingest.engines import ray as ray_engine
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import discover

SIZE = "1280x720"
SOURCES = 6
TIMES = ("started_at", "finished_at", "added_at")


def run(work: Path, seconds: int, kills: int, rounds: int = 3) -> Section:
    """Return a section of the report."""
    films = [film(work / f"Show - {i:02}.mkv", seconds, i) for i in range(1, SOURCES + 1)]
    specs, sampling = discover(films), Sampling.parse("all")

    def ingested(name: str, by: Callable[[Store], Any]) -> Store:
        store = Store.create(tempfile.mkdtemp(prefix=f"{name}-", dir=work) + "/show.animeds", 8, 8)
        failed = by(store).failed
        assert not failed, [str(outcome.error) for outcome in failed]
        return store

    def with_workers(n: int) -> Callable[[Store], Any]:
        return lambda store: ray_engine.ingest(store, specs, sampling, Models(), Models, Ray(workers=n))

    alone = ingested("local", lambda store: local.ingest(store, specs, sampling, Models()))
    with cluster(Ray(workers=2)):
        jobs = {f"{n} worker{'s' * (n > 1)}": (lambda n=n: ingested("ray", with_workers(n))) for n in (1, 2)}
        times = in_turns(jobs, rounds)
        one, two = times.values()
        print({name: t.walls for name, t in times.items()}, os.getloadavg(), file=sys.stderr, flush=True)
        assassin = Assassin(kills, two.wall / 4)
        logging.getLogger("animeds").addHandler(assassin)
        logging.getLogger("animeds").setLevel(logging.INFO)
        disturbed = ingested("killed", with_workers(2))
    same = all(rows(disturbed, name) == rows(alone, name) for name in alone.names())
    figures = [[name, f"{t.wall:.1f} s", f"{one.wall / t.wall:.2f}"] for name, t in times.items()]
    walls = ", ".join(f"{a / b:.2f}" for a, b in zip(one.walls, two.walls, strict=True))
    text = "\n\n".join(
        (
            f"## Ray\n\n{SOURCES} videos of {seconds} s, {SIZE}, every frame, without models; a cluster of 2 cores.",
            table(["", "wall", "times one worker"], figures),
            f"Each round by itself: {walls}. Load of the machine at the end: {os.getloadavg()[0]:.0f}.",
            f"{assassin.killed} workers killed (kill -9) at random moments: the tables "
            f"{'equal' if same else 'DO NOT EQUAL'} those of the local engine, row for row.",
        )
    )
    return Section(text, {"two workers ÷ one": two.wall / one.wall})


def film(path: Path, seconds: int, number: int) -> Path:
    """Write noise over a moving picture: costly to decode."""
    if not path.exists():
        import imageio_ffmpeg

        source = f"testsrc2=size={SIZE}:rate=24:duration={seconds}"
        words = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", source]
        words += ["-vf", f"noise=alls=8:allf=t:all_seed={number}", "-c:v", "libx264", "-preset", "veryfast"]
        subprocess.run([*words, "-g", "48", str(path)], check=True)
    return path


class Assassin(logging.Handler):
    """Kills workers a random while after they said that they are ready."""

    def __init__(self, kills: int, longest_s: float) -> None:
        super().__init__(logging.INFO)
        self.left, self.longest_s, self.killed, self.chance = kills, longest_s, 0, random.Random(8)

    def emit(self, record: logging.LogRecord) -> None:
        """Choose a victim."""
        if "is ready" in record.msg and self.left and record.args:
            self.left -= 1
            delay = self.chance.uniform(0, self.longest_s)
            threading.Timer(delay, self._kill, [int(str(next(iter(record.args))))]).start()

    def _kill(self, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed += 1


def rows(store: Store, name: str) -> list[dict[str, Any]]:
    """Return a table by its key, without times."""
    found = store.table(name).to_table()
    keep = [column for column in found.column_names if column not in TIMES]
    return found.select(keep).sort_by(store.schema(name).key).to_pylist()  # type: ignore[no-any-return]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    with work_folder(options.work) as place:
        began = time.monotonic()
        print(f"{machine()}\n\n{run(place, options.seconds, options.kills, options.rounds)}")
        print(f"({time.monotonic() - began:.0f} s)", file=sys.stderr)
