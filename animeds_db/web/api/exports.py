"""Exports: a dry run, a job in the background, its progress as events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from animeds_db.web import models
from animeds_db.web.api.frames import placed
from animeds_db.web.plain import records
from animeds_db.web.selection import Selection
from animeds_db.web.service import service_of
from animeds_db.web.workers.export_request import described
from animeds_db.web.workers.framing import Ask
from animeds_db.web.workers.jobs import Job
from animeds_db.web.workers.rendering import compact

router = APIRouter(tags=["exports"])
LOOK_S = 0.2
"""How often a job is looked at while somebody watches."""
BEAT = 75
"""After so many looks without news a comment is sent: proxies cut lines that are silent."""
END = {"done": "done", "failed": "error", "cancelled": "cancelled"}


@router.post("/exports")
async def export(request: Request, body: models.ExportBody) -> models.ExportAnswer:
    """Write a selection to a folder of this name, in the background; or with dry_run tell what would be written."""
    service = service_of(request)
    selection = Selection.read(body.selection)
    options = body.options | {"layout": body.layout}
    described(options)
    if body.dry_run:
        with placed(selection):
            answer = await service.answer(request, Ask(selection.sql(), task="folders", more=options))
        notes = json.loads((answer.table.schema.metadata or {}).get(b"notes", b"[]"))
        return models.ExportAnswer(folders=records(answer.table), notes=notes)
    service.jobs.folder(body.out)
    with placed(selection):  # what is wrong with the selection is told now, not by the job
        await service.check(request, selection.sql())
    client = request.client.host if request.client else ""
    job = service.jobs.start(selection.sql(), options, body.out, client)
    return models.ExportAnswer(job=job.id)


@router.get("/exports")
async def exports(request: Request) -> list[models.JobState]:
    """List the exports since the service was started, newest first."""
    return [models.JobState(**told) for told in service_of(request).jobs.all()]


@router.get("/exports/{job}")
async def export_state(request: Request, job: str) -> models.JobState:
    """Tell how far an export is, or how it ended."""
    return models.JobState(**service_of(request).jobs.get(job).told())


@router.post("/exports/{job}/cancel")
async def cancel(request: Request, job: str) -> models.JobState:
    """Stop an export; the same export goes on later where it stopped."""
    return models.JobState(**(await service_of(request).jobs.cancel(job)).told())


@router.get(
    "/exports/{job}/events",
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "progress …, then done, error or cancelled",
        }
    },
    response_class=StreamingResponse,
)
async def events(request: Request, job: str) -> StreamingResponse:
    """Send progress as server-sent events, until the export ends."""
    found = service_of(request).jobs.get(job)
    return StreamingResponse(
        _events(found), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


async def _events(job: Job) -> AsyncIterator[str]:
    seen, silent = -1, 0
    while True:
        if job.version != seen:
            seen, silent = job.version, 0
            told = job.told()
            yield f"event: {END.get(told['state'], 'progress')}\ndata: {compact(told)}\n\n"
            if told["state"] in END:
                return
        else:
            silent += 1
            if silent % BEAT == 0:
                yield ": still there\n\n"
        await asyncio.sleep(LOOK_S)
