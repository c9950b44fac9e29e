"""Rows as JSON, CSV or an Arrow IPC stream, with a flag if rows were left out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Send

from animeds_db.errors import UsageError
from animeds_db.web.api.common import read_token, token_of
from animeds_db.web.bodies.answers import Rows
from animeds_db.web.service import Service, service_of
from animeds_db.web.workers.framing import Ask, Form
from animeds_db.web.workers.rendering import compact

FormParam = Annotated[
    Form | None, Query(alias="format", description="json, csv or arrow; else the Accept header")
]
Limit = Annotated[int | None, Query(ge=1, le=10_000_000, description="rows at most")]
TYPES: dict[str, Form] = {"text/csv": "csv", "application/vnd.apache.arrow.stream": "arrow"}
ROWS = 1000
"""Default maximum number of rows in a JSON response."""
SHAPES: dict[int | str, dict[str, Any]] = {
    200: {"model": Rows, "content": {media: {} for media in TYPES}, "description": "The rows."}
}


@dataclass(frozen=True)
class RowsRequest:
    """Requested format and page of rows."""

    form: Form
    limit: int | None
    token: str | None
    name: str = "rows"

    @classmethod
    def read(
        cls, request: Request, form: Form | None, limit: int | None, token: str | None, name: str = "rows"
    ) -> RowsRequest:
        """Return the format, from the Accept header if it is not named."""
        accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
        asked: list[Form] = [TYPES[media] for media in accepted if media in TYPES]
        return cls(form or (asked[0] if asked else "json"), limit, token, name)


class Relayed(StreamingResponse):
    """A streamed response. If the client disconnects, its query is stopped."""

    async def stream_response(self, send: Send) -> None:
        """Send the response."""
        try:
            await super().stream_response(send)
        finally:
            await cast(AsyncGenerator[bytes], self.body_iterator).aclose()


async def answer(
    request: Request, sql: str, params: Mapping[str, Any], wanted: RowsRequest, *, file: str | None = None
) -> Response:
    """Run SQL and return its rows in the requested format. Raises QueryError, BusyError, UsageError (token)."""
    service = service_of(request)
    mark = hashlib.blake2b(json.dumps([sql, dict(params)], default=str).encode(), digest_size=6).hexdigest()
    skip, limit = _continued(wanted.token, mark) if wanted.token else (0, wanted.limit)
    if wanted.form == "arrow":
        return await streamed(request, service, Ask(sql, dict(params), limit, skip, file=file))
    limits = service.limits
    most = min(limit or (ROWS if wanted.form == "json" else limits.rows), limits.rows)
    ask = Ask(sql, dict(params), most, skip, limits.size, file, form=wanted.form)
    facts, pieces = await service.stream(request, ask)
    after = token_of([mark, skip + facts["rows"], limit]) if facts["truncated"] else None
    end = b""
    if wanted.form == "json":
        known = {"truncated": facts["truncated"], "next": after, "seconds": facts["seconds"]}
        end = f",{compact(known)[1:]}".encode()
    headers = _headers(facts["truncated"], after) | {"content-length": str(facts["size"] + len(end))}
    if wanted.form == "csv":
        headers["content-disposition"] = f'attachment; filename="{wanted.name}.csv"'
    kind = "application/json" if wanted.form == "json" else "text/csv"
    return Relayed(_with_end(pieces, end), media_type=kind, headers=headers)


async def streamed(request: Request, service: Service, ask: Ask) -> Response:
    """Return rows as an Arrow IPC stream, followed by a line of JSON with the facts of the result."""
    _, pieces = await service.stream(request, ask)
    return Relayed(pieces, media_type="application/vnd.apache.arrow.stream")


async def _with_end(pieces: AsyncGenerator[bytes], end: bytes) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece
    yield end


def _headers(truncated: bool, after: str | None) -> dict[str, str]:
    return {"x-animeds-truncated": str(truncated).lower()} | ({"x-animeds-next": after} if after else {})


def _continued(token: str, mark: str) -> tuple[int, int | None]:
    parts = read_token(token)
    if not (
        isinstance(parts, list)
        and len(parts) == 3
        and parts[0] == mark
        and type(parts[1]) is int
        and parts[1] >= 0
    ):
        raise UsageError("This token belongs to another query.", hint="start again without it")
    if parts[2] is not None and (type(parts[2]) is not int or parts[2] < 1):
        raise UsageError("This token belongs to another query.", hint="start again without it")
    return parts[1], parts[2]
