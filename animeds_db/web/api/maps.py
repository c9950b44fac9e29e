"""The map: the points of the frames or faces, and the values that colour them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from animeds_db.steps.map import Map, is_current, kept_map, points_sql
from animeds_db.web.bodies import answers as models
from animeds_db.web.selection import script
from animeds_db.web.service import Service, service_of
from animeds_db.web.workers.rendering import compact

router = APIRouter(tags=["map"])
STEPS = 65535
"""Positions are whole numbers up to this: finer than any screen, and half as long as fractions."""
Kind = Annotated[Literal["frames", "faces"], Query(description="what the points are")]


@router.get("/map", response_model=models.MapPoints)
async def points(request: Request, of: Kind = "frames") -> Response:
    """Return the points of the map that is kept. Without one, method is null and there are no points."""
    service = service_of(request)
    return _json(await run_in_threadpool(_points, service, of))


@router.get("/map/colours", response_model=models.MapColours)
async def colours(
    request: Request,
    of: Kind = "frames",
    by: Annotated[Literal["character", "appearance", "cluster", "episode"], Query()] = "character",
) -> Response:
    """Return a value for each point of the map: its number in `names`, the most frequent first; -1: none."""
    service = service_of(request)
    kept = await run_in_threadpool(kept_map, service.dataset.store, of)
    if kept is None:
        return _json({"by": by, "names": [], "counts": [], "codes": []})
    found = await service.cached(request, script(f"map_{of}", by=by, start=points_sql(of)))
    return _json({"by": by} | await run_in_threadpool(_coded, kept, found.table))


def _points(service: Service, of: str) -> dict[str, Any]:
    dataset = service.dataset
    kept = kept_map(dataset.store, of)
    if kept is None:
        empty: dict[str, Any] = {"ids": [], "frames": [], "x": [], "y": []}
        return {"of": of, "method": None, "model": None, "is_current": False, **empty}
    with service.writing:
        current = is_current(dataset.session, kept)
    x, y = np.rint(kept.xy.T * STEPS).astype(int).tolist()
    ids = kept.ids.to_pylist()
    frames = [] if of == "frames" else kept.frame_ids.to_pylist()
    about = {"of": of, "method": kept.method, "model": kept.model, "is_current": current}
    return about | {"ids": ids, "frames": frames, "x": x, "y": y}


def _coded(kept: Map, rows: pa.Table) -> dict[str, Any]:
    """Return the value of each point as a number of `names`, the most frequent value first."""
    at = np.asarray(pc.index_in(kept.ids, rows["id"].combine_chunks()).fill_null(-1), np.int64)
    values = rows["value"].combine_chunks().dictionary_encode()
    codes = np.append(np.asarray(values.indices.fill_null(-1), np.int64), -1)[at]
    counts = np.bincount(codes[codes >= 0], minlength=len(values.dictionary))
    order = np.argsort(-counts, kind="stable")
    rank = np.full(len(order) + 1, -1)
    rank[order] = np.arange(len(order))
    names = values.dictionary.take(pa.array(order)).to_pylist()
    return {"names": names, "counts": counts[order].tolist(), "codes": rank[codes].tolist()}


def _json(value: dict[str, Any]) -> Response:
    return Response(compact(value), media_type="application/json")
