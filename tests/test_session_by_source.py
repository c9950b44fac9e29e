"""Scripts that see only the rows of some sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from tables import add_source, frame, new_store, rows

from animeds_db.session import Session
from animeds_db.store import Store

SOURCES = ("aaaaaaaa", "bbbbbbbb", "cccccccc")
SQL = """SELECT source_id, count(*) AS n, count(*) FILTER (sharpness > 1) AS sharp
FROM frames WHERE season = 1 GROUP BY source_id"""


def store_of(folder: Path, with_index: bool) -> Store:
    store = new_store(folder)
    for n, source in enumerate(SOURCES, 1):
        add_source(store, source, state="running" if source == "cccccccc" else "done")
        store.upsert(
            "frames", rows(store, "frames", *(frame(source, i, sharpness=float(i)) for i in range(n + 1)))
        )
    if with_index:
        store.table("frames").create_scalar_index("frame_id", "BTREE")
    return store


@pytest.mark.parametrize("with_index", [False, True])
def test_a_script_sees_the_sources_of_each_group(tmp_path: Path, with_index: bool) -> None:
    session = Session(store_of(tmp_path, with_index))
    groups = [["bbbbbbbb"], ["aaaaaaaa", "cccccccc"], [], ["zzzzzzzz"], ["bbbbbbbb", "aaaaaaaa"]]
    found = [sorted(table.to_pylist(), key=str) for table in session.by_source(SQL, groups)]
    a, b = ({"source_id": s, "n": n, "sharp": n - 2} for s, n in (("aaaaaaaa", 2), ("bbbbbbbb", 3)))
    assert found == [[b], [a], [], [], [a, b]]  # the ingest of cccccccc has not finished


def test_other_queries_see_everything_between_two_groups(tmp_path: Path) -> None:
    session = Session(store_of(tmp_path, with_index=True))
    reading = session.by_source("SELECT frame_id FROM frames", [["aaaaaaaa"], ["bbbbbbbb"]])
    assert next(reading).num_rows == 2
    assert session.arrow("SELECT count(*) AS n FROM frames")["n"].to_pylist() == [5]
    assert next(reading).num_rows == 3
    reading.close()
    assert session.arrow("SELECT count(*) AS n FROM frames")["n"].to_pylist() == [5]
