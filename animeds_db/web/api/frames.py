"""Selections of frames: their pages, counts and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from animeds_db.errors import QueryError, SourceError, UsageError
from animeds_db.web.api.common import FrameId, Selected, Token, Written, read_token, token_of
from animeds_db.web.api.placeholder import placeholder
from animeds_db.web.bodies.answers import Count, Explained, FramesPage
from animeds_db.web.pictures import WIDTHS, Box, no_frame
from animeds_db.web.selection import Selection
from animeds_db.web.service import Service, service_of

router = APIRouter(tags=["frames"])
PAGE = 200
FARTHEST = 10_000_000
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}, "image/png": {}, "image/svg+xml": {}}, "description": "The picture."}
}
LONG = {"cache-control": "private, max-age=3600"}
"""Ids are derived from content, so the picture of an id never changes."""


@router.get("/frames")
async def frames(
    request: Request,
    selection: Written,
    start: Annotated[int, Query(alias="from", ge=0, le=FARTHEST)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    token: Token = None,
) -> FramesPage:
    """Return one page of a selection."""
    query = request.url.query
    if token:
        query, start, count = _continued(token)
        selection = Selection.parse(parse_qsl(query, keep_blank_values=True))
    found, more = await page_of(request, selection, start, count)
    await service_of(request).check_names(request, selection, found=bool(found))
    after = token_of([query, start + len(found), count]) if more else None
    return FramesPage.model_validate({"frames": found, "from": start, "next": after, "truncated": more})


@router.get("/count")
async def count(request: Request, selection: Written) -> Count:
    """Return the number of frames in a selection."""
    n = await service_of(request).count(request, selection)
    await service_of(request).check_names(request, selection, found=n > 0)
    return Count(count=n)


@router.get("/explain")
async def explain(selection: Selected) -> Explained:
    """Return the SQL of a selection, as `animeds sql` runs it."""
    return Explained(sql=selection.sql())


@router.get("/frames/{frame_id}/thumbnail", responses=PICTURES, response_class=Response)
async def thumbnail(request: Request, frame_id: FrameId) -> Response:
    """Return the stored thumbnail: WebP, longer edge 256 pixels."""
    data = await service_of(request).pictures.thumbnail(frame_id)
    return Response(data, media_type="image/webp", headers=LONG)


@router.get("/frames/{frame_id}/image", responses=PICTURES, response_class=Response)
async def image(
    request: Request,
    frame_id: FrameId,
    width: Annotated[int | None, Query(ge=WIDTHS[0], le=WIDTHS[1])] = None,
) -> Response:
    """Return the exact frame, decoded again: PNG, or WebP if `width` scales it down.

    If the video is missing, the response is a placeholder (SVG) that says what to do, with a header X-Animeds-Missing.
    """
    return await _picture(service_of(request), frame_id, width, None)


@router.get("/frames/{frame_id}/crop", responses=PICTURES, response_class=Response)
async def crop(
    request: Request,
    frame_id: FrameId,
    box: Annotated[str | None, Query(max_length=100, description="left,top,right,bottom, each 0…1")] = None,
    face: Annotated[str | None, Query(max_length=200, description="the id of a face or another box")] = None,
    width: Annotated[int | None, Query(ge=WIDTHS[0], le=WIDTHS[1])] = 256,
) -> Response:
    """Return a part of the exact frame."""
    service = service_of(request)
    if (box is None) == (face is None):
        raise UsageError("Give either a box or a face.", hint="?box=0.1,0.2,0.5,0.6 or ?face=ID")
    found = _read_box(box) if box is not None else _box_of(service, frame_id, str(face))
    return await _picture(service, frame_id, width, found)


@contextmanager
def placed(selection: Selection) -> Iterator[None]:
    """Convert the line of an error from the generated SQL to the client's own SQL."""
    try:
        yield
    except QueryError as error:
        error.line = selection.line_of_start(error.line) if error.line is not None else None
        error.column = error.column if error.line is not None else None
        raise


async def page_of(
    request: Request, selection: Selection, start: int, count: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the grid rows of one page of a selection, and whether more follow."""
    service = service_of(request)
    page = await service.page(request, selection, start, count)
    if page is not None:
        scores, more = dict.fromkeys(page[0]), page[1]
    else:
        with placed(selection):
            found = await service.cached(request, selection.sql(), rows=count, skip=start)
        scores = dict(zip(*(found.table[name].to_pylist() for name in ("frame_id", "score")), strict=True))
        more = found.truncated
    rows = await service.tiles([i for i in scores if i is not None])
    return [rows[i] | {"score": scores[i]} for i in scores if i in rows], more


def _continued(token: str) -> tuple[str, int, int]:
    parts = read_token(token)
    kinds = (str, int, int)
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise UsageError("This token belongs to a different kind of page.", hint="start again without it")
    query, start, count = parts
    if not (0 <= start <= FARTHEST and 1 <= count <= 1000):
        raise UsageError("This token belongs to a different kind of page.", hint="start again without it")
    return query, start, count


async def _picture(service: Service, frame_id: str, width: int | None, box: Box | None) -> Response:
    try:
        data, kind = await service.pictures.frame(frame_id, width, box)
    except QueryError:
        raise no_frame(frame_id) from None
    except SourceError as error:
        headers = {
            "x-animeds-missing": error.message.encode("ascii", "replace").decode()[:300].replace("\n", " ")
        }
        return Response(placeholder(error), media_type="image/svg+xml", headers=headers)
    return Response(data, media_type=kind, headers=LONG)


def _read_box(text: str) -> Box:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError("A box must be left,top,right,bottom.", hint="?box=0.1,0.2,0.5,0.6") from None
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError("The edges of a box must be between 0 and 1, with left < right and top < bottom.")
    return left, top, right, bottom


def _box_of(service: Service, frame_id: str, face: str) -> Box:
    edges = ["left", "top", "right", "bottom"]
    rows = service.dataset.store.take("detections", [face], ["frame_id", *edges]).to_pylist()
    if not rows or rows[0]["frame_id"] != frame_id:
        raise UsageError(f"Frame {frame_id[:80]} has no box {face[:80]}.")
    left, top, right, bottom = (min(max(float(rows[0][edge]), 0.0), 1.0) for edge in edges)
    return left, top, right, bottom
