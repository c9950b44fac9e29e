"""A second `dedup` compares only what is new, and gives the table that a full comparison gives, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from framestore import dataset_of, frame_rows, unit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import planted

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.steps.dedup import remembered
from animeds_db.steps.dedup.arrayfile import read_arrays, write_arrays
from animeds_db.steps.dedup.frame_vectors import exact_join
from animeds_db.steps.dedup.matches import DedupOptions
from animeds_db.steps.dedup.remembered import FILE, remembered_join
from animeds_db.vectors import SimilarityIndex, similar_pairs, similarity_index

NAMES = [f"{letter * 8}" for letter in "abcdefg"]


def show(sources: int, frames: int = 12, seed: int = 3) -> dict[str, list[dict[str, object]]]:
    x = planted(sources * frames, 16, seed=seed, scene=10)
    x[frames : frames + 6] = x[:6]  # the second source begins as the first
    hashes = np.random.default_rng(seed).integers(0, 4, sources * frames)
    return {
        name: frame_rows(
            name,
            x[i * frames : (i + 1) * frames],
            frames,
            phash=hashes[i * frames : (i + 1) * frames].tolist(),
        )
        for i, name in enumerate(NAMES[:sources])
    }


def tables(dataset: Dataset) -> list[object]:
    return [dataset.store.table(name).to_table().to_pylist() for name in ("duplicates", "segments")]


def data_bytes(dataset: Dataset, name: str) -> list[bytes]:
    """Return the bytes of the data files of a table's newest version."""
    table = dataset.store.table(name)
    files = [file.path for fragment in table.get_fragments() for file in fragment.data_files()]
    return [(Path(dataset.uri) / f"{name}.lance" / "data" / path).read_bytes() for path in files]


def add(dataset: Dataset, name: str, rows: list[dict[str, object]]) -> None:
    source = {"source_id": name, "state": "done", "show": "Show", "episode": 9, "n_frames": len(rows)}
    dataset.store.upsert("sources", pa.Table.from_pylist([source], schema.SOURCES.schema))
    dataset.store.upsert("frames", pa.Table.from_pylist(rows, schema.frames(16).schema))


def test_after_a_new_source_the_tables_are_those_of_a_full_run_byte_for_byte(tmp_path: Path) -> None:
    everything = show(5)
    new = "cccccccc"  # in the middle of the rows, so that what is remembered has to move
    (tmp_path / "whole").mkdir()
    grown = dataset_of(tmp_path, {name: rows for name, rows in everything.items() if name != new})
    grown.dedup()
    add(grown, new, everything[new])
    grown.dedup()
    whole = dataset_of(tmp_path / "whole", everything)
    whole.dedup()
    assert [row["frame_id"] for row in tables(grown)[0]]  # type: ignore[attr-defined]
    assert data_bytes(grown, "duplicates") == data_bytes(whole, "duplicates")
    assert data_bytes(grown, "segments") == data_bytes(whole, "segments")


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, show(3))
    dataset.dedup()
    first = data_bytes(dataset, "duplicates")
    dataset.dedup()
    assert data_bytes(dataset, "duplicates") == first
    (Path(dataset.uri) / FILE).unlink()
    dataset.dedup()
    assert data_bytes(dataset, "duplicates") == first


def frames_of(parts: list[tuple[str, np.ndarray]]) -> tuple[pa.Table, np.ndarray]:
    """Return frames as a join sees them, with their vectors."""
    x = np.concatenate([np.zeros((0, 16), np.float32), *(vectors for _, vectors in parts)])
    names = [name for name, vectors in parts for _ in vectors]
    ids = [f"{name}-{i}" for name, vectors in parts for i in range(len(vectors))]
    columns = {"source_id": names, "frame_id": ids, "embedder": ["drawn@1"] * len(x)}
    return pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()}), x


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_remembered_never_changes_the_pairs(remembering: Dataset, data: st.DataObject) -> None:
    """Sources come, go, and are ingested again with other vectors, between two runs at two thresholds."""
    letters, thresholds = st.sampled_from("abcdef"), st.sampled_from([0.9, 0.95, 0.985])
    x = planted(180, 16, seed=1, scene=9)
    parts = {name: x[i * 30 : (i + 1) * 30] for i, name in enumerate("abcdef")}
    join = remembered_join(remembering.store, 64)
    (Path(remembering.uri) / FILE).unlink(missing_ok=True)
    before = data.draw(st.lists(letters, unique=True), label="first run")
    join(*frames_of([(name, parts[name]) for name in sorted(before)]), data.draw(thresholds, label="at"))
    now = data.draw(st.lists(letters, unique=True, min_size=1), label="second run")
    for name in data.draw(st.sets(letters, max_size=1), label="changed"):
        parts[name] = planted(30, 16, seed=2)
    frames, vectors = frames_of([(name, parts[name]) for name in sorted(now)])
    threshold = data.draw(thresholds, label="at")
    found, expected = join(frames, vectors, threshold), exact_join(64)(frames, vectors, threshold)
    for column in ("a", "b", "cosine"):
        assert np.array_equal(getattr(found, column), getattr(expected, column))


@pytest.fixture(params=["full product", "bound and cells"])
def remembering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Dataset:
    """A database whose joins always build on what they remember, by either kind of index."""
    monkeypatch.setattr(remembered, "MOST_NEW", 1.0)
    if request.param == "bound and cells":  # so small a set is compared by a full product else

        def celled(x: np.ndarray, threshold: float, memory_mb: float) -> SimilarityIndex:
            return similarity_index(x, threshold, components=8, cells=4, memory_mb=memory_mb)

        monkeypatch.setattr(remembered, "similarity_index", celled)
    return dataset_of(tmp_path, {})


def test_only_new_rows_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = show(5)
    new = "bbbbbbbb"
    dataset = dataset_of(tmp_path, {name: rows for name, rows in everything.items() if name != new})
    dataset.dedup()
    asked: list[int] = []

    def watched(x: np.ndarray, threshold: float, **how: object) -> object:
        asked.append(len(x) if how.get("new") is None else int(np.asarray(how["new"]).sum()))
        return similar_pairs(x, threshold, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(remembered, "similar_pairs", watched)
    dataset.dedup()
    assert asked == []  # nothing is new
    add(dataset, new, everything[new])
    dataset.dedup()
    assert asked == [12]
    dataset.dedup(DedupOptions(threshold=0.999))
    assert asked == [12]  # a higher threshold needs no comparison
    dataset.dedup(DedupOptions(threshold=0.9))
    assert asked == [12, 60]


def test_a_damaged_memory_costs_time_and_nothing_else(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, show(3))
    dataset.dedup()
    first, file = tables(dataset), Path(dataset.uri) / FILE
    whole = file.read_bytes()
    altered = bytearray(whole)
    altered[-100] ^= 1
    for damage in (b"", b"another file", whole[: len(whole) // 2], whole[:20], bytes(altered)):
        file.write_bytes(damage)
        dataset.dedup()
        assert tables(dataset) == first
        assert file.read_bytes() == whole
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays=st.dictionaries(
        st.text(max_size=5),
        st.tuples(st.sampled_from(["f4", "i8", "i4", "U3", "f8"]), st.lists(st.integers(0, 4), max_size=3)),
    ),
    flip=st.integers(0, 10_000),
)
def test_arrays_come_back_as_they_were_and_any_altered_byte_is_noticed(
    tmp_path: Path, arrays: dict[str, tuple[str, list[int]]], flip: int
) -> None:
    rng = np.random.default_rng(0)
    given_arrays = {name: rng.integers(0, 99, shape).astype(kind) for name, (kind, shape) in arrays.items()}
    file = tmp_path / "some.bin"
    write_arrays(file, given_arrays)
    found = read_arrays(file)
    assert list(found) == list(given_arrays)
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array)
    altered = bytearray(file.read_bytes())
    altered[flip % len(altered)] ^= 0x10
    file.write_bytes(altered)
    with pytest.raises(ValueError, match="incomplete or altered"):
        read_arrays(file)


def test_all_frames_of_a_long_still_are_one_group_without_as_many_pairs(tmp_path: Path) -> None:
    x = np.repeat(unit(np.ones((1, 16))), 6000, axis=0)  # 18 million pairs: more than the memory holds
    rows = frame_rows("aaaaaaaa", x, 6000, step_s=0.5, phash=[7] * 6000, sharpness=[100.0] * 5999 + [500.0])
    dataset = dataset_of(tmp_path, {"aaaaaaaa": rows})
    found = dataset.dedup(DedupOptions(memory_mb=64))
    assert (found.groups, found.copies, found.pairs) == (1, 5999, 5999)
    best = dataset.sql("SELECT frame_id FROM duplicates WHERE keeper").fetchall()
    assert best == [(rows[-1]["frame_id"],)]
