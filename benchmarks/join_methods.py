"""One way to find near-duplicates, run alone in a process: `python join_methods.py METHOD x.npy 0.985 out.npy`.

Writes the pairs it found as sorted keys a·n + b and prints one line of JSON: processor and wall seconds
of the work (imports and loading not counted), peak memory of the process, what it had before the work.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animeds_db.vectors import approximate_pairs, cosines, similar_pairs, similarity_index
from animeds_db.vectors.parallel import one_blas_thread, run_blocks, thread_count

CHUNK = 10_000  # what the seed's script compares at a time
SAMPLED_ROWS = 8192  # of a set too large to compare whole
WHOLE_UP_TO = 150_000
DUCKDB_ROWS = 2000


@dataclass
class Found:
    """Sorted keys a·n + b of the pairs, which part of the work was done, and a word about it."""

    keys: np.ndarray
    done: float = 1.0
    note: str = ""


def seed(x: np.ndarray, threshold: float) -> Found:
    """Compare as the blog post does that the seed's notebook follows: chunks, then marking in Python."""
    keys, removed = [], 0
    for low in range(0, len(x), CHUNK):
        chunk = x[low : low + CHUNK]
        unit = chunk / np.linalg.norm(chunk, axis=1)[:, None]
        similarity = unit @ unit.T
        similarity = similarity - np.identity(len(chunk))
        remove: set[int] = set()
        for row in range(len(chunk)):
            if row not in remove:
                remove.update(np.where(similarity[row] > threshold)[0].tolist())
        removed += len(remove)
        a, b = np.nonzero(np.triu(similarity >= threshold, 1))
        keys.append((a + low) * len(x) + b + low)
    return Found(np.sort(np.concatenate(keys)), 1.0, f"marks {removed} rows")


def gemm(x: np.ndarray, threshold: float) -> Found:
    """Multiply all rows with all later rows in blocks, on all cores; beyond 150,000 rows, a sample with all."""
    unit = x / np.linalg.norm(x, axis=1)[:, None]
    n = len(x)
    whole = n <= WHOLE_UP_TO
    first = 0 if whole else n // 2
    last = n if whole else first + SAMPLED_ROWS
    keys: list[np.ndarray] = []

    def work(low: int) -> np.ndarray:
        block = unit[low : min(low + 1024, last)]
        out, parts = np.empty((len(block), 4096), np.float32), []
        for start in range(low if whole else 0, n, 4096):
            others = unit[start : start + 4096]
            product = np.dot(block, others.T, out=out[:, : len(others)] if len(others) == 4096 else None)
            hit = np.flatnonzero(product.max(axis=1) >= threshold - 1e-4)
            at, b = np.divmod(np.flatnonzero(product[hit] >= threshold - 1e-4), len(others))
            parts.append(settled(x, hit[at] + low, b + start, threshold))
        return np.concatenate(parts)

    run_blocks(work, range(first, last, 1024), thread_count(None), keys.append)
    done = 1.0 if whole else SAMPLED_ROWS / (n / 2)
    return Found(
        np.unique(np.concatenate(keys)), done, "" if whole else f"{SAMPLED_ROWS} rows × all, extrapolated"
    )


def settled(x: np.ndarray, a: np.ndarray, b: np.ndarray, threshold: float) -> np.ndarray:
    """Return the keys of candidate pairs that hold: float32 products err by some 1e-6 at the threshold."""
    a, b = np.minimum(a, b)[a != b], np.maximum(a, b)[a != b]
    keys = np.unique(a * len(x) + b)
    a, b = np.divmod(keys, len(x))
    return keys[cosines(x, a, x, b) >= np.float32(threshold)]


def ours(x: np.ndarray, threshold: float) -> Found:
    """Find all pairs by `similar_pairs`."""
    pairs = similar_pairs(x, threshold)
    return Found(pairs.a * len(x) + pairs.b)


def approximate(x: np.ndarray, threshold: float) -> Found:
    """Find most pairs by `approximate_pairs`."""
    found = approximate_pairs(x, threshold)
    recall = found.recall
    note = (
        "no pairs" if recall.estimate is None else f"recall told {recall.estimate:.4f} (≥ {recall.low:.4f})"
    )
    return Found(found.pairs.a * len(x) + found.pairs.b, 1.0, note)


def incremental(x: np.ndarray, threshold: float, old: object) -> Found:
    """Join the last 1 % of the rows with all, by an index of the other 99 %."""
    pairs = similar_pairs(x, threshold, new=slice(len(x) - len(x) // 100, None), index=old)  # type: ignore[arg-type]
    return Found(pairs.a * len(x) + pairs.b, 1.0, "last 1 % of the rows, index of the rest at hand")


def faiss_range(x: np.ndarray, threshold: float) -> Found:
    """Search the flat index for all rows within the threshold; beyond 150,000 rows, of a sample."""
    import faiss

    unit = x / np.linalg.norm(x, axis=1)[:, None]
    n = len(x)
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(unit)
    first, last = (0, n) if n <= WHOLE_UP_TO else (n // 2, n // 2 + SAMPLED_ROWS)
    keys = []
    for low in range(first, last, 4096):
        limits, _, others = index.range_search(unit[low : min(low + 4096, last)], threshold - 1e-4)
        rows = np.repeat(np.arange(low, min(low + 4096, last)), np.diff(limits).astype(np.int64))
        keys.append(settled(x, rows, others, threshold))
    note = "" if last - first == n else f"{SAMPLED_ROWS} queries, extrapolated"
    return Found(np.unique(np.concatenate(keys)), (last - first) / n, note)


def duckdb_join(x: np.ndarray, threshold: float) -> Found:
    """Join a sample with itself in SQL; the work grows with the square of the rows."""
    import duckdb
    import pyarrow as pa

    rows = min(len(x), DUCKDB_ROWS)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(x[:rows].ravel()), x.shape[1])
    table = pa.table({"id": np.arange(rows), "v": flat})
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.register("given", table)
    connection.execute(f"CREATE TABLE t AS SELECT id, v::FLOAT[{x.shape[1]}] AS v FROM given")
    found = connection.execute(
        f"SELECT a.id * {len(x)} + b.id AS key FROM t a JOIN t b ON a.id < b.id "
        "AND array_cosine_similarity(a.v, b.v) >= ? ORDER BY key",
        [threshold],
    ).fetchnumpy()["key"]
    return Found(found, (rows / len(x)) ** 2, f"{rows} rows, extrapolated")


def peak(x: np.ndarray, _: float) -> Found:
    """Multiply large squares in one thread: the fastest this machine's sgemm gets."""
    square = x[: min(4096, len(x))]
    with one_blas_thread():
        square @ square.T
    return Found(np.zeros(0, np.int64), (len(square) / len(x)) ** 2 * 2, "one thread, upper triangle only")


METHODS: dict[str, Callable[..., Found]] = {
    "ours": ours,
    "ours, incremental": incremental,
    "ours, approximate": approximate,
    "full blocked GEMM": gemm,
    "GEMM at sgemm peak": peak,
    "faiss range search": faiss_range,
    "the seed's way": seed,
    "DuckDB self-join": duckdb_join,
}


def spent() -> float:
    """Return processor seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB.

    On Linux from /proc: what getrusage tells there is inherited from the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def main() -> None:
    """Run one method and print what it took."""
    method, data, threshold, out = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    x = np.load(data)
    given: tuple[object, ...] = ()
    if method == "ours, incremental":
        given = (similarity_index(x[: len(x) - len(x) // 100], threshold),)
    if method == "faiss range search":
        import faiss  # noqa: F401  # its import is not part of the work
    before, cpu, wall = peak_mb(), spent(), time.perf_counter()
    found = METHODS[method](x, threshold, *given)
    took = {
        "cpu": spent() - cpu,
        "wall": time.perf_counter() - wall,
        "peak_mb": peak_mb(),
        "before_mb": before,
    }
    np.save(out, found.keys)
    print(json.dumps({**took, "done": found.done, "note": found.note, "pid": os.getpid()}))


if __name__ == "__main__":
    main()
