"""The names that forms offer: layouts, caption profiles, crops, picture formats, models and sampling modes."""

from __future__ import annotations

from fastapi import APIRouter, Request

from animeds_db import settings
from animeds_db.captions import profile_names
from animeds_db.dataset import sampling_modes
from animeds_db.export import CROP_KINDS, FORMATS, LAYOUTS
from animeds_db.store.remembered import remembered
from animeds_db.web.bodies import jobs as job_models
from animeds_db.web.service import service_of

router = APIRouter(tags=["choices"])


@router.get("/choices")
async def choices(request: Request) -> job_models.Choices:
    """Return the names that this installation knows, including layouts of other packages."""
    service = service_of(request)
    options = remembered(service.dataset.store) if service.has_database else {}
    return job_models.Choices(
        layouts=[job_models.Choice(name=layout.name, title=layout.reads) for layout in LAYOUTS.values()],
        clip_layouts=[layout.name for layout in LAYOUTS.values() if layout.clips is not None],
        captions=profile_names(),
        crops=list(CROP_KINDS),
        formats=list(FORMATS),
        profiles=service.profiles(),
        profile=settings.resolve("profile", remembered=options).value,
        sampling=list(sampling_modes()),
        sample=settings.resolve("sampling", remembered=options).value,
    )
