"""Labels, their history, and undo. Labels that others wrote in the meantime are not overwritten silently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.errors import UsageError
from animeds_db.steps.labels import changes as steps
from animeds_db.web import models
from animeds_db.web.api.common import Token, read_token, token_of
from animeds_db.web.api.frames import placed
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
) -> models.History:
    """Return the change sets, newest first."""
    if token:
        place = read_token(token)
        start = place if type(place) is int and 0 <= place <= 10_000_000 else 0
    sql = "SELECT * FROM label_history ORDER BY said_at DESC, act DESC"
    answer = await service_of(request).rows(request, sql, rows=count, skip=start)
    after = token_of(start + answer.table.num_rows) if answer.truncated else None
    return models.History(acts=[models.PastAct(**row) for row in records(answer.table)], next=after)


@router.post("/labels")
async def label(request: Request, body: models.LabelBody) -> models.Act:
    """Label frames or faces in one change set. 409 if others have labelled them differently since `seen`."""
    service = service_of(request)
    said = await _said(request, service, body)
    check = "seen" in body.model_fields_set

    def write() -> steps.Act:
        if check:
            _expect_agreement(service, said, body.seen)
        return service.dataset.label_all(said, who=body.who or service.options.who)

    return await _act(service, write)


@router.post("/labels/undo")
async def undo(request: Request, body: models.UndoBody | None = None) -> models.Act:
    """Undo a change set. An undo is itself a change set and can be undone."""
    service, body = service_of(request), body or models.UndoBody()
    who = body.who or service.options.who
    return await _act(service, lambda: service.dataset.undo(body.act, who=who))


@router.delete("/labels/{act}")
async def delete(request: Request, act: str) -> models.Act:
    """Undo this change set."""
    service = service_of(request)
    return await _act(service, lambda: service.dataset.undo(act, who=service.options.who))


async def _act(service: Service, write: Callable[[], steps.Act]) -> models.Act:
    """Write labels, one change set at a time."""

    def alone() -> steps.Act:
        with service.writing:
            return write()

    done = await run_in_threadpool(alone)
    return models.Act(act=done.id, n=done.n, notes=done.notes)


async def _said(request: Request, service: Service, body: models.LabelBody) -> list[Said]:
    """Return the labels of a request. Raises UsageError unless exactly one of labels, ids and selection is given."""
    ways = [name for name in ("labels", "ids", "selection") if getattr(body, name) is not None]
    if len(ways) != 1:
        raise UsageError("Use exactly one of labels, ids and selection.")
    if body.labels is not None:
        return [(word.field, word.op, word.value, word.id) for word in body.labels]
    if body.field is None or body.op is None:
        raise UsageError(
            "field and op are required.", hint='{"field": "frame", "op": "set", "value": "drop", …}'
        )
    ids = body.ids if body.ids is not None else await _ids(request, service, str(body.selection))
    return [(body.field, body.op, body.value, one) for one in dict.fromkeys(ids)]


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
