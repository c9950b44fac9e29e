"""Dedup takes vectors from the files that hold them: the same as SQL reads, and only the rows that it uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from framestore import dataset_of, frame_rows, unit
from hypothesis import given
from hypothesis import strategies as st

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.steps.dedup.matches import FRAMES, read_frames, vectors
from animeds_db.steps.dedup.stored_vectors import stored_vectors
from animeds_db.vectors import similar_pairs, similarity_index
from animeds_db.vectors.gathered import Gathered

SHAPE = (40, 16)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four sources in an order that is not that of their ids: one lacks vectors, one rows, and one is not finished."""
    chance = np.random.default_rng(5)
    x = {name: unit(chance.normal(size=SHAPE)) for name in ("dddddddd", "bbbbbbbb", "aaaaaaaa", "cccccccc")}
    x["bbbbbbbb"][3:7] = np.nan
    dataset = dataset_of(tmp_path, {name: frame_rows(name, rows, len(rows)) for name, rows in x.items()})
    dataset.store.table("frames").delete("source_id = 'aaaaaaaa' AND ordinal % 3 = 1")
    unfinished = {"source_id": "dddddddd", "kind": "video", "state": "running", "n_frames": 0}
    dataset.store.upsert("sources", pa.Table.from_pylist([unfinished], schema.SOURCES.schema))
    return dataset


def test_vectors_in_files_are_those_that_sql_reads(dataset: Dataset) -> None:
    frames, x = read_frames(dataset.session)
    by_sql = dataset.session.arrow(FRAMES)
    assert isinstance(x, Gathered)
    assert frames.equals(by_sql.drop_columns(["embedding"]))
    assert 0 < np.isnan(np.asarray(x)).all(axis=1).sum() < len(frames) < 4 * SHAPE[0]
    np.testing.assert_array_equal(np.asarray(x), vectors(by_sql))


def test_vectors_of_a_chosen_model_are_read_by_sql(dataset: Dataset) -> None:
    row = {"task": "image", "model": "drawn@1"}
    dataset.store.upsert("choices", pa.Table.from_pylist([row], schema.CHOICES.schema))
    session = dataset.session
    with session.held():
        assert stored_vectors(session, session.arrow("SELECT frame_id FROM frames")["frame_id"]) is None


@given(st.data())
def test_rows_in_several_arrays_are_like_rows_in_one(data: st.DataObject) -> None:
    whole = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    order = np.array(data.draw(st.permutations(range(len(whole)))))
    block, at = np.divmod(order, 9)
    x = Gathered([whole[low : low + 9] for low in range(0, len(whole), 9)], block, at, SHAPE[1])
    expected = whole[order]
    rows = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=9)), np.int64)
    low = data.draw(st.integers(0, len(whole)))
    np.testing.assert_array_equal(x[rows], expected[rows])
    np.testing.assert_array_equal(x[low : low + 9], expected[low : low + 9])
    np.testing.assert_array_equal(x[order > 9], expected[order > 9])
    expected[rows] = np.nan
    np.testing.assert_array_equal(np.asarray(x.without(rows)), expected)
    assert not np.isnan(np.asarray(x)).any()


def test_new_rows_in_files_have_the_pairs_of_rows_in_memory() -> None:
    whole = np.random.default_rng(4).normal(size=SHAPE).astype(np.float32)
    whole[30:] = whole[:10] + np.float32(0.01)
    places = np.arange(len(whole))
    x = Gathered([whole[:7], whole[7:]], (places >= 7).astype(np.int64), places - 7 * (places >= 7), SHAPE[1])
    index = similarity_index(whole[:30], 0.9).placed(x, places[:30])
    found, expected = (similar_pairs(some, 0.9, new=slice(30, None), index=index) for some in (x, whole))
    assert len(found) >= 10
    for name in ("a", "b", "cosine"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
