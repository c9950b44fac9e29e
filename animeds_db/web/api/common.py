"""Helpers for several routes: the selection in a URL, page tokens, rows as JSON."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.errors import UsageError
from animeds_db.steps.labels.changes import Act
from animeds_db.web.bodies import labels as label_models
from animeds_db.web.selection import LONGEST, Selection
from animeds_db.web.service import Service, service_of

MOST_TOKEN = 8_000
T = TypeVar("T")
Text = Annotated[str | None, Query(max_length=LONGEST)]
Texts = Annotated[list[str] | None, Query(max_length=200)]
FrameId = Annotated[str, Path(max_length=200)]
Token = Annotated[
    str | None, Query(max_length=MOST_TOKEN, description="What `next` said, instead of all else.")
]


def _selection(
    request: Request,
    q: Annotated[str | None, Query(max_length=LONGEST, description="SQL with a column frame_id")] = None,
    query: Annotated[
        str | None, Query(max_length=200, description="a named query; p.NAME=… its parameters")
    ] = None,
    text: Annotated[str | None, Query(max_length=1000, description="words to search by")] = None,
    like: Annotated[str | None, Query(max_length=200, description="frames like this one")] = None,
    where: Annotated[list[str] | None, Query(max_length=20, description="a condition over frames")] = None,
    said: Annotated[str | None, Query(max_length=1000, description="words in the subtitles")] = None,
    character: Texts = None,
    appearance: Texts = None,
    tag: Texts = None,
    show: Texts = None,
    season: Texts = None,
    episode: Texts = None,
    gate: Texts = None,
    shot: Texts = None,
    source: Texts = None,
    group: Annotated[
        str | None, Query(max_length=200, description="the group of duplicates of this frame")
    ] = None,
    hide: Annotated[
        str | None,
        Query(max_length=200, description="copies, dropped, blank, subtitled; several with commas"),
    ] = None,
    sort: Annotated[str | None, Query(max_length=20, description="time, faces, new, score or random")] = None,
) -> Selection:
    del (
        q,
        query,
        text,
        like,
        where,
        said,
        character,
        appearance,
        tag,
        show,
        season,
        episode,
        gate,
        shot,
        source,
        group,
        hide,
        sort,
    )
    return Selection.parse(request.query_params.multi_items())


Written = Annotated[Selection, Depends(_selection)]
"""The selection in the URL of a request, whose names are not checked yet. Its parameters are declared for OpenAPI, and
parsed by Selection."""


async def _checked(request: Request, selection: Written) -> Selection:
    await service_of(request).check_names(request, selection)
    return selection


Selected = Annotated[Selection, Depends(_checked)]
"""The selection in the URL of a request, whose names are in the database."""


def token_of(value: Any) -> str:
    """Return an opaque token for a value."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode(), 9)).decode().rstrip("=")


def read_token(token: str) -> Any:
    """Return the value of a token. Raises UsageError for an invalid token."""
    try:
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        unpacked = zlib.decompressobj().decompress(data, 1 << 20)
        return json.loads(unpacked)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise UsageError("This page token is not valid.", hint="Start again without it.") from None


async def alone(service: Service, does: Callable[[], T]) -> T:
    """Read or write with the service's own session, in a thread, one at a time."""

    def locked() -> T:
        with service.writing:
            return does()

    return await run_in_threadpool(locked)


async def written(service: Service, write: Callable[[], Act]) -> label_models.Act:
    """Write labels, one change set at a time."""
    done = await alone(service, write)
    return label_models.Act(act=done.id, n=done.n, notes=done.notes)
