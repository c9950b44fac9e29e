"""The application, put together: routers, what happens at start and end, one shape for every error."""

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
from animeds_db.web.errors import as_json, status_of
from animeds_db.web.models import Refusal
from animeds_db.web.options import Options
from animeds_db.web.safety import Safety
from animeds_db.web.service import Service

_log = logging.getLogger("animeds")
_KINDS = {404: "MissingError", 405: "UsageError"}


def build(uri: str, options: Options) -> FastAPI:
    """Return the application. Raises StoreError for a path that is no database."""
    service = Service(uri, options)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        counting = asyncio.create_task(count_ahead(service)) if options.ahead else None
        try:
            yield
        finally:
            if counting:
                counting.cancel()
            await service.close()

    app = FastAPI(
        title="animeds-db",
        version=animeds_db.__version__,
        description="Anime episodes as a database: ask, look, correct, export.",
        lifespan=life,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={status: {"model": Refusal} for status in (400, 403, 404, 409, 422, 503)},
    )
    app.state.service = service
    app.state.options = options
    for router in ROUTERS:
        app.include_router(router, prefix="/api")
    app.include_router(pages.router)
    app.add_exception_handler(AnimedsError, _told)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(
        Safety, hosts=options.hosts, token=options.token, read_only=options.read_only, page=_page
    )
    return app


def _error(status: int, kind: str, message: str, hint: str | None = None) -> JSONResponse:
    told = {"kind": kind, "message": message, "hint": hint}
    return JSONResponse({"error": told | dict.fromkeys(("file", "line", "column", "others"))}, status)


def _page(status: int, message: str, hint: str | None) -> bytes:
    return bytes(pages.error_page(status, message, hint).body)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnimedsError)
    status = status_of(error)
    if _wants_page(request):
        return pages.error_page(status, error.headline, error.hint)
    headers = {"retry-after": "2"} if status == 503 else None
    return JSONResponse({"error": as_json(error)}, status, headers)


async def _unfit(_request: Request, error: Exception) -> Response:
    """Tell what does not fit, in one line: FastAPI's own shape is another one."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    place = ".".join(str(part) for part in first.get("loc", ()) if part not in ("query", "body", "path"))
    message = f"{place}: {first.get('msg')}" if place else str(first.get("msg"))
    return _error(422, "UsageError", message[:500].encode(errors="replace").decode())


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "there is nothing at this address" if error.status_code == 404 else str(error.detail)
    if _wants_page(request):
        return pages.error_page(error.status_code, message)
    answer = _error(error.status_code, _KINDS.get(error.status_code, "UsageError"), message)
    answer.headers.update(error.headers or {})
    return answer


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    message = f"the service failed at this: {type(error).__name__}"
    return _error(500, "AnimedsError", message, "its log says more")


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
