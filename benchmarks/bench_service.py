"""The page's questions to `animeds serve`, beside Datasette over the same rows in SQLite; and many people at once."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bench_scale
from tools.ratios import Section
from tools.timing import table, warm

BEARING = "SELECT frame_id FROM frame_tags WHERE tag = '{}'"
THREE = " INTERSECT ".join(BEARING.format(tag) for tag in ("1girl", "red_hair", "{tag}"))
FACETS = "SELECT tag, count(*) AS n FROM frame_tags {where} GROUP BY tag ORDER BY n DESC LIMIT 30"
QUESTIONS = {
    "200 frames from number {start} on": (
        "/api/frames?count=200&from={start}",
        "SELECT * FROM frames ORDER BY frame_id LIMIT 200 OFFSET {start}",
    ),
    "first 200 frames with 1girl, red_hair and {tag}": (
        "/api/frames?count=200&tag=1girl&tag=red_hair&tag={tag}",
        f"SELECT * FROM frames WHERE frame_id IN ({THREE}) ORDER BY frame_id LIMIT 200",
    ),
    "how many have 1girl, red_hair and {tag}": (
        "/api/count?tag=1girl&tag=red_hair&tag={tag}",
        f"SELECT count(*) FROM ({THREE})",
    ),
    "commonest tags": ("/api/facets?facet=tag&limit=30", FACETS.format(where="")),
    "commonest tags of the frames with {tag}": (
        "/api/facets?facet=tag&limit=30&tag={tag}",
        FACETS.format(where=f"WHERE frame_id IN ({BEARING.format('{tag}')})"),
    ),
    "frames per episode, of those with {tag}": (
        "/api/facets?facet=source&limit=1000&tag={tag}",
        "SELECT substr(frame_id, 1, 8), count(*) AS n FROM frame_tags WHERE tag = '{tag}' GROUP BY 1 ORDER BY n DESC",
    ),
    "frames of each character": (
        "/api/facets?facet=character&limit=30",
        "SELECT character, count(DISTINCT frame_id) AS n FROM faces GROUP BY character ORDER BY n DESC LIMIT 30",
    ),
    "first 200 frames of a character": (
        "/api/frames?count=200&character=character%20{n}",
        "SELECT * FROM frames WHERE frame_id IN (SELECT frame_id FROM faces WHERE character = 'character {n}') "
        "ORDER BY frame_id LIMIT 200",
    ),
}
"""In words, for the service, for Datasette; {start}, {tag} and {n} are others in every round."""
WARM = ("/api/count?tag=tag_100", "/api/frames?count=1&tag=tag_101", "/api/frames?count=1&from=7")
"""Asked before the clock runs, so that the workers have started."""
CLIENTS, WARM_S = 50, 5
PATIENCE_S = 20
"""So long Datasette may think about a question; it is not asked again."""


def run(work: Path, *, n: int, rounds: int = 9, crowd_s: float = 60) -> Section:
    """Return the section of the report."""
    folder = work / f"synthetic-{n}"
    bench_scale.prepare(folder, n)
    warm(folder)
    with _animeds(folder) as ours, _datasette(folder) as theirs:
        for path in WARM:
            _ask(ours.address + path)
        asked = {question: _seconds(ours, theirs, *paths, rounds) for question, paths in QUESTIONS.items()}
        _crowd(ours, WARM_S)  # whatever is started once has started
        crowd = _crowd(ours, crowd_s)
    header = ["question", "animeds", "asked again", "Datasette", "Datasette ÷ animeds"]
    rows = [[question, *_cells(*seconds)] for question, seconds in asked.items()]
    text = (
        f"## The service, {n:,} frames\n\nMedians of {rounds} rounds in turns, each with other numbers and tags; "
        'a question without them is asked once. "Asked again": answers are kept until a table changes.\n\n'
        f"{table(header, rows)}\n\n{crowd}"
    )
    return Section(
        text, {f"{question} ÷ Datasette": new / theirs for question, (new, _, theirs) in asked.items()}
    )


@dataclass
class _Served:
    address: str
    process: subprocess.Popen[str]

    def count(self, what: str) -> int:
        """Return how many threads ("task") or open files ("fd") the server has."""
        return len(list(Path(f"/proc/{self.process.pid}/{what}").iterdir()))

    def megabytes(self) -> float:
        """Return the memory of the server and of its workers. What several of them share counts once."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_share(pid) for pid in pids)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text("utf-8").split()]


def _share(pid: int) -> float:
    """Return the memory of a process, with its share of what it has in common with others; 0 if it has ended."""
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8"), re.M)
    except OSError:
        return 0.0
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


def _animeds(folder: Path) -> AbstractContextManager[_Served]:
    words = [
        sys.executable,
        "-m",
        "animeds_db",
        "serve",
        "--port",
        "0",
        "--workers",
        "2",
        "--read-only",
        "--db",
        str(folder / "show.animeds"),
    ]
    return _served(words, r"http://127\.0\.0\.1:\d+")


def _datasette(folder: Path) -> AbstractContextManager[_Served]:
    limits = [
        "--setting",
        "sql_time_limit_ms",
        str(1000 * PATIENCE_S),
        "--setting",
        "max_returned_rows",
        "1000",
    ]
    return _served(
        [sys.executable, "-m", "datasette", "serve", str(folder / "show.db"), "-p", "0", *limits],
        r"http://127\.0\.0\.1:\d+",
    )


def _seconds(ours: _Served, theirs: _Served, path: str, sql: str, rounds: int) -> tuple[float, float, float]:
    """Return the median seconds of an answer of ours, of the same asked again, and of Datasette's."""
    new: list[float] = []
    again: list[float] = []
    others: list[float] = []
    for round_ in range(rounds):
        words = {"start": 200 * round_, "tag": f"tag_{round_}", "n": round_ + 1}
        asked = ours.address + path.format(**words)
        if round_ == 0 or "{" in path:
            new.append(_ask(asked))
        again.append(_ask(asked))
        if not others or others[-1] < PATIENCE_S:
            others.append(
                _patiently(f"{theirs.address}/show.json?_shape=array&sql={_quoted(sql.format(**words))}")
            )
    return statistics.median(new), statistics.median(again), statistics.median(others)


def _cells(a: float, b: float, c: float) -> list[str]:
    more = "> " if c >= PATIENCE_S else ""
    return [f"{a * 1000:.0f} ms", f"{b * 1000:.0f} ms", f"{more}{c * 1000:.0f} ms", f"{more}{c / a:.1f} ×"]


def _patiently(address: str) -> float:
    """Ask, and return the seconds, also when the answer is that it would take too long."""
    began = time.perf_counter()
    try:
        return _ask(address)
    except urllib.error.HTTPError as error:
        taken = time.perf_counter() - began
        if taken < PATIENCE_S:
            raise RuntimeError(f"{address}: {error}") from error
        return taken


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
