"""The pages of the service: HTML templates, and the scripts and styles that fill them from the API.

The URL of a page holds its state, and the same URL below /api returns the data as JSON. Assets are read once, at
start, so no path from a request reaches the disk.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import Any

import importlib_resources
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import DictLoader, Environment, StrictUndefined

from animeds_db.web.service import service_of

router = APIRouter(include_in_schema=False)

NAVIGATION = (
    ("ingest", "/ingest", "Add"),
    ("frames", "/", "Frames"),
    ("map", "/map", "Map"),
    ("clips", "/clips", "Clips"),
    ("duplicates", "/duplicates", "Duplicates"),
    ("clusters", "/clusters", "Faces"),
    ("characters", "/characters", "Characters"),
    ("review", "/review", "Review"),
    ("export", "/export", "Export"),
    ("queries", "/queries", "Queries"),
    ("sql", "/sql", "SQL"),
    ("labels", "/labels", "History"),
    ("jobs", "/jobs", "Jobs"),
)
"""Name of each page, its address, and its title in the navigation."""
WITHOUT_DATABASE = ("ingest", "jobs")
"""Pages that open before there is a database. The others lead to the first of these."""

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@router.get("/")
def frames(request: Request) -> Response:
    """Show a selection as a grid, with filters."""
    return page(request, "frames", "Frames", section="frames")


@router.get("/ingest")
def ingest(request: Request) -> Response:
    """Show the folders of the service, and the form of an ingest."""
    return page(request, "ingest", "Add episodes", section="ingest")


@router.get("/clusters")
def clusters(request: Request) -> Response:
    """Show groups of similar faces, to be named."""
    return page(request, "clusters", "Faces", section="clusters")


@router.get("/clips")
def clips(request: Request) -> Response:
    """Show clips for video trainers, to be kept, trimmed, dropped and exported."""
    return page(request, "clips", "Clips", section="clips")


@router.get("/jobs")
def jobs(request: Request) -> Response:
    """List the jobs of the service."""
    return page(request, "jobs", "Jobs", section="jobs")


@router.get("/frames/{frame_id}")
def frame(request: Request, frame_id: str) -> Response:
    """Show everything known about one frame."""
    return page(request, "frame", frame_id[:80], section="frames")


@router.get("/sql")
def sql(request: Request) -> Response:
    """Show the SQL editor."""
    return page(request, "sql", "SQL", section="sql")


@router.get("/queries")
def queries(request: Request) -> Response:
    """List the named queries."""
    return page(request, "queries", "Queries", section="queries")


@router.get("/queries/{name}")
def query(request: Request, name: str) -> Response:
    """Show one named query: its parameters, its rows, its SQL."""
    return page(request, "query", name[:80], section="queries")


@router.get("/characters")
def characters(request: Request) -> Response:
    """List the characters."""
    return page(request, "characters", "Characters", section="characters")


@router.get("/characters/{name}")
def character(request: Request, name: str) -> Response:
    """Show one character: where it appears, its examples, and its faces."""
    return page(request, "character", name[:80], section="characters")


@router.get("/characters/{name}/outfits")
def outfits(request: Request, name: str) -> Response:
    """Show what one character wears, to be named."""
    return page(request, "outfits", f"What {name[:80]} wears", section="characters")


@router.get("/duplicates")
def duplicates(request: Request) -> Response:
    """Show the groups of near-duplicates: which frame is kept, and why."""
    return page(request, "duplicates", "Duplicates", section="duplicates")


@router.get("/map")
def map_page(request: Request) -> Response:
    """Show every frame as a point, similar ones near each other."""
    return page(request, "map", "Map", section="map")


@router.get("/review")
def review(request: Request) -> Response:
    """Show the faces whose name a person should check."""
    return page(request, "review", "Review", section="review")


@router.get("/export")
def export(request: Request) -> Response:
    """Show the export form."""
    return page(request, "export", "Export", section="export")


@router.get("/labels")
def labels(request: Request) -> Response:
    """Show the history of corrections."""
    return page(request, "labels", "History", section="labels")


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """Return a script, style or picture of the pages."""
    asset = assets().get(name)
    if asset is None:
        return HTMLResponse("This file does not exist.", status_code=404)
    body, kind, tag = asset
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def page(request: Request, name: str, title: str, *, section: str) -> Response:
    """Return the page `name`: templates/NAME.html, filled by static/page_NAME.js.

    Without a database, lead to the page that makes one.
    """
    if name not in WITHOUT_DATABASE and not service_of(request).has_database:
        return RedirectResponse("/ingest", 303)
    html = (
        _templates()
        .get_template(f"{name}.html")
        .render(
            name=name, title=title, section=section, navigation=_navigation(request), **_settings(request)
        )
    )
    return HTMLResponse(html)


def error_page(status: int, message: str, hint: str | None = None) -> HTMLResponse:
    """Return a page that says what is wrong and what to do, e.g. when the token is missing."""
    html = (
        _templates()
        .get_template("error.html")
        .render(
            name="error",
            title=message,
            section="",
            navigation=(),
            message=message[:1].upper() + message[1:],
            hint=(hint or "").split("`"),
            asks_token=status == 401,
            read_only=True,
            exports=False,
        )
    )
    return HTMLResponse(html, status_code=status)


def _navigation(request: Request) -> list[tuple[str, str, str]]:
    """Return the pages that this service has: one that may not ingest has no page for it."""
    may_ingest = service_of(request).may_ingest
    return [row for row in NAVIGATION if may_ingest or row[0] != "ingest"]


def _settings(request: Request) -> dict[str, Any]:
    """Return the options of `animeds serve` that pages depend on."""
    options = getattr(request.app.state, "options", None)
    return {
        "read_only": bool(getattr(options, "read_only", False)),
        "exports": getattr(options, "exports", None) is not None,
    }


@cache
def assets() -> dict[str, tuple[bytes, str, str]]:
    """Return body, media type and ETag of every file in static/, by name."""
    found = {}
    for item in importlib_resources.files("animeds_db.web").joinpath("static").iterdir():
        suffix = item.name[item.name.rfind(".") :]
        if suffix in _TYPES:
            body = item.read_bytes()
            found[item.name] = (body, _TYPES[suffix], f'"{blake2b(body, digest_size=8).hexdigest()}"')
    return found


@cache
def _templates() -> Environment:
    folder = importlib_resources.files("animeds_db.web").joinpath("templates")
    texts = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".html")}
    return Environment(loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined)
