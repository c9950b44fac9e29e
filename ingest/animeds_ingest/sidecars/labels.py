"""Writes the content of sidecars as labels. They count as older than all other labels, so every later label wins.

A sidecar outranks a model, as people do, and corrections by the user outrank the sidecar. So the label ids begin
with 0, before any time, and depend only on frame and index: reading a folder again changes nothing, and undone
labels stay undone. The change set of a source is `sidecars-SOURCE`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.store.store import Store, quoted
from animeds_db.tagtext import tag_of
from animeds_ingest import ledger
from animeds_ingest.sidecars.faces import write_faces
from animeds_ingest.sidecars.read import Box, Sidecar

Row = dict[str, Any]

EDGES = ("left", "top", "right", "bottom")
SAME_FACE = 0.5
"""Minimum IoU (0…1) at which a sidecar's face is the same as a detected one, as for labels."""


def write_sidecars(store: Store, source_id: str, sidecars: Mapping[str, Sidecar]) -> int:
    """Write the sidecars of a source (by member): faces, and labels. Return the number of pictures with labels.

    Earlier labels of this source's sidecars that the sidecars no longer contain are deleted.
    """
    write_faces(store, source_id, sidecars)
    act = f"sidecars-{source_id}"
    earlier = store.table("labels").to_table(filter=pc.field("act") == act).to_pylist()
    if not sidecars and not earlier:
        return 0
    rows = _rows(store, source_id, act, sidecars)
    if _plain(rows) != _plain(earlier):
        _write(store, rows, {row["label_id"] for row in earlier}, sidecars)
    return len({row["frame_id"] for row in rows})


def _write(store: Store, rows: Sequence[Row], earlier: set[str], sidecars: Mapping[str, Sidecar]) -> None:
    kinds = {tag: kind for sidecar in sidecars.values() for tag, kind in sidecar.labels}
    kinds |= {tag_of(name): "character" for sidecar in sidecars.values() for name in sidecar.characters}
    used = {row["value"] for row in rows if row["field"] == "tag"}
    store.ensure_tags([(tag, kind) for tag, kind in kinds.items() if tag in used])
    if rows:
        store.replace("labels", pa.Table.from_pylist(list(rows), schema.LABELS.schema))
    stale = earlier - {row["label_id"] for row in rows}
    if stale:
        listed = ", ".join(quoted(i) for i in sorted(stale))
        store.delete("labels", f"label_id IN ({listed})")


def _plain(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return rows without times, so that stored and new rows can be compared."""
    columns = ("label_id", "field", "op", "subject", "value", "kind", *EDGES, "who")
    edges = [
        [round(v, 4) if isinstance(v, float) else v for v in (row.get(c) for c in columns)] for row in rows
    ]
    return sorted((tuple(row) for row in edges), key=lambda row: str(row[0]))


def _rows(store: Store, source_id: str, act: str, sidecars: Mapping[str, Sidecar]) -> list[Row]:
    frames = store.table("frames").to_table(
        columns=["frame_id", "member"], filter=pc.field("source_id") == source_id
    )
    faces = _faces(store, source_id)
    at = ledger.now()
    rows = []
    for frame_id, member in zip(*(frames[c].to_pylist() for c in ("frame_id", "member")), strict=True):
        sidecar = sidecars.get(member)
        if sidecar is None:
            continue
        common = {"act": act, "frame_id": frame_id, "source_id": source_id, "at": at}
        common["who"] = f"sidecar {sidecar.formats[0]}"
        for place, word in enumerate(_words(sidecar, faces.get(frame_id, []))):
            rows.append(common | word | {"label_id": f"0-{frame_id}-{place:04d}"})
    return rows


def _words(sidecar: Sidecar, faces: Sequence[Box]) -> Iterator[Row]:
    """Yield the labels of one picture. Characters are assigned to faces if that is unambiguous, else to the picture.

    Those of the picture are tags; the name as it is written is their `subject`.
    """
    named = _named(sidecar, faces)
    for name, box in named:
        yield {"field": "character", "op": "set", "value": name, "kind": "face"} | dict(
            zip(EDGES, box, strict=True)
        )
    others = [name for name in sidecar.characters if name not in {name for name, _ in named}]
    for name in others:
        yield {"field": "tag", "op": "add", "subject": name, "value": tag_of(name)}
    for tag, _ in sidecar.labels:
        yield {"field": "tag", "op": "add", "value": tag}


def _named(sidecar: Sidecar, faces: Sequence[Box]) -> list[tuple[str, Box]]:
    if len(faces) == 1 and len(sidecar.characters) == 1:
        return [(sidecar.characters[0], faces[0])]
    found = []
    for name, told in sidecar.faces:
        best = max(faces, key=lambda face: _iou(face, told), default=None)
        if best is not None and _iou(best, told) >= SAME_FACE:
            found.append((name, best))
    return found


def _faces(store: Store, source_id: str) -> dict[str, list[Box]]:
    """Return a dict from frame_id to face boxes. Those of a later detector come before those of the ingest."""
    mine = pc.field("source_id") == source_id
    again = set(store.table("detected").to_table(columns=["model"], filter=mine)["model"].to_pylist())
    rows = store.table("detections").to_table(
        columns=["frame_id", "model", *EDGES], filter=mine & (pc.field("kind") == "face")
    )
    models: dict[str, dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.to_pylist():
        left, top, right, bottom = (float(row[edge]) for edge in EDGES)
        models[row["frame_id"]][row["model"]].append((left, top, right, bottom))
    return {
        frame_id: found[max(found, key=lambda model: (model in again, model))]
        for frame_id, found in models.items()
    }


def _iou(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes, 0…1."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    union = sum(areas) - shared
    return shared / union if union > 0 else 0.0
