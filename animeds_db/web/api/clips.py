"""Clips for video trainers: those that a filter and a trainer's rules give, and their corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from animeds_db.session.statements import literal
from animeds_db.web import label_models, moving_models
from animeds_db.web.api.common import alone
from animeds_db.web.plain import records
from animeds_db.web.selection import script
from animeds_db.web.service import service_of

router = APIRouter(tags=["clips"])
Word = Annotated[str | None, Query(max_length=500)]
Words = Annotated[list[str] | None, Query(max_length=200)]
Seconds = Annotated[float | None, Query(ge=0, le=600)]


@dataclass
class ClipFilter:
    """Which clips: the rules of the trainer, and what is in them."""

    trainer: str
    condition: str

    @property
    def sql(self) -> str:
        """The clips as SQL, in the order of shows and times."""
        return script("clips", trainer=self.trainer, condition=self.condition)


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
    trainer = f"fps := {fps!r}, frames := {literal(frames)}, min_s := {min_s!r}, max_s := {max_s!r}"
    conditions = [f"list_contains(c.characters, {literal(name)})" for name in character or ()]
    for column, values in (("motion", motion), ("source_id", source), ("shot_id", shot)):
        if values:
            conditions.append(f"c.{column} IN ({', '.join(map(literal, values))})")
    if said:
        conditions.append(f"contains(lower(c.line), lower({literal(said)}))")
    if kept:
        conditions.append("c.is_kept")
    return ClipFilter(trainer, " AND ".join(conditions) or "true")


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
