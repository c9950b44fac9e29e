"""The names that forms offer: layouts, caption profiles, crops, picture formats."""

from __future__ import annotations

from fastapi import APIRouter

from animeds_db.captions import profile_names
from animeds_db.export import CROP_KINDS, FORMATS, LAYOUTS
from animeds_db.web import models

router = APIRouter(tags=["choices"])


@router.get("/choices")
async def choices() -> models.Choices:
    """Return the names that this installation knows, including layouts of other packages."""
    return models.Choices(
        layouts=[models.Choice(name=layout.name, title=layout.reads) for layout in LAYOUTS.values()],
        captions=profile_names(),
        crops=list(CROP_KINDS),
        formats=list(FORMATS),
    )
