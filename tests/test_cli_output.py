"""Rows are printed completely and readably in every format."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from animeds_db.cli.output import Format, print_relation
from animeds_db.errors import UsageError

ROWS = "SELECT 1 AS n, 'a|b' AS text, ['x', 'y, z'] AS tags, NULL AS nothing, 0.5::FLOAT AS score"


def printed(form: Format | None, capsys: pytest.CaptureFixture[str], query: str = ROWS) -> str:
    print_relation(duckdb.default_connection().sql(query), form)
    return capsys.readouterr().out


def test_json_is_a_list_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(Format.json, capsys)) == [
        {"n": 1, "text": "a|b", "tags": ["x", "y, z"], "nothing": None, "score": 0.5}
    ]


def test_json_of_no_rows_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(Format.json, capsys, ROWS + " WHERE false")) == []


def test_jsonl_is_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Format.jsonl, capsys, "SELECT range AS i FROM range(20000)").splitlines()
    assert len(lines) == 20000
    assert json.loads(lines[-1]) == {"i": 19999}


@pytest.mark.parametrize(("form", "separator"), [(Format.csv, ","), (Format.tsv, "\t")])
def test_csv_and_tsv_can_be_read_back(
    form: Format, separator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    header, row = csv.reader(io.StringIO(printed(form, capsys)), delimiter=separator)
    assert header == ["n", "text", "tags", "nothing", "score"]
    assert row == ["1", "a|b", '["x", "y, z"]', "", "0.5"]


def test_csv_of_no_rows_has_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(Format.csv, capsys, "SELECT 1 AS n WHERE false") == "n\n"


def test_a_pipe_gets_tsv_and_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(printed(None, capsys, "SELECT range AS i FROM range(5000)").splitlines()) == 5001


def test_markdown_escapes_bars(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(Format.md, capsys, "SELECT 'a|b' AS text").splitlines()
    assert lines == ["| text |", "| --- |", "| a\\|b |"]


def test_a_table_is_not_cut_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(Format.table, capsys, "SELECT repeat('x', 300) AS long, * FROM range(500)")
    assert "x" * 300 in text
    assert "499" in text


@pytest.mark.parametrize("form", [Format.parquet, Format.arrow])
def test_binary_formats_can_be_read_back(form: Format, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_relation(duckdb.default_connection().sql(ROWS), form)
    data = io.BytesIO(capfdbinary.readouterr().out)
    table = pq.read_table(data) if form is Format.parquet else pa.ipc.open_stream(data).read_all()
    assert table.num_rows == 1
    assert table["tags"].to_pylist() == [["x", "y, z"]]


def test_binary_is_not_thrown_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(UsageError, match="cannot be printed to a terminal"):
        print_relation(duckdb.default_connection().sql("SELECT 1"), Format.parquet)


@pytest.mark.parametrize("form", [Format.json, Format.csv, Format.tsv, Format.md])
def test_moments_that_python_cannot_hold_are_printed(
    form: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    moment = "['2024-01-01 00:00:00.123456789'::TIMESTAMP_NS]"
    query = f"SELECT 'infinity'::DATE AS a, '290000-01-01'::TIMESTAMP AS b, {moment} AS c"
    text = printed(form, capsys, query)
    assert "infinity" in text and "290000-01-01T00:00:00" in text and "00:00:00.123456789" in text
