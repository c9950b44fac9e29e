"""The targets of labels: converts ids, SQL or a relation to frames and boxes.

Every id is checked before anything is written, and the error names unknown ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.steps.labels.changes import Word
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb

BOX_FIELDS = ("character", "appearance")
"""Fields that are about a box. For a frame they are about its only face."""
EITHER_FIELDS = ("description", "crop", "mask")
"""Fields that are about a box or about the whole frame, as the id says."""
BOX_IDS = ("face_id", "detection_id", "head_id", "halfbody_id", "person_id")
"""Columns of a selection that name a box."""
EDGES = ("left", "top", "right", "bottom")
SHOWN = 5
"""Maximum number of ids in an error message. Of the others, only the number is given."""


def ids_of(
    session: Session, name: str, selection: str | Sequence[str] | duckdb.DuckDBPyRelation
) -> list[str]:
    """Return the ids that a selection gives for this field, each once, in order.

    selection: SQL, a relation, or ids. Characters and appearances are about boxes: a column face_id (or
    detection_id, head_id, halfbody_id, person_id) wins over frame_id. So it does for descriptions, in rows in which it
    is not null. Raises QueryError for a selection without such a column.
    """
    if isinstance(selection, Sequence) and not isinstance(selection, str):
        return list(dict.fromkeys(str(i) for i in selection))
    relation = session.sql(selection) if isinstance(selection, str) else selection
    offered = {column.lower(): column for column in relation.columns}
    wanted = (*(BOX_IDS if name in (*BOX_FIELDS, *EITHER_FIELDS) else ()), "frame_id")
    columns = [f'"{offered[c]}"' for c in wanted if c in offered]
    if not columns:
        raise QueryError(
            f"This selection has no column {' or '.join(dict.fromkeys((wanted[0], 'frame_id')))}. "
            f"Its columns are {', '.join(relation.columns)}.",
            hint="SELECT face_id FROM faces …" if name in BOX_FIELDS else "SELECT frame_id FROM frames …",
        )
    with session.errors():
        rows = relation.select(
            f"coalesce({', '.join(columns)})" if name in EITHER_FIELDS else columns[0]
        ).fetchall()
    return list(dict.fromkeys(str(row[0]) for row in rows if row[0] is not None))


def words_about(
    store: Store, session: Session, said: Iterable[tuple[str, str, str | None, str]]
) -> list[Word]:
    """Return the labels for (field, op, value, id), with ids of frames or detections.

    If the box of a BOX_FIELDS label is named by its frame's id, it is the only face of the frame. Raises QueryError
    for unknown ids, and for a frame with no face or several.
    """
    said = list(said)
    places = _places(store, [s[3] for s in said])
    alone = _only_faces(session, {s[3] for s in said if s[0] in BOX_FIELDS and places[s[3]]["kind"] is None})
    words = []
    for name, op, value, target in said:
        place = places[target]
        if name in BOX_FIELDS or (name in EITHER_FIELDS and place["kind"] is not None):
            place = alone.get(target, place) if name in BOX_FIELDS else place
            box = tuple(place[edge] for edge in EDGES)
            words.append(Word(name, op, value, place["frame_id"], place["source_id"], place["kind"], box))
        else:
            words.append(Word(name, op, value, place["frame_id"], place["source_id"]))
    return words


def _places(store: Store, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the row of each frame or detection; `kind` is None for frames. Raises QueryError for others."""
    ids = list(dict.fromkeys(ids))
    columns = ["detection_id", "frame_id", "source_id", "kind", *EDGES]
    boxes = store.take("detections", [i for i in ids if i.count("-") == 2], columns).to_pylist()
    places = {row["detection_id"]: row for row in boxes}
    frames = store.take("frames", [i for i in ids if i not in places], ["frame_id", "source_id"]).to_pylist()
    places |= {row["frame_id"]: row | {"kind": None} for row in frames}
    missing = [i for i in ids if i not in places]
    if missing:
        kind = "face or other box" if missing[0].count("-") == 2 else "frame"
        raise QueryError(
            f"There is no {kind} {_listed(missing)}.",
            hint="Ids look like k3f9a2qd-000754212 (a frame) or k3f9a2qd-000754212-f0 (a face). List them with: "
            "SELECT face_id, frame_id FROM faces",
        )
    return places


def _only_faces(session: Session, frames: set[str]) -> dict[str, dict[str, Any]]:
    """Return the only face of each frame. Raises QueryError if there are several, or none."""
    if not frames:
        return {}
    found = session.arrow(
        "SELECT detection_id, frame_id, source_id, kind, d.left, d.top, d.right, d.bottom "
        "FROM newest_detections d WHERE frame_id IN (SELECT unnest($frames)) ORDER BY detection_id",
        {"frames": sorted(frames)},
    ).to_pylist()
    boxes: dict[str, list[dict[str, Any]]] = {frame: [] for frame in frames}
    for row in found:
        boxes[row["frame_id"]].append(row)
    return {frame: _only_face(frame, boxes[frame]) for frame in sorted(frames)}


def _only_face(frame: str, boxes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    faces = [box for box in boxes if box["kind"] == "face"]
    if len(faces) == 1:
        return faces[0]
    if faces:
        listed = _listed([face["detection_id"] for face in faces])
        raise QueryError(
            f"Frame {frame} has {len(faces)} faces: {listed}",
            hint="Choose one with --face ID, or with a column face_id.",
        )
    others = [box["detection_id"] for box in boxes]
    raise QueryError(
        f"Frame {frame} has no face" + (f", but {_listed(others)}." if others else "."),
        hint="Choose a box with --face ID."
        if others
        else "Run another detector: animeds detect --model NAME",
    )


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def expect_some(ids: Sequence[str], what: str) -> None:
    """Raise UsageError if a selection is empty."""
    if not ids:
        raise UsageError(f"{what} selects nothing, so there is nothing to label.")
