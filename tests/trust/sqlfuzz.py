"""SQL from DuckDB's own keywords and functions, against the session that strangers' SQL runs in."""

from __future__ import annotations

import io
import mmap
import os
import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb
from counts import Counts
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from stage import Stage

CANARY = "canary.csv"
SECRET = "animeds-secret-of-a-file"
BATCH = 150
"""Statements of one process: a fresh one every so often, as a service has."""
INTERRUPT_S, END_S = 3.0, 20.0
"""Seconds after which a statement is interrupted, and its process ended: a service does the same."""
MEMORY = 256 << 20
ROWS = 50
_SIZE = 1 << 20
_ENDED = 71
_VIEWS = (
    "frames",
    "detections",
    "faces",
    "tags",
    "sources",
    "labels",
    "lance_frames",
    "outside",
    "duckdb_settings()",
)
_VALUES = (
    *(
        "1",
        "-1",
        "0",
        "NULL",
        "1.5",
        "'x'",
        "true",
        "DATE '2020-01-01'",
        "[1, 2]",
        "{'a': 1}",
        "MAP {'a': 1}",
    ),
    *(
        f"'{CANARY}'",
        f"'./{CANARY}'",
        "'/etc/passwd'",
        "'*'",
        "'file://canary.csv'",
        "'SELECT 1'",
        "'frames'",
    ),
    *("9223372036854775807", "'\\x00'::BLOB", "'TIMESTAMP_NS'", "''", "'[[['", "INTERVAL 1 DAY", "$1", "?"),
)
_OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "||",
    "=",
    "<",
    "LIKE",
    "AND",
    "IS",
    "IN",
    "->",
    "->>",
    "^",
    "SIMILAR TO",
    "::",
)
_TYPES = (
    "INTEGER",
    "VARCHAR",
    "BLOB",
    "DATE",
    "TIMESTAMP_NS",
    "DECIMAL(38, 10)",
    "INTEGER[]",
    "JSON",
    "BIT",
    "UUID",
)


@cache
def vocabulary() -> tuple[list[str], list[str]]:
    """Return DuckDB's keywords and the names of its functions."""
    with duckdb.connect() as connection:
        keywords = connection.execute("SELECT keyword_name FROM duckdb_keywords() ORDER BY 1").fetchall()
        functions = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE regexp_matches(function_name, '^[a-z_0-9]+$') ORDER BY 1"
        ).fetchall()
    return [word for (word,) in keywords], [name for (name,) in functions]


def every_word() -> list[str]:
    """Return statements that call each function and start with each keyword."""
    keywords, functions = vocabulary()
    return [
        *(f"SELECT {name}('{CANARY}')" for name in functions),
        *(f"SELECT * FROM {name}('{CANARY}')" for name in functions),
        *(f"{word} '{CANARY}'" for word in keywords),
        *(f"{word} frames TO '{CANARY}.out'" for word in keywords),
    ]


@cache
def statements() -> st.SearchStrategy[str]:
    """Return a strategy of statements: SELECTs of every clause, and words in any order."""
    keywords, functions = vocabulary()
    value, function = st.sampled_from(_VALUES), st.sampled_from(functions)
    column = st.sampled_from(("frame_id", "time_s", "*", "tag", "a.*", "COLUMNS(*)", "rowid"))

    def larger(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        several = st.lists(part, max_size=3).map(", ".join)
        return st.one_of(
            st.builds("{}({})".format, function, several),
            st.builds("({} {} {})".format, part, st.sampled_from(_OPERATORS), part),
            st.builds("CAST({} AS {})".format, part, st.sampled_from(_TYPES)),
            st.builds("CASE WHEN {} THEN {} ELSE {} END".format, part, part, part),
            st.builds("(SELECT {} FROM {} LIMIT 1)".format, part, st.sampled_from(_VIEWS)),
            st.builds("list_transform([{}], lambda x: {})".format, several, part),
            st.builds("{}({}) OVER (ORDER BY {})".format, function, several, part),
        )

    expression = st.recursive(st.one_of(value, column), larger, max_leaves=6)
    arguments = st.lists(expression, max_size=3).map(", ".join)
    table = st.one_of(
        st.sampled_from(_VIEWS),
        st.builds("{}({})".format, function, arguments),
        value,
        st.builds("(VALUES ({}))".format, expression),
        st.builds("(SELECT {})".format, arguments),
        st.builds("query('SELECT {}')".format, value.map(lambda text: text.replace("'", "''"))),
    )
    clause = st.one_of(
        st.just(""),
        st.builds(" WHERE {}".format, expression),
        st.builds(" GROUP BY ALL HAVING {}".format, expression),
        st.builds(" ORDER BY {} LIMIT {}".format, expression, value),
        st.builds(" JOIN {} AS b ON {}".format, table, expression),
        st.builds(" UNION ALL SELECT {}".format, expression),
        st.builds(" QUALIFY {}".format, expression),
        st.builds(" USING SAMPLE {}".format, value),
    )
    select = st.builds("SELECT {} FROM {} AS a{}".format, expression, table, clause)
    words = st.lists(
        st.one_of(
            st.sampled_from(keywords),
            value,
            function,
            st.sampled_from((*_OPERATORS, "(", ")", ",", ";", ".")),
        ),
        min_size=1,
        max_size=12,
    ).map(" ".join)
    return st.one_of(
        select,
        select,
        st.builds("WITH x AS ({}) SELECT * FROM x".format, st.one_of(select, words)),
        st.builds("EXPLAIN {}".format, select),
        words,
        st.builds("{} {}".format, st.sampled_from(keywords), select),
        st.builds("{}; {}".format, select, words),
    )


def fuzz(
    stage: Stage, n: int, seed: int, driver: int, jobs: int, deadline: float
) -> tuple[Counts, Counter[str]]:
    """Run this driver's part of all words, and then of `n` drawn statements. Returns the counts, and how they ended."""
    counts, ends = Counts(), Counter[str]()
    fixed = every_word()[driver::jobs]
    parts: list[Callable[[Callable[[str], None]], None]] = [
        _fixed(fixed[at : at + BATCH]) for at in range(0, len(fixed), BATCH)
    ]
    parts += [_drawn(seed * 10_000 + number) for number in range(driver, n // BATCH, jobs)]
    for number, part in enumerate(parts):
        if time.monotonic() > deadline:
            ends["batches not reached"] += len(parts) - number
            break
        _batch(stage, part, counts, ends)
    return counts, ends


def _fixed(batch: list[str]) -> Callable[[Callable[[str], None]], None]:
    def run(ask: Callable[[str], None]) -> None:
        for statement in batch:
            ask(statement)

    return run


def _drawn(seed: int) -> Callable[[Callable[[str], None]], None]:
    def run(ask: Callable[[str], None]) -> None:
        @seeded(seed)
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(statements())
        def attempt(statement: str) -> None:
            ask(statement)

        attempt()

    return run


def _batch(
    stage: Stage, part: Callable[[Callable[[str], None]], None], counts: Counts, ends: Counter[str]
) -> None:
    folder = stage.fresh()
    (folder / CANARY).write_text(f"secret\n{SECRET}\n")
    before = (stage.outside(), sorted(path.name for path in folder.rglob("*")))
    with mmap.mmap(-1, _SIZE) as shared:
        ended = stage.forked(lambda: _ask_all(stage, part, shared), folder)
        told, found, statement = _read(shared)
    ends.update(told)
    counts.tried += told.total()
    for name, case in found:
        counts.add(name, case)
    if ended.code == _ENDED:
        ends["ended by the service"] += 1
    elif ended.code is None:
        counts.add("hung", statement)
    elif ended.code < 0:
        ends["worker died"] += 1
        counts.cases.append(f"worker died ({ended.code}): {statement}")
    elif ended.code:
        counts.add("tracebacks", f"{statement}: {ended.told[-600:]}")
    if (stage.outside(), sorted(path.name for path in folder.rglob("*"))) != before:
        counts.add("out", f"a file was changed by one of the statements before: {statement}")


def _ask_all(stage: Stage, part: Callable[[Callable[[str], None]], None], shared: mmap.mmap) -> int:
    """Ask everything in a session as a worker of the service has it. What is found goes to the shared memory."""
    from animeds_db.dataset import Dataset
    from animeds_db.session.sandbox import Bounds
    from animeds_db.store import Store
    from animeds_db.web.workers.confine import confine

    os.environ["HOME"] = str(stage.own)
    store = Store.open(str(stage.base("tiny") / "show.animeds"))
    dataset = Dataset(store, bounds=Bounds(f"{MEMORY >> 20}MiB", 1))
    frames = dataset.sql("SELECT count(*) FROM frames").fetchall()
    confine(MEMORY, niceness=0)
    told: Counter[str] = Counter()
    found: list[tuple[str, str]] = []

    def ask(statement: str) -> None:
        _write(shared, (told, found, statement))
        with _watched(dataset):
            told[_asked(dataset, statement, found)] += 1

    part(ask)
    if dataset.sql("SELECT count(*) FROM frames").fetchall() != frames:
        found.append(("out", "the views were changed by one of the statements"))
    _write(shared, (told, found, ""))
    return 0


def _asked(dataset: Any, statement: str, found: list[tuple[str, str]]) -> str:
    from animeds_db.errors import AnimedsError

    try:
        with dataset.session.reading(statement, limit=ROWS) as reader:
            text = str(reader.read_all().to_pylist())
    except AnimedsError as error:
        text, end = str(error), "turned away"
    except Exception as error:  # noqa: BLE001 (it is what the trial counts)
        found.append(("tracebacks", f"{statement}: {type(error).__name__}: {error}"))
        return "raw"
    else:
        end = "answered"
    if SECRET in text or "root:x:0" in text:
        found.append(("out", statement))
    return end


@contextmanager
def _watched(dataset: Any) -> Iterator[None]:
    """Interrupt a statement that takes too long, and end the process when that does not help."""
    timers = [
        threading.Timer(INTERRUPT_S, dataset.session.interrupt),
        threading.Timer(END_S, os._exit, [_ENDED]),
    ]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _write(shared: mmap.mmap, value: object) -> None:
    shared.seek(0)
    shared.write(pickle.dumps(value)[:_SIZE])


def _read(shared: mmap.mmap) -> tuple[Counter[str], list[tuple[str, str]], str]:
    shared.seek(0)
    try:
        return pickle.load(io.BytesIO(shared.read()))  # type: ignore[no-any-return]
    except EOFError:
        return Counter(), [], ""
