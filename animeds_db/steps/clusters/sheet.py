"""The contact sheet of the clusters: faces of each cluster that show whether it is one person. No table is
written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from PIL import Image

from animeds_db.contact_sheet import Cell, Section, Sheet
from animeds_db.errors import QueryError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.characters.face_pictures import Images, face_pictures
from animeds_db.store import Store

NOTE = "animeds characters name NUMBER NAME · merge NUMBER NUMBER · split NUMBER"


def cluster_sheet(
    store: Store,
    session: Session,
    images: Images,
    *,
    count: int = 24,
    only: Sequence[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Sheet:
    """Return a sheet with a section per cluster, of at most `count` faces; `only` picks clusters by number.

    Raises QueryError if there are no clusters, or no cluster with that number.
    """
    parameters = {"count": count, "only": list(only)}
    rows = session.step(sql_script("steps/clusters", "sheet.sql"), {}, parameters).to_pylist()
    missing = sorted(set(only) - {row["cluster"] for row in rows})
    if missing or not rows:
        what = f"There is no cluster {missing[0]}." if missing else "There are no clusters."
        raise QueryError(
            what, hint="`animeds characters cluster` makes clusters, `animeds query clusters` lists them."
        )
    pictures = face_pictures(store, images, rows, progress=progress)
    sections = [
        _section(number, list(group), pictures)
        for number, group in groupby(rows, key=lambda row: row["cluster"])
    ]
    return Sheet("Faces that look like one person", sections, NOTE)


def _section(number: int, rows: Sequence[Mapping[str, Any]], pictures: Mapping[str, Image.Image]) -> Section:
    first = rows[0]
    name = f" · {first['name']}" if first["name"] else ""
    episodes = "1 episode" if first["n_episodes"] == 1 else f"{first['n_episodes']} episodes"
    heading = f"{number}{name} · {first['n_faces']} faces in {episodes}"
    note = f"most typical first; the least typical face has a similarity of {first['min_similarity']:.2f}"
    cells = [Cell(row["face_id"], pictures.get(row["face_id"]), (_line(row),)) for row in rows]
    return Section(heading, cells, note)


def _line(row: Mapping[str, Any]) -> str:
    episode = "" if row["episode"] is None else f"episode {row['episode']} · "
    return f"{episode}{row['similarity']:.3f}"
