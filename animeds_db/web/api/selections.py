"""Selections that people saved by name: the views in the bar of the page."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.errors import UsageError
from animeds_db.steps import selections as steps
from animeds_db.web.api.frames import placed
from animeds_db.web.bodies import answers as models
from animeds_db.web.selection import Selection
from animeds_db.web.service import service_of

router = APIRouter(tags=["selections"])
Name = Annotated[str, Path(max_length=400)]


@router.get("/selections")
async def selections(request: Request) -> list[models.Saved]:
    """List the saved selections by name."""
    service = service_of(request)
    if not service.has_database:
        return []
    found = await run_in_threadpool(steps.saved_selections, service.dataset.store)
    return [_plain(one) for one in found]


@router.put("/selections/{name}")
async def save(request: Request, name: Name, body: models.SaveBody) -> models.Saved:
    """Save a selection under a name; one of the same name is replaced."""
    service = service_of(request)
    if body.frames and body.selection:
        raise UsageError("Give either a selection or frames.")
    if body.frames:
        store, who = service.dataset.store, service.options.who
        return _plain(await run_in_threadpool(steps.save_frames, store, name, body.frames, who=who))
    selection = Selection.read(body.selection)
    await service.check_names(request, selection)
    with placed(selection):
        await service.check(request, selection.sql())

    def write() -> steps.SavedSelection:
        store, who = service.dataset.store, service.options.who
        return steps.save_selection(store, name, selection.sql(), address=body.selection, who=who)

    return _plain(await run_in_threadpool(write))


@router.delete("/selections/{name}")
async def delete(request: Request, name: Name) -> models.Saved:
    """Delete a saved selection, not its frames, and return it."""
    store = service_of(request).dataset.store
    found = await run_in_threadpool(steps.saved_selection, store, name)
    await run_in_threadpool(steps.delete_selection, store, name)
    return _plain(found)


def _plain(one: steps.SavedSelection) -> models.Saved:
    selection = one.address or urlencode({"q": one.sql, "hide": "none"})
    return models.Saved(name=one.name, selection=selection, who=one.who, saved_at=one.saved_at)
