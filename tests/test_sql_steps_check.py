"""The statements of sql/steps/check, over tables of a database that lost some rows."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from sqlrows import frame, frame_id, table, vocabulary

from animeds_db.session.scripts import sql_script

DAMAGE = {
    "sources": [
        {"source_id": "done", "state": "done", "n_frames": 3, "models": ["m@1", "lost@1"]},
        {"source_id": "bad", "state": "damaged", "n_frames": 9},
        {"source_id": "whole", "state": "done", "n_frames": 1, "models": ["m@1"]},
    ],
    "frames": [
        frame(0, "done", tags=[1, 7]),
        frame(1, "done", tags=[1]),
        frame(0, "bad", tags=[8]),
        frame(0, "whole", tags=[1]),
        frame(0, "gone"),
    ],
    "thumbnails": [
        {"frame_id": frame_id(n, source)} for n, source in ((0, "done"), (0, "whole"), (0, "gone"))
    ],
    "detections": [
        {"detection_id": "d1", "frame_id": frame_id(1, "done"), "source_id": "done", "model": "new@1"},
        {"detection_id": "d2", "frame_id": frame_id(5, "done"), "source_id": "done", "model": "m@1"},
    ],
    "vocabulary": vocabulary("smile"),
    "models": [{"model_id": "m@1"}],
    "detected": [
        {
            "detected_id": "r0",
            "frame_id": frame_id(0, "done"),
            "source_id": "done",
            "model": "new@1",
            "n_found": 1,
        },
        {
            "detected_id": "r1",
            "frame_id": frame_id(1, "done"),
            "source_id": "done",
            "model": "new@1",
            "n_found": 1,
        },
    ],
    "taggings": [
        {"tagging_id": "t0", "source_id": "done", "tags": [1]},
        {"tagging_id": "t1", "source_id": "done", "tags": [1, 9]},
    ],
    "box_tags": [
        {"box_tagging_id": "b0", "source_id": "done", "tags": [1]},
        {"box_tagging_id": "b1", "source_id": "done", "tags": [11]},
    ],
}


@pytest.fixture
def damaged() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, rows in DAMAGE.items():
            connection.register(name, table(name, rows))
        for script in ("wrong_box_counts.sql", "taggings_with_lost_tags.sql"):
            connection.execute(sql_script("steps/check", script))
        yield connection


@pytest.mark.sql("steps/check/wrong_box_counts.sql")
@pytest.mark.sql("steps/check/taggings_with_lost_tags.sql")
def test_reruns_that_lost_boxes_or_tags(damaged: duckdb.DuckDBPyConnection) -> None:
    assert damaged.sql("FROM wrong_box_counts").fetchall() == [("r0", "done")]
    assert damaged.sql("FROM taggings_with_lost_tags").fetchall() == [("t1", "done")]
    assert damaged.sql("FROM box_tags_with_lost_tags").fetchall() == [("b1", "done")]


@pytest.mark.sql("steps/check/lost_tags.sql")
def test_numbers_of_tags_that_the_vocabulary_lacks(damaged: duckdb.DuckDBPyConnection) -> None:
    assert damaged.execute(sql_script("steps/check", "lost_tags.sql")).fetchall() == [(7,), (8,), (9,), (11,)]


@pytest.mark.sql("steps/check/gaps.sql")
def test_each_gap_names_its_source_and_how_many_rows_it_is(damaged: duckdb.DuckDBPyConnection) -> None:
    assert damaged.execute(sql_script("steps/check", "gaps.sql")).fetchall() == [
        ("boxes of a rerun", "done", 1),
        ("detections without frame", "done", 1),
        ("frames", "done", 1),
        ("frames without source", "gone", 1),
        ("models", "done", 1),
        ("tags", "done", 1),
        ("tags of a rerun", "done", 1),
        ("tags of boxes", "done", 1),
        ("thumbnails", "done", 1),
        ("waiting", "bad", 1),
    ]
