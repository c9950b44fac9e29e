"""Jobs: ingest, dedup, cluster, classify and map are started here; all are listed, followed, stopped and continued."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.safe_files import resolved_below
from animeds_db.web.bodies import jobs as job_models
from animeds_db.web.errors import RefusedError
from animeds_db.web.service import Service, service_of
from animeds_db.web.workers.job import Job, Kind
from animeds_db.web.workers.rendering import compact

router = APIRouter(tags=["jobs"])
LOOK_S = 0.2
"""Seconds between two checks of a job's progress."""
BEAT = 75
"""Number of checks without progress before a comment is sent, because proxies close silent connections."""
END = {"done": "done", "failed": "error", "cancelled": "cancelled", "interrupted": "interrupted"}
TITLES = {
    "dedup": "Find near-duplicates",
    "cluster": "Group faces",
    "classify": "Name faces",
    "map": "Compute the map",
}
Asked = Annotated[
    job_models.IngestBody
    | job_models.DedupBody
    | job_models.ClusterBody
    | job_models.ClassifyBody
    | job_models.MapBody,
    Body(discriminator="kind"),
]


@router.post("/jobs")
async def start(request: Request, body: Asked) -> job_models.StartedJob:
    """Start a job. It waits until earlier jobs have ended. An equal job that is waiting or running is joined."""
    service = service_of(request)
    arguments = body.model_dump(exclude={"kind"}, exclude_none=True)
    title = TITLES.get(body.kind, "")
    if isinstance(body, job_models.IngestBody):
        title, arguments["paths"] = await run_in_threadpool(_checked_paths, service, body)
    else:
        service.expect_database()
    if isinstance(body, job_models.DedupBody) and body.preview:
        title = "Preview near-duplicates"
    return started(service, request, body.kind, title, arguments)


def started(
    service: Service, request: Request, kind: Kind, title: str, arguments: dict[str, Any]
) -> job_models.StartedJob:
    """Start a job for the client of a request."""
    job, is_joined = service.jobs.start(kind, title, arguments, client_of(request))
    return job_models.StartedJob(job=job.id, joined=is_joined)


def client_of(request: Request) -> str:
    """Return the address of the client."""
    return request.client.host if request.client else ""


def _checked_paths(service: Service, body: job_models.IngestBody) -> tuple[str, list[str]]:
    """Return a title for an ingest, and its paths with their links resolved. Raises as `resolved_below` does."""
    roots = service.options.roots
    if not service.may_ingest:
        raise RefusedError(
            "This service does not ingest.",
            hint="`animeds serve --roots FOLDER` lets it read below a folder.",
        )
    known = service.profiles()
    if body.profile is not None and body.profile not in known:
        raise UsageError(
            f'There is no profile of models "{body.profile}".', hint=did_you_mean(body.profile, known)
        )
    places = [resolved_below(roots, path) for path in body.paths]
    names = [place.name or str(place) for place in places]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"Ingest {names[0]}{more}", [str(place) for place in places]


@router.get("/jobs")
async def jobs(request: Request, kind: Kind | None = None) -> list[job_models.JobState]:
    """List the jobs, newest first, without their logs."""
    listed = service_of(request).jobs.all()
    return [job_models.JobState(**job.as_json(job.n_lines)) for job in listed if kind in (None, job.kind)]


@router.get("/jobs/{job}")
async def job_state(request: Request, job: str) -> job_models.JobState:
    """Return the progress of a job, or how it ended, with its log."""
    return job_models.JobState(**service_of(request).jobs.get(job).as_json())


@router.post("/jobs/{job}/cancel")
async def cancel(request: Request, job: str) -> job_models.JobState:
    """Stop a job. It can be continued."""
    return job_models.JobState(**(await service_of(request).jobs.cancel(job)).as_json())


@router.post("/jobs/{job}/continue")
async def continue_job(request: Request, job: str) -> job_models.StartedJob:
    """Start a job again that was stopped, interrupted or failed. Finished work is not done again."""
    service = service_of(request)
    found, is_joined = service.jobs.continued(job, client_of(request))
    return job_models.StartedJob(job=found.id, joined=is_joined)


@router.get(
    "/jobs/{job}/events",
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "progress …, then done, error, cancelled or interrupted",
        }
    },
    response_class=StreamingResponse,
)
async def events(request: Request, job: str) -> StreamingResponse:
    """Send progress as server-sent events until the job ends. Each event has the new lines of the log."""
    found = service_of(request).jobs.get(job)
    return StreamingResponse(
        _events(found), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


async def _events(job: Job) -> AsyncIterator[str]:
    seen, silent, lines = -1, 0, 0
    while True:
        if job.version != seen:
            seen, silent = job.version, 0
            state = job.as_json(lines)
            lines = job.n_lines
            yield f"event: {END.get(state['state'], 'progress')}\ndata: {compact(state)}\n\n"
            if state["state"] in END:
                return
        else:
            silent += 1
            if silent % BEAT == 0:
                yield ": still running\n\n"
        await asyncio.sleep(LOOK_S)
