"""The stages that can be run again: tag, detect, embed, classify-frames.

A result is stored under its frame and model. Results of other models are not changed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import StoreError, UsageError
from animeds_db.models import Box, Classifier, Detector, Embedder, Models, Tagger
from animeds_db.store import Store
from animeds_ingest.rows import TagColumns, box_of, box_tag_rows, detection_rows
from animeds_ingest.vocabulary import vocabulary_of

Row = dict[str, Any]

STORED_CHUNK = 256
"""Number of frames tagged and committed at a time from stored vectors."""
BOX_COLUMNS = ["detection_id", "frame_id", "source_id", "kind", "left", "top", "right", "bottom", "score"]
ATTEMPTS = 20
"""Maximum number of attempts to number boxes while another detector takes the same numbers."""


class Stage(ABC):
    """One model that runs on frames already in the database.

    `mark` is the table with a row for every frame that the model has done. `column` is the column of `frames` with
    the model of the ingest (None: it is in the source's row). `model` is the model's id.
    """

    mark: str
    column: str | None = None

    def __init__(self, store: Store, model: str) -> None:
        self.store = store
        self.model = model

    def done(self, source: Row, frames: pa.Table) -> frozenset[str]:
        """Return the ids of the source's frames that the model has done, in a rerun or at ingest."""
        mine = (pc.field("source_id") == source["source_id"]) & (pc.field("model") == self.model)
        marked = self.store.table(self.mark).to_table(columns=["frame_id"], filter=mine)
        return frozenset([*marked["frame_id"].to_pylist(), *self._by_ingest(source, frames)])

    @abstractmethod
    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Run the model once on a batch of uint8 RGB pictures [h,w,3] and return the rows of its frames."""

    def from_stored(
        self,
        source_id: str,  # noqa: ARG002
        frame_ids: Sequence[str],  # noqa: ARG002
    ) -> Iterator[list[Row]]:
        """Yield rows, for `commit`, of frames that need no pixels. The default is none."""
        yield from ()

    def commit(self, rows: Sequence[Row]) -> None:
        """Write rows returned by `rows`. Safe to repeat."""
        self._upsert(self.mark, rows)

    def _by_ingest(self, source: Row, frames: pa.Table) -> list[str]:
        """Return the frames that the model did at ingest."""
        if self.column:
            frames = frames.filter(pc.field(self.column) == self.model)
        elif self.model not in (source["models"] or []):
            return []
        ids: list[str] = frames["frame_id"].to_pylist()
        return ids

    def _marks(self, source_id: str, frame_ids: Sequence[str]) -> list[Row]:
        key = self.store.schema(self.mark).key
        return [
            {
                key: schema.result_id(frame_id, self.model),
                "frame_id": frame_id,
                "source_id": source_id,
                "model": self.model,
            }
            for frame_id in frame_ids
        ]

    def _upsert(self, name: str, rows: Sequence[Row]) -> int:
        return self.store.upsert(name, pa.Table.from_pylist(list(rows), self.store.schema(name).schema))


class TagStage(Stage):
    """Tags frames with one tagger and writes to `taggings`."""

    mark = "taggings"
    column = "tagger"

    def __init__(self, store: Store, tagger: Tagger) -> None:
        super().__init__(store, tagger.id)
        self._tagger = tagger
        self._repeats = tagger.can_repeat()
        self._columns = TagColumns(tagger.labels, *vocabulary_of(store, tagger))

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return rows of `taggings`."""
        return self._rows(source_id, frame_ids, self._tagger(pixels))

    def from_stored(self, source_id: str, frame_ids: Sequence[str]) -> Iterator[list[Row]]:
        """Yield rows of `taggings` for frames for which the database has this tagger's vectors."""
        if not self._repeats:
            return
        there = self._vectors(source_id)
        ids = [frame_id for frame_id in frame_ids if frame_id in there]
        for start in range(0, len(ids), STORED_CHUNK):
            some = ids[start : start + STORED_CHUNK]
            scores = self._tagger.from_vectors(np.stack([there[frame_id] for frame_id in some]))
            yield self._rows(source_id, some, scores)

    def _rows(self, source_id: str, frame_ids: Sequence[str], scores: np.ndarray) -> list[Row]:
        marks = self._marks(source_id, frame_ids)
        return [m | self._columns(s) for m, s in zip(marks, scores, strict=True)]

    def _vectors(self, source_id: str) -> dict[str, np.ndarray]:
        """Return this tagger's vectors of a source by frame, from the ingest and from `animeds embed`."""
        found: dict[str, np.ndarray] = {}
        for name, model, vector in (("frames", "embedder", "embedding"), ("embeddings", "model", "vector")):
            mine = (pc.field("source_id") == source_id) & (pc.field(model) == self.model)
            rows = self.store.table(name).to_table(columns=["frame_id", vector], filter=mine)
            values = np.asarray(rows[vector].combine_chunks().flatten(), np.float32)
            ids = rows["frame_id"].to_pylist()
            found |= zip(ids, values.reshape(len(ids), self._tagger.width or 0), strict=True)
        return found


class BoxTagStage(Stage):
    """Tags boxes of frames one by one with one tagger and writes to `box_tags`."""

    mark = "box_tags"

    def __init__(self, store: Store, tagger: Tagger, boxes: Collection[str]) -> None:
        super().__init__(store, tagger.id)
        self._tagger = tagger
        self._boxes = frozenset(boxes)
        self._columns = TagColumns(tagger.labels, *vocabulary_of(store, tagger))
        self._left: dict[str, list[Row]] = {}

    def done(self, source: Row, frames: pa.Table) -> frozenset[str]:
        """Return the ids of the source's frames without a box that the tagger still has to do."""
        mine = pc.field("source_id") == source["source_id"]
        tagged = self.store.table(self.mark).to_table(
            columns=["detection_id"], filter=mine & (pc.field("model") == self.model)
        )
        left = self._boxes - set(tagged["detection_id"].to_pylist())
        there = self.store.table("detections").to_table(columns=BOX_COLUMNS, filter=mine).to_pylist()
        self._left = defaultdict(list)
        for row in sorted(there, key=lambda row: str(row["detection_id"])):
            if row["detection_id"] in left:
                self._left[row["frame_id"]].append(row)
        return frozenset(frames["frame_id"].to_pylist()) - self._left.keys()

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return one row per frame, with the rows of `box_tags` of its boxes under `boxes`."""
        boxes = [box for frame_id in frame_ids for box in self._left[frame_id]]
        by_frame: dict[str, list[Row]] = defaultdict(list)
        frames = dict(zip(frame_ids, pixels, strict=True))
        for row in box_tag_rows(boxes, frames, self._tagger, self._columns):
            by_frame[str(row["frame_id"])].append(row)
        return [
            {"frame_id": frame_id, "source_id": source_id, "boxes": by_frame[frame_id]}
            for frame_id in frame_ids
        ]

    def commit(self, rows: Sequence[Row]) -> None:
        """Write the tags of the boxes."""
        self._upsert(self.mark, [box for row in rows for box in row["boxes"]])


class EmbedStage(Stage):
    """Writes the vectors of one image embedder, of any width, to `embeddings`."""

    mark = "embeddings"
    column = "embedder"

    def __init__(self, store: Store, embedder: Embedder) -> None:
        super().__init__(store, embedder.id)
        self._embedder = embedder

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return rows of `embeddings`."""
        marks = self._marks(source_id, frame_ids)
        return [m | {"vector": v} for m, v in zip(marks, self._embedder(pixels), strict=True)]


class ClassifyStage(Stage):
    """Writes the answers of one classifier to `classifications`."""

    mark = "classifications"

    def __init__(self, store: Store, classifier: Classifier) -> None:
        super().__init__(store, classifier.id)
        self._classifier = classifier

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return rows of `classifications`."""
        marks = self._marks(source_id, frame_ids)
        answers = self._classifier.answers(pixels)
        about = {"about": self._classifier.about}
        return [m | about | asdict(answer) for m, answer in zip(marks, answers, strict=True)]


class DetectStage(Stage):
    """Finds boxes with one detector and writes them to `detections`. The mark in `detected` is written last.

    Ids continue after those of other models in the same frame and kind. Faces get a vector from `character`, and so do
    heads and persons without a face. It must have the same width as in the database.
    """

    mark = "detected"

    def __init__(self, store: Store, detector: Detector, character: Embedder | None) -> None:
        super().__init__(store, detector.id)
        if character and character.width != store.widths[1]:
            raise StoreError(
                f"{character.id} returns vectors of width {character.width}, "
                f"but this database has width {store.widths[1]}",
                hint="use --character none, or the model of this database",
            )
        self._detector = detector
        self._character = character

    def rows(self, source_id: str, frame_ids: Sequence[str], pixels: Sequence[np.ndarray]) -> list[Row]:
        """Return rows of `detected`, each with the rows of its boxes under `boxes`, numbered from 0."""
        found = [[(box, self.model) for box in boxes] for boxes in self._detector(pixels)]
        boxes: dict[str, list[Row]] = defaultdict(list)
        for row in detection_rows(
            source_id, frame_ids, found, pixels, self._character, self._faces(source_id, frame_ids)
        ):
            boxes[str(row["frame_id"])].append(row)
        kinds = sorted(self._detector.kinds)
        marks = self._marks(source_id, frame_ids)
        return [
            m | {"kinds": kinds, "n_found": len(boxes[m["frame_id"]]), "boxes": boxes[m["frame_id"]]}
            for m in marks
        ]

    def commit(self, rows: Sequence[Row]) -> None:
        """Write the boxes, then the marks. Raises StoreError if other detectors keep taking the same numbers."""
        boxes = [box for row in rows for box in row["boxes"]]
        if boxes:
            self._write_boxes(boxes)
        columns = self.store.schema(self.mark).schema.names
        self._upsert(self.mark, [{name: row[name] for name in columns} for row in rows])

    def _faces(self, source_id: str, frame_ids: Sequence[str]) -> dict[str, list[Box]]:
        """Return the faces that other detectors found in these frames."""
        faces: dict[str, list[Box]] = defaultdict(list)
        if self._character and "face" not in self._detector.kinds:
            there = self.store.table("detections").to_table(
                columns=BOX_COLUMNS,
                filter=(pc.field("source_id") == source_id)
                & (pc.field("kind") == "face")
                & pc.field("frame_id").isin(list(frame_ids)),
            )
            for row in there.to_pylist():
                faces[row["frame_id"]].append(box_of(row))
        return faces

    def _write_boxes(self, boxes: Sequence[Row]) -> None:
        for _ in range(ATTEMPTS):
            numbered = self._numbered(boxes)
            ids = [row["detection_id"] for row in numbered]
            if self._upsert("detections", numbered) == len(ids):
                return
            owners = self.store.take("detections", ids, ["model"])["model"].to_pylist()
            if set(owners) == {self.model}:
                return  # an interrupted run wrote them
            listed = ", ".join(f"'{i}'" for i in ids)
            mine = self.model.replace("'", "''")
            self.store.delete("detections", f"model = '{mine}' AND detection_id IN ({listed})")
        raise StoreError(
            f"{self.store.uri}: no detection ids could be reserved, because other processes kept adding detections",
            hint="run it again after they finish",
        )

    def _numbered(self, boxes: Sequence[Row]) -> list[Row]:
        """Return the boxes with ids that continue after other models', or with those of an interrupted run."""
        frame_ids = sorted({box["frame_id"] for box in boxes})
        there = self.store.table("detections").to_table(
            columns=["detection_id", "frame_id", "kind", "model"],
            filter=(pc.field("source_id") == boxes[0]["source_id"]) & pc.field("frame_id").isin(frame_ids),
        )
        mine: dict[tuple[str, str], int] = {}
        others: dict[tuple[str, str], int] = {}
        for row in there.to_pylist():
            place, index = (row["frame_id"], row["kind"]), schema.index_of_detection(row["detection_id"])
            if row["model"] == self.model:
                mine[place] = min(index, mine.get(place, index))
            else:
                others[place] = max(index + 1, others.get(place, 0))
        return [_moved(box, {**others, **mine}) for box in boxes]


def stage_of(store: Store, models: Models, boxes: Collection[str] | None = None) -> Stage:
    """Return the stage for the one tagger, detector, image embedder or classifier among `models`.

    A character embedder goes with a detector. With `boxes` (ids of detections), the tagger tags these boxes instead of
    frames. Raises UsageError for any other number of models.
    """
    stages: list[Stage] = []
    if models.tagger and boxes is not None:
        stages.append(BoxTagStage(store, models.tagger, boxes))
    elif models.tagger:
        stages.append(TagStage(store, models.tagger))
    stages += [DetectStage(store, detector, models.character) for detector in models.detectors]
    if models.image:
        stages.append(EmbedStage(store, models.image))
    if models.classifier:
        stages.append(ClassifyStage(store, models.classifier))
    if len(stages) != 1:
        raise UsageError(f"only one model can be run at a time, not {len(stages)}")
    return stages[0]


def _moved(box: Row, first: Mapping[tuple[str, str], int]) -> Row:
    frame_id, kind = box["frame_id"], box["kind"]
    index = first.get((frame_id, kind), 0) + schema.index_of_detection(box["detection_id"])
    return box | {"detection_id": schema.detection_id(frame_id, kind, index)}
