"""Faces that sidecars describe, written as detections where no detector has looked at the source."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.store.store import Store, quoted
from animeds_ingest.sidecars.read import Sidecar

MODEL = "sidecar"
"""The value of `detections.model` for these faces."""
BOX = ["detection_id", "left", "top", "right", "bottom"]


def write_faces(store: Store, source_id: str, sidecars: Mapping[str, Sidecar]) -> None:
    """Write the faces that the sidecars of a source describe (by member), and delete faces that they no longer
    describe.

    If a detector has processed this source, its faces are used and none are written. Tags and masks of faces that were
    moved are deleted.
    """
    mine = pc.field("source_id") == source_id
    earlier = store.table("detections").to_table(columns=BOX, filter=mine & (pc.field("model") == MODEL))
    wanted = [] if _detector_ran(store, source_id) else _rows(store, source_id, sidecars)
    written = pa.Table.from_pylist(wanted, store.schema("detections").schema)
    if wanted:
        store.replace("detections", written)
    there = {tuple(row.values()) for row in written.select(BOX).to_pylist()}
    moved = {row["detection_id"] for row in earlier.to_pylist() if tuple(row.values()) not in there}
    for of_boxes in ("box_tags", "masks"):
        _delete(store, of_boxes, moved)
    _delete(store, "detections", moved - set(written["detection_id"].to_pylist()))


def _delete(store: Store, name: str, ids: Collection[str]) -> None:
    if ids:
        store.delete(name, f"detection_id IN ({', '.join(quoted(i) for i in sorted(ids))})")


def _detector_ran(store: Store, source_id: str) -> bool:
    mine = pc.field("source_id") == source_id
    used = store.table("sources").to_table(columns=["models"], filter=mine)["models"].to_pylist()
    detectors = store.table("models").to_table(columns=["model_id"], filter=pc.field("task") == "detector")
    if {model for models in used for model in models or ()} & set(detectors["model_id"].to_pylist()):
        return True
    others = mine & (pc.field("model") != MODEL)
    return bool(store.table("detected").count_rows(mine) or store.table("detections").count_rows(others))


def _rows(store: Store, source_id: str, sidecars: Mapping[str, Sidecar]) -> list[dict[str, object]]:
    frames = store.table("frames").to_table(
        columns=["frame_id", "member"], filter=pc.field("source_id") == source_id
    )
    return [
        {
            "detection_id": schema.detection_id(frame_id, "face", place),
            "frame_id": frame_id,
            "source_id": source_id,
            "kind": "face",
            **dict(zip(("left", "top", "right", "bottom"), box, strict=True)),
            "score": 1.0,
            "model": MODEL,
        }
        for frame_id, member in zip(*(frames[c].to_pylist() for c in ("frame_id", "member")), strict=True)
        if member in sidecars
        for place, box in enumerate(sidecars[member].boxes)
    ]
