"""Makes the masks of frames with one segmenter, and those of the boxes in them. The network runs once per frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.media.masks import WHOLE, Region, Shape, shape_of
from animeds_db.models import Segmenter
from animeds_db.models.runners.segmenter import Segmented
from animeds_db.store import Store
from animeds_ingest.reruns.stages import BOX_COLUMNS, Row, Stage

EDGES = ("left", "top", "right", "bottom")


class SegmentStage(Stage):
    """Writes the masks of frames, and of these boxes (ids of detections), to `masks`."""

    mark = "masks"

    def __init__(self, store: Store, segmenter: Segmenter, boxes: Collection[str]) -> None:
        super().__init__(store, segmenter.id)
        self._segmenter = segmenter
        self._boxes = frozenset(boxes)
        self._of_frame: dict[str, list[Row]] = {}

    def done(self, source: Row, frames: pa.Table) -> frozenset[str]:
        """Return the ids of the source's frames that have a mask, and one of each of the boxes in them."""
        mine = pc.field("source_id") == source["source_id"]
        masked = self.store.table(self.mark).to_table(
            columns=["frame_id", "detection_id"], filter=mine & (pc.field("model") == self.model)
        )
        there = self.store.table("detections").to_table(columns=BOX_COLUMNS, filter=mine).to_pylist()
        self._of_frame = defaultdict(list)
        for row in sorted(there, key=lambda row: str(row["detection_id"])):
            if row["detection_id"] in self._boxes:
                self._of_frame[row["frame_id"]].append(row)
        boxes = set(masked["detection_id"].to_pylist())
        whole = set(masked.filter(pc.field("detection_id").is_null())["frame_id"].to_pylist())
        return frozenset(
            frame_id
            for frame_id in frames["frame_id"].to_pylist()
            if frame_id in whole and all(box["detection_id"] in boxes for box in self._of_frame[frame_id])
        )

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return one row per frame, with the rows of `masks` of the frame and its boxes under `masks`."""
        seen = self._segmenter(pixels)
        return [
            {"frame_id": frame_id, "source_id": source_id, "masks": self._masks(source_id, frame_id, one)}
            for frame_id, one in zip(frame_ids, seen, strict=True)
        ]

    def commit(self, rows: Sequence[Row]) -> None:
        """Write the masks of these frames."""
        self._upsert(self.mark, [mask for row in rows for mask in row["masks"]])

    def _masks(self, source_id: str, frame_id: str, seen: Segmented) -> list[Row]:
        """Return the rows of `masks` of a frame: its own, and those of its boxes."""
        boxes = self._of_frame[frame_id]
        masks = [self._row(source_id, frame_id, None, shape_of(seen.mask))]
        for kind in dict.fromkeys(box["kind"] for box in boxes):
            alike = [box for box in boxes if box["kind"] == kind]
            of_boxes = seen.of_boxes(np.array([[box[edge] for edge in EDGES] for box in alike], np.float64))
            masks += [
                self._row(source_id, frame_id, box["detection_id"], shape_of(*inner(mask)))
                for box, mask in zip(alike, of_boxes, strict=True)
            ]
        return masks

    def _row(self, source_id: str, frame_id: str, detection_id: str | None, shape: Shape) -> Row:
        return {
            "mask_id": schema.result_id(detection_id or frame_id, self.model),
            "frame_id": frame_id,
            "source_id": source_id,
            "detection_id": detection_id,
            "part": self._segmenter.part,
            "model": self.model,
            **{edge: getattr(shape, edge) for edge in EDGES},
            "shape": shape.png,
            "coverage": shape.coverage,
        }


def inner(mask: np.ndarray) -> tuple[np.ndarray[Any, Any], Region]:
    """Return the part of a mask [h,w] that is not empty, and its region (0…1): it is stored in finer steps."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask, WHOLE
    height, width = mask.shape
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    region = (float(left / width), float(top / height), float(right / width), float(bottom / height))
    return mask[top:bottom, left:right], region
