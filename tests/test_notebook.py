"""What a notebook sees: hints within the error, and parameters in the ways that people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled import dataset

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError


@pytest.fixture
def ds(tmp_path: Path) -> Dataset:
    return dataset(tmp_path, tags=(("1girl", "red_hair"), ("1girl",), ("1girl",), ()))


def test_an_error_prints_its_hint(ds: Dataset) -> None:
    with pytest.raises(QueryError) as caught:
        ds.query("by_tag")
    assert str(caught.value) == 'There is no query "by_tag".\nhint: did you mean "by_tags"?'
    with pytest.raises(QueryError) as caught:
        ds.sql("SELECT\nfrme_id FROM frames", file="mine.sql")
    assert (
        str(caught.value).startswith("mine.sql:2:1: ")
        and "frame_id" in str(caught.value).split("\nhint: ")[1]
    )


def test_parameters_of_sql_are_given_by_name_by_keyword_or_in_order(ds: Dataset) -> None:
    assert ds.sql("SELECT $e + 1", {"e": 1}).fetchall() == [(2,)]
    assert ds.sql("SELECT $e + 1", e=1).fetchall() == [(2,)]
    assert ds.sql("SELECT $e + $f", {"e": 1}, f=2).fetchall() == [(3,)]
    assert ds.sql("SELECT $1 - $2", [5, 2]).fetchall() == [(3,)]
    assert ds.sql("SELECT ? - ?", [5, 2]).fetchall() == [(3,)]
    assert ds.sql(
        "SELECT count(*) FROM frames WHERE list_contains($ids, frame_id)", ids=["x"]
    ).fetchall() == [(0,)]


def test_wrong_parameters_are_errors_with_a_way_out(ds: Dataset) -> None:
    with pytest.raises(QueryError, match=r"no parameter \$1"):
        ds.sql("SELECT 1", [1])
    with pytest.raises(QueryError, match=r"no parameter \$e"):
        ds.sql("SELECT $episode", e=1)
    with pytest.raises(QueryError, match=r"Missing value for \$2"):
        ds.sql("SELECT $1 + $2", [1])
    with pytest.raises(UsageError, match="given twice"):
        ds.sql("SELECT $e", {"e": 1}, e=2)
    for wrong in ("e=1", 5):
        with pytest.raises(UsageError, match="a mapping or a list"):
            ds.sql("SELECT $e", wrong)  # type: ignore[arg-type]


def test_a_named_query_takes_keywords(ds: Dataset) -> None:
    assert len(ds.query("by_tags", has=["red_hair"]).fetchall()) == 1
    assert len(ds.query("by_tags", {"has": "1girl"}, limit=2).fetchall()) == 2
    with pytest.raises(QueryError, match='no parameter "hass"'):
        ds.query("by_tags", hass="1girl")
