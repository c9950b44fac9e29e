"""Lists of numbers that a session keeps in memory give the same answers as those that are read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from framestore import dataset_of, frame_rows

from animeds_db.dataset import Dataset
from animeds_db.session import Session
from animeds_db.session.sandbox import Bounds
from animeds_db.session.scans import kept_lists
from animeds_db.session.scans.kept_lists import KeptLists
from animeds_db.store import Store

N = 9000
"""More than one batch."""
QUERIES = (
    "SELECT count(*), sum(len(tag_ids)) FROM frames",
    "SELECT frame_id FROM frames WHERE has_tag(tag_ids, 'smile') ORDER BY ALL",
    "SELECT frame_id, tags, tag_scores, all_scores FROM frames WHERE has_tag(tags, 'red_hair') ORDER BY ALL",
    "SELECT tag_scores, show_name, tag_ids, time_s FROM frames WHERE has_tag(tag_ids, 'smile') ORDER BY ALL",
    "SELECT tag, count(*) FROM tags GROUP BY tag ORDER BY ALL",
    "SELECT count(*) FROM frames",
    "SELECT frame_id, tag_ids FROM frames WHERE episode = 2 AND has_tag(tag_ids, 'smile') ORDER BY ALL",
)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two sources in two fragments. Frames have none, one or two of two tags, or were never tagged."""
    rng = np.random.default_rng(4)
    rows = {}
    for source, n in (("a" * 8, N), ("b" * 8, 500)):
        tags = [None if draw == 4 else [[], [1], [2], [1, 2]][draw] for draw in rng.integers(0, 5, n)]
        scores = [None if some is None else rng.integers(100, 1000, len(some)).tolist() for some in tags]
        rows[source] = frame_rows(
            source, None, n, tags=tags, tag_scores=scores, sure_tags=tags, sure_scores=scores
        )
    made = dataset_of(tmp_path, rows, 8)
    made.store.ensure_tags([("red_hair", "general"), ("smile", "general")])
    return made


def answers(session: Session) -> list[object]:
    return [session.sql(query).fetchall() for query in QUERIES]


@pytest.mark.parametrize("most", [0, 40_000, 1 << 30], ids=["nothing", "a few", "all"])
def test_answers_are_equal_whatever_is_kept_and_follow_every_change(
    dataset: Dataset, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lists, "MOST_BYTES", most)
    store, session = dataset.store, dataset.session
    for change in ("none", "frames were deleted", "a source is hidden", "others are read"):
        if change == "frames were deleted":
            store.delete("frames", "shot % 7 = 3")
        elif change == "a source is hidden":
            store.delete("sources", "source_id = 'bbbbbbbb'")
        fresh = Dataset(Store.open(store.uri))
        true = answers(fresh.session)
        fresh.close()
        for _ in range(4):
            assert answers(session) == true


def test_a_list_is_read_from_the_table_twice_and_then_from_memory(dataset: Dataset) -> None:
    table, lists = dataset.store.table("frames"), KeptLists()
    columns = ["sure_tags", "frame_id"]
    whole, read = table.to_table(columns=columns), []
    for time in range(4):
        batches = [*lists.reader(table, columns)]
        assert pa.Table.from_batches(batches).equals(whole)
        assert len(lists._kept) == (time > 0)
        read.append([batch["sure_tags"].values.buffers()[1].address for batch in batches])
    assert read[1] == read[2] == read[3]


def test_lists_that_were_read_in_part_are_not_kept_and_all_kept_ones_fit_in_the_limit(
    dataset: Dataset,
) -> None:
    table, lists = dataset.store.table("frames"), KeptLists()
    for _ in range(3):
        next(iter(lists.reader(table, ["sure_tags"])))
    assert not lists._kept
    for _ in range(2):
        lists.reader(table, ["sure_tags"]).read_all()
    size = lists._kept[table.uri, "sure_tags"].lists.get_total_buffer_size()
    lists = KeptLists(size + size // 4)
    for columns in (["sure_tags"], ["tags", "sure_scores"]):  # there is no room for the second ones
        for _ in range(2):
            lists.reader(table, columns).read_all()
    assert [name for _, name in lists._kept] == ["sure_tags"]
    dataset.store.delete("frames", "shot = 1")
    lists.reader(dataset.store.table("frames"), ["sure_tags"]).read_all()
    assert not lists._kept  # the version that was kept is read no longer


def test_a_session_of_the_service_keeps_no_lists(dataset: Dataset) -> None:
    with Dataset(dataset.store, bounds=Bounds("512MiB", 1)) as bounded:
        for _ in range(3):
            bounded.sql("SELECT count(*) FROM frames WHERE has_tag(tag_ids, 'smile')").fetchall()
        assert not bounded.session._lists._kept
