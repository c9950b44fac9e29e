"""The masks of a frame: which there are, their pictures, and those that people draw."""

from __future__ import annotations

import base64
import io
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from PIL import Image

from animeds_db.errors import UsageError
from animeds_db.media.masks import LONGEST, Shape, drawn
from animeds_db.session.statements import literal
from animeds_db.web.api.common import FrameId, written
from animeds_db.web.bodies import answers as models
from animeds_db.web.bodies import labels as label_models
from animeds_db.web.pictures import no_frame
from animeds_db.web.selection import script
from animeds_db.web.service import service_of

router = APIRouter(tags=["masks"])
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "The mask."}}


@router.get("/frames/{frame_id}/masks")
async def masks(request: Request, frame_id: FrameId) -> list[models.MaskFacts]:
    """List the masks of a frame, by part."""
    rows = await _rows(request, frame_id)
    names = models.MaskFacts.model_fields
    return [models.MaskFacts(**{name: row[name] for name in names}) for row in rows if row["part"]]


@router.get("/frames/{frame_id}/mask", responses=PNG, response_class=Response)
async def mask(
    request: Request,
    frame_id: FrameId,
    part: Annotated[str, Query(max_length=100, description="what it shows")] = "character",
    box: Annotated[str | None, Query(max_length=200, description="only the mask of this box")] = None,
) -> Response:
    """Return a mask of the frame as PNG, longer edge 512 pixels at most: white, opaque where the mask is.

    Without a box: the mask of the whole frame, or else those of its boxes together, as exports use them.
    """
    rows = await _rows(request, frame_id)
    wide, high = rows[0]["width"], rows[0]["height"]
    factor = min(1.0, LONGEST / max(wide, high))
    size = max(1, round(wide * factor)), max(1, round(high * factor))
    chosen = [row for row in rows if row["part"] == part and (box is None or row["detection_id"] == box)]
    if box is None and any(row["detection_id"] is None for row in chosen):
        chosen = [row for row in chosen if row["detection_id"] is None or row["by"] == "person"]
    edges = ("left", "top", "right", "bottom", "shape")
    grey = drawn([Shape(*(row[edge] for edge in edges)) for row in chosen], *size)
    out = io.BytesIO()
    Image.fromarray(np.stack([np.full_like(grey, 255), grey], axis=2), "LA").save(out, "PNG")
    return Response(out.getvalue(), media_type="image/png", headers={"cache-control": "no-store"})


@router.post("/labels/mask")
async def draw(request: Request, body: label_models.MaskBody) -> label_models.Act:
    """Label a frame or a box with a mask that a person drew, or remove what was drawn there."""
    service = service_of(request)
    who = body.who or service.options.who
    if body.png is None:
        return await written(service, lambda: service.dataset.remove_mask(body.id, body.part, who=who))
    try:
        png = base64.b64decode(body.png, validate=True)
    except ValueError as error:  # binascii.Error is one
        raise UsageError("png is not base64.", hint="Send the bytes of a PNG in base64.") from error
    return await written(service, lambda: service.dataset.set_mask(body.id, png, body.part, who=who))


async def _rows(request: Request, frame_id: str) -> list[dict[str, Any]]:
    answer = await service_of(request).rows(request, script("masks", id=literal(frame_id)))
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    if not rows:
        raise no_frame(frame_id)
    return rows
