"""Pick frames by tag among a million: SQL over the database against reading a million .txt files.

The files are read twice, one reading after the other, and the second counts: then the system has them in memory, as it
has the database. The table shows the first reading as well. Only files that were written long before are cold then.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from tools.ratios import Section
from tools.timing import in_turns, table

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.store import Store

TAGS_PER_FRAME = 25
VOCABULARY = 8000


def draw_tags(n: int, seed: int = 5) -> tuple[list[str], np.ndarray]:
    """Return tag names and, per frame, TAGS_PER_FRAME tag numbers from 1 (Zipf, as boorus are)."""
    rng = np.random.default_rng(seed)
    names = ["1girl", "1boy", "red_hair", *(f"tag_{i}" for i in range(VOCABULARY - 3))]
    numbers = np.minimum(rng.zipf(1.3, (n, TAGS_PER_FRAME)), VOCABULARY).astype(np.int32)
    return names, numbers


def write_database(path: Path, names: list[str], numbers: np.ndarray) -> Dataset:
    """Write a database with these tags, in one finished source."""
    store = Store.create(str(path), 8, 8)
    store.ensure_tags([(name, "general") for name in names])
    source = {"source_id": "aaaaaaaa", "state": "done", "n_frames": len(numbers)}
    store.upsert("sources", pa.Table.from_pylist([source], schema.SOURCES.schema))
    step = 100_000
    for begin in range(0, len(numbers), step):
        store.upsert("frames", _rows(numbers[begin : begin + step], begin))
    return Dataset(store)


def _rows(numbers: np.ndarray, begin: int) -> pa.Table:
    n, width = numbers.shape
    offsets = pa.array(np.arange(0, n * width + 1, width), pa.int32())
    columns = {
        "frame_id": pa.array([schema.frame_id("aaaaaaaa", begin + i) for i in range(n)]),
        "source_id": pa.array(["aaaaaaaa"] * n),
        "ordinal": pa.array(np.arange(begin, begin + n), pa.int32()),
        "tags": (tags := pa.ListArray.from_arrays(offsets, pa.array(numbers.ravel()))),
        "tag_scores": (
            scores := pa.ListArray.from_arrays(offsets, pa.array(np.full(n * width, 900, np.int16)))
        ),
        "sure_tags": tags,
        "sure_scores": scores,
    }
    target = schema.frames(8).schema
    return pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in target], schema=target)


def write_files(folder: Path, names: list[str], numbers: np.ndarray) -> None:
    """Write one .txt per frame, as the seed's tagging script does."""
    spoken = [name.replace("_", " ") for name in names]
    for i, row in enumerate(numbers):
        if i % 10_000 == 0:
            (folder / f"{i // 10_000:03d}").mkdir(parents=True, exist_ok=True)
        text = ", ".join(spoken[k - 1] for k in row)
        (folder / f"{i // 10_000:03d}" / f"f-{i:07d}.txt").write_text(text)


def read_files(folder: Path) -> int:
    """Count frames with 1girl and red_hair and without 1boy the seed's way: open, split, look."""
    found = 0
    for part in sorted(folder.iterdir()):
        for path in part.iterdir():
            tags = {tag.strip().replace(" ", "_") for tag in path.read_text().split(",")}
            found += "1girl" in tags and "1boy" not in tags and "red_hair" in tags
    return found


FILES = "reading .txt files again"

SQL = """
SELECT count(*) FROM frames
WHERE has_tag(tag_ids, '1girl') AND NOT has_tag(tag_ids, '1boy') AND has_tag(tag_ids, 'red_hair')
"""


def run(work: Path, *, n: int = 1_000_000, rounds: int = 3) -> Section:
    """Return the report section."""
    names, numbers = draw_tags(n)
    shutil.rmtree(work / "tags.animeds", ignore_errors=True)
    dataset = write_database(work / "tags.animeds", names, numbers)
    files = work / f"txt-{n}"
    if not files.exists():
        write_files(files, names, numbers)
    by_sql = dataset.sql(SQL).fetchall()[0][0]
    began = time.perf_counter()
    by_files = read_files(files)
    first = time.perf_counter() - began
    read_files(files)
    assert by_sql == by_files, (by_sql, by_files)
    text = SQL.replace("tag_ids", "tags")
    times = in_turns(
        {
            FILES: lambda: read_files(files),
            "SQL, has_tag(tag_ids, …)": lambda: dataset.sql(SQL).fetchall(),
            "SQL, has_tag(tags, …)": lambda: dataset.sql(text).fetchall(),
        },
        rounds,
    )
    slow = times[FILES].wall
    rows = [
        [name, f"{t.wall:.3f}", f"{slow / t.wall:.0f}×", f"{t.cpu:.3f}", f"{times[FILES].cpu / t.cpu:.0f}×"]
        for name, t in times.items()
    ]
    rows.insert(0, ["reading .txt files for the first time", f"{first:.3f}", "", "", ""])
    text = "\n".join(
        [
            f"## Frames with 1girl and red_hair and without 1boy, among {n:,} ({by_sql:,} found by both)",
            "",
            "Files and database are warm, except in the first row.",
            "",
            table(["way", "wall s", "times faster than files", "processor s", "times less than files"], rows),
        ]
    )
    return Section(text, {f"{name} ÷ files": t.wall / slow for name, t in times.items() if name != FILES})
