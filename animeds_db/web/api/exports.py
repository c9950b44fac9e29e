"""Exports: dry runs, background jobs, and their progress as events."""

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
"""Seconds between two checks of a job's progress."""
BEAT = 75
"""Number of checks without progress before a comment is sent, because proxies close silent connections."""
END = {"done": "done", "failed": "error", "cancelled": "cancelled"}


@router.post("/exports")
async def export(request: Request, body: models.ExportBody) -> models.ExportAnswer:
    """Start an export of a selection in the background; with dry_run, return what would be written."""
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
    with placed(selection):  # report errors of the selection now, not from the job
        await service.check(request, selection.sql())
    client = request.client.host if request.client else ""
    job = service.jobs.start(selection.sql(), options, body.out, client)
    return models.ExportAnswer(job=job.id)


@router.get("/exports")
async def exports(request: Request) -> list[models.JobState]:
    """List the exports since the service was started, newest first."""
    return [models.JobState(**state) for state in service_of(request).jobs.all()]


@router.get("/exports/{job}")
async def export_state(request: Request, job: str) -> models.JobState:
    """Return the progress of an export, or how it ended."""
    return models.JobState(**service_of(request).jobs.get(job).as_json())


@router.post("/exports/{job}/cancel")
async def cancel(request: Request, job: str) -> models.JobState:
    """Stop an export. Starting it again continues it."""
    return models.JobState(**(await service_of(request).jobs.cancel(job)).as_json())


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
            state = job.as_json()
            yield f"event: {END.get(state['state'], 'progress')}\ndata: {compact(state)}\n\n"
            if state["state"] in END:
                return
        else:
            silent += 1
            if silent % BEAT == 0:
                yield ": still running\n\n"
        await asyncio.sleep(LOOK_S)
