"""The map of 100,000 points in Chromium: how long a lasso takes, and how evenly the screen is drawn while it moves.

python benchmarks/bench_map.py --points 100000
python benchmarks/bench_map.py --points 100000 --compute    also the time that t-SNE takes, for vectors of 512
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tools import synthetic
from tools.folders import work_folder
from tools.timing import machine, table

from animeds_db.dataset import Dataset
from animeds_db.steps.map import Map, keep, points_sql
from animeds_db.steps.map.plane import in_plane
from animeds_db.store import Store
from animeds_db.web import bound, create_app
from animeds_db.web.connections import config
from animeds_db.web.options import Limits, Options

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WATCH = """() => {
    window.beats = [];
    const beat = (now) => (window.beats.push(now), requestAnimationFrame(beat));
    requestAnimationFrame(beat);
    document.querySelector('#map').addEventListener('pointerup', () => (window.released = performance.now()), true);
    new MutationObserver(() => {
        window.answered = performance.now();
        requestAnimationFrame(() => requestAnimationFrame(() => (window.drawn = performance.now())));
    }).observe(document.querySelector('#chosen'), { childList: true });
}"""


def draw_map(store: Store) -> None:
    """Keep a map of 300 round groups of points, as t-SNE gives them."""
    with Dataset(store) as dataset:
        points = dataset.session.arrow(points_sql("frames"))
    rng = np.random.default_rng(3)
    group = rng.integers(0, 300, points.num_rows)
    middle = rng.random((300, 2)) * 0.9 + 0.05
    xy = (middle[group] + rng.normal(0, 0.012, (points.num_rows, 2))).clip(0, 1).astype(np.float32)
    ids = points["id"].combine_chunks()
    keep(store, Map("frames", synthetic.EMBEDDER, "t-SNE", ids, ids, xy))


@contextmanager
def _served(path: Path) -> Iterator[str]:
    import uvicorn

    with bound("127.0.0.1", 0) as listening:
        server = uvicorn.Server(config(create_app(str(path), options=Options(limits=Limits(workers=1)))))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def measure(page: Page, lassos: int = 10) -> dict[str, list[float]]:
    """Return milliseconds: of each lasso until the count is there and until it is drawn, and between screen frames."""
    box: Any = page.locator("#map").bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.evaluate(WATCH)
    found: dict[str, list[float]] = {"count": [], "drawn": []}
    for number in range(lassos):
        turns = np.linspace(0, 2 * np.pi, 60) + number
        page.mouse.move(*at(0.75, 0.5))
        page.mouse.down()
        for turn in turns:
            page.mouse.move(*at(0.5 + 0.25 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)))
        page.evaluate("() => { window.drawn = 0; }")
        page.mouse.up()
        page.wait_for_function("() => window.drawn > window.released")
        for name, end in (("count", "answered"), ("drawn", "drawn")):
            found[name].append(page.evaluate(f"() => window.{end} - window.released"))
    print(page.locator("#chosen").inner_text(), file=sys.stderr)
    page.mouse.move(*at(0.5, 0.5))
    moves: dict[str, Callable[[int], None]] = {
        "zoom": lambda n: page.mouse.wheel(0, -40 if n % 60 < 30 else 40),
        "pan": lambda n: page.keyboard.press("ArrowRight" if n % 40 < 20 else "ArrowLeft"),
    }
    for name, act in moves.items():
        page.evaluate("() => { window.beats.length = 0; }")
        for n in range(120):
            act(n)
            page.wait_for_timeout(16)
        found[name] = np.diff(page.evaluate("() => window.beats")).tolist()
    return found


def run(work: Path, points: int) -> str:
    """Return a section of the report."""
    from playwright.sync_api import sync_playwright

    path = work / f"map-{points}.animeds"
    store = synthetic.write_database(path, points, 8)
    draw_map(store)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    with _served(path) as address, sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = chrome.new_page(viewport={"width": 1280, "height": 800})
        begun = time.perf_counter()
        page.goto(f"{address}/map")
        page.wait_for_function("() => !document.querySelector('[aria-busy]')", timeout=120_000)
        opened = time.perf_counter() - begun
        found = measure(page)
        chrome.close()
    rows = [
        [name, *(f"{np.percentile(times, share):.0f}" for share in (50, 95, 100))]
        for name, times in found.items()
    ]
    heading = f"## The map: {points} points in Chromium, 1280x800\n\nOpened in {opened:.1f} s.\n\n"
    return heading + table(["milliseconds", "median", "95 %", "longest"], rows)


def compute(points: int, width: int = 512) -> str:
    """Return how long the map of drawn vectors takes, and the most memory it needs."""
    rng = np.random.default_rng(0)
    middle = rng.standard_normal((300, width), np.float32)
    x = middle[rng.integers(0, 300, points)] + 0.7 * rng.standard_normal((points, width), np.float32)
    begun, busy = time.perf_counter(), time.process_time()
    _, method = in_plane(x)
    took, used = time.perf_counter() - begun, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return f"{points} vectors of {width} by {method}: {took:.0f} s, {used:.0f} s of processor time, {memory:.1f} GB"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--compute", action="store_true")
    parser.add_argument("--work", type=Path, help="keep the database here, for the next run")
    asked = parser.parse_args()
    with work_folder(asked.work) as work:
        print(machine())
        if asked.compute:
            print(compute(asked.points))
        print(run(work, asked.points))


if __name__ == "__main__":
    main()
