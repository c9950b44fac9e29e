"""Rows as JSON, as CSV, or as an Arrow IPC stream, with limits that are checked before bytes are produced."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from animeds_db.errors import QueryError
from animeds_db.session.times import as_text
from animeds_db.web.plain import plain
from animeds_db.web.workers import framing

VALUE_BYTES = 8 << 20
"""Maximum bytes of one value in a result. Clients would have to hold longer values in memory as a whole."""
CHUNK_BYTES = 2 << 20
"""Maximum bytes of Arrow data converted to Python objects at once; as objects they need ten times as much."""
CHUNK_ROWS = 1000
_SQL = {
    "string": "VARCHAR", "large_string": "VARCHAR", "binary": "BLOB", "bool": "BOOLEAN", "int8": "TINYINT",
    "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "uint8": "UTINYINT", "uint16": "USMALLINT",
    "uint32": "UINTEGER", "uint64": "UBIGINT", "float": "FLOAT", "double": "DOUBLE", "date32[day]": "DATE",
    "null": "NULL",
}  # fmt: skip


class Cut:
    """Limits of one result: rows and bytes that may still follow; None: no limit."""

    def __init__(self, rows: int | None, size: int | None) -> None:
        self._rows, self._size = rows, size
        self.count = 0
        """Number of rows passed on so far."""
        self.truncated = False

    def rows(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield rows within the limits. Raises QueryError if a value or the first row is too large."""
        for batch in batches:
            _check_values(batch)
            number = batch.num_rows if self._rows is None else min(batch.num_rows, self._rows - self.count)
            number = number if self._size is None else fitting(batch, number, self._size)
            if number == 0 and self.count == 0 and batch.num_rows and self._rows != 0:
                raise QueryError(
                    f"The first row has {batch.slice(0, 1).nbytes >> 20} MB, which is more than a result may have.",
                    hint="Select fewer columns, or shorten the values: left(x, 1000).",
                )
            self.count += number
            if self._size is not None:
                self._size -= batch.slice(0, number).nbytes
            if number:
                yield batch.slice(0, number)
            if number < batch.num_rows:
                self.truncated = True
                return


def fitting(batch: pa.RecordBatch, rows: int, size: int) -> int:
    """Return how many of the first `rows` rows of a batch fit into `size` bytes."""
    if batch.slice(0, rows).nbytes <= size:
        return rows
    low, high = 0, rows  # `low` rows fit, `high` rows do not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if batch.slice(0, middle).nbytes <= size else (low, middle)
    return low


def _check_values(batch: pa.RecordBatch) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        large = _too_large(column)
        if large:
            raise QueryError(
                f'A value of the column "{name}" has {large >> 20} MB. The maximum is '
                f"{VALUE_BYTES >> 20} MB.",
                hint="Select a part of it: left(x, 1000), or x[:1000] of a list.",
            )


def _too_large(column: pa.Array) -> int:
    """Return the size in bytes of a value that is too large, or 0. Searches by halves."""
    size = int(column.nbytes)
    if size <= VALUE_BYTES:
        return 0
    if len(column) == 1:
        return size
    middle = len(column) // 2
    return _too_large(column.slice(0, middle)) or _too_large(column.slice(middle))


class Sender:
    """A file object for Arrow that sends everything in pieces."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self.closed = False

    def write(self, data: Any) -> int:
        """Send bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), framing.PIECE):
            self._send(bytes(view[start : start + framing.PIECE]))
        return len(view)

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def send_arrow(schema: pa.Schema, batches: Iterator[pa.RecordBatch], sender: Sender) -> None:
    """Send rows as an Arrow IPC stream as they arrive. Errors before the first rows are raised."""
    first = next(batches, None)
    with pa.ipc.new_stream(sender, schema) as stream:
        if first is not None:
            stream.write_batch(first)
        for batch in batches:
            stream.write_batch(batch)


def as_json(schema: pa.Schema, batches: Iterator[pa.RecordBatch], cut: Cut, size: int) -> bytes:
    """Return `{"columns":[…],"rows":[…]`: the beginning of a JSON object with at most `size` bytes of rows."""
    columns = [{"name": field.name, "type": sql_type(field.type)} for field in schema]
    lines = (compact(row) for row in _rows(batches))
    return f'{{"columns":{compact(columns)},"rows":[{",".join(_until(lines, cut, size))}]'.encode()


def as_csv(schema: pa.Schema, batches: Iterator[pa.RecordBatch], cut: Cut, size: int) -> bytes:
    """Return rows as CSV, UTF-8, with a header. Values other than text and numbers are written as JSON."""
    rows = (
        ["" if v is None else v if isinstance(v, str) else compact(v) for v in row] for row in _rows(batches)
    )
    return (_csv_line(schema.names) + "".join(_until(map(_csv_line, rows), cut, size))).encode()


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        while batch.num_rows:
            number = max(1, fitting(batch, min(batch.num_rows, CHUNK_ROWS), CHUNK_BYTES))
            part, batch = batch.slice(0, number), batch.slice(number)
            columns = [[plain(value) for value in as_text(column).to_pylist()] for column in part.columns]
            yield from zip(*columns, strict=True)


def _until(lines: Iterator[str], cut: Cut, size: int) -> Iterator[str]:
    """Yield lines until their bytes reach `size`; set the count and the truncated flag of `cut`."""
    count = 0
    for line in lines:
        size -= len(line) + 1 if line.isascii() else len(line.encode()) + 1
        if size < 0 and count:
            cut.truncated = True
            break
        count += 1
        yield line
    cut.count = count


def _csv_line(row: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()


def sql_type(kind: pa.DataType) -> str:
    """Return the SQL name of a type."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return sql_type(kind.value_type) + "[]"
    if pa.types.is_fixed_size_list(kind):
        return f"{sql_type(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    return _SQL.get(str(kind), str(kind).upper())


def compact(value: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
