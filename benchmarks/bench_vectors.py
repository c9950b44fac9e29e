"""All near-duplicates of a set of embeddings: our join against the ways others take, each in its own process.

python benchmarks/bench_vectors.py --rows 20000
python benchmarks/bench_vectors.py --rows 100000 --rounds 3 --work /tmp/vectors
python benchmarks/bench_vectors.py --growth 10000,30000,100000,300000,1000000 --work /tmp/vectors
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from join_methods import CHUNK, METHODS
from tools import plots
from tools.folders import work_folder
from tools.ratios import Section
from tools.timing import machine, table

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from planted import planted

WIDTH = 512
THRESHOLD = 0.985


def material(work: Path, rows: int) -> Path:
    """Write vectors with duplicates planted (70 % near copies of the row before) once."""
    file = work / f"planted-{rows}x{WIDTH}.npy"
    if not file.exists():
        np.save(file, planted(rows, WIDTH))
    return file


def measure(method: str, data: Path, out: Path) -> dict[str, Any]:
    """Run one method in a process of its own and return what it printed."""
    script = Path(__file__).with_name("join_methods.py")
    words = [sys.executable, str(script), method, str(data), str(THRESHOLD), str(out)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{method} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def installed(method: str) -> bool:
    """Whether what the method needs is there."""
    return not method.startswith("faiss") or importlib.util.find_spec("faiss") is not None


def run(work: Path, *, rows: int = 20_000, rounds: int = 1, methods: list[str] | None = None) -> Section:
    """Run the methods in turns and return the report section."""
    data = material(work, rows)
    chosen = [method for method in methods or METHODS if installed(method)]
    results: dict[str, list[dict[str, Any]]] = {method: [] for method in chosen}
    for _ in range(rounds):
        for method in chosen:
            results[method].append(measure(method, data, work / f"{method}.npy"))
            print(f"  {rows} rows, {method}: {results[method][-1]}", file=sys.stderr, flush=True)
    found = {method: np.load(work / f"{method}.npy") for method in chosen}
    cpu = {method: statistics.median(r["cpu"] / r["done"] for r in results[method]) for method in chosen}
    lines = [
        [
            method,
            f"{cpu[method]:,.2f}",
            f"{cpu[method] / cpu['ours']:,.1f}×" if "ours" in cpu else "–",
            f"{statistics.median(r['wall'] / r['done'] for r in results[method]):,.2f}",
            f"{max(r['peak_mb'] for r in results[method]):,.0f}",
            f"{max(r['peak_mb'] - r['before_mb'] for r in results[method]):,.0f}",
            judged(method, found, rows),
            results[method][-1]["note"],
        ]
        for method in chosen
    ]
    head = ["method", "cpu-s", "of ours", "wall-s", "peak MB", "above x and imports", "pairs", ""]
    title = f"## Near-duplicates among {rows:,} × {WIDTH} vectors, cosine ≥ {THRESHOLD}"
    peers = [name for name in ("full blocked GEMM", "GEMM at sgemm peak", "the seed's way") if name in cpu]
    ratios = {f"÷ {name}": cpu["ours"] / cpu[name] for name in peers} if "ours" in cpu else {}
    return Section(f"{title}\n\n{table(head, lines)}\n", ratios)


def judged(method: str, found: dict[str, np.ndarray], rows: int) -> str:
    """Say how the pairs of a method compare with ours."""
    keys = found[method]
    if method == "ours" or "ours" not in found:
        return f"{len(keys):,}"
    if method == "GEMM at sgemm peak":
        return "–"
    a, b = np.divmod(found["ours"], rows)
    expected = found["ours"]
    if method == "ours, incremental":
        expected = expected[b >= rows - rows // 100]
    elif method == "DuckDB self-join":
        expected = expected[b < 2000]
    elif rows > 150_000 and method in ("full blocked GEMM", "faiss range search"):
        low, high = rows // 2, rows // 2 + 8192
        expected = expected[((a >= low) & (a < high)) | ((b >= low) & (b < high))]
    if np.array_equal(keys, expected):
        return f"{len(keys):,}, the same"
    share = np.isin(expected, keys).mean() if len(expected) else 1.0
    extra = int((~np.isin(keys, expected)).sum())
    reason = f" (inside chunks of {CHUNK:,})" if method == "the seed's way" else ""
    return f"{len(keys):,}: {share:.2%} of ours{reason}, {extra} others"


def growth(work: Path, sizes: list[int]) -> Section:
    """Measure our join at several sizes, and draw the curves into growth.svg in `work`."""
    methods = ["ours", "ours, incremental", "GEMM at sgemm peak"]
    cpu: dict[str, list[float]] = {method: [] for method in methods}
    lines = []
    for rows in sizes:
        results = {m: measure(m, material(work, rows), work / f"{m}.npy") for m in methods}
        for method, result in results.items():
            cpu[method].append(result["cpu"] / result["done"])
            print(f"  {rows} rows, {method}: {result}", file=sys.stderr, flush=True)
        full, part, peak = (cpu[method][-1] for method in methods)
        memory = f"{results['ours']['peak_mb']:,.0f}"
        lines.append(
            [f"{rows:,}", f"{full:,.2f}", f"{peak:,.1f}", f"{peak / full:.0f}", f"{part / full:.1%}", memory]
        )
    plot = plots.growth(sizes, {"near-duplicates among vectors": cpu}, "processor seconds")
    (work / "growth.svg").write_text(plot, "utf-8")
    head = ["rows", "ours, cpu-s", "full GEMM at peak, cpu-s", "times less", "1 % new rows", "peak MB"]
    picture = "![Processor seconds over rows, both axes logarithmic](growth.svg)"
    text = f"### How they grow\n\n{table(head, lines)}\n\n{picture}"
    return Section(
        text, {f"{sizes[-1]:,} rows, 1 % new ÷ all": part / full, f"{sizes[-1]:,} rows ÷ peak": full / peak}
    )


def main() -> None:
    """Measure what the flags ask for and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), help="default: all that are installed")
    parser.add_argument("--growth", help="sizes, with commas between them: measure only how our join grows")
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    with work_folder(options.work) as work:
        print(f"{machine()}\n")
        if options.growth:
            print(growth(work, [int(size) for size in options.growth.split(",")]))
        else:
            print(run(work, rows=options.rows, rounds=options.rounds, methods=options.methods))


if __name__ == "__main__":
    main()
