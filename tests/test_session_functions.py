"""Only functions that are named may be called: what a new DuckDB brings is refused until somebody has looked at it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest
import sampleshow
from importlib_resources import files

import animeds_db
from animeds_db.dataset import Dataset
from animeds_db.errors import QueryError
from animeds_db.session.functions import ALLOWED


@pytest.fixture(scope="module")
def dataset() -> Iterator[Dataset]:
    with animeds_db.open(sampleshow.database()) as dataset:
        yield dataset


REFUSED = {
    "register_external_resource": "SELECT * FROM register_external_resource('x', 'y')",
    "arrow_scan": "SELECT * FROM arrow_scan(1::UBIGINT, 2::UBIGINT, 3::UBIGINT)",
    "pandas_scan": "SELECT * FROM pandas_scan(1::UBIGINT)",
    "seq_scan": "SELECT * FROM seq_scan('x')",
    "json_execute_serialized_sql": "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "query": "SELECT * FROM query('SELECT 1')",
    "query_table": "SELECT * FROM query_table('frames')",
    "read_text": "SELECT * FROM read_text('/etc/passwd')",
    "read_csv": "SELECT * FROM READ_CSV('x')",
    "which_secret": "SELECT * FROM which_secret('s3://x', 's3')",
    "duckdb_secrets": "SELECT * FROM duckdb_secrets()",
    "enable_logging": "SELECT * FROM enable_logging()",
    "write_log": "SELECT write_log('x')",
    "checkpoint": "SELECT * FROM checkpoint()",
    "nextval": "SELECT nextval('s')",
    "sleep_ms": "SELECT sleep_ms(100000)",
    "pg_sleep": "SELECT pg_sleep(100)",
    "getenv": "SELECT getenv('HOME')",
    "current_setting": "SELECT current_setting('memory_limit')",
    "of_tomorrow": "SELECT of_tomorrow(frame_id) FROM frames",
}
PLACES = {
    "a column": "SELECT {}",
    "a condition": "SELECT 1 FROM frames WHERE {} IS NULL",
    "a window": "SELECT max({}) OVER (ORDER BY 1)",
    "a CTE": "WITH a AS (SELECT {} AS x) SELECT * FROM a",
    "a subquery": "SELECT (SELECT {})",
    "an argument of a macro": "SELECT has_tag(tags, {}) FROM frames",
    "a lambda": "SELECT list_transform([1], lambda x: {})",
    "a list": "SELECT [y FOR y IN [1] IF {} IS NULL]",
    "an order": "SELECT 1 ORDER BY {}",
    "a group": "SELECT count(*) FROM frames GROUP BY {}",
    "a filter": "SELECT count(*) FILTER (WHERE {} IS NULL) FROM frames",
    "a limit": "SELECT 1 LIMIT {}",
    "a join": "SELECT 1 FROM frames a JOIN frames b ON a.frame_id = {}",
    "an EXPLAIN": "EXPLAIN SELECT {}",
    "an EXPLAIN ANALYZE": "EXPLAIN ANALYZE SELECT {}",
    "a VALUES": "VALUES ({})",
    "a UNION": "SELECT 1 UNION ALL SELECT {}",
    "a qualified name": "SELECT system.main.{}",
    "a QUALIFY": "SELECT 1 FROM frames QUALIFY {} IS NULL",
    "a PIVOT": "SELECT * FROM (PIVOT frames ON shot IN (1) USING max({}))",
}


@pytest.mark.parametrize(("name", "sql"), REFUSED.items(), ids=REFUSED.keys())
def test_a_function_that_is_not_named_is_refused(dataset: Dataset, name: str, sql: str) -> None:
    with pytest.raises(QueryError, match=f'cannot use a function "{re.escape(name)}"') as caught:
        dataset.sql(sql)
    assert caught.value.hint


@pytest.mark.parametrize("sql", PLACES.values(), ids=PLACES.keys())
def test_wherever_it_stands(dataset: Dataset, sql: str) -> None:
    with pytest.raises(QueryError, match='cannot use a function "write_log"'):
        dataset.sql(sql.format("write_log('x')"))


def test_the_error_says_where_and_what_was_meant(dataset: Dataset) -> None:
    with pytest.raises(QueryError) as caught:
        dataset.sql("SELECT frame_id -- ä\nFROM frames\nWHERE has_tga(tags, '1girl')")
    assert (caught.value.line, caught.value.column) == (3, 7)
    assert 'did you mean "has_tag"' in str(caught.value.hint)


def test_a_name_in_a_string_or_a_comment_is_no_call(dataset: Dataset) -> None:
    text = """SELECT '"function_name":"read_text"', 'read_text(' -- read_text('x')"""
    assert dataset.sql(text).fetchall() == [('"function_name":"read_text"', "read_text(")]


def test_every_named_function_is_one_of_duckdb_and_computes_only() -> None:
    with duckdb.connect() as connection:
        known = connection.execute("SELECT DISTINCT lower(function_name) FROM duckdb_functions()").fetchall()
    known_names = {row[0] for row in known}
    syntax = {"->", "~~~", "count_star", "*"}  # names that only the parser gives
    assert ALLOWED - known_names <= syntax, "a name that this DuckDB has no function for"
    doing = re.compile(
        r"\bread_|scan|sniff|glob|secret|setting|log(s|ging)|resource|checkpoint|extension|execute|getenv"
    )
    assert [name for name in ALLOWED if doing.search(name)] == []


def test_all_built_in_queries_call_named_functions_only(dataset: Dataset) -> None:
    from animeds_db.session.statements import checked

    with duckdb.connect() as connection:
        texts = [
            item.read_text("utf-8")
            for item in files("animeds_queries").iterdir()
            if item.name.endswith(".sql")
        ]
        assert len(texts) > 5
        for text in texts:
            checked(connection, text, None)


def test_half_a_character_is_not_text(dataset: Dataset) -> None:
    for sql, params in (
        ("SELECT $x", {"x": "a\ud800"}),
        ("SELECT $x", {"x": ["\udfff"]}),
        ("SELECT '\ud800'", {}),
    ):
        with pytest.raises(QueryError, match="surrogate"):
            dataset.sql(sql, params)


def test_lists_in_lists_have_a_limit(dataset: Dataset) -> None:
    nested: list[object] = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(QueryError, match="32 deep"):
        dataset.sql("SELECT $x", {"x": nested})
