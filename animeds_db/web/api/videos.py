"""Light videos of shots, of clips, and of the seconds around a frame; and the timeline of a video.

Browsers can ask for ranges of the bytes of a video.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from animeds_db.dataset.playing import AFTER_S, BEFORE_S
from animeds_db.session.statements import literal
from animeds_db.web.api.common import FrameId
from animeds_db.web.bodies.moving import Timeline
from animeds_db.web.errors import MissingError
from animeds_db.web.plain import records
from animeds_db.web.selection import script
from animeds_db.web.service import service_of

router = APIRouter(tags=["videos"])
MP4 = "video/mp4"
KEPT = {"cache-control": "private, max-age=60", "accept-ranges": "bytes"}
"""A browser asks for the ranges of a video within a minute. Shots can be found again, and are then others."""
SHAPES: dict[int | str, dict[str, Any]] = {
    200: {"content": {MP4: {}}, "description": "The video: H.264 and AAC."},
    206: {"content": {MP4: {}}, "description": "A range of its bytes."},
    416: {"description": "The video does not have this range of bytes."},
}
Id = Annotated[str, Path(max_length=200)]
Seconds = Annotated[float, Query(ge=0, le=10)]
_RANGE = re.compile(r"bytes=(\d{1,15})?-(\d{1,15})?")


@router.get("/frames/{frame_id}/video", responses=SHAPES, response_class=Response)
async def around(
    request: Request,
    frame_id: FrameId,
    before: Seconds = BEFORE_S,
    after: Seconds = AFTER_S,
    shot: Annotated[bool, Query(description="play the shot that the frame is in")] = False,
) -> Response:
    """Return the seconds around a frame, or its shot, as a light video: at most 10 seconds, 480 pixels high."""
    asked = {"of": "shot_of_frame"} if shot else {"of": "frame", "before_s": before, "after_s": after}
    return await _video(request, frame_id=frame_id, **asked)


@router.get("/shots/{shot_id}/video", responses=SHAPES, response_class=Response)
async def shot(request: Request, shot_id: Id) -> Response:
    """Return a shot as a light video: its first 10 seconds, 480 pixels high."""
    return await _video(request, of="shot", shot_id=shot_id)


@router.get("/clips/{clip_id}/video", responses=SHAPES, response_class=Response)
async def clip(request: Request, clip_id: Id, margin: Seconds = 0.0) -> Response:
    """Return a clip as a light video: at most 10 seconds, 480 pixels high. margin: seconds before and after it."""
    return await _video(request, of="clip", clip_id=clip_id, margin_s=margin)


@router.get("/sources/{source_id}/timeline")
async def timeline(request: Request, source_id: Id) -> Timeline:
    """Return what happens when in one video: shots, who is in them, what is said, chapters."""
    service = service_of(request)
    row = records((await service.cached(request, script("timeline", source=literal(source_id)))).table)[0]
    if row["shots"] is None:
        raise MissingError(f"There is no source {source_id[:80]}.", hint="SELECT source_id FROM sources")
    return Timeline(source_id=source_id, **{name: value for name, value in row.items() if value is not None})


async def _video(request: Request, **asked: Any) -> Response:
    service = service_of(request)
    version = await run_in_threadpool(lambda: service.dataset.store.version("shots"))
    return ranged(request.headers.get("range"), await service.moving.video(request, version, **asked))


def ranged(wanted: str | None, data: bytes) -> Response:
    """Return the whole video, or the range of bytes in a Range header (status 206; 416 if the video lacks it).

    A header that is not valid, has several ranges or another unit is ignored, as RFC 9110 asks for.
    """
    headers = dict(KEPT)
    found = _RANGE.fullmatch(wanted.strip()) if wanted else None
    start, end = found.groups() if found else (None, None)
    if start is end is None or (start and end and int(start) > int(end)):
        return Response(data, media_type=MP4, headers=headers)
    if start is None:  # the last bytes
        first, last = max(0, len(data) - int(end or 0)), len(data) - 1
    else:
        first, last = int(start), min(int(end or len(data)), len(data) - 1)
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    headers |= {"content-range": f"bytes {first}-{last}/{len(data)}"}
    return Response(data[first : last + 1], 206, media_type=MP4, headers=headers)
