"""Indexes make answers faster, and no others."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cli_run import Runner
from framestore import dataset_of, frame_rows, unit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tables import frames, new_store

from animeds_db import schema
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError
from animeds_db.session import catalog
from animeds_db.steps.search import closest_frames
from animeds_db.steps.search.closest_frames import sources_meeting
from animeds_db.steps.search.frames import by_index
from animeds_db.store import Store
from animeds_db.upkeep import indexes
from animeds_db.upkeep.compaction import compact
from animeds_db.upkeep.optimize import optimize

N, WIDTH = 600, 16


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes for tables of a few rows."""
    monkeypatch.setattr(indexes, "LEAST_ROWS", 1)


def vectors(seed: int, n: int = N) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, WIDTH))).astype(np.float32)


@pytest.fixture
def searched(small: None, tmp_path: Path) -> Dataset:
    x = vectors(1)
    dataset = dataset_of(tmp_path, {"aaaaaaaa": frame_rows("aaaaaaaa", x, N)}, WIDTH)
    dataset.optimize()
    return dataset


def found(dataset: Dataset, frame: str, *, exact: bool, k: int = 20) -> list[tuple[str, float]]:
    rows = dataset.search(frame_id=frame, k=k, exact=exact).fetchall()
    return [(row[0], round(row[6], 5)) for row in rows]


def ids(count: int) -> list[str]:
    return [schema.frame_id("aaaaaaaa", i * 1000) for i in range(count)]


def test_search_by_the_index_finds_nearly_what_comparing_all_finds(searched: Dataset) -> None:
    assert by_index(searched.store, 20)
    shared = [
        len({*found(searched, i, exact=False)} & {*found(searched, i, exact=True)}) / 20 for i in ids(12)
    ]
    assert np.mean(shared) >= 0.95
    assert all(
        found(searched, i, exact=False)[0] == (i, 1.0) for i in ids(12)
    )  # sure of itself, exactly scored
    assert indexes.recall(searched.store) >= 0.95


@pytest.mark.parametrize(
    ("where", "meeting"),
    [
        ("time_s < 300", N // 2),
        ("shot % 60 = 7", N // 60),
        ("shot IN (3, 300)", 2),
        ("false", 0),
        ("source_id LIKE 'a%'", N),
        ("episode > 3", 0),
        ("time_s < (SELECT avg(time_s) FROM frames)", N // 2),
        ("frame_id IN (SELECT frame_id FROM frames ORDER BY time_s LIMIT 300)", 300),
    ],
)
def test_a_condition_is_answered_by_the_index_too(
    searched: Dataset, monkeypatch: pytest.MonkeyPatch, where: str, meeting: int
) -> None:
    """Half of the frames meet a condition, a few, two, none, those of some sources: these are found, and no others."""
    monkeypatch.setattr(closest_frames, "FEW", 10)
    k = min(8, meeting)

    def of(frame: str, exact: bool) -> set[tuple[str, float]]:
        rows = searched.search(frame_id=frame, k=8, where=where, exact=exact).fetchall()
        return {(row[0], round(row[6], 5)) for row in rows}

    answers = [(of(i, exact=False), of(i, exact=True)) for i in ids(12)]
    assert all(len(one) == len(other) == k for one, other in answers)
    assert np.mean([len(one & other) / k if k else 1 for one, other in answers]) >= 0.95
    with pytest.raises(QueryError, match="nosuch"):
        searched.search(frame_id=ids(1)[0], where="nosuch = 1")


def test_a_condition_that_draws_at_random_draws_for_each_frame(searched: Dataset) -> None:
    assert sources_meeting(searched.session, "random() < 2") is None
    assert sources_meeting(searched.session, "source_id LIKE 'a%'") == ["aaaaaaaa"]
    met = searched.search(frame_id=ids(1)[0], k=400, where="random() < 0.5").fetchall()
    assert 200 < len(met) < 400


@pytest.mark.parametrize(
    ("condition", "is_alone"),
    [
        ("time_s < 300 AND has_tag(tag_ids, 'smile')", True),
        ("list_contains(characters, 'Emi')", True),
        ("time_s < (SELECT avg(time_s) FROM frames)", False),
        ("time_s < (FROM (VALUES (3)))", False),
    ],
)
def test_a_condition_is_of_one_frame_unless_it_has_a_query(condition: str, is_alone: bool) -> None:
    assert catalog.is_of_one_frame(condition) == is_alone


def test_rows_that_came_went_or_moved_since_the_index_are_seen(searched: Dataset) -> None:
    store = searched.store
    new = pa.Table.from_pylist(frame_rows("bbbbbbbb", vectors(2, 30), 30), schema.frames(WIDTH).schema)
    store.upsert(
        "sources",
        pa.Table.from_pylist([{"source_id": "bbbbbbbb", "state": "running"}], schema.SOURCES.schema),
    )
    store.upsert("frames", new)
    store.delete("frames", f"frame_id = '{ids(1)[0]}'")
    own = "bbbbbbbb-000003000"
    with Dataset(store, unfinished=True) as unfinished:
        assert found(unfinished, own, exact=False)[0] == (own, 1.0)
    hidden = found(searched, ids(2)[1], exact=False, k=400)
    assert len(hidden) == 400 and all(frame.startswith("aaaaaaaa") for frame, _ in hidden)
    assert ids(1)[0] not in dict(hidden)
    compact(store, "frames")
    assert found(searched, ids(2)[1], exact=False)[0] == (ids(2)[1], 1.0)
    assert indexes.tend(store, "frames") is None
    store.upsert(
        "frames",
        pa.Table.from_pylist(frame_rows("cccccccc", vectors(3, 400), 400), schema.frames(WIDTH).schema),
    )
    assert indexes.tend(store, "frames") == "430 rows added to the index"


def test_small_databases_and_long_results_are_answered_by_comparing_all(
    searched: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not by_index(searched.store, 5000)
    monkeypatch.undo()
    assert not by_index(searched.store, 20)
    assert optimize(searched.store).tables[1].index is None


def test_other_vectors_that_count_are_not_searched_by_this_index(searched: Dataset) -> None:
    row = {"task": "image", "model": "other@1"}
    searched.store.upsert("choices", pa.Table.from_pylist([row], schema.CHOICES.schema))
    assert not by_index(searched.store, 20)


def test_the_command_says_that_an_index_answered(
    searched: Dataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runner(capsys, monkeypatch)
    words = ("search", "--frame", ids(1)[0], "-k", 3, "--db", searched.uri)
    one, all_of_them = run(*words), run(*words, "--exact")
    assert "this used an index" in one.err
    assert "index" not in all_of_them.err
    assert one.out.splitlines()[1] == all_of_them.out.splitlines()[1]


def thumbnails(numbers: list[int], mark: bytes) -> pa.Table:
    names = [schema.frame_id("aaaaaaaa", n) for n in numbers]
    return pa.table([names, ["aaaaaaaa"] * len(names), [mark] * len(names)], schema=schema.THUMBNAILS.schema)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "replace", "delete", "compact", "tend"]),
        st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True),
    ),
    min_size=3,
    max_size=8,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_rows_by_their_keys_are_the_same_with_an_index(
    small: None, tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, list[int]]]
) -> None:
    store, truth = new_store(tmp_path_factory.mktemp("keys")), {99: b"x"}
    store.upsert("thumbnails", thumbnails([99], b"x"))
    assert indexes.tend(store, "thumbnails") == "indexed 1 rows by frame"
    for number, (act, numbers) in enumerate(acts):
        mark = b"%d" % number
        if act == "upsert":
            store.upsert("thumbnails", thumbnails(numbers, mark))
            truth = dict.fromkeys(numbers, mark) | truth
        elif act == "replace":
            store.replace("thumbnails", thumbnails(numbers, mark))
            truth |= dict.fromkeys(numbers, mark)
        elif act == "delete":
            listed = ", ".join(f"'{schema.frame_id('aaaaaaaa', n)}'" for n in numbers)
            store.delete("thumbnails", f"frame_id IN ({listed})")
            truth = {n: m for n, m in truth.items() if n not in numbers}
        elif act == "compact":
            compact(store, "thumbnails")
        else:
            indexes.tend(store, "thumbnails")
        asked = [schema.frame_id("aaaaaaaa", n) for n in [*range(31), 99]]
        rows = store.take("thumbnails", asked, ["frame_id", "webp"]).to_pylist()
        assert {int(r["frame_id"][-9:]): r["webp"] for r in rows} == truth
        assert len(rows) == len(truth)


def test_two_writers_of_the_same_keys_write_them_once_beside_an_index(small: None, tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.upsert("thumbnails", thumbnails([99], b"x"))
    indexes.tend(store, "thumbnails")

    def write() -> None:
        mine = Store.open(store.uri)
        for first in range(0, 40, 8):
            mine.upsert("thumbnails", thumbnails(list(range(first, first + 16)), b"y"))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    keys = store.table("thumbnails").to_table(columns=["frame_id"])["frame_id"].to_pylist()
    assert len(keys) == len(set(keys)) == 49


def test_what_a_backup_and_the_past_need_of_an_index_is_there(searched: Dataset, tmp_path: Path) -> None:
    then = searched.store.history()
    searched.backup(tmp_path / "copy")
    with Dataset(Store.open(str(tmp_path / "copy"))) as copy:
        assert by_index(copy.store, 20)
        assert found(copy, ids(1)[0], exact=False) == found(searched, ids(1)[0], exact=False)
    searched.store.upsert("frames", frames(searched.store, "dddddddd", 1))
    with Dataset(Store.open(searched.uri, then.number(then.now()))) as past:
        assert found(past, ids(1)[0], exact=False) == found(searched, ids(1)[0], exact=False)
