"""Prints rows to stdout in the chosen format, and messages to stderr."""

from __future__ import annotations

import base64
import csv
import datetime
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from animeds_db.errors import UsageError
from animeds_db.printable import printable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\[|(FLOAT|DOUBLE)\[")
"""DuckDB's names for lists and arrays of numbers: tag ids, scores, vectors."""
TABLE_ROWS = 200
"""Maximum number of rows in a table on a terminal. Other formats and pipes get all rows."""


class Format(StrEnum):
    """Output format of rows."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    md = "md"
    parquet = "parquet"
    arrow = "arrow"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Output format. Default: table on a terminal, tsv in a pipe."),
]


WideOption = Annotated[
    bool, typer.Option("--wide", help="Show all columns of the table, including lists of numbers.")
]


LAYOUT = "\n\t"
"""Control characters that are printed; all others are escaped on a terminal."""


def talk(line: str) -> None:
    """Write a message for a person to stderr; control characters in it are escaped."""
    print(printable(line, keep=LAYOUT), file=sys.stderr, flush=True)  # noqa: T201 (all messages are printed here)


def say(line: str) -> None:
    """Write a line of data to stdout; on a terminal, control characters in it are escaped."""
    _write(line + "\n")
    sys.stdout.flush()


def _write(text: str) -> None:
    sys.stdout.write(printable(text, keep=LAYOUT) if sys.stdout.isatty() else text)


def print_relation(
    relation: duckdb.DuckDBPyRelation, wanted: Format | None, *, wide: bool = True
) -> bool | None:
    """Print a relation to stdout in the format `wanted`, and return True if it has rows; None if that is not known.

    Unless `wide`, a table has ids and scores last and leaves out lists of numbers. Other formats have every column.
    Raises UsageError for a binary format on a terminal.
    """
    has_rows: bool | None = None
    chosen = wanted or (Format.table if sys.stdout.isatty() else Format.tsv)
    if chosen is Format.table:
        _table(relation if wide else narrow(relation))
    elif chosen in (Format.parquet, Format.arrow):
        _binary(relation, chosen)
    else:
        names = relation.columns
        rows = _rows(relation)
        first = list(islice(rows, 1))
        has_rows = bool(first)
        writer = {
            Format.json: _json,
            Format.jsonl: _jsonl,
            Format.md: _markdown,
            Format.csv: _csv,
            Format.tsv: _tsv,
        }[chosen]
        for line in writer(names, chain(first, rows)):
            _write(line)
    sys.stdout.flush()
    return has_rows


def print_rows(rows: Sequence[Mapping[str, object]], wanted: Format | None) -> None:
    """Print rows that do not come from the database. The first row names the columns."""
    import duckdb
    import pyarrow as pa

    print_relation(duckdb.from_arrow(pa.Table.from_pylist([dict(row) for row in rows])), wanted)


def narrow(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return a relation with ids and scores last and without lists of numbers, to read on a terminal."""
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    shown = [name for name, kind in kinds.items() if not _NUMBERS.match(kind)]
    last = [name for name in shown if name.endswith(("_id", "score", "similarity"))]
    first = [name for name in shown if name not in last]
    return relation.select(*(f'"{name}"' for name in first + last)) if shown else relation


def _table(relation: duckdb.DuckDBPyRelation) -> None:
    on_terminal, drawn = sys.stdout.isatty(), io.StringIO()
    with redirect_stdout(drawn):
        if on_terminal:
            relation.show(max_width=shutil.get_terminal_size().columns, max_rows=TABLE_ROWS)
        else:
            relation.show(max_width=10_000, max_rows=2**31 - 1)
    _write(drawn.getvalue())


def _rows(relation: duckdb.DuckDBPyRelation) -> Iterator[list[Any]]:
    from animeds_db.session.times import as_text

    for batch in relation.to_arrow_reader(8192):
        columns = [as_text(column).to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield (",\n " if number else "\n ") + _dump(dict(zip(names, row, strict=True)))
    yield "\n]\n"


def _jsonl(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    for row in rows:
        yield _dump(dict(zip(names, row, strict=True))) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return _dump(value)


def _csv(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    return _separated(names, rows, ",")


def _tsv(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    return _separated(names, rows, "\t")


def _separated(names: list[str], rows: Iterator[list[Any]], separator: str) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _markdown(names: list[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |\n"

    yield line(names)
    yield "|" + "|".join(" --- " for _ in names) + "|\n"
    for row in rows:
        yield line([_cell(value) for value in row])


def _binary(relation: duckdb.DuckDBPyRelation, chosen: Format) -> None:
    if sys.stdout.isatty():
        raise UsageError(
            f"{chosen} is a binary format and cannot be printed to a terminal.",
            hint=f"send it to a file: … > rows.{chosen}",
        )
    reader = relation.to_arrow_reader(65536)
    out = sys.stdout.buffer
    if chosen is Format.arrow:
        _write_arrow(reader, out)
    else:
        _write_parquet(reader, out)


def _write_arrow(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(out, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)


def _write_parquet(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, reader.schema) as file:
        for batch in reader:
            file.write_batch(batch)
