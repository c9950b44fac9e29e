"""Measure the README's claims on this machine and write benchmarks/results/report.md.

python benchmarks/run.py                 everything
python benchmarks/run.py ingest --quick  one section, small
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import bench_characters
import bench_dedup
import bench_export
import bench_ingest
import bench_ray
import bench_tags
import bench_vectors
from timing import machine

SECTIONS: dict[str, Callable[[Path, bool], str]] = {
    "ingest": lambda work, quick: bench_ingest.run(
        work, minutes=2 if quick else 24, rounds=1 if quick else 3
    ),
    "dedup": lambda work, quick: bench_dedup.run(work, episodes=2 if quick else 3),
    "export": lambda work, quick: bench_export.run(
        work, frames=60 if quick else 2000, rounds=1 if quick else 3
    ),
    "tags": lambda work, quick: bench_tags.run(work, n=20_000 if quick else 1_000_000, rounds=3),
    "characters": lambda work, quick: bench_characters.run(
        work, n=10_000 if quick else 100_000, rounds=1 if quick else 5
    ),
    "ray": lambda work, quick: bench_ray.run(
        work, seconds=2 if quick else 11, kills=2 if quick else 10, rounds=1 if quick else 2
    ),
    "vectors": lambda work, quick: bench_vectors.run(work, rows=20_000 if quick else 100_000),
}


def main() -> None:
    """Run the sections asked for and print and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="animeds-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    parts = [f"# Benchmarks\n\n{machine()}. Wall and processor time are medians of runs in turns."]
    for name in options.sections:
        parts.append(SECTIONS[name](work, options.quick))
        print(parts[-1], flush=True)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "report.md").write_text("\n\n".join(parts) + "\n", "utf-8")


if __name__ == "__main__":
    main()
