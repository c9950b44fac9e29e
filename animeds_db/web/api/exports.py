"""Exports: a dry run with a preview of the pictures, the start of the job, and the result as a ZIP file."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from animeds_db.export import with_previous
from animeds_db.web.api.frames import placed
from animeds_db.web.api.jobs import started
from animeds_db.web.bodies import jobs as job_models
from animeds_db.web.download import export_folder, files_of, last_export, zipped
from animeds_db.web.plain import records
from animeds_db.web.selection import Selection
from animeds_db.web.service import service_of
from animeds_db.web.workers.export_request import described
from animeds_db.web.workers.framing import Ask

router = APIRouter(tags=["exports"])
SHOWN = 24
"""Number of pictures in the preview of a dry run."""


@router.post("/exports")
async def export(request: Request, body: job_models.ExportBody) -> job_models.ExportAnswer:
    """Start an export of a selection in the background; with dry_run, return what would be written."""
    service = service_of(request)
    service.expect_database()
    selection = Selection.read(body.selection)
    await service.check_names(request, selection)
    options = body.options | {"layout": body.layout}
    described(options)
    if body.dry_run:
        with placed(selection):
            ask = Ask(selection.sql(), task="folders", more=options | {"shown": SHOWN})
            answer = await service.answer(request, ask)
        facts = json.loads((answer.table.schema.metadata or {}).get(b"facts", b"{}"))
        last = last_export(service.options, body.out)
        if last is not None:
            facts["pictures"] = await run_in_threadpool(with_previous, facts["pictures"], last)
        return job_models.ExportAnswer(folders=records(answer.table), **facts)
    export_folder(service.options, body.out)
    with placed(selection):  # report errors of the selection now, not from the job
        await service.check(request, selection.sql())
    arguments = {"sql": selection.sql(), "options": options, "out": body.out}
    job = started(service, request, "export", f"Export {body.out}", arguments)
    return job_models.ExportAnswer(job=job.job, joined=job.joined)


@router.get(
    "/exports/{name}/zip",
    responses={200: {"content": {"application/zip": {}}, "description": "The exported folder."}},
    response_class=StreamingResponse,
)
async def download(request: Request, name: str) -> StreamingResponse:
    """Return an exported folder as a ZIP file."""
    folder, files = await run_in_threadpool(files_of, service_of(request).options, name)
    headers = {"content-disposition": f'attachment; filename="{name}.zip"'}
    return StreamingResponse(zipped(folder, files), media_type="application/zip", headers=headers)
