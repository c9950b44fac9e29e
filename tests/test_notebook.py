"""What a notebook sees: hints within the error, and parameters in the ways that people write them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from labelled import dataset

from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError, UsageError
from animeds_db.notebook import as_html


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


def ids_in(ds: Dataset) -> list[str]:
    return [row[0] for row in ds.sql("SELECT frame_id FROM frames ORDER BY frame_id LIMIT 2").fetchall()]


def test_a_selection_is_ids_a_series_a_frame_a_relation_a_table_a_query_or_sql(ds: Dataset) -> None:
    ids = ids_in(ds)
    frame = pl.DataFrame({"frame_id": ids, "folder": ["a", "b"]})
    sql = f"SELECT frame_id FROM frames WHERE frame_id <= '{ids[1]}'"
    for selection in (
        ids,
        tuple(ids),
        pl.Series("frame_id", ids),
        pl.Series(values=ids, name=""),
        frame,
        frame.lazy(),
        frame.to_arrow(),
        frame.to_pandas() if _has_pandas() else ids,
        ds.sql(sql),
        sql,
    ):
        preview = ds.preview_export(selection)
        assert sum(row["pictures"] for row in preview.folders) == 2, selection
        assert (
            len(ds.gallery(selection)) == 0 and ds.gallery(selection).total == 2
        )  # frames without thumbnails
    assert [row["folder"] for row in ds.preview_export(frame).folders] == ["a", "b"]
    assert ds.gallery("by_tags", has="red_hair").total == 1
    assert ds.coverage.__doc__ is not None


def _has_pandas() -> bool:
    from importlib.util import find_spec

    return find_spec("pandas") is not None


def test_rows_that_are_no_selection_are_errors(ds: Dataset) -> None:
    with pytest.raises(UsageError, match="no column frame_id. Their columns: x"):
        ds.gallery(pl.DataFrame({"x": [1]}))
    with pytest.raises(UsageError, match=r"builtins\.int is not a table of rows"):
        ds.gallery(5)
    with pytest.raises(UsageError, match="not to rows"):
        ds.gallery(ids_in(ds), has="x")
    with pytest.raises(QueryError, match='no query "by_tag"'):
        ds.gallery("by_tag")
    with pytest.raises(QueryError, match="no column frame_id"):
        ds.gallery("SELECT 1 AS x")


def test_sql_reads_tables_of_the_caller(ds: Dataset) -> None:
    ids = ids_in(ds)
    mine = pl.DataFrame({"frame_id": ids, "note": ["a", "b"]})
    text = "SELECT note, tags FROM frames JOIN mine USING (frame_id) WHERE note = $n"
    assert ds.sql(text, n="b", tables={"mine": mine}).fetchall() == [("b", ["1girl"])]
    relation = ds.sql("SELECT count(*) FROM mine", tables={"mine": ids})
    ds.label("frame", "set", "drop", ids[:1])
    assert relation.fetchall() == [(2,)]  # its rows are there, whatever happens to the database
    for name, words in (("frames", "is a view"), ("a b", "not a valid name"), ("lance_frames", "is a view")):
        with pytest.raises(UsageError, match=words):
            ds.sql("SELECT 1", tables={name: mine})
    with pytest.raises(QueryError, match="mine"):
        ds.sql("SELECT * FROM mine")


def test_views_are_lazy_frames(ds: Dataset) -> None:
    ids = ids_in(ds)
    ds.label("frame", "set", "drop", ids[:1])
    assert ds.frames().collect().height == 4 and ds.frames("kept").collect().height == 3
    assert ds.faces().collect().height == 4
    with pytest.raises(QueryError, match='no view "keep"') as caught:
        ds.frames("keep")
    assert caught.value.hint == 'did you mean "kept"?'


def test_a_dataset_and_reports_show_what_they_hold(ds: Dataset) -> None:
    assert repr(ds) == f"Dataset({ds.uri!r}: 1 sources, 4 frames, 4 detections)"
    page = ds._repr_html_()
    assert "1 sources, 4 frames, 4 faces" in page and "<th>n_frames</th>" in page and "<td>4</td>" in page
    preview = ds.preview_export("SELECT frame_id, 'a&b' AS folder FROM frames")
    assert "<td>a&amp;b</td><td>4</td>" in preview._repr_html_()
    assert "b &lt; a" in as_html(["b < a"]) and as_html([], [{"x": None}]).endswith("</table>")
    assert as_html([], [{"x": n} for n in range(60)]).endswith("<p>…</p>")
