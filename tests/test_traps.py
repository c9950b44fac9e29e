"""Traps of the versions we build on, each with what keeps us out of it.

A test here that starts to fail after an update may be good news: read it before changing it.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import lance
import numpy as np
import pyarrow as pa
import pytest
from tables import TAGS, add_source, frame, new_store, rows, tagged_store

from animeds_db import schema
from animeds_db.session import Session
from animeds_db.session.scans.lance_view import LanceView
from animeds_db.session.scans.tag_names import TagNames


def view_of(
    tmp_path: Path, table: pa.Table, **options: object
) -> tuple[duckdb.DuckDBPyConnection, LanceView]:
    lance.write_dataset(table, str(tmp_path / "t.lance"), data_storage_version="2.2")
    view = LanceView(lance.dataset(str(tmp_path / "t.lance")), **options)  # type: ignore[arg-type]
    connection = duckdb.connect()
    connection.register("t", view)
    return connection, view


def test_list_functions_over_tags_are_right(tmp_path: Path) -> None:
    """DuckDB 2.0.0 gives wrong answers for list_has_any, list_has_all and && over lists of dictionary values."""
    random = np.random.default_rng(5)
    lists = [sorted(random.choice(TAGS, random.integers(0, 4), replace=False)) for _ in range(600)]
    session = Session(tagged_store(tmp_path, lists))
    wanted = {"1girl", "smile"}
    for condition, expected in (
        ("list_has_any(tags, ['1girl', 'smile'])", sum(bool(wanted & set(tags)) for tags in lists)),
        ("list_has_all(tags, ['1girl', 'smile'])", sum(wanted <= set(tags) for tags in lists)),
        ("tags && ['1girl', 'smile']", sum(bool(wanted & set(tags)) for tags in lists)),
        ("has_any(tag_ids, ['1girl', 'smile'])", sum(bool(wanted & set(tags)) for tags in lists)),
        ("has_all(tag_ids, ['1girl', 'smile'])", sum(wanted <= set(tags) for tags in lists)),
    ):
        assert session.sql(f"SELECT count(*) FROM frames WHERE {condition}").fetchall() == [(expected,)]


def test_joins_of_tags_put_the_vocabulary_into_the_hash_table(tmp_path: Path) -> None:
    """DuckDB assumes one row in every table of ours. The side that it puts into memory must be the small one."""
    session = Session(tagged_store(tmp_path, [["1girl", "smile"]] * 3))
    for view in ("tags", "scored_tags", "all_tags"):
        plan = session.sql(f"EXPLAIN (FORMAT json) SELECT tag, count(*) FROM {view} GROUP BY tag").fetchall()
        join = json.loads(plan[-1][1])[0]
        while join["name"] != "HASH_JOIN":
            [join] = join["children"]
        probed, built = (json.dumps(side) for side in join["children"])
        assert "UNNEST" in probed and "UNNEST" not in built


def test_names_of_tags_are_looked_up_wherever_a_list_begins() -> None:
    names = TagNames(lambda: pa.table({"tag_id": [1, 2, 4], "tag": ["a", "b", "d"]}))
    lists = pa.array([[1], [2, 1], None, [], [4, 2]], pa.list_(pa.int32()))
    assert names(lists).to_pylist() == [["a"], ["b", "a"], None, [], ["d", "b"]]
    assert names(lists.slice(1, 3)).to_pylist() == [["b", "a"], None, []]
    lost = pa.array([[1, 9], [3, -1]], pa.list_(pa.int32()))
    assert names(lost).to_pylist() == [["a", None], [None, None]]
    nothing = TagNames(
        lambda: pa.table({"tag_id": pa.array([], pa.int32()), "tag": pa.array([], pa.string())})
    )
    assert nothing(lists).to_pylist() == [[None], [None, None], None, [], [None, None]]


def _types(kind: pa.DataType) -> list[pa.DataType]:
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return [kind, *_types(kind.value_type)]
    return [kind]


@pytest.mark.parametrize("table", schema.all_tables(), ids=lambda table: table.name)
def test_tables_use_no_type_that_breaks_a_filter(table: schema.Table) -> None:
    """Unsigned, large, dictionary, float16, duration, time64 … make DuckDB's filters fail in Lance."""
    fine = (pa.types.is_signed_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_binary)
    lists = (pa.types.is_list, pa.types.is_fixed_size_list, pa.types.is_timestamp)
    for field in table.schema:
        for kind in _types(field.type):
            assert any(test(kind) for test in (*fine, *lists)) or kind in (pa.float32(), pa.float64()), field
            assert not pa.types.is_timestamp(kind) or kind.tz is None, (
                "DuckDB needs pytz for times with a zone"
            )


@pytest.mark.parametrize("table", schema.all_tables(4, 4), ids=lambda table: table.name)
def test_every_plain_column_can_be_filtered(tmp_path: Path, table: schema.Table) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    samples = {
        pa.string(): "aaaaaaaa",
        pa.int32(): 1,
        pa.int64(): 1,
        pa.float32(): 0.5,
        pa.float64(): 0.5,
        pa.bool_(): True,
        pa.binary(): b"x",
    }
    row = {f.name: samples[f.type] for f in table.schema if f.type in samples}
    store.replace(
        table.name, rows(store, table.name, row | ({"state": "done"} if table.name == "sources" else {}))
    )
    session = Session(store)
    if table.name == "sources":
        row["state"] = "done"
    for name, value in row.items():
        for test in ("= $v", "IN ($v)", "<= $v", "IS NOT NULL AND $v = $v"):
            asked = f'SELECT count(*) FROM lance_{table.name} WHERE "{name}" {test}'
            assert session.sql(asked, {"v": value}).fetchall() == [(1,)], asked


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.uint64(), "3"),
        (pa.uint8(), "3"),
        (pa.large_string(), "'3'"),
        (pa.dictionary(pa.int32(), pa.string()), "'3'"),
        (pa.float32(), "3"),
        (pa.string(), "'3'"),
    ],
    ids=str,
)
def test_filters_that_lance_refuses_are_answered_all_the_same(
    tmp_path: Path, kind: pa.DataType, value: str
) -> None:
    numbers = [None if i % 7 == 0 else i % 5 for i in range(100)]
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    column = pa.array([None if n is None else (n if value == "3" else str(n)) for n in numbers], plain)
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column
    connection, view = view_of(tmp_path, pa.table({"k": list(range(100)), "x": column}))
    n = sum(number == 3 for number in numbers)
    assert connection.sql(f"SELECT count(*) FROM t WHERE x = {value}").fetchall() == [(n,)]
    assert connection.sql(f"SELECT count(*) FROM t WHERE x = {value} AND k < 50").fetchall() == [
        (sum(number == 3 for number in numbers[:50]),)
    ]
    assert connection.sql("SELECT count(*) FROM t WHERE x IS NULL").fetchall() == [(15,)]
    assert view.pushed + view.filtered_here >= 3


def test_half_floats_are_widened(tmp_path: Path) -> None:
    """DuckDB cannot scan Arrow's float16 at all."""
    values = np.arange(12, dtype=np.float16)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values), 4, mask=pa.array([False, True, False]))
    connection, _ = view_of(tmp_path, pa.table({"v": vectors, "x": pa.array(values[:3])}))
    seen = connection.sql("SELECT v, x FROM t").fetchall()
    assert seen == [((0.0, 1.0, 2.0, 3.0), 0.0), (None, 1.0), ((8.0, 9.0, 10.0, 11.0), 2.0)]
    assert connection.sql("SELECT typeof(v), typeof(x) FROM t LIMIT 1").fetchall() == [("FLOAT[4]", "FLOAT")]


def test_blobs_are_hidden(tmp_path: Path) -> None:
    """DuckDB fails over a column that Lance keeps as a blob, as soon as it is read."""
    field = lance.blob_field("picture")
    table = pa.table(
        [[1, 2], lance.blob_array([b"a", b"b"])], schema=pa.schema([pa.field("k", pa.int64()), field])
    )
    connection, _ = view_of(tmp_path, table)
    assert connection.sql("SELECT * FROM t").fetchall() == [(1,), (2,)]


def test_a_filter_over_half_the_rows_reads_the_other_columns_right(tmp_path: Path) -> None:
    """Filtered here: the filter's column is read along, and not given to DuckDB."""
    table = pa.table(
        {"a": list(range(10)), "x": pa.array(range(10), pa.uint32()), "b": [str(i) for i in range(10)]}
    )
    connection, _ = view_of(tmp_path, table)
    assert connection.sql("SELECT b FROM t WHERE x >= 8").fetchall() == [("8",), ("9",)]
    assert connection.sql("SELECT b, a FROM t WHERE x = 3").fetchall() == [("3", 3)]


def test_no_column_of_the_source_is_computed_unless_it_is_read(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", rows(store, "frames", frame("aaaaaaaa", 0, sharpness=1.0)))
    plan = Session(store).sql("EXPLAIN SELECT sharpness FROM frames").fetchall()[0][1]
    assert "Join" not in plan
    assert "source_id" not in plan


def test_a_deleting_with_parses_as_a_select() -> None:
    """Why a session looks into the statement: its type is not enough."""
    statements = duckdb.connect().extract_statements("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x")
    assert statements[0].type == duckdb.StatementType.SELECT


def test_a_registered_table_keeps_its_version_and_columns(tmp_path: Path) -> None:
    """A handle does not see later commits; a new column even breaks `SELECT *` until it is registered anew."""
    store = tagged_store(tmp_path, [["1girl"]])
    session = Session(store)
    before = session.sql("SELECT * FROM frames")
    store.table("frames").add_columns({"twice": "ordinal * 2"})
    assert before.fetchall()
    assert session.sql("SELECT twice FROM frames").fetchall() == [(0,)]


def test_keys_are_of_types_for_which_lance_notices_conflicts() -> None:
    """For a key of 16 bits two writers insert the same row without a word (pylance 14.0.2)."""
    for table in schema.all_tables():
        assert table.schema.field(table.key).type in (pa.string(), pa.int32(), pa.int64())


def test_a_null_in_a_comparison_hides_a_row() -> None:
    """list_contains over an unknown tag must not be NULL: NOT has_tag(…) would lose every frame."""
    assert duckdb.default_connection().sql("SELECT NOT list_contains([1], NULL)").fetchall() == [(None,)]
