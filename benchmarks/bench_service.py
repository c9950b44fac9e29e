"""The page's questions to `animeds serve`, beside Datasette over the same rows in SQLite; and many people at once."""

from __future__ import annotations

import re
import statistics
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bench_scale
from timing import table

FACETS = "SELECT tag, count(*) AS n FROM frame_tags {where} GROUP BY tag ORDER BY n DESC LIMIT 30"
OF_TAG = "frame_id IN (SELECT frame_id FROM frame_tags WHERE tag = 'red_hair')"
QUESTIONS = {
    "first 200 frames": (
        "/api/frames?count=200",
        "SELECT * FROM frames ORDER BY frame_id LIMIT 200",
    ),
    "first 200 frames with three tags": (
        "/api/frames?count=200&tag=1girl&tag=red_hair&tag=smile",
        "SELECT * FROM frames WHERE frame_id IN (SELECT frame_id FROM frame_tags WHERE tag = '1girl' "
        "INTERSECT SELECT frame_id FROM frame_tags WHERE tag = 'red_hair' "
        "INTERSECT SELECT frame_id FROM frame_tags WHERE tag = 'smile') ORDER BY frame_id LIMIT 200",
    ),
    "how many have these three": (
        "/api/count?tag=1girl&tag=red_hair&tag=smile",
        "SELECT count(*) FROM (SELECT frame_id FROM frame_tags WHERE tag = '1girl' "
        "INTERSECT SELECT frame_id FROM frame_tags WHERE tag = 'red_hair' "
        "INTERSECT SELECT frame_id FROM frame_tags WHERE tag = 'smile')",
    ),
    "commonest tags": ("/api/facets?facet=tag&limit=30", FACETS.format(where="")),
    "commonest tags of a tag's frames": (
        "/api/facets?facet=tag&limit=30&tag=red_hair",
        FACETS.format(where=f"WHERE {OF_TAG}"),
    ),
    "frames of each character": (
        "/api/facets?facet=character&limit=30",
        "SELECT character, count(DISTINCT frame_id) AS n FROM faces GROUP BY character ORDER BY n DESC LIMIT 30",
    ),
}
CLIENTS = 50


def run(work: Path, *, n: int, rounds: int = 9, crowd_s: float = 60) -> str:
    """Return the section of the report."""
    folder = work / f"synthetic-{n}"
    bench_scale.prepare(folder, n)
    with _animeds(folder) as ours, _datasette(folder) as theirs:
        rows = [
            [
                told,
                *_cells(
                    ours.address + path, f"{theirs.address}/show.json?_shape=array&sql={_quoted(sql)}", rounds
                ),
            ]
            for told, (path, sql) in QUESTIONS.items()
        ]
        crowd = _crowd(ours, crowd_s)
    header = ["question", "animeds", "Datasette", "Datasette ÷ animeds"]
    return (
        f"## The service, {n:,} frames\n\nMedians of {rounds}, in turns.\n\n{table(header, rows)}\n\n{crowd}"
    )


@dataclass
class _Served:
    address: str
    process: subprocess.Popen[str]

    def count(self, what: str) -> int:
        """Return how many threads ("task") or open files ("fd") the server has."""
        return len(list(Path(f"/proc/{self.process.pid}/{what}").iterdir()))

    def megabytes(self) -> float:
        """Return the memory of the server and of its workers."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_resident(pid) for pid in pids)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text("utf-8").split()]


def _resident(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def _served(words: list[str], said: str) -> Iterator[_Served]:
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(said, line):
                break
        else:
            raise RuntimeError(f"{words[0]} did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield _Served(found[0], process)
    finally:
        process.terminate()
        process.wait(30)


def _animeds(folder: Path) -> Iterator[_Served]:
    words = ["animeds", "serve", "--port", "0", "--read-only", "--db", str(folder / "show.animeds")]
    return _served(words, r"http://127\.0\.0\.1:\d+")


def _datasette(folder: Path) -> Iterator[_Served]:
    limits = ["--setting", "sql_time_limit_ms", "600000", "--setting", "max_returned_rows", "1000"]
    return _served(
        ["datasette", "serve", str(folder / "show.db"), "-p", "0", *limits], r"http://127\.0\.0\.1:\d+"
    )


def _cells(ours: str, theirs: str, rounds: int) -> list[str]:
    took: dict[str, list[float]] = {ours: [], theirs: []}
    for round_ in range(rounds + 1):
        for address, seconds in took.items():
            one = _ask(address)
            if round_:  # the first asks for what is read once
                seconds.append(one)
    a, b = (statistics.median(seconds) for seconds in took.values())
    return [f"{a * 1000:.0f} ms", f"{b * 1000:.0f} ms", f"{b / a:.1f} ×"]


def _ask(address: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(address, timeout=600) as answer:
        answer.read()
    return time.perf_counter() - began


@dataclass
class _Tally:
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def _crowd(served: _Served, seconds: float) -> str:
    """Let many clients ask for pages, counts and thumbnails, and tell what became of it."""
    before = served.count("task"), served.count("fd"), served.megabytes()
    tally, most = _Tally(), before[2]
    end = time.monotonic() + seconds
    clients = [threading.Thread(target=_client, args=(served.address, i, end, tally)) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        most = max(most, served.megabytes())
        time.sleep(0.5)
    time.sleep(6)
    after = served.count("task"), served.count("fd"), served.megabytes()
    slow = statistics.quantiles(tally.seconds, n=20)[-1]
    why = f" ({tally.failed[0]})" if tally.failed else ""
    return (
        f"{CLIENTS} clients for {seconds:.0f} s: {len(tally.seconds)} answers, {len(tally.failed)} errors{why}; "
        f"half within {statistics.median(tally.seconds):.2f} s, 19 of 20 within {slow:.2f} s. "
        f"Threads {before[0]} before, {after[0]} after; open files {before[1]} and {after[1]}; "
        f"memory {before[2]:.0f} MB, at most {most:.0f}, then {after[2]:.0f}."
    )


def _client(address: str, number: int, end: float, tally: _Tally) -> None:
    from animeds_db import schema

    paths: list[Callable[[int], str]] = [
        lambda i: f"/api/frames?count=60&from={60 * (i % 50)}&tag=red_hair",
        lambda i: f"/api/frames/{schema.frame_id('aaaaaaaa', 1500 * (i % 1000))}/thumbnail",
        lambda i: f"/api/count?tag=tag_{i % 40}",
        lambda i: f"/api/frames/{schema.frame_id('aaaaaaaa', 1500 * (i * 7 % 1000))}/thumbnail",
    ]
    turn = number
    while time.monotonic() < end:
        turn += 1
        path = paths[turn % len(paths)](turn)
        try:
            tally.seconds.append(_ask(address + path))
        except OSError as error:  # urllib's errors, also 503
            tally.failed.append(f"{path}: {error}")


def _quoted(sql: str) -> str:
    return urllib.parse.quote(sql, safe="")


if __name__ == "__main__":
    import sys

    print(run(Path(sys.argv[1]), n=int(sys.argv[2]), crowd_s=float(sys.argv[3]) if len(sys.argv) > 3 else 60))
