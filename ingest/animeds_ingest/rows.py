"""Turns frames into Arrow rows: runs the models on a batch and combines their results with the measures.

The order of work depends only on the frames (batches and chunks are divided at the same frames in every run),
so the same source gives the same rows, however often an ingest was interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from animeds_db import schema
from animeds_db.media import Frame
from animeds_db.models import Box, Embedder, Models, Tagger, TagLabel
from animeds_db.models.runners.crops import character_crop, tag_crop, to_embed
from animeds_ingest.measures.frame import Measures

RATING_PREFIX = "rating:"
"""Prefix of stored rating labels, as danbooru writes them, so that `general` is not mistaken for a tag."""

ROUNDING = 1e-4
"""Thousandths by which a float32 score may be below the decimal number it represents: 0.53 is 0.52999997."""


@dataclass(frozen=True)
class Measured:
    """A frame in the pipeline: the decoded frame and its measures."""

    frame: Frame
    frame_id: str
    ordinal: int
    shot: int
    content_hash: str
    measures: Measures
    thumbnail: bytes


@dataclass(frozen=True)
class Chunk:
    """The rows of one commit: tables with the schemas of `frames`, `detections`, `thumbnails` and `box_tags`."""

    frames: pa.Table
    detections: pa.Table
    thumbnails: pa.Table
    box_tags: pa.Table


def stored_tag(label: TagLabel) -> str:
    """Return the name under which a tagger's label is stored in the vocabulary."""
    return RATING_PREFIX + label.tag if label.category == "rating" else label.tag


class TagColumns:
    """Turns a tagger's scores of one picture (float32 [labels], 0…1) into its columns of `frames` or `taggings`.

    `thresholds` (float32 [labels], 0…1) are the minimum scores of the labels.
    """

    def __init__(
        self, labels: Sequence[TagLabel], tag_ids: Mapping[str, int], thresholds: np.ndarray
    ) -> None:
        self._thresholds = thresholds
        self._labels = labels
        self._tag_ids = np.array([tag_ids[stored_tag(label)] for label in labels], np.int32)
        self._rating = np.array([label.category == "rating" for label in labels], bool)
        self._floor = np.minimum(thresholds, np.float32(schema.SCORE_FLOOR))
        self._has_twins = len(np.unique(self._tag_ids)) < len(self._tag_ids)

    def __call__(self, scores: np.ndarray) -> dict[str, object]:
        """Return the columns, best score first. Scores below schema.SCORE_FLOOR, and below the threshold, are left out.

        Two labels of the same name, in two categories, are one tag, with the higher score.
        Scores are rounded down to whole thousandths, so that .3459 does not pass a threshold of .346.
        """
        kept = np.flatnonzero(scores >= self._floor)
        best = kept[np.argsort(-scores[kept], kind="stable")]
        if self._has_twins:
            best = best[np.sort(np.unique(self._tag_ids[best], return_index=True)[1])]
        ratings = np.flatnonzero(self._rating)
        rating = self._labels[int(ratings[np.argmax(scores[ratings])])].tag if len(ratings) else None
        tags = self._tag_ids[best]
        stored = np.floor(scores[best].astype(np.float64) * schema.SCORE_UNIT + ROUNDING).astype(np.int16)
        sure = scores[best] >= self._thresholds[best]
        return {
            "tags": tags,
            "tag_scores": stored,
            "sure_tags": tags[sure],
            "sure_scores": stored[sure],
            "rating": rating,
        }


class Analyser:
    """Runs the models over batches of measured frames and builds their rows.

    `tag_ids` maps stored tag names to vocabulary ids, `thresholds` are the minimum scores of the tagger's labels
    (see TagColumns), `widths` are the database's vector widths (image embedding, character vector).
    """

    def __init__(
        self, models: Models, tag_ids: Mapping[str, int], thresholds: np.ndarray, widths: tuple[int, int]
    ) -> None:
        self.models = models
        self.frames_schema = schema.frames(widths[0]).schema
        self.detections_schema = schema.detections(widths[1]).schema
        self._tag_columns = TagColumns(models.tagger.labels if models.tagger else (), tag_ids, thresholds)

    def rows(self, source_id: str, batch: Sequence[Measured]) -> Chunk:
        """Return the rows of a batch. Each call runs each model once."""
        pixels = [m.frame.pixels() for m in batch] if self.needs_pixels else []
        boxes = self._detect(pixels, len(batch))
        columns = self._model_columns(pixels, len(batch))
        frames = [self._frame_row(source_id, m) | more for m, more in zip(batch, columns, strict=True)]
        ids = [m.frame_id for m in batch]
        detections = detection_rows(source_id, ids, boxes, pixels, self.models.character)
        return Chunk(
            pa.Table.from_pylist(frames, self.frames_schema),
            pa.Table.from_pylist(detections, self.detections_schema),
            pa.Table.from_pylist(
                [{"frame_id": m.frame_id, "source_id": source_id, "webp": m.thumbnail} for m in batch],
                schema.THUMBNAILS.schema,
            ),
            pa.Table.from_pylist(
                self._box_tags(detections, dict(zip(ids, pixels, strict=False))), schema.BOX_TAGS.schema
            ),
        )

    def _box_tags(
        self, detections: Sequence[Mapping[str, Any]], pixels: Mapping[str, np.ndarray]
    ) -> list[dict[str, object]]:
        """Return the rows of `box_tags` for those of the boxes whose kind the profile wants tagged."""
        wanted = [row for row in detections if row["kind"] in self.models.boxes]
        tagger = self.models.tagger
        return box_tag_rows(wanted, pixels, tagger, self._tag_columns) if wanted and tagger else []

    @property
    def needs_pixels(self) -> bool:
        """True if a model looks at whole frames."""
        models = self.models
        return bool(models.tagger or models.detectors or models.image)

    def _frame_row(self, source_id: str, m: Measured) -> dict[str, object]:
        frame = m.frame
        return {
            "frame_id": m.frame_id,
            "source_id": source_id,
            "stream": frame.stream,
            "pts": frame.pts,
            "key_pts": frame.key_pts,
            "member": frame.member,
            "time_s": frame.time_s,
            "ordinal": m.ordinal,
            "shot": m.shot,
            "is_keyframe": frame.is_keyframe,
            "width": frame.width,
            "height": frame.height,
            "content_hash": m.content_hash,
            "source_text": frame.text,
            **asdict(m.measures),
        }

    def _model_columns(self, pixels: list[np.ndarray], n: int) -> list[dict[str, object]]:
        columns: list[dict[str, object]] = [{} for _ in range(n)]
        scores, vectors = self.models.tags_and_vectors(pixels)
        if self.models.tagger and scores is not None:
            for row, own in zip(columns, scores, strict=True):
                row.update(self._tag_columns(own), tagger=self.models.tagger.id)
        if self.models.image and vectors is not None:
            for row, vector in zip(columns, vectors, strict=True):
                row.update(embedding=vector, embedder=self.models.image.id)
        return columns

    def _detect(self, pixels: list[np.ndarray], n: int) -> list[list[tuple[Box, str]]]:
        found: list[list[tuple[Box, str]]] = [[] for _ in range(n)]
        for detector in self.models.detectors:
            for boxes, here in zip(detector(pixels), found, strict=True):
                here.extend((box, detector.id) for box in boxes)
        return found


def detection_rows(
    source_id: str,
    frame_ids: Sequence[str],
    found: Sequence[Sequence[tuple[Box, str]]],
    pixels: Sequence[np.ndarray],
    character: Embedder | None,
    faces: Mapping[str, Sequence[Box]] | None = None,
) -> list[dict[str, object]]:
    """Return rows of `detections` for the boxes found in each frame, with the ids of the models that found them.

    Boxes are numbered from 0 within their frame and kind. Faces get a vector from `character`, and so do heads and
    persons without a face, if the model can tell them apart. `faces`: faces of the frames that are known already.
    """
    rows: list[dict[str, object]] = []
    crops: list[np.ndarray] = []
    embedded: list[dict[str, object]] = []
    kinds = character.entry.boxes if character else ()
    for place, frame_id in enumerate(frame_ids):
        numbered = _numbered(found[place])
        boxes = [box for _, (box, _) in numbered]
        wanted = to_embed(boxes, kinds, (faces or {}).get(frame_id, ()))
        for (index, (box, model)), is_wanted in zip(numbered, wanted, strict=True):
            row: dict[str, object] = {
                "detection_id": schema.detection_id(frame_id, box.kind, index),
                "frame_id": frame_id,
                "source_id": source_id,
                "model": model,
                **asdict(box),
            }
            rows.append(row)
            if is_wanted:
                embedded.append(row)
                crops.append(character_crop(pixels[place], box))
    if crops and character:
        for row, vector in zip(embedded, character(crops), strict=True):
            row.update(vector=vector, vector_model=character.id)
    return rows


TAGGED_AT_ONCE = 16
"""Number of boxes that go through a tagger together."""


def box_tag_rows(
    boxes: Sequence[Mapping[str, Any]],
    pixels: Mapping[str, np.ndarray],
    tagger: Tagger,
    columns: TagColumns,
) -> list[dict[str, object]]:
    """Return rows of `box_tags`: the tags of each box (rows of `detections`), cut out of its frame with a margin.

    `pixels` are the frames by their ids, uint8 RGB [h,w,3].
    """
    rows: list[dict[str, object]] = []
    for start in range(0, len(boxes), TAGGED_AT_ONCE):
        some = boxes[start : start + TAGGED_AT_ONCE]
        crops = [tag_crop(pixels[row["frame_id"]], box_of(row)) for row in some]
        for row, scores in zip(some, tagger(crops), strict=True):
            key = schema.result_id(row["detection_id"], tagger.id)
            same = {name: row[name] for name in ("detection_id", "frame_id", "source_id", "kind")}
            rows.append({"box_tagging_id": key, **same, "model": tagger.id, **columns(scores)})
    return rows


def box_of(row: Mapping[str, Any]) -> Box:
    """Return the box of a row of `detections`."""
    return Box(**{field.name: row[field.name] for field in fields(Box)})


def _numbered(boxes: Sequence[tuple[Box, str]]) -> list[tuple[int, tuple[Box, str]]]:
    """Number the boxes of each kind from left to right, as detection ids do."""
    counts: dict[str, int] = {}
    numbered = []
    for box, model in sorted(boxes, key=lambda b: (b[0].kind, b[0].left, b[0].top)):
        index = counts.get(box.kind, 0)
        counts[box.kind] = index + 1
        numbered.append((index, (box, model)))
    return numbered


def join(parts: Sequence[Chunk]) -> Chunk:
    """Concatenate the rows of several batches into one chunk."""
    return Chunk(
        pa.concat_tables([part.frames for part in parts]),
        pa.concat_tables([part.detections for part in parts]),
        pa.concat_tables([part.thumbnails for part in parts]),
        pa.concat_tables([part.box_tags for part in parts]),
    )
