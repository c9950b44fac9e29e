"""Databases of any number of drawn rows, and the same rows as a curator would keep them without us.

1,000 frames to a source, five to a shot; 25 tags each (few often, many seldom); 512-wide vectors that lie close within
a shot; three faces to every two frames, named after 200 characters. The same seed gives the same rows.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from animeds_db import schema
from animeds_db.store import Store

WIDTH = 512
TAGS_PER_FRAME = 25
LEAST_SCORE = 350
"""Thousandths from which a tag counts."""
VOCABULARY = 8000
CHARACTERS = 200
PER_SOURCE = 1000
PER_SHOT = 5
BLOCK = 50  # sources
TAGGER, EMBEDDER, FACES = "drawn-tagger@1", "drawn-image@1", "drawn-face@1"
TAGS = ["1girl", "1boy", "red_hair", "smile", *(f"tag_{i}" for i in range(VOCABULARY - 4))]
MORE_DIMENSIONS = 48
"""Vectors of pictures fill few of their dimensions: shots are drawn in 48 of 512, noise in all."""


@dataclass(frozen=True)
class Rows:
    """Some sources' rows, as Arrow tables of the database's own schemas."""

    sources: pa.Table
    frames: pa.Table
    detections: pa.Table
    identities: pa.Table
    thumbnails: pa.Table


def blocks(n: int, *, seed: int = 7, first: int = 0, width: int = WIDTH) -> Iterator[Rows]:
    """Yield the rows of `n` frames (a multiple of 1,000), 50 sources at a time, from source number `first` on."""
    basis = np.random.default_rng(1).standard_normal((MORE_DIMENSIONS, width)).astype(np.float32)
    for begin in range(first, first + n // PER_SOURCE, BLOCK):
        end = min(begin + BLOCK, first + n // PER_SOURCE)
        yield _block(range(begin, end), np.random.default_rng([seed, begin]), basis)


def write_database(path: Path, n: int, width: int = WIDTH) -> Store:
    """Write a database of `n` frames, all of finished sources, with vectors of `width`; keep one that is there."""
    if (path / "done").exists():
        return Store.open(str(path))
    store = Store.create(str(path), width, 8)
    store.ensure_tags([(name, "general") for name in TAGS])
    for rows in blocks(n, width=width):
        append(store, rows)
    (path / "done").touch()
    return store


def append(store: Store, rows: Rows) -> None:
    """Write some sources' rows, frames before the mark that they are there."""
    for name in ("thumbnails", "detections", "identities", "frames", "sources"):
        store.upsert(name, getattr(rows, name))


def write_sqlite(path: Path, n: int) -> None:
    """Write the same rows to SQLite: frames, frame_tags, faces; with the indexes a careful person would make."""
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with sqlite3.connect(partial) as db:
        db.executescript(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
            CREATE TABLE frames (frame_id TEXT PRIMARY KEY, source_id TEXT, shot INT, time_s REAL, sharpness REAL);
            CREATE TABLE frame_tags (frame_id TEXT, tag TEXT);
            CREATE TABLE faces (face_id TEXT PRIMARY KEY, frame_id TEXT, character TEXT);
            """
        )
        for rows in blocks(n):
            frames = rows.frames.select(["frame_id", "source_id", "shot", "time_s", "sharpness"])
            db.executemany(
                "INSERT INTO frames VALUES (?, ?, ?, ?, ?)", zip(*frames.to_pydict().values(), strict=True)
            )
            db.executemany("INSERT INTO frame_tags VALUES (?, ?)", tag_rows(rows))
            faces = rows.identities.select(["detection_id", "frame_id", "character"])
            db.executemany(
                "INSERT INTO faces VALUES (?, ?, ?)", zip(*faces.to_pydict().values(), strict=True)
            )
        db.executescript(
            """
            CREATE INDEX by_tag ON frame_tags (tag, frame_id);
            CREATE INDEX by_character ON faces (character, frame_id);
            ANALYZE;
            """
        )
    db.close()
    partial.rename(path)


def write_parquet(folder: Path, n: int) -> None:
    """Write the same rows as a notebook would keep them: Parquet files of frames (with tags as lists) and of faces,
    and the vectors in a .npy file."""
    if (folder / "faces.parquet").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (n, WIDTH))
    done = 0
    names = np.array(["", *TAGS])
    frames: list[pa.Table] = []
    faces: list[pa.Table] = []
    for rows in blocks(n):
        tags = names[rows.frames["tags"].combine_chunks().values.to_numpy()].tolist()
        lists = pa.ListArray.from_arrays(
            np.arange(0, len(tags) + 1, TAGS_PER_FRAME, dtype=np.int32), pa.array(tags)
        )
        x = rows.frames["embedding"].combine_chunks().values.to_numpy().reshape(-1, WIDTH)
        vectors[done : done + len(x)] = x
        done += len(x)
        kept = rows.frames.select(["frame_id", "source_id", "shot", "sharpness"])
        frames.append(kept.append_column("tags", lists))
        faces.append(rows.identities.select(["detection_id", "frame_id", "character"]))
    pq.write_table(pa.concat_tables(frames), folder / "frames.parquet")
    pq.write_table(pa.concat_tables(faces), folder / "faces.parquet")


def tag_rows(rows: Rows) -> Iterator[tuple[str, str]]:
    """Yield (frame_id, tag)."""
    lists = zip(rows.frames["frame_id"].to_pylist(), rows.frames["tags"].to_pylist(), strict=True)
    return ((frame, TAGS[tag - 1]) for frame, tags in lists for tag in tags)


def _block(numbers: range, rng: np.random.Generator, basis: np.ndarray) -> Rows:
    sources = [_source(number) for number in numbers]
    n = len(sources) * PER_SOURCE
    ids = np.repeat([str(source["source_id"]) for source in sources], PER_SOURCE)
    ordinal = np.tile(np.arange(PER_SOURCE), len(sources))
    frames = [
        schema.frame_id(source, int(time)) for source, time in zip(ids.tolist(), ordinal * 1500, strict=True)
    ]
    table = _filled(
        schema.frames(basis.shape[1]).schema,
        frame_id=pa.array(frames),
        source_id=pa.array(ids.tolist()),
        time_s=pa.array(ordinal * 1.5),
        ordinal=pa.array(ordinal.astype(np.int32)),
        shot=pa.array((ordinal // PER_SHOT).astype(np.int32)),
        width=pa.array(np.full(n, 1920, np.int32)),
        height=pa.array(np.full(n, 1080, np.int32)),
        phash=pa.array(rng.integers(-(2**62), 2**62, n)),
        sharpness=pa.array(rng.gamma(2, 80, n).astype(np.float32)),
        brightness=pa.array(rng.uniform(0.2, 0.8, n).astype(np.float32)),
        is_blank=pa.array(rng.random(n) < 0.01),
        tags=_lists(tags := _tags(rng, n)),
        tag_scores=_lists(
            scores := -np.sort(-rng.integers(300, 1000, (n, TAGS_PER_FRAME)).astype(np.int16), axis=1)
        ),
        sure_tags=_lists(tags, scores >= LEAST_SCORE),
        sure_scores=_lists(scores, scores >= LEAST_SCORE),
        tagger=pa.array([TAGGER] * n),
        embedding=pa.FixedSizeListArray.from_arrays(_vectors(rng, n, basis).ravel(), basis.shape[1]),
        embedder=pa.array([EMBEDDER] * n),
    )
    detections, identities = _faces(rng, frames, ids.tolist())
    thumbnails = _filled(
        schema.THUMBNAILS.schema,
        frame_id=pa.array(frames),
        source_id=pa.array(ids.tolist()),
        webp=pa.array([_thumbnail(i % 32) for i in range(n)], pa.binary()),
    )
    return Rows(_table(schema.SOURCES.schema, sources), table, detections, identities, thumbnails)


def _source(number: int) -> dict[str, object]:
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    name = "".join(digits[number >> shift & 31] for shift in (15, 10, 5, 0))
    return {
        "source_id": f"aaaa{name}",
        "kind": "video",
        "uri": f"/gone/episode-{number}.mkv",
        "show": f"Show {number // 24}",
        "season": 1,
        "episode": number % 24 + 1,
        "n_frames": PER_SOURCE,
        "state": "done",
    }


def _tags(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return TAGS_PER_FRAME different tag numbers per frame, int32 [n, 25]: what repeats is drawn again, evenly."""
    drawn = _ranks(rng, (n, TAGS_PER_FRAME), VOCABULARY, 10).astype(np.int32)
    for _ in range(30):
        drawn.sort(axis=1)
        again = np.zeros(drawn.shape, bool)
        again[:, 1:] = drawn[:, 1:] == drawn[:, :-1]
        if not again.any():
            break
        drawn[again] = rng.integers(1, VOCABULARY + 1, int(again.sum()))
    return drawn


def _ranks(rng: np.random.Generator, shape: tuple[int, ...], most: int, flat: int) -> np.ndarray:
    """Return numbers from 1 to `most`, of which k comes up as 1 / (k + flat) does."""
    shares = np.cumsum(1 / (np.arange(1, most + 1) + flat))
    return np.searchsorted(shares / shares[-1], rng.random(shape)) + 1


def _vectors(rng: np.random.Generator, n: int, basis: np.ndarray) -> np.ndarray:
    shots = rng.standard_normal((n // PER_SHOT, MORE_DIMENSIONS)).astype(np.float32) @ basis
    x = np.repeat(shots, PER_SHOT, axis=0) + rng.standard_normal((n, basis.shape[1]), dtype=np.float32) * 2.0
    units: np.ndarray = x / np.linalg.norm(x, axis=1, keepdims=True)
    return units


def _faces(rng: np.random.Generator, frames: list[str], sources: list[str]) -> tuple[pa.Table, pa.Table]:
    counts = rng.choice(4, len(frames), p=[0.15, 0.4, 0.25, 0.2])
    owner = np.repeat(np.arange(len(frames)), counts)
    place = np.concatenate([np.arange(count) for count in counts])
    ids = [schema.detection_id(frames[i], "face", int(k)) for i, k in zip(owner, place, strict=True)]
    left = (0.05 + 0.3 * place).astype(np.float32)
    whose = [frames[i] for i in owner]
    from_source = [sources[i] for i in owner]
    n = len(ids)
    detections = _filled(
        schema.detections(8).schema,
        detection_id=pa.array(ids),
        frame_id=pa.array(whose),
        source_id=pa.array(from_source),
        kind=pa.array(["face"] * n),
        left=pa.array(left),
        top=pa.array(np.full(n, 0.2, np.float32)),
        right=pa.array(left + np.float32(0.2)),
        bottom=pa.array(np.full(n, 0.5, np.float32)),
        score=pa.array(np.full(n, 0.9, np.float32)),
        model=pa.array([FACES] * n),
    )
    who = _ranks(rng, (n,), CHARACTERS, 3)
    identities = _filled(
        schema.IDENTITIES.schema,
        detection_id=pa.array(ids),
        frame_id=pa.array(whose),
        source_id=pa.array(from_source),
        character=pa.array([f"character {k}" for k in who]),
        score=pa.array(rng.uniform(0.6, 1, n).astype(np.float32)),
        margin=pa.array(rng.uniform(0.1, 0.5, n).astype(np.float32)),
        by=pa.array(["examples"] * n),
    )
    return detections, identities


def _thumbnail(number: int, _made: dict[int, bytes] = {}) -> bytes:  # noqa: B006 (the memory is meant)
    """Return one of 32 small pictures: a million true ones would be gigabytes of noise."""
    if number not in _made:
        buffer = io.BytesIO()
        Image.new("RGB", (256, 144), (number * 8, 255 - number * 8, 128)).save(buffer, "WEBP", quality=50)
        _made[number] = buffer.getvalue()
    return _made[number]


def _lists(values: np.ndarray, kept: np.ndarray | None = None) -> pa.Array:
    """Return the rows of a matrix as lists; of those `kept` (bool, the same shape), or of all values."""
    if kept is None:
        kept = np.ones(values.shape, bool)
    ends = np.concatenate([[0], kept.sum(axis=1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(values[kept]))


def _table(target: pa.Schema, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=target)


def _filled(target: pa.Schema, **columns: pa.Array) -> pa.Table:
    """Return a table of this schema; columns that are not given are null."""
    n = len(next(iter(columns.values())))
    unknown = columns.keys() - set(target.names)
    if unknown:
        raise KeyError(f"no columns {unknown} in {target.names}")
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(n, f.type) for f in target],
        schema=target,
    )
