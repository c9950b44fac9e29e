"""Labels, their history, and undo. Labels that others wrote in the meantime are not overwritten silently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.errors import UsageError
from animeds_db.steps.labels import changes as steps
from animeds_db.steps.labels.tag_edits import TagEdits, holders, tag_labels
from animeds_db.web.api.common import Token, read_token, token_of, written
from animeds_db.web.api.frames import placed
from animeds_db.web.bodies import labels as label_models
from animeds_db.web.errors import ConflictError
from animeds_db.web.plain import plain, records
from animeds_db.web.selection import Selection, script
from animeds_db.web.service import Service, service_of

router = APIRouter(tags=["labels"])
Said = tuple[str, str, str | None, str]
MOST = 100_000
"""Maximum number of labels in one change set."""


@router.get("/labels")
async def history(
    request: Request,
    start: Annotated[int, Query(alias="from", ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Query(ge=1, le=1000)] = 100,
    token: Token = None,
) -> label_models.History:
    """Return the change sets, newest first."""
    if token:
        place = read_token(token)
        start = place if type(place) is int and 0 <= place <= 10_000_000 else 0
    sql = "SELECT * FROM label_history ORDER BY said_at DESC, act DESC"
    answer = await service_of(request).rows(request, sql, rows=count, skip=start)
    after = token_of(start + answer.table.num_rows) if answer.truncated else None
    return label_models.History(
        acts=[label_models.PastAct(**row) for row in records(answer.table)], next=after
    )


@router.post("/labels")
async def label(request: Request, body: label_models.LabelBody) -> label_models.Act:
    """Label frames or faces in one change set. 409 if others have labelled them differently since `seen`."""
    service = service_of(request)
    said = await _said(request, service, body)
    check = "seen" in body.model_fields_set

    def write() -> steps.Act:
        if check:
            _expect_agreement(service, said, body.seen)
        return service.dataset.label_all(said, who=body.who or service.options.who)

    return await written(service, write)


@router.post("/labels/tags")
async def tags(request: Request, body: label_models.ChosenBody) -> label_models.TagCounts:
    """Return the tags of the chosen frames, with the number of these frames that have each."""
    service = service_of(request)
    if (body.ids is None) == (body.selection is None):
        raise UsageError("Use exactly one of ids and selection.")
    ids = await _frames(request, service, body)

    def counted() -> list[dict[str, Any]]:
        with service.writing:
            rows: list[dict[str, Any]] = service.dataset.tag_counts(ids).to_pylist()
            return rows

    found = await run_in_threadpool(counted)
    return label_models.TagCounts(n_frames=len(ids), tags=[label_models.TagCount(**row) for row in found])


@router.post("/labels/undo")
async def undo(request: Request, body: label_models.UndoBody | None = None) -> label_models.Act:
    """Undo a change set. An undo is itself a change set and can be undone."""
    service, body = service_of(request), body or label_models.UndoBody()
    who = body.who or service.options.who
    return await written(service, lambda: service.dataset.undo(body.act, who=who))


@router.delete("/labels/{act}")
async def delete(request: Request, act: str) -> label_models.Act:
    """Undo this change set."""
    service = service_of(request)
    return await written(service, lambda: service.dataset.undo(act, who=service.options.who))


async def _said(request: Request, service: Service, body: label_models.LabelBody) -> list[Said]:
    """Return the labels of a request. Raises UsageError unless it says once what is labelled."""
    ways = [name for name in ("labels", "ids", "selection") if getattr(body, name) is not None]
    if len(ways) + body.everywhere != 1:
        raise UsageError("Use exactly one of labels, ids, selection and everywhere.")
    if body.labels is not None:
        return [(word.field, word.op, word.value, word.id) for word in body.labels]
    if body.tags is not None:
        edits = TagEdits(body.tags.add, body.tags.remove, body.tags.replace)
        chosen = None if body.everywhere else await _frames(request, service, body)
        return await run_in_threadpool(_tag_labels, service, edits, chosen)
    if body.everywhere:
        raise UsageError(
            "Only tags can be edited everywhere.", hint='{"tags": {"replace": …}, "everywhere": true}'
        )
    if body.field is None or body.op is None:
        raise UsageError(
            "field and op are required.", hint='{"field": "frame", "op": "set", "value": "drop", …}'
        )
    ids = await _frames(request, service, body)
    return [(body.field, body.op, body.value, one) for one in ids]


def _tag_labels(service: Service, edits: TagEdits, chosen: list[str] | None) -> list[Said]:
    with service.writing:
        session = service.dataset.session
        said = tag_labels(session, edits, holders(session, edits) if chosen is None else chosen)
    if len(said) > MOST:
        raise UsageError(
            f"This edit has {len(said)} labels. At most {MOST} are allowed.", hint="choose fewer frames"
        )
    return [*said]


async def _frames(
    request: Request, service: Service, body: label_models.ChosenBody | label_models.LabelBody
) -> list[str]:
    """Return the ids in a request, or those of its selection, each once."""
    ids = body.ids if body.ids is not None else await _ids(request, service, str(body.selection))
    return list(dict.fromkeys(ids))


async def _ids(request: Request, service: Service, text: str) -> list[str]:
    selection = Selection.read(text)
    await service.check_names(request, selection)
    with placed(selection):
        found = await service.rows(request, selection.sql(order=False), rows=MOST)
    if found.truncated:
        raise UsageError(f"This selection has more than {MOST} frames.", hint="label a smaller selection")
    ids: list[str] = found.table["frame_id"].to_pylist()
    return ids


def _expect_agreement(service: Service, said: Sequence[Said], seen: str | None) -> None:
    """Raise ConflictError if people have labelled the same things differently since the change set `seen`."""
    for name, op, value in dict.fromkeys(word[:3] for word in said):
        ids = [word[3] for word in said if word[:3] == (name, op, value)]
        mine = steps.checked(name, op, value)
        asked: dict[str, Any] = {"seen": seen, "field": name, "op": op, "value": mine, "ids": ids}
        rows = service.dataset.session.step(script("conflicting_labels"), {}, asked).to_pylist()
        if rows:
            first = rows[0]
            theirs = first["value"] if name != "tag" else f"{first['op']} {first['value']}"
            raise ConflictError(
                f'{first["who"] or "Somebody"} has labelled {first["id"]} "{theirs}"; your label is "{mine}".',
                hint="check it, then apply your label again to replace theirs",
                others=[{key: plain(v) for key, v in row.items()} for row in rows],
            )
