"""Builds the application: routers, start and shutdown, and error responses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

import animeds_db
from animeds_db.errors import AnimedsError
from animeds_db.web import pages
from animeds_db.web.api import ROUTERS
from animeds_db.web.api.facts import count_ahead
from animeds_db.web.bodies.answers import Refusal
from animeds_db.web.errors import as_json, status_of
from animeds_db.web.options import Options
from animeds_db.web.safety import Safety
from animeds_db.web.service import Service

_log = logging.getLogger("animeds")
_KINDS = {404: "MissingError", 405: "UsageError"}


def build(uri: str, options: Options) -> FastAPI:
    """Return the application. Raises StoreError if there is no database, unless the page may make one (see Options)."""
    service = Service(uri, options)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        counting = (
            asyncio.create_task(count_ahead(service)) if options.ahead and service.has_database else None
        )
        try:
            yield
        finally:
            if counting:
                counting.cancel()
            await service.close()

    app = FastAPI(
        title="animeds-db",
        version=animeds_db.__version__,
        description="Anime episodes as a database: query, browse, correct, export.",
        lifespan=life,
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={status: {"model": Refusal} for status in (400, 403, 404, 409, 422, 503)},
    )
    app.state.service = service
    app.state.options = options
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    app.include_router(pages.router)
    app.add_exception_handler(AnimedsError, _animeds_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)
    app.add_middleware(
        Safety, hosts=options.hosts, token=options.token, read_only=options.read_only, page=_page
    )
    return app


def _error(status: int, kind: str, message: str, hint: str | None = None) -> JSONResponse:
    fault = {"kind": kind, "message": message, "hint": hint}
    return JSONResponse({"error": fault | dict.fromkeys(("file", "line", "column", "others"))}, status)


def _page(status: int, message: str, hint: str | None) -> bytes:
    return bytes(pages.error_page(status, message, hint).body)


async def _animeds_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnimedsError)
    status = status_of(error)
    if _wants_page(request):
        return pages.error_page(status, error.headline, error.hint)
    headers = {"retry-after": "2"} if status == 503 else None
    return JSONResponse({"error": as_json(error)}, status, headers)


async def _invalid_request(_request: Request, error: Exception) -> Response:
    """Return the first problem with a request as one line, in our shape rather than FastAPI's."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    path = ".".join(str(part) for part in first.get("loc", ()) if part not in ("query", "body", "path"))
    message = f"{path}: {first.get('msg')}" if path else str(first.get("msg"))
    return _error(422, "UsageError", message[:500].encode(errors="replace").decode())


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "There is no page at this address." if error.status_code == 404 else str(error.detail)
    if _wants_page(request):
        return pages.error_page(error.status_code, message)
    answer = _error(error.status_code, _KINDS.get(error.status_code, "UsageError"), message)
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    message = f"The service could not handle this request: {type(error).__name__}"
    return _error(500, "AnimedsError", message, "See its log for details.")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
