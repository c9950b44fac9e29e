"""Rows as JSON, CSV or an Arrow IPC stream. Its one rule: whatever is left out is told."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pyarrow as pa
from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from animeds_db.errors import UsageError
from animeds_db.web.api.common import read_token, token_of
from animeds_db.web.models import Rows
from animeds_db.web.plain import plain
from animeds_db.web.service import Answer, Service, compact, service_of
from animeds_db.web.workers.framing import Ask

Form = Literal["json", "csv", "arrow"]
FormParam = Annotated[
    Form | None, Query(alias="format", description="json, csv or arrow; else the Accept header")
]
Limit = Annotated[int | None, Query(ge=1, le=10_000_000, description="rows at most")]
TYPES: dict[str, Form] = {"text/csv": "csv", "application/vnd.apache.arrow.stream": "arrow"}
ROWS = 1000
"""Rows of an answer in JSON, unless more are asked for."""
SHAPES: dict[int | str, dict[str, Any]] = {
    200: {"model": Rows, "content": {media: {} for media in TYPES}, "description": "The rows."}
}
_SQL = {
    "string": "VARCHAR", "large_string": "VARCHAR", "binary": "BLOB", "bool": "BOOLEAN", "int8": "TINYINT",
    "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "uint8": "UTINYINT", "uint16": "USMALLINT",
    "uint32": "UINTEGER", "uint64": "UBIGINT", "float": "FLOAT", "double": "DOUBLE", "date32[day]": "DATE",
    "null": "NULL",
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """How rows are wanted."""

    form: Form
    limit: int | None
    token: str | None
    name: str = "rows"

    @classmethod
    def read(
        cls, request: Request, form: Form | None, limit: int | None, token: str | None, name: str = "rows"
    ) -> Wish:
        """Take the form from the Accept header where it is not named."""
        accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
        asked: list[Form] = [TYPES[media] for media in accepted if media in TYPES]
        return cls(form or (asked[0] if asked else "json"), limit, token, name)


async def answer(
    request: Request, sql: str, params: Mapping[str, Any], wish: Wish, *, file: str | None = None
) -> Response:
    """Run SQL and return its rows as wished. Raises QueryError, BusyError, UsageError for a token of another query."""
    service = service_of(request)
    mark = hashlib.blake2b(json.dumps([sql, dict(params)], default=str).encode(), digest_size=6).hexdigest()
    skip, limit = _continued(wish.token, mark) if wish.token else (0, wish.limit)
    if wish.form == "arrow":
        ask = Ask(sql, dict(params), limit, skip, None, file)
        return await streamed(request, service, ask)
    most = min(limit or (ROWS if wish.form == "json" else service.limits.rows), service.limits.rows)
    found = await service.rows(request, sql, params, rows=most, skip=skip, file=file)
    after = token_of([mark, skip + found.table.num_rows, limit]) if found.truncated else None
    if wish.form == "csv":
        told = {"content-disposition": f'attachment; filename="{wish.name}.csv"', **_told(found, after)}
        return Response(await run_in_threadpool(as_csv, found.table), media_type="text/csv", headers=told)
    body = await run_in_threadpool(_as_json, found, after)
    return Response(body, media_type="application/json", headers=_told(found, after))


async def streamed(request: Request, service: Service, ask: Ask) -> Response:
    """Return rows as an Arrow IPC stream, and behind its end a line of JSON with what is to tell of it."""
    pieces = service.stream(request, ask)
    first = await anext(pieces)  # what fails before the first rows is told as an error

    async def all_pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(all_pieces(), media_type="application/vnd.apache.arrow.stream")


def as_csv(table: pa.Table) -> bytes:
    """Return rows as CSV, UTF-8, with a head; what is no text or number is written as JSON."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in _values(table):
        writer.writerow(["" if v is None else v if isinstance(v, str) else compact(v) for v in row])
    return out.getvalue().encode()


def _as_json(found: Answer, after: str | None) -> bytes:
    told = {
        "columns": [{"name": field.name, "type": sql_type(field.type)} for field in found.table.schema],
        "rows": _values(found.table),
        "truncated": found.truncated,
        "next": after,
        "seconds": found.seconds,
    }
    return compact(told).encode()


def _values(table: pa.Table) -> list[list[Any]]:
    columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def sql_type(kind: pa.DataType) -> str:
    """Return what SQL calls a type."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return sql_type(kind.value_type) + "[]"
    if pa.types.is_fixed_size_list(kind):
        return f"{sql_type(kind.value_type)}[{kind.list_size}]"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    return _SQL.get(str(kind), str(kind).upper())


def _told(found: Answer, after: str | None) -> dict[str, str]:
    return {"x-animeds-truncated": str(found.truncated).lower()} | (
        {"x-animeds-next": after} if after else {}
    )


def _continued(token: str, mark: str) -> tuple[int, int | None]:
    told = read_token(token)
    if not (
        isinstance(told, list)
        and len(told) == 3
        and told[0] == mark
        and type(told[1]) is int
        and told[1] >= 0
    ):
        raise UsageError("this token belongs to another query", hint="start again without it")
    if told[2] is not None and (type(told[2]) is not int or told[2] < 1):
        raise UsageError("this token belongs to another query", hint="start again without it")
    return told[1], told[2]
