"""The questions people ask of a large collection, beside what they would use instead, over the same rows.

SQLite with the indexes a careful person makes (what Datasette serves), and pandas over Parquet files. A fresh
process asks each question, so what is counted is what a person waits for: start, open, read, answer. The last column
is our time without the start, as multiples of what this machine needs to read the numbers of the columns in question
from memory once: nobody can be faster than 1 without an index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tools import plots
from tools.ratios import Section
from tools.timing import warm

QUESTIONS = {
    "none: start and open": "nothing",
    "frames with three tags": "tags",
    "the 30 commonest tags": "facets",
    "the same, of one character's frames": "facets_of",
    "each character's frames and episodes": "characters",
    "plan of an export (one character, balanced folders)": "plan",
    "the 20 frames most like one, all compared": "search",
    "the same by index": "search_by_index",
}
BYTES = {
    "tags": 2 * 25,
    "facets": 2 * 25,
    "facets_of": 2 * 25 + 1.5 * (12 + 21),
    "characters": 1.5 * (12 + 21),
    "search": 4 * 512 * 5,
}
"""Of each frame: numbers of tags; characters and frame ids of faces; vectors, for each of five searches."""
THREE = ["1girl", "red_hair", "smile"]
WHO = "character 1"
NEAREST, SEARCHES = 20, 5
PATIENCE_S = 100.0

Asked = dict[tuple[str, str], dict[str, Any]]
"""By question and kind: wall seconds, and of those that answered in time also the answer, processor seconds and MB."""


def run(work: Path, *, sizes: Sequence[int], rounds: int = 3) -> Section:
    """Return the section of the report."""
    parts = ["## Large collections", __doc__.partition("\n\n")[2].strip()]
    every: list[Asked] = []
    ratios: dict[str, float] = {}
    for n in sizes:
        folder = work / f"synthetic-{n}"
        prepare(folder, n)
        warm(folder)
        asked = _in_turns(folder, rounds)
        every.append(asked)
        ratios |= {f"{n:,}: {row}": ratio for row, ratio in _ratios(asked).items()}
        parts.append(f"### {n:,} frames\n\n{_section(asked, n)}")
    (work / "questions.svg").write_text(plots.growth(sizes, _panels(every), "seconds"), "utf-8")
    parts.append("![Seconds over frames, both axes logarithmic](questions.svg)")
    return Section("\n\n".join(parts), ratios)


def _ratios(asked: Asked) -> dict[str, float]:
    """Return our wall time divided by that of each other way, which is PATIENCE_S if it gave up: then it is more."""
    return {
        f"{told} ÷ {kind}": asked[question, "animeds"]["wall"] / asked[question, kind]["wall"]
        for told, question in QUESTIONS.items()
        for kind in KINDS
        if kind != "animeds" and (question, kind) in asked
    }


def _panels(every: Sequence[Asked]) -> dict[str, dict[str, list[float | None]]]:
    """Return for each question the seconds of each way, size by size; None where it took too long or is not known."""
    return {
        told.partition(" (")[0]: {
            kind: [
                asked[question, kind]["wall"] if "answer" in asked[question, kind] else None
                for asked in every
            ]
            for kind in KINDS
            if (question, kind) in every[0]
        }
        for told, question in QUESTIONS.items()
    }


def prepare(folder: Path, n: int) -> None:
    """Write the material; what is there already stays."""
    from tools import synthetic

    folder.mkdir(parents=True, exist_ok=True)
    store = synthetic.write_database(folder / "show.animeds", n)
    synthetic.write_sqlite(folder / "show.db", n)
    synthetic.write_parquet(folder / "parquet", n)
    subprocess.run(
        [sys.executable, "-m", "animeds_db", "optimize", "--db", store.uri], check=True, capture_output=True
    )


def _section(asked: Asked, n: int) -> str:
    from tools.timing import table

    rows, bandwidth = [], _bandwidth()
    for told, question in QUESTIONS.items():
        ours = asked[question, "animeds"]
        others = [_beside(ours, asked.get((question, kind))) for kind in ("SQLite", "pandas")]
        floor = BYTES.get(question, 0) * n / bandwidth
        beyond = ours["wall"] - asked["nothing", "animeds"]["wall"]
        times = "" if not floor else f"{beyond / floor:.0f}" if beyond > 0 else "–"
        rows.append([told, f"{ours['wall']:.2f} s, {ours['mb']:.0f} MB", *others, times])
    told = table(["question", "animeds", "SQLite", "pandas, NumPy", "× one reading"], rows)
    return (
        f"{told}\n\n{_recall(asked)} Others: their time ÷ ours, and memory. "
        f"One thread reads {bandwidth / 1e9:.1f} GB/s."
    )


def _bandwidth() -> float:
    """Return how many bytes of memory one thread adds up in a second."""
    numbers = np.ones(1 << 26, np.float32)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        numbers.sum()
        took.append(time.perf_counter() - began)
    return numbers.nbytes / min(took)


def _beside(ours: dict[str, Any], other: dict[str, Any] | None) -> str:
    """Return how much longer the other took. Raises AssertionError when its answer is another one."""
    if other is None:
        return ""
    ratio = f"{other['wall'] / ours['wall']:.1f} ×"
    if "answer" not in other:
        return f"> {ratio}"
    assert other["answer"] == ours["answer"], (other["answer"], ours["answer"])
    return f"{ratio}, {other['mb']:.0f} MB"


def _recall(asked: Asked) -> str:
    exact, found = asked["search", "animeds"]["answer"], asked["search_by_index", "animeds"]["answer"]
    both = sum(len(set(a) & set(b)) for a, b in zip(exact, found, strict=True))
    return (
        f"{SEARCHES} searches in one process; by index they found {both} of the {SEARCHES * NEAREST} nearest."
    )


def _in_turns(folder: Path, rounds: int) -> Asked:
    """Ask each question in a fresh process once per round; return the answers of the median round."""
    jobs = [(q, k) for q in QUESTIONS.values() for k, c in KINDS.items() if hasattr(c, q)]
    said: dict[tuple[str, str], list[dict[str, Any]]] = {job: [] for job in jobs}
    for _ in range(rounds):
        for question, kind in jobs:
            said[question, kind].append(_asked(folder, question, kind))
    return {job: sorted(answers, key=_wall)[len(answers) // 2] for job, answers in said.items()}


def _asked(folder: Path, question: str, kind: str) -> dict[str, Any]:
    """Return the answer of a fresh process, its wall time and memory; no answer when that takes too long."""
    began = time.perf_counter()
    words = [sys.executable, __file__, str(folder), kind, question]
    try:
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return {"wall": PATIENCE_S}
    return {**json.loads(done.stdout), "wall": time.perf_counter() - began}


def _wall(answer: dict[str, Any]) -> float:
    return float(answer["wall"])


class Animeds:
    """Ours."""

    def __init__(self, folder: Path) -> None:
        import animeds_db

        self.ds = animeds_db.open(folder / "show.animeds")

    def nothing(self) -> object:
        return self._count("SELECT 1")

    def _count(self, sql: str, **values: object) -> object:
        return self.ds.sql(sql, values).fetchall()[0][0]

    def tags(self) -> object:
        return self._count("SELECT count(*) FROM frames WHERE has_all(tag_ids, $tags)", tags=THREE)

    def facets(self) -> object:
        sql = "SELECT tag, count(*) AS n FROM tags GROUP BY tag ORDER BY n DESC, tag LIMIT 30"
        return [list(row) for row in self.ds.sql(sql).fetchall()]

    def facets_of(self) -> object:
        sql = (
            "SELECT tag, count(*) AS n FROM tags "
            "WHERE frame_id IN (SELECT frame_id FROM characters WHERE character = $who) "
            "GROUP BY tag ORDER BY n DESC, tag LIMIT 30"
        )
        return [list(row) for row in self.ds.sql(sql, {"who": WHO}).fetchall()]

    def characters(self) -> object:
        sql = (
            "SELECT character, count(DISTINCT frame_id) AS n, count(DISTINCT frame_id[:8]) FROM characters "
            "GROUP BY character ORDER BY n DESC, character LIMIT 30"
        )
        return [list(row) for row in self.ds.sql(sql).fetchall()]

    def plan(self) -> object:
        sql = f"SELECT DISTINCT frame_id FROM characters WHERE character = '{WHO}'"
        rows = self.ds.preview_export(None, sql=sql).folders
        return sum(row["pictures"] for row in rows)

    def search(self) -> object:
        return self._nearest(exact=True)

    def search_by_index(self) -> object:
        return self._nearest(exact=False)

    def _nearest(self, *, exact: bool) -> object:
        return [
            [row[0] for row in self.ds.search(frame_id=like, k=NEAREST, exact=exact).fetchall()]
            for like in _asked_for()
        ]


class SQLite:
    """The same rows in SQLite."""

    def __init__(self, folder: Path) -> None:
        import sqlite3

        self.db = sqlite3.connect(folder / "show.db")

    def nothing(self) -> object:
        return self._rows("SELECT 1")[0][0]

    def _rows(self, sql: str, *values: object) -> list[list[object]]:
        return [list(row) for row in self.db.execute(sql, values)]

    def tags(self) -> object:
        sql = " INTERSECT ".join(["SELECT frame_id FROM frame_tags WHERE tag = ?"] * len(THREE))
        return self._rows(f"SELECT count(*) FROM ({sql})", *THREE)[0][0]

    def facets(self) -> object:
        return self._rows(
            "SELECT tag, count(*) AS n FROM frame_tags GROUP BY tag ORDER BY n DESC, tag LIMIT 30"
        )

    def facets_of(self) -> object:
        sql = (
            "SELECT tag, count(*) AS n FROM frame_tags "
            "WHERE frame_id IN (SELECT frame_id FROM faces WHERE character = ?) "
            "GROUP BY tag ORDER BY n DESC, tag LIMIT 30"
        )
        return self._rows(sql, WHO)

    def characters(self) -> object:
        sql = (
            "SELECT character, count(DISTINCT frame_id) AS n, count(DISTINCT substr(frame_id, 1, 8)) FROM faces "
            "GROUP BY character ORDER BY n DESC, character LIMIT 30"
        )
        return self._rows(sql)


class Pandas:
    """The same rows in a notebook: pandas over Parquet files, NumPy over a .npy file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "parquet"

    def nothing(self) -> object:
        import pandas as pd

        return int(pd.Series([1]).sum())

    def _frames(self, *columns: str) -> Any:
        import pandas as pd

        return pd.read_parquet(self.folder / "frames.parquet", columns=["frame_id", *columns])

    def _faces(self) -> Any:
        import pandas as pd

        return pd.read_parquet(self.folder / "faces.parquet")

    def tags(self) -> object:
        wanted = set(THREE)
        return int(self._frames("tags")["tags"].map(wanted.issubset).sum())

    def facets(self) -> object:
        return _commonest(self._frames("tags")["tags"].explode())

    def facets_of(self) -> object:
        faces = self._faces()
        frames = self._frames("tags")
        hers = frames["frame_id"].isin(faces[faces["character"] == WHO]["frame_id"])
        return _commonest(frames[hers]["tags"].explode())

    def characters(self) -> object:
        faces = self._faces()
        faces["source"] = faces["frame_id"].str[:8]
        counts = faces.groupby("character").agg(n=("frame_id", "nunique"), sources=("source", "nunique"))
        first = counts.reset_index().sort_values(["n", "character"], ascending=[False, True])[:30]
        return [list(row) for row in first.itertuples(index=False)]

    def search(self) -> object:
        ids = self._frames()["frame_id"].to_numpy()
        vectors = np.load(self.folder / "vectors.npy", mmap_mode="r")
        rows = {frame: i for i, frame in enumerate(ids)}
        found = []
        for like in _asked_for():
            cosines = vectors @ vectors[rows[like]]
            best = np.argpartition(-cosines, NEAREST)[:NEAREST]
            found.append(ids[best[np.lexsort((ids[best], -cosines[best]))]].tolist())
        return found


def _commonest(tags: Any) -> list[list[object]]:
    counts = tags.value_counts().rename_axis("tag").reset_index(name="n")
    first = counts.sort_values(["n", "tag"], ascending=[False, True])[:30]
    return [[row.tag, int(row.n)] for row in first.itertuples()]


def _asked_for() -> list[str]:
    """Return the frames whose likes are searched: of the first episode, one of each fourth shot."""
    from animeds_db import schema

    return [schema.frame_id("aaaaaaaa", 20 * i * 1500) for i in range(SEARCHES)]


KINDS: dict[str, type] = {"animeds": Animeds, "SQLite": SQLite, "pandas": Pandas}


def main() -> None:
    """Answer one question in this process, and say what it took."""
    folder, kind, question = sys.argv[1:]
    began = time.process_time()
    answer = getattr(KINDS[kind](Path(folder)), question)()
    print(json.dumps({"answer": answer, "cpu": time.process_time() - began, "mb": _peak_mb()}, default=int))


def _peak_mb() -> float:
    """Return the most memory this process has held, MB; getrusage would tell that of the process it was forked from."""
    status = Path("/proc/self/status").read_text("utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
