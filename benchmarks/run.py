"""Measure the README's claims on this machine and write benchmarks/results/report.md.

python benchmarks/run.py                 everything, in sizes that take less than half an hour on two cores
python benchmarks/run.py ingest --quick  one section, small: to see that it runs
python benchmarks/run.py --full          the sizes of a curator: hours
python benchmarks/run.py --commit        also write the ratios into benchmarks/expected.toml

Without --quick and --full, the ratios are compared with those in benchmarks/expected.toml. Sections that look worse are
measured again, up to three rounds as long as the half hour allows. The exit status is 1 if a ratio got worse.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import bench_characters
import bench_clips
import bench_dedup
import bench_dedup_time
import bench_export
import bench_ingest
import bench_ray
import bench_scale
import bench_search
import bench_service
import bench_start
import bench_tags
import bench_vectors
from tools import ratios
from tools.folders import work_folder
from tools.ratios import Section, joined
from tools.timing import machine

SIZES = ("quick", "half an hour", "full")
COMPARED = 1
"""The size whose ratios are committed: those of other sizes are others."""
LIMIT_S = 27 * 60
"""Seconds after which no section is measured again: `make bench` with its installation takes less than half an hour."""
WARM = (
    "Times are medians of runs in turns. Files are warm unless a row says otherwise: each section writes its material, "
    "or reads it once, before the clock starts, so the system has it in memory."
)
DEDUP_FRAMES = ((3_000,), (30_000, 100_000), (30_000, 100_000, 300_000))
"""Frames of the databases on which the command dedup is timed."""
EXPECTED = Path(__file__).parent / "expected.toml"
SECTIONS: dict[str, Callable[[Path, int], str | Section]] = {
    "start": lambda work, size: bench_start.run(work, rounds=(1, 5, 15)[size]),
    "ingest": lambda work, size: bench_ingest.run(work, minutes=(2, 24, 24)[size], rounds=(1, 1, 3)[size]),
    "dedup": lambda work, size: joined(
        Section(bench_dedup.run(work, episodes=(2, 2, 3)[size])),
        *(bench_dedup_time.run(work, frames=n, rounds=(1, 3, 3)[size]) for n in DEDUP_FRAMES[size]),
    ),
    "export": lambda work, size: bench_export.run(work, frames=(60, 300, 2000)[size], rounds=(1, 1, 3)[size]),
    "clips": lambda work, size: bench_clips.run(work, minutes=(1, 2, 4)[size], rounds=(1, 1, 3)[size]),
    "tags": lambda work, size: bench_tags.run(work, n=(20_000, 100_000, 1_000_000)[size], rounds=3),
    "characters": lambda work, size: bench_characters.run(
        work, n=(10_000, 50_000, 100_000)[size], rounds=(1, 3, 5)[size]
    ),
    "ray": lambda work, size: bench_ray.run(
        work, seconds=(2, 8, 11)[size], kills=(2, 3, 10)[size], rounds=(1, 1, 2)[size]
    ),
    "vectors": lambda work, size: joined(
        bench_vectors.run(work, rows=(10_000, 30_000, 100_000)[size]),
        bench_vectors.growth(work, [1_000, 3_000, 10_000, 30_000, 100_000, 300_000][: (3, 5, 6)[size]]),
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
    parser.add_argument(
        "--commit", action="store_true", help="write the ratios into benchmarks/expected.toml"
    )
    options = parser.parse_args()
    if options.commit and options.size != COMPARED:
        parser.error("--commit needs the default size, because ratios of other sizes are others")
    header = f"# Benchmarks\n\n{machine()}. Sizes: {SIZES[options.size]}. {WARM}"
    print(header, flush=True)
    committed = ratios.read(EXPECTED) if EXPECTED.exists() and options.size == COMPARED else {}
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with work_folder(options.work) as work:
        measured, rows = ratios.measured_in_rounds(
            options.sections, lambda name: SECTIONS[name](work, options.size), committed, limit_s=LIMIT_S
        )
        for plot in work.glob("*.svg"):
            shutil.copy(plot, results)
    parts = [header, *(str(found[0]) for found in measured.values())]
    if options.size == COMPARED:
        parts.append(ratios.verdict(rows))
        print(parts[-1], flush=True)
    (results / "report.md").write_text("\n\n".join(parts) + "\n", "utf-8")
    if options.commit:
        ratios.write(EXPECTED, ratios.merged(committed, rows))
    sys.exit(int(any(row.is_worse for row in rows)))


if __name__ == "__main__":
    main()
