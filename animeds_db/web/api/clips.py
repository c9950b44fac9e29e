"""Clips for video trainers: those that a filter and a trainer's rules give, their corrections, and their export."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from animeds_db.session.statements import literal
from animeds_db.web.api.common import alone
from animeds_db.web.api.jobs import started
from animeds_db.web.bodies import labels as label_models
from animeds_db.web.bodies import moving as moving_models
from animeds_db.web.download import export_folder
from animeds_db.web.plain import records
from animeds_db.web.selection import script
from animeds_db.web.service import service_of
from animeds_db.web.workers.export_request import described_clips
from animeds_db.web.workers.framing import Ask

router = APIRouter(tags=["clips"])
Word = Annotated[str | None, Query(max_length=500)]
Words = Annotated[list[str] | None, Query(max_length=200)]
Seconds = Annotated[float, Query(ge=0, le=600)]


@dataclass
class ClipFilter:
    """Which clips: the rules of the trainer, and what is in them."""

    fps: float
    frames: str
    min_s: float
    max_s: float
    condition: str

    @property
    def sql(self) -> str:
        """The clips as SQL, in the order of shows and times."""
        lengths = f"min_s := {self.min_s!r}, max_s := {self.max_s!r}"
        trainer = f"fps := {self.fps!r}, frames := {literal(self.frames)}, {lengths}"
        return script("clips", trainer=trainer, condition=self.condition)

    @property
    def options(self) -> dict[str, Any]:
        """The rules of the trainer as options of an export."""
        return {"fps": self.fps, "frames": self.frames, "max_frames": math.ceil(self.max_s * self.fps) + 1}


def clip_filter(
    fps: Annotated[float, Query(gt=0, le=120, description="frames per second of the trainer")] = 16,
    frames: Annotated[str, Query(max_length=200, description="4n+1, 8n+1, 34,68,102 or any")] = "4n+1",
    min_s: Seconds = 1,
    max_s: Seconds = 5,
    character: Words = None,
    motion: Annotated[list[Literal["still", "pan", "zoom", "moving"]] | None, Query()] = None,
    said: Annotated[Word, Query(description="words of the dialogue")] = None,
    source: Words = None,
    shot: Annotated[Words, Query(description="ids of shots")] = None,
    kept: Annotated[bool, Query(description="only clips that a person made")] = False,
) -> ClipFilter:
    """Return the filter in a URL."""
    conditions = [f"list_contains(c.characters, {literal(name)})" for name in character or ()]
    for column, values in (("motion", motion), ("source_id", source), ("shot_id", shot)):
        if values:
            conditions.append(f"c.{column} IN ({', '.join(map(literal, values))})")
    if said:
        conditions.append(f"contains(lower(c.line), lower({literal(said)}))")
    if kept:
        conditions.append("c.is_kept")
    return ClipFilter(fps, frames, min_s, max_s, " AND ".join(conditions) or "true")


Filtered = Annotated[ClipFilter, Depends(clip_filter)]


@router.get("/clips")
async def clips(
    request: Request,
    chosen: Filtered,
    start: Annotated[int, Query(alias="from", ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = 120,
) -> moving_models.ClipsPage:
    """Return one page of the clips. Before `animeds shots` there are none."""
    answer = await service_of(request).cached(request, chosen.sql, rows=count, skip=start)
    return moving_models.ClipsPage.model_validate(
        {"clips": records(answer.table), "from": start, "truncated": answer.truncated}
    )


@router.get("/clips/count")
async def count(request: Request, chosen: Filtered) -> moving_models.ClipsCount:
    """Return the number of clips, and their seconds together."""
    sql = f"SELECT count(*) AS count, coalesce(sum(seconds), 0) AS seconds FROM (\n{chosen.sql}\n)"
    (row,) = records((await service_of(request).cached(request, sql)).table)
    return moving_models.ClipsCount(**row)


@router.post("/clips/drop")
async def drop(request: Request, body: moving_models.ClipIds) -> label_models.Act:
    """Drop clips: no clip touches their frames any more."""
    service = service_of(request)
    act = await alone(service, lambda: service.dataset.drop_clips(body.clips, who=service.options.who))
    return label_models.Act(act=act.id, n=act.n, notes=act.notes)


@router.post("/clips/keep")
async def keep(request: Request, body: moving_models.ClipBody) -> moving_models.ClipAct:
    """Keep a clip exactly as it is, whatever the trainer."""
    service = service_of(request)
    act = await alone(service, lambda: service.dataset.keep_clip(body.clip, who=service.options.who))
    return moving_models.ClipAct(act=act.id, n=act.n, notes=act.notes, clip_id=act.clip_id)


@router.post("/clips/trim")
async def trim(request: Request, body: moving_models.TrimBody) -> moving_models.ClipAct:
    """Let a clip begin or end at another time. The old clip is dropped, and the new one kept."""
    service = service_of(request)
    act = await alone(
        service,
        lambda: service.dataset.trim_clip(
            body.clip, first_s=body.first_s, last_s=body.last_s, who=service.options.who
        ),
    )
    return moving_models.ClipAct(act=act.id, n=act.n, notes=act.notes, clip_id=act.clip_id)


@router.post("/clips/export")
async def export(
    request: Request, chosen: Filtered, body: moving_models.ClipExportBody
) -> moving_models.ClipExportAnswer:
    """Start an export of clips in the background; with dry_run, return its buckets and what they leave out."""
    service = service_of(request)
    service.expect_database()
    options = chosen.options | body.options | {"layout": body.layout}
    described_clips(options)
    sql = chosen.sql if body.clips is None else _these(body.clips)
    if body.dry_run:
        answer = await service.answer(request, Ask(sql, task="buckets", more=options))
        facts = json.loads((answer.table.schema.metadata or {}).get(b"facts", b"{}"))
        return moving_models.ClipExportAnswer(buckets=records(answer.table), **facts)
    export_folder(service.options, body.out)
    await service.check(request, sql)
    arguments = {"sql": sql, "options": options, "out": body.out, "clips": True}
    job = started(service, request, "export", f"Export clips to {body.out}", arguments)
    return moving_models.ClipExportAnswer(job=job.job, joined=job.joined)


def _these(ids: list[str]) -> str:
    return f"SELECT unnest([{', '.join(map(literal, ids))}]) AS clip_id"
