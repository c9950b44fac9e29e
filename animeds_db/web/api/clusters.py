"""Clusters of faces: typical faces of each, and names, merges and splits by a person."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from animeds_db.session.scripts import sql_script
from animeds_db.web.api.common import alone
from animeds_db.web.bodies import people
from animeds_db.web.plain import records
from animeds_db.web.service import service_of

router = APIRouter(tags=["clusters"])
Number = Annotated[int, Path(ge=1, le=1_000_000_000)]
ABOUT = ("cluster", "name", "n_faces", "n_episodes", "least")


@router.get("/clusters")
async def clusters(
    request: Request, count: Annotated[int, Query(ge=1, le=100)] = 16
) -> list[people.ClusterFaces]:
    """Return the clusters, the largest first, with at most `count` typical faces of each."""
    asked = {"count": count, "only": []}
    answer = await service_of(request).rows(request, sql_script("steps/clusters", "sheet.sql"), asked)
    found = []
    for _, group in groupby(records(answer.table), key=lambda row: row["cluster"]):
        rows = list(group)
        faces = [{key: value for key, value in row.items() if key not in ABOUT} for row in rows]
        first: dict[str, Any] = {key: rows[0][key] for key in ABOUT if key != "least"}
        found.append(people.ClusterFaces(**first, faces=faces))
    return found


@router.post("/clusters/merge")
async def merge(request: Request, body: people.MergeBody) -> people.Regrouped:
    """Make clusters one. Later runs keep their faces together."""
    service = service_of(request)
    done = await alone(service, lambda: service.dataset.clusters.merge(body.clusters))
    return people.Regrouped(sizes=done.sizes, act=done.act)


@router.post("/clusters/{cluster}/split")
async def split(request: Request, cluster: Number, body: people.SplitBody) -> people.Regrouped:
    """Split a cluster into its most different parts. Later runs keep them apart."""
    service = service_of(request)
    done = await alone(service, lambda: service.dataset.clusters.split(cluster, body.into))
    return people.Regrouped(sizes=done.sizes, act=done.act)


@router.post("/clusters/{cluster}/name")
async def name(request: Request, cluster: Number, body: people.NameBody) -> people.Named:
    """Make typical faces of a cluster examples of a character."""
    service = service_of(request)
    added = await alone(
        service, lambda: service.dataset.clusters.name(cluster, body.name, appearance=body.appearance)
    )
    return people.Named(added=added.new, known=added.known, notes=list(added.notes))
