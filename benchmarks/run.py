"""Measure the README's claims on this machine and write benchmarks/results/report.md.

python benchmarks/run.py                 everything, in sizes that take about half an hour on two cores
python benchmarks/run.py ingest --quick  one section, small: to see that it runs
python benchmarks/run.py --full          the sizes of a curator: hours
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import bench_characters
import bench_clips
import bench_dedup
import bench_export
import bench_ingest
import bench_ray
import bench_scale
import bench_search
import bench_service
import bench_tags
import bench_vectors
from tools.timing import machine

SIZES = ("quick", "half an hour", "full")
SECTIONS: dict[str, Callable[[Path, int], str]] = {
    "ingest": lambda work, size: bench_ingest.run(work, minutes=(2, 4, 24)[size], rounds=(1, 1, 3)[size]),
    "dedup": lambda work, size: bench_dedup.run(work, episodes=(2, 2, 3)[size]),
    "export": lambda work, size: bench_export.run(work, frames=(60, 300, 2000)[size], rounds=(1, 1, 3)[size]),
    "clips": lambda work, size: bench_clips.run(work, minutes=(1, 2, 4)[size], rounds=(1, 1, 3)[size]),
    "tags": lambda work, size: bench_tags.run(work, n=(20_000, 100_000, 1_000_000)[size], rounds=3),
    "characters": lambda work, size: bench_characters.run(
        work, n=(10_000, 50_000, 100_000)[size], rounds=(1, 3, 5)[size]
    ),
    "ray": lambda work, size: bench_ray.run(
        work, seconds=(2, 8, 11)[size], kills=(2, 3, 10)[size], rounds=(1, 1, 2)[size]
    ),
    "vectors": lambda work, size: "\n\n".join(
        (
            bench_vectors.run(work, rows=(10_000, 30_000, 100_000)[size]),
            bench_vectors.growth(work, [1_000, 3_000, 10_000, 30_000, 100_000, 300_000][: (3, 5, 6)[size]]),
        )
    ),
    "scale": lambda work, size: bench_scale.run(
        work,
        sizes=((5_000,), (10_000, 100_000), (10_000, 100_000, 1_000_000))[size],
        rounds=(1, 1, 3)[size],
    ),
    "search": lambda work, size: bench_search.run(
        work,
        frames=(5_000, 100_000, 300_000)[size],
        lines=(20_000, 300_000, 1_000_000)[size],
        rounds=(1, 3, 5)[size],
    ),
    "service": lambda work, size: bench_service.run(
        work, n=(5_000, 100_000, 1_000_000)[size], crowd_s=(5, 20, 60)[size]
    ),
}


def main() -> None:
    """Run the sections asked for and print and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), help=", ".join(SECTIONS))
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", dest="size", action="store_const", const=0, help="small sizes")
    how.add_argument("--full", dest="size", action="store_const", const=2, help="large sizes: hours")
    parser.set_defaults(size=1)
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="animeds-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    parts = [
        f"# Benchmarks\n\n{machine()}. Sizes: {SIZES[options.size]}. Times are medians of runs in turns."
    ]
    for name in options.sections:
        parts.append(SECTIONS[name](work, options.size))
        print(parts[-1], flush=True)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "report.md").write_text("\n\n".join(parts) + "\n", "utf-8")
    for plot in work.glob("*.svg"):
        shutil.copy(plot, results)


if __name__ == "__main__":
    main()
