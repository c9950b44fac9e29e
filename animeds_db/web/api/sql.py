"""SQL, named queries and search."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import importlib_resources
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from animeds_db.errors import QueryError, UsageError
from animeds_db.session.queries.named import NamedQuery, find, list_queries, save
from animeds_db.web.api.common import Token
from animeds_db.web.api.rows import SHAPES, FormParam, Limit, RowsRequest, answer, streamed
from animeds_db.web.bodies import answers as models
from animeds_db.web.errors import MissingError
from animeds_db.web.plain import records
from animeds_db.web.selection import LONGEST
from animeds_db.web.service import service_of
from animeds_db.web.workers.framing import Ask

router = APIRouter(tags=["sql"])
OWN = ("format", "limit", "token")
"""Parameters of the request that do not belong to the query."""


@router.get("/sql", responses=SHAPES, response_class=Response)
async def sql_get(
    request: Request,
    q: Annotated[str, Query(max_length=LONGEST)],
    form: FormParam = None,
    limit: Limit = None,
    token: Token = None,
) -> Response:
    """Run one SELECT; `p.NAME=…` fills `$NAME` in it."""
    return await answer(request, q, _prefixed(request), RowsRequest.read(request, form, limit, token))


@router.post("/sql", responses=SHAPES, response_class=Response)
async def sql_post(request: Request, body: models.SqlBody) -> Response:
    """Run one SELECT."""
    wanted = RowsRequest.read(request, body.format, body.limit, body.token)
    return await answer(request, body.q, body.params, wanted)


@router.get("/queries")
async def queries() -> list[models.Query]:
    """List the named queries. Your own replace built-in ones of the same name."""
    return [_as_query(query) for query in list_queries()]


@router.post("/queries", status_code=201)
async def save_query(request: Request, body: models.QueryBody) -> models.Query:
    """Save a query as a file in ./queries, in the folder where the service was started."""
    await service_of(request).check(request, body.sql)
    return _as_query(save(body.name, body.sql, title=body.title, description=body.description))


@router.get("/queries/{name}", responses=SHAPES, response_class=Response)
async def query(
    request: Request, name: str, form: FormParam = None, limit: Limit = None, token: Token = None
) -> Response:
    """Run a named query; `p.NAME=…` or `NAME=…` are its parameters."""
    named = _find(name)
    plain = {k: v for k, v in request.query_params.items() if k not in OWN and not k.startswith("p.")}
    values = named.bind(plain | _prefixed(request))
    return await answer(
        request, named.sql, values, RowsRequest.read(request, form, limit, token, named.name), file=named.name
    )


@router.post("/queries/{name}", responses=SHAPES, response_class=Response)
async def query_post(request: Request, name: str, body: models.ParamsBody) -> Response:
    """Run a named query, with parameters in their types."""
    named = _find(name)
    wanted = RowsRequest.read(request, body.format, body.limit, body.token, named.name)
    return await answer(request, named.sql, named.bind(body.params), wanted, file=named.name)


@router.get("/search", response_model=models.Found)
async def search(
    request: Request,
    text: Annotated[str | None, Query(max_length=1000)] = None,
    like: Annotated[str | None, Query(max_length=200, description="a frame's id")] = None,
    said: Annotated[str | None, Query(max_length=1000, description="words in the subtitles")] = None,
    character: Annotated[str | None, Query(max_length=200)] = None,
    k: Annotated[int, Query(ge=1, le=10_000)] = 20,
    where: Annotated[str | None, Query(max_length=LONGEST)] = None,
    form: FormParam = None,
) -> Any:
    """Return the best frames for a text, for another frame, or for what is said, best first."""
    if (text is None) == (like is None) and (text is not None or said is None):
        raise UsageError(
            "Search by text, by a frame, or by what is said.", hint="?text=…, ?like=FRAME or ?said=…"
        )
    service = service_of(request)
    wanted = {"text": text, "frame_id": like, "said": said, "character": character, "k": k, "where": where}
    ask = Ask(task="search", more=wanted)
    if RowsRequest.read(request, form, None, None).form == "arrow":
        return await streamed(request, service, ask)
    return {"frames": records((await service.answer(request, ask)).table)}


def _find(name: str) -> NamedQuery:
    try:
        return find(name[:200])
    except QueryError as error:
        if error.file is not None:  # the file exists but is broken
            raise
        raise MissingError(error.message, hint=error.hint) from None


def _prefixed(request: Request) -> dict[str, str]:
    given = request.query_params.multi_items()
    found = {name[2:]: value for name, value in given if name.startswith("p.")}
    if len(found) < sum(name.startswith("p.") for name, _ in given):
        raise UsageError("A parameter is given twice.")
    return found


@cache
def _built_in() -> set[Path]:
    """Return where the queries of the package are."""
    return {Path(str(f)).parent.resolve() for f in importlib_resources.files("animeds_queries").iterdir()}


def _as_query(query: NamedQuery) -> models.Query:
    return models.Query(
        name=query.name,
        title=query.title,
        description=query.description,
        mine=query.path.parent.resolve() not in _built_in(),
        gives_frames="frame_id" in query.sql,
        parameters=[
            models.Parameter(name=p.name, type=p.type, required=p.required, default=p.default, help=p.help)
            for p in query.params
        ],
        sql=query.sql,
    )
