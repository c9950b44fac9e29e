"""A session reads, only reads, and says what is wrong with a query."""

from __future__ import annotations

import math
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import lance
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import add_source, frames, new_store, tagged_store

from animeds_db.errors import QueryError
from animeds_db.session import Session
from animeds_db.upkeep.optimize import tend_if_worth_it


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    opened = Session(tagged_store(tmp_path_factory.mktemp("read"), [["1girl"], ["1boy"]]))
    yield opened
    opened.close()


def n_frames(session: Session) -> int:
    return int(session.sql("SELECT count(*) FROM frames").fetchall()[0][0])


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("SELECT 1", set()),
        ("SELECT count(*) FROM lance_models", {"models"}),
        ("SELECT has_tag(tags, '1girl') FROM lance_frames", {"frames", "sources", "vocabulary"}),
    ],
)
def test_a_query_opens_only_the_tables_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, tables: set[str]
) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    opened: set[str] = set()
    table = store.table

    def opening(name: str, version: int | None = None) -> lance.LanceDataset:
        opened.add(name)
        return table(name, version)

    monkeypatch.setattr(store, "table", opening)
    session = Session(store)
    session.sql(query).fetchall()
    session.close()
    assert (
        opened - {"choices", "labels", "identities", "screen_texts"} == tables
    )  # these decide which views there are


WRITES = [
    "DROP VIEW frames",
    "CREATE TABLE t (a INT)",
    "INSERT INTO lance_frames SELECT * FROM lance_frames",
    "DELETE FROM lance_frames",
    "UPDATE lance_frames SET shot = 1",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "ATTACH '{folder}/x.db'",
    "ATTACH ':memory:' AS other",
    "INSTALL httpfs",
    "LOAD json",
    "SET threads = 1",
    "SET VARIABLE tag_lines = ''",
    "RESET threads",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "BEGIN TRANSACTION",
    "CONNECT 'other'",
    "DISCONNECT",
    "EXPORT DATABASE '{folder}/export'",
    "WITH gone AS (DELETE FROM lance_frames RETURNING *) SELECT * FROM gone",
    "WITH more AS (INSERT INTO lance_models VALUES (1) RETURNING *) SELECT * FROM more",
    "WITH out AS (COPY lance_frames TO '{folder}/out.csv') SELECT 1",
    "SELECT * FROM (WITH gone AS (DELETE FROM lance_frames RETURNING *) SELECT * FROM gone)",
    "EXPLAIN ANALYZE DELETE FROM lance_frames",
    "EXPLAIN ANALYZE COPY lance_frames TO '{folder}/out.csv'",
    "EXPLAIN ANALYZE WITH out AS (COPY lance_frames TO '{folder}/out.csv') SELECT 1",
    "EXPLAIN ANALYZE CREATE TABLE t (a INT)",
    "EXPLAIN ANALYZE DROP VIEW frames",
    "EXPLAIN (FORMAT json) DROP VIEW frames",
    "EXPLAIN ANALYZE (FORMAT json) DROP VIEW frames",
    "EXPLAIN /* quietly */ ANALYZE DROP VIEW frames",
    "SELECT * FROM query('DELETE FROM lance_frames')",
]


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_can_be_written(session: Session, tmp_path: Path, statement: str) -> None:
    before = (session.views(), n_frames(session))
    with pytest.raises(QueryError):
        session.arrow(statement.format(folder=tmp_path))
    assert (session.views(), n_frames(session)) == before
    assert list(tmp_path.iterdir()) == []


FILES = [
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    "SELECT getenv('HOME')",
]


@pytest.mark.parametrize("statement", FILES)
def test_no_file_can_be_read(session: Session, tmp_path: Path, statement: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(QueryError):
        session.arrow(statement.format(file=file, folder=tmp_path))


def test_variables_of_the_program_are_no_tables(session: Session) -> None:
    import pyarrow as pa

    mine = pa.table({"a": [1]})
    with pytest.raises(QueryError, match="Table with name mine does not exist"):
        session.sql("SELECT * FROM mine")
    assert mine.num_rows == 1


def test_tables_are_listed_once(session: Session) -> None:
    names = session.arrow("SHOW TABLES")["name"].to_pylist()
    assert len(names) == len(set(names)) and {"frames", "names", "characters"} <= set(names)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "VALUES (1)",
        "FROM frames",
        "TABLE frames",
        "SHOW TABLES",
        "DESCRIBE frames",
        "SUMMARIZE frames",
        "EXPLAIN SELECT * FROM frames",
        "EXPLAIN ANALYZE SELECT count(*) FROM frames",
        "EXPLAIN (FORMAT json) SELECT * FROM frames",
        "EXPLAIN (SELECT 1)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n",
        "SELECT * FROM (PIVOT sources ON state IN ('done') USING count(*))",
        "-- a comment first\nSELECT 1; -- and last\n",
    ],
)
def test_whatever_reads_is_run(session: Session, statement: str) -> None:
    assert session.arrow(statement).num_rows > 0
    assert session.sql(statement).fetchall()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no statement"), ("-- x\n", "no statement"), ("SELECT 1; SELECT 2", "2 statements")],
)
def test_one_statement_is_expected(session: Session, text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        session.sql(text)


@pytest.mark.parametrize(
    ("text", "line", "column", "words", "hint"),
    [
        ("SELEC 1", 1, 1, 'syntax error at or near "SELEC"', None),
        ("SELECT\n  foo\nFROM frames", 2, 3, '"foo" not found', "did you mean"),
        ("SELECT *\nFROM frame", 2, 6, "frame does not exist", 'did you mean "frames"'),
        ("SELECT *\nFROM zzz", 2, 6, "zzz does not exist", "tables: .*sources"),
        ("SELECT show FROM frames", 1, 8, "show", '"show"'),
        ("SELECT left FROM faces", 1, 13, "FROM", '"left"'),
        ("SELECT list_transform(tags, x -> x) FROM frames", None, None, "not a valid lambda", "lambda x: …"),
        ("-- first\nSELECT upper(1, 2)", 2, 8, "No function matches", None),
        ("SELECT " + "1, " * 100 + "foo FROM frames", 1, 308, "foo", "did you mean"),
        ("SELECT 1 +", 1, None, "syntax error|end of input", None),
    ],
)
def test_errors_say_where_and_what_to_do(
    session: Session, text: str, line: int | None, column: int | None, words: str, hint: str | None
) -> None:
    with pytest.raises(QueryError, match=words) as caught:
        session.sql(text, file="my.sql")
    error = caught.value
    assert "\n" not in error.headline
    assert str(error) == (f"{error.headline}\nhint: {error.hint}" if error.hint else error.headline)
    assert error.file == "my.sql"
    if line is not None:
        assert str(error).startswith("my.sql:")
        assert error.line == line
    if column is not None:
        assert error.column == column
    if hint is not None:
        assert error.hint is not None
        import re

        assert re.search(hint, error.hint), error.hint


def test_errors_of_single_rows_are_query_errors_too(session: Session) -> None:
    with pytest.raises(QueryError, match="Could not convert"):
        session.arrow("SELECT frame_id::INT FROM frames")
    relation = session.sql("SELECT frame_id::INT FROM frames")
    with pytest.raises(QueryError, match="Could not convert"), session.errors():
        relation.fetchall()


def test_parameters_fill_their_places(session: Session) -> None:
    found = session.sql("SELECT ordinal FROM frames WHERE has_tag(tag_ids, $tag)", {"tag": "1boy"})
    assert found.fetchall() == [(1,)]


def test_a_missing_parameter_is_named(session: Session) -> None:
    with pytest.raises(QueryError, match=r"Missing value for \$tag") as caught:
        session.sql("SELECT $tag")
    assert caught.value.hint == "-p tag=…"


def test_a_parameter_too_many_is_named(session: Session) -> None:
    with pytest.raises(QueryError, match=r"no parameter \$tags") as caught:
        session.sql("SELECT $tag", {"tag": 1, "tags": 2})
    assert caught.value.hint == 'did you mean "tag"?'


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.binary(max_size=50),
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1),
        st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1),
        st.dates(),
        st.datetimes(),
    )
)
def test_values_come_back_as_they_went_in(value: object) -> None:
    back = SHARED.sql("SELECT $value AS value", {"value": value}).fetchall()[0][0]
    assert back == value
    if isinstance(value, float):
        assert math.copysign(1, back) == math.copysign(1, value)


@pytest.fixture(autouse=True, scope="module")
def share(session: Session) -> None:
    global SHARED  # hypothesis and function fixtures do not mix
    SHARED = session


SHARED: Session


def test_a_query_without_parameters_is_lazy_and_gives_what_people_use(session: Session) -> None:
    relation = session.sql("SELECT ordinal, tags FROM frames ORDER BY ordinal")
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    assert relation.columns == ["ordinal", "tags"]
    assert relation.pl()["ordinal"].to_list() == [0, 1]
    assert relation.to_arrow_table()["tags"].to_pylist() == [["1girl"], ["1boy"]]
    assert relation.filter("ordinal = 1").fetchall() == [(1, ["1boy"])]
    assert relation.limit(1).fetchall() == [(0, ["1girl"])]


def test_new_rows_are_seen_by_the_next_query_and_not_by_the_last(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    store.upsert("frames", frames(store, "aaaaaaaa", 2))
    session = Session(store)
    old = session.sql("SELECT frame_id FROM frames")
    store.upsert("frames", frames(store, "aaaaaaaa", 2, first=2))
    store.ensure_tags([("new_tag", "general")])
    assert len(session.sql("SELECT frame_id FROM frames").fetchall()) == 4
    assert session.sql("SELECT tag FROM vocabulary").fetchall() == [("new_tag",)]
    assert len(old.fetchall()) == 2
    add_source(store, "aaaaaaaa", "running")
    assert session.sql("SELECT frame_id FROM frames").fetchall() == []


def test_compaction_does_not_disturb_a_relation(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    add_source(store, "aaaaaaaa")
    for first in range(0, 8, 2):
        store.upsert("frames", frames(store, "aaaaaaaa", 2, first=first))
    relation = Session(store).sql("SELECT frame_id FROM frames")
    assert tend_if_worth_it(store, 2) == ["frames"]
    assert len(relation.fetchall()) == 8


def test_rows_that_are_being_read_do_not_block_the_next_query(session: Session) -> None:
    reader = session.sql("SELECT range AS i FROM range(100000)").to_arrow_reader(1000)
    first = reader.read_next_batch()
    assert n_frames(session) == 2
    assert first.num_rows + reader.read_all().num_rows == 100_000


LEFT_OPEN = """
import sys
import threading
from animeds_db.session import Session
from animeds_db.store import Store
session = Session(Store.open(sys.argv[1]))
relation = session.sql("SELECT * FROM frames")
print(len(relation.fetchall()))
"""


def test_a_program_that_closes_nothing_ends_in_silence(tmp_path: Path) -> None:
    store = tagged_store(tmp_path, [["1girl"]])
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, store.uri], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"
    assert done.stderr == ""


def test_an_interrupt_at_any_moment_leaves_a_session_that_answers(session: Session) -> None:
    """A page that is left interrupts its queries, also one that is just beginning or ending its transaction."""
    ended = threading.Event()

    def interrupting() -> None:
        moments = random.Random(5)
        while not ended.wait(moments.uniform(0, 0.01)):
            session.interrupt()

    said: set[str] = set()
    thread = threading.Thread(target=interrupting)
    thread.start()
    try:
        for _ in range(300):
            try:
                with session.reading("SELECT frame_id FROM frames") as reader:
                    reader.read_all()
            except QueryError as error:
                said.add(error.message)
    finally:
        ended.set()
        thread.join()
    assert said <= {"Interrupted!"}
    with session.reading("SELECT frame_id FROM frames") as reader:
        assert reader.read_all().num_rows == 2


THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from animeds_db.session import Session
from animeds_db.store import Store

def asked(uri):
    session = Session(Store.open(uri))
    for _ in range(200):
        session.step("SELECT frame_id FROM frames", {})
    session.close()

sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(asked, [sys.argv[1]] * 4))
"""


def test_sessions_in_several_threads_warn_of_nothing(tmp_path: Path) -> None:
    uri = tagged_store(tmp_path, [["1girl"]]).uri
    words = [sys.executable, "-W", "error::UserWarning", "-c", THREADS, uri]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
