"""Databases whose frames repeat as those of episodes do, for the time that `animeds dedup` takes.

The rows are those of `synthetic`, with other vectors and hashes: most frames are near copies of the one before
(tests/support/planted.py), and the first frames of a source are the opening that the sources of its show share.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.store import Store
from tools import synthetic

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))
from planted import planted

COPIES = 0.7
"""Share (0…1) of the frames that are a near copy of the frame before."""
OPENING = 60
"""Number of frames of the opening: 90 seconds at one frame each 1.5 s."""
NOISE = 0.05
"""Length of the noise that is added to the unit vectors of an opening: cosines of about 0.9975."""
EPISODES = 24
"""Number of sources in a show, as `synthetic` numbers them."""


def write(path: Path, n: int, *, seed: int = 7) -> Store:
    """Create a database of `n` frames; the last source may be short."""
    store = Store.create(str(path), synthetic.WIDTH, 8)
    store.ensure_tags([(name, "general") for name in synthetic.TAGS])
    for rows in _rows(0, n, seed):
        synthetic.append(store, rows)
    return store


def add(store: Store, n: int, first: int, *, seed: int = 8) -> None:
    """Append `n` frames of new sources, numbered from `first` on."""
    for rows in _rows(first, n, seed):
        synthetic.append(store, rows)


def _rows(first: int, n: int, seed: int) -> Iterator[synthetic.Rows]:
    whole = -(-n // synthetic.PER_SOURCE) * synthetic.PER_SOURCE
    vectors, hashes = _vectors(whole, first, seed)
    done = 0
    for rows in synthetic.blocks(whole, seed=seed, first=first):
        some = slice(done, done + rows.frames.num_rows)
        done = some.stop
        frames = _set(rows.frames, "embedding", _column(vectors[some]))
        frames = _set(frames, "phash", pa.array(hashes[some]))
        yield _cut(synthetic.Rows(rows.sources, frames, *_others(rows)), n - some.start)


def _vectors(n: int, first: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors float32 [n, width], and hashes int64 [n] of which near copies differ in one bit."""
    x = planted(n, synthetic.WIDTH, copies=COPIES, seed=seed)
    rng = np.random.default_rng([seed, n])
    hashes = rng.integers(-(2**63), 2**63 - 1, n)
    is_copy = np.einsum("ij,ij->i", x[1:], x[:-1]) > 0.965
    for row in np.flatnonzero(is_copy) + 1:
        hashes[row] = hashes[row - 1] ^ np.int64(1 << int(rng.integers(0, 62)))
    for start in range(0, n, synthetic.PER_SOURCE):
        x[start : start + OPENING], hashes[start : start + OPENING] = _opening(
            (first + start // synthetic.PER_SOURCE) // EPISODES, rng
        )
    return x, hashes


def _opening(show: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and hashes of a show's opening, as one episode has it: with a little noise."""
    x = planted(OPENING, synthetic.WIDTH, copies=0.3, seed=1000 + show)
    noise = rng.standard_normal(x.shape, dtype=np.float32)
    x += noise * (NOISE / np.linalg.norm(noise, axis=1)[:, None])
    x /= np.linalg.norm(x, axis=1)[:, None]
    return x, np.random.default_rng([1, show]).integers(-(2**63), 2**63 - 1, OPENING)


def _column(x: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(np.ascontiguousarray(x).ravel(), x.shape[1])


def _set(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), values.cast(table.schema.field(at).type))


def _others(rows: synthetic.Rows) -> tuple[pa.Table, pa.Table, pa.Table]:
    return rows.detections, rows.identities, rows.thumbnails


def _cut(rows: synthetic.Rows, n: int) -> synthetic.Rows:
    """Return the first `n` frames with their boxes."""
    if n >= rows.frames.num_rows:
        return rows
    frames = rows.frames.slice(0, n)
    kept = [t.filter(pc.is_in(t["frame_id"], frames["frame_id"])) for t in _others(rows)]
    return synthetic.Rows(rows.sources, frames, *kept)
