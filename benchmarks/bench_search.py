"""Search: words among many subtitle lines, and vectors with a condition, beside scans of the same rows.

python benchmarks/bench_search.py --frames 20000 --lines 100000
python benchmarks/bench_search.py --frames 300000 --lines 1000000 --work /tmp/search
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from tools.folders import work_folder
from tools.ratios import Section, joined
from tools.synthetic import PER_SOURCE, write_database
from tools.timing import in_turns, machine, table

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.store import Store
from animeds_db.upkeep import indexes

WORDS = 30_000
PER_LINE = 8
FILTER = "episode < 5"
K = 20
ASKED = 20
"""Frames whose neighbours are asked for."""


def write_lines(store: Store, n: int) -> None:
    """Write `n` lines of eight words (Zipf's law) to the sources, evenly; keep them if they are there."""
    have = store.table("lines").count_rows()
    if have:
        return
    rng = np.random.default_rng(3)
    words = np.array([f"word{i}" for i in range(WORDS)])
    sources = store.table("sources").to_table(columns=["source_id"])["source_id"].to_pylist()
    each = n // len(sources)
    schema = store.schema("lines").schema
    for begin in range(0, len(sources), 50):
        some = sources[begin : begin + 50]
        rows = len(some) * each
        drawn = words[np.minimum(rng.zipf(1.2, (rows, PER_LINE)) - 1, WORDS - 1)]
        number = np.tile(np.arange(each), len(some))
        start = number * (PER_SOURCE / each)
        source = np.repeat(some, each)
        text = [" ".join(row) for row in drawn]
        columns = {
            "line_id": [f"{s}-{i}" for s, i in zip(source, number, strict=True)],
            "source_id": source,
            "number": number,
            "kind": ["dialogue"] * rows,
            "text": text,
            "raw": text,
            "start_s": start,
            "end_s": start + 0.2,
        }
        filled = [
            pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(rows, field.type)
            for field in schema
        ]
        store.upsert("lines", pa.Table.from_arrays(filled, schema=schema))


def run(work: Path, *, frames: int = 300_000, lines: int = 1_000_000, rounds: int = 5) -> Section:
    """Measure both searches in turns and return the report section."""
    store = write_database(work / f"search-{frames}-{lines}", frames)
    write_lines(store, lines)
    for name in ("lines", "frames"):
        indexes.tend(store, name)
    with animeds_db.open(store.uri) as dataset:
        return joined(_said(dataset, lines, rounds), _near(dataset, frames, rounds))


def _said(dataset: Dataset, lines: int, rounds: int) -> Section:
    """Search words of three frequencies, with and without a condition; and by SQL's scan."""
    jobs: dict[str, Callable[[], object]] = {}
    for words in ("word3 word40", "word900", "word12000"):
        for where in (None, FILTER):
            name = f"{words}{', ' + where if where else ''}"
            jobs[name] = partial(_fetched, dataset, said=words, where=where)
    scan = "SELECT line_id FROM lines WHERE contains(text, 'word12000 ') LIMIT 20"
    jobs["by a scan: word12000"] = lambda: dataset.sql(scan).fetchall()
    for job in jobs.values():
        job()
    times = in_turns(jobs, rounds)
    rows = [[name, f"{1000 * t.wall:,.0f}", f"{1000 * t.cpu:,.0f}"] for name, t in times.items()]
    text = f"## Words among {lines:,} lines\n\n{table(['search', 'wall ms', 'cpu ms'], rows)}"
    return Section(text, {"word12000 ÷ a scan": times["word12000"].wall / times["by a scan: word12000"].wall})


def _fetched(dataset: Dataset, **asked: str | None) -> list[tuple[object, ...]]:
    return dataset.search(k=K, **asked).fetchall()  # type: ignore[arg-type]


def _near(dataset: Dataset, frames: int, rounds: int) -> Section:
    """Search the neighbours of frames: all, those of a tenth, those of a thousandth; and their recall."""
    asked = dataset.sql(f"SELECT frame_id FROM frames USING SAMPLE {ASKED} ROWS (reservoir, 1)").fetchall()
    ids = [str(row[0]) for row in asked]
    source = ids[0].rsplit("-", 1)[0]
    conditions = {
        "all": None,
        "a third (ordinal % 3 = 0)": "ordinal % 3 = 0",
        FILTER: FILTER,
        "one tag": "has_tag(tag_ids, 'tag_50')",
        "one source": f"source_id = '{source}'",
    }
    jobs: dict[str, Callable[[], object]] = {
        name: partial(_neighbours, dataset, ids, where, exact=False) for name, where in conditions.items()
    }
    jobs["all, exactly"] = partial(_neighbours, dataset, ids, None, exact=True)
    for job in jobs.values():
        job()
    times = in_turns(jobs, rounds)
    rows = []
    for name, t in times.items():
        where = conditions.get(name)
        share = dataset.sql(f"SELECT count(*) FROM frames WHERE {where or 'true'}").fetchall()[0][0] / frames
        recall = _recall(dataset, ids, where)
        rows.append(
            [
                name,
                f"{share:.1%}",
                f"{1000 * t.wall / ASKED:,.0f}",
                f"{1000 * t.cpu / ASKED:,.0f}",
                f"{t.wall / times['all'].wall:.2f}×",
                f"{recall:.3f}",
            ]
        )
    head = ["frames", "share", "wall ms", "cpu ms", "of all", f"recall@{K}"]
    text = f"## Vectors of {frames:,} frames, width 512, one frame's neighbours\n\n{table(head, rows)}"
    return Section(text, {"neighbours by index ÷ exactly": times["all"].wall / times["all, exactly"].wall})


def _neighbours(dataset: Dataset, ids: list[str], where: str | None, *, exact: bool) -> list[set[str]]:
    found = []
    for frame in ids:
        near = dataset.search(frame_id=frame, k=K, where=where, exact=exact)
        found.append({str(row[0]) for row in near.select("frame_id").fetchall()})
    return found


def _recall(dataset: Dataset, ids: list[str], where: str | None) -> float:
    pairs = zip(
        _neighbours(dataset, ids, where, exact=False),
        _neighbours(dataset, ids, where, exact=True),
        strict=True,
    )
    return float(np.mean([len(found & true) / max(1, len(true)) for found, true in pairs]))


def main() -> None:
    """Measure what the flags ask for and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keep the material here, for the next run")
    options = parser.parse_args()
    with work_folder(options.work) as work:
        print(
            machine(),
            run(work, frames=options.frames, lines=options.lines, rounds=options.rounds),
            sep="\n\n",
        )


if __name__ == "__main__":
    main()
