"""Facets of a selection, details of a frame, characters, duplicates, the review, and the status of the database."""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

import animeds_db
from animeds_db.errors import AnimedsError, StoreError
from animeds_db.session.statements import literal
from animeds_db.steps.coverage import Coverage
from animeds_db.web.api.common import FrameId, Selected, Token, alone, read_token, token_of
from animeds_db.web.api.frames import PICTURES, placed
from animeds_db.web.bodies import answers as models
from animeds_db.web.bodies import people
from animeds_db.web.errors import MissingError
from animeds_db.web.pictures import no_frame
from animeds_db.web.plain import records
from animeds_db.web.selection import HIDDEN_FIRST, Selection, script
from animeds_db.web.service import Service, service_of
from animeds_db.web.workers.framing import Ask

router = APIRouter(tags=["facts"])
_log = logging.getLogger("animeds")
FacetName = Literal["character", "appearance", "tag", "show", "season", "episode", "gate", "shot", "source"]
COLUMNS = {
    "show": '"show"',
    "season": "season",
    "episode": "episode",
    "shot": "source_id || '/' || shot",
    "source": "source_id",
}
ANY_OF = ("appearance", "show", "season", "episode", "gate", "shot", "source")
"""Facets where one matching value is enough, so their other values remain available."""
AHEAD = ("tag", "character", "episode", "gate")
"""Facets that are open at first on the Frames page."""
MOST_VALUES = 1000
FACES = 2000
EXAMPLES = 500


@router.get("/facets")
async def facets(
    request: Request,
    selection: Selected,
    facet: FacetName,
    limit: Annotated[int, Query(ge=1, le=MOST_VALUES)] = 30,
) -> models.Facet:
    """Return the values of one property in a selection, with their numbers of frames."""
    within = selection.without(facet) if facet in ANY_OF else selection
    with placed(within):
        sql = _facet_sql(facet, within)
        answer, recounting = await service_of(request).counted(request, sql, MOST_VALUES)
    rows = answer.table.slice(0, limit).to_pylist()
    values = [models.Value(value=row["value"], count=row["count"]) for row in rows]
    return models.Facet(
        facet=facet,
        values=values,
        truncated=answer.truncated or answer.table.num_rows > limit,
        recounting=recounting,
    )


async def count_ahead(service: Service) -> None:
    """Compute the facets of the first page in advance, so that it opens without waiting."""
    first = Selection.parse([("hide", HIDDEN_FIRST)])
    for facet in AHEAD:
        try:
            await service.counted(None, _facet_sql(facet, first), MOST_VALUES)
        except AnimedsError as error:  # a request will report it
            _log.debug("%s could not be counted ahead: %s", facet, error)


def _facet_sql(facet: str, selection: Selection) -> str:
    order = "value NULLS LAST" if facet in ("season", "episode") else "count DESC, value"
    if facet in ("season", "episode"):
        order = f"{facet} NULLS LAST"
    name = f"facet_{'column' if facet in COLUMNS else facet}"
    over_frames = facet in COLUMNS or facet == "tag"
    return script(name, within=within(selection, over_frames), column=COLUMNS.get(facet), order=order)


def within(selection: Selection, over_frames: bool = False) -> str:
    """Return a selection as a condition on frame_id, or on the view `frames`, which is faster."""
    if selection.is_everything:
        return "true"
    if selection.is_of_ids or (over_frames and selection.start is None):
        return selection.condition()
    return f"frame_id IN (SELECT frame_id FROM (\n{selection.sql(order=False)}\n))"


@router.get("/frames/{frame_id}")
async def frame(
    request: Request,
    frame_id: FrameId,
    captions: Annotated[bool, Query(description="with its captions: these take a second")] = False,
) -> models.FrameFacts:
    """Return everything known about a frame, with its origin."""
    source = frame_id.partition("-")[0]
    sql = script("frame", id=literal(frame_id), source=literal(source))
    service = service_of(request)
    of_source = Ask(sql, task="within", more={"sources": [source]})
    row = records((await service.answer(request, of_source)).table)[0]
    if row["frame"] is None:
        raise no_frame(frame_id)
    group = await service.rows(request, script("group_of_frame", id=literal(frame_id)))
    known = row["frame"] | {"dropped": row["said"] == "drop", "said": row["said"]}
    known.pop("picture")
    boxes = row["boxes"] or []
    texts: dict[str, str | None] = {}
    if captions:
        answer = await service.rows(request, script("caption", id=literal(frame_id)))
        texts = {"default": answer.table["caption"][0].as_py()}
    return models.FrameFacts(
        frame=known,
        source=row["source"],
        tags=row["tags"] or [],
        faces=[box | {"face_id": box["detection_id"]} for box in boxes if box["kind"] == "face"],
        heads=[box for box in boxes if box["kind"] == "head"],
        persons=[box for box in boxes if box["kind"] == "person"],
        halfbodies=[box for box in boxes if box["kind"] == "halfbody"],
        gate=row["gate"],
        captions=texts,
        descriptions=row["descriptions"] or [],
        duplicates=records(group.table),
        labels=row["labels"] or [],
        crops=row["crops"] or [],
        neighbours=row["neighbours"],
        provenance={"models": row["models"] or [], "sampling": (row["source"] or {}).get("sampling")},
    )


@router.get("/characters")
async def characters(request: Request) -> list[people.Character]:
    """List the characters, most faces first."""
    answer = await service_of(request).rows(request, script("characters"))
    return [people.Character(**row) for row in records(answer.table)]


@router.get("/characters/{name}")
async def character(request: Request, name: str) -> people.CharacterFacts:
    """Return one character: examples, faces with score and margin, and where it appears in each episode."""
    service = service_of(request)
    found = await service.rows(request, script("character_faces"), {"name": name})
    asked = script("character_examples")
    examples = records((await service.rows(request, asked, {"name": name}, rows=EXAMPLES)).table)
    faces = records(found.table)
    if not faces and not examples:
        raise MissingError(
            f"There is no character {name[:80]}.", hint="SELECT DISTINCT character FROM characters"
        )
    timeline = _timeline(faces)
    for face in faces:
        del face["title"], face["duration_s"]
    faces.sort(
        key=lambda face: (face["by"] == "label", face["margin"] if face["margin"] is not None else 1.0)
    )
    return people.CharacterFacts(
        name=name, examples=examples, faces=faces[:FACES], timeline=timeline, truncated=len(faces) > FACES
    )


@router.get("/characters/{name}/coverage")
async def coverage(request: Request, name: str) -> people.CharacterCoverage:
    """Return the kinds of pictures that the kept frames of a character lack, and what would fill these gaps."""
    service = service_of(request)
    found: Coverage = await service.kept(
        ("coverage", name), lambda: alone(service, lambda: service.dataset.coverage(name))
    )
    return people.CharacterCoverage(
        n_pictures=found.n_chosen,
        gaps=[people.GapFrames(gap=str(gap), n=gap.n, best=list(gap.best)) for gap in found.gaps],
        stretches=str(found.stretches) if len(found.stretches) else None,
        commands=found.stretches.commands(),
    )


def _timeline(faces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry per source, with the times of its frames."""
    lines: dict[str, dict[str, Any]] = {}
    for face in faces:
        names = ("source_id", "title", "show", "season", "episode", "duration_s")
        line = lines.setdefault(face["source_id"], {n: face[n] for n in names} | {"times": {}})
        line["times"][face["frame_id"]] = face["time_s"]
    for line in lines.values():
        line["times"] = [{"frame_id": i, "time_s": at} for i, at in line["times"].items()]
    return list(lines.values())


@router.get("/examples/{example_id}/thumbnail", responses=PICTURES, response_class=Response)
async def example(request: Request, example_id: FrameId) -> Response:
    """Return the head crop of an example as WebP."""
    store = service_of(request).dataset.store
    rows = await run_in_threadpool(store.take, "examples", [example_id], ["webp"])
    found = rows["webp"].to_pylist()
    if not found or found[0] is None:
        raise MissingError(f"There is no picture of an example {example_id[:80]}.")
    return Response(found[0], media_type="image/webp")


@router.get("/duplicates")
async def duplicates(
    request: Request,
    selection: Selected,
    start: Annotated[int, Query(alias="from", ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Query(ge=1, le=200)] = 50,
    token: Token = None,
) -> models.Groups:
    """Return groups of near-duplicates with frames in a selection: the kept frame, and why the others match it."""
    if token:
        start = _place(token)
    service = service_of(request)
    with placed(selection):
        sql = script("duplicates", within=within(selection))
        found = await service.rows(request, sql, rows=count, skip=start)
    ids, totals = (found.table[name].to_pylist() for name in ("group_id", "total"))
    after = token_of(start + len(ids)) if found.truncated else None
    groups: dict[str, list[dict[str, Any]]] = {i: [] for i in ids}
    if ids:
        sql = script("duplicate_frames", groups=", ".join(map(literal, ids)))
        for row in records((await service.rows(request, sql)).table):
            groups[row.pop("group_id")].append(row)
    grouped = [{"group_id": i, "frames": frames} for i, frames in groups.items()]
    return models.Groups(groups=grouped, total=totals[0] if totals else 0, next=after)


def _place(token: str) -> int:
    place = read_token(token)
    return place if type(place) is int and 0 <= place <= 10_000_000 else 0


@router.get("/review")
async def review(request: Request, k: Annotated[int, Query(ge=1, le=500)] = 20) -> people.Review:
    """Return faces whose name a person should check: the most doubtful, and some picked at random."""
    try:
        answer = await service_of(request).answer(request, Ask(task="review", more={"n": k}))
    except StoreError:  # no face has been classified yet
        return people.Review(faces=[])
    return people.Review(faces=records(answer.table))


@router.get("/status")
async def status(request: Request) -> models.Status:
    """Return the contents of the database, and what the service allows."""
    service = service_of(request)
    row: dict[str, Any] = {"models": []}
    recounting = False
    if service.has_database:
        answer, recounting = await service.counted(request, script("status"), 1)
        row = records(answer.table)[0]
        row["models"] = row["models"] or []
    return models.Status(
        name=service.uri.rstrip("/").rpartition("/")[2],
        database=service.uri,
        exists=service.has_database,
        version=animeds_db.__version__,
        read_only=service.options.read_only,
        exports=service.options.exports is not None,
        recounting=recounting,
        **row,
    )
