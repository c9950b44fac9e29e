"""The tables of models and of what they and our own steps found."""

from __future__ import annotations

import pyarrow as pa

from animeds_db.schema.columns import TIME, Table, arrow_schema, key_column

MODELS = Table(
    "models",
    "model_id",
    arrow_schema(
        key_column("model_id"),  # name@revision
        pa.field("name", pa.string()),
        pa.field("task", pa.string()),  # tagger | detector | character | image | classifier | captioner
        pa.field("repo", pa.string()),
        pa.field("revision", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),  # of its vectors; null for taggers and detectors
        pa.field("thresholds", pa.string()),  # JSON; a tagger's, per category, from which sure_tags follow
        pa.field("licence", pa.string()),
        pa.field("added_at", TIME),
    ),
)


DUPLICATES = Table(
    "duplicates",
    "frame_id",
    arrow_schema(
        key_column("frame_id"),
        pa.field("source_id", pa.string()),
        pa.field("group_id", pa.string()),  # the frame_id of the group's keeper
        pa.field("keeper", pa.bool_()),
        pa.field("similarity", pa.float32()),  # cosine with the keeper; null where only phash was compared
        pa.field("reason", pa.string()),  # keeper | embedding | phash
        pa.field("parameters", pa.string()),  # JSON of the options of the run
    ),
)
"""Results of `animeds dedup`: the frames of groups of two or more. A frame without a row has no duplicate."""


SEGMENTS = Table(
    "segments",
    "segment_id",
    arrow_schema(
        key_column("segment_id"),  # source_id and the start, in milliseconds
        pa.field("source_id", pa.string()),
        pa.field("kind", pa.string()),  # opening | ending | recap
        pa.field("first_shot", pa.int32()),
        pa.field("last_shot", pa.int32()),
        pa.field("start_s", pa.float64()),
        pa.field("end_s", pa.float64()),
        pa.field("n_frames", pa.int64()),
        pa.field("shared_with", pa.list_(pa.string())),  # source ids
    ),
)
"""Results of `animeds dedup`: runs of shots that several episodes share."""


EMBEDDINGS = Table(
    "embeddings",
    "embedding_id",
    arrow_schema(
        key_column("embedding_id"),  # frame_id@model
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("model", pa.string()),  # model id
        pa.field("vector", pa.list_(pa.float32())),  # L2-normalised (a tagger's own are not); of any width
    ),
)
"""Results of `animeds embed`. Models differ in width, so the lists have no fixed length, which makes them slower to
search than `frames.embedding`."""


DETECTED = Table(
    "detected",
    "detected_id",
    arrow_schema(
        key_column("detected_id"),  # frame_id@model
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("model", pa.string()),  # model id
        pa.field("kinds", pa.list_(pa.string())),  # what this detector can find
        pa.field("n_found", pa.int32()),  # number of boxes, may be 0
    ),
)
"""Frames that `animeds detect` has finished. The boxes are in `detections`; a row here is written after them."""


CLASSIFICATIONS = Table(
    "classifications",
    "classification_id",
    arrow_schema(
        key_column("classification_id"),  # frame_id@model
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("model", pa.string()),  # model id
        pa.field("about", pa.string()),  # what it decides: aesthetic | rating | style | portrait | …
        pa.field("label", pa.string()),  # its answer
        pa.field("score", pa.float32()),  # probability of the most probable label, 0…1
        pa.field("value", pa.float32()),  # of labels with an order: the mean rank, from 0; else null
        pa.field("percentile", pa.float32()),  # share of pictures with a lower value, 0…1; null: not known
        pa.field("labels", pa.list_(pa.string())),  # all labels, most probable first
        pa.field("scores", pa.list_(pa.float32())),  # in step with labels, 0…1
    ),
)
"""Results of `animeds classify-frames`: what classifiers say about whole frames."""


MASKS = Table(
    "masks",
    "mask_id",
    arrow_schema(
        # frame_id or detection_id, @, model; of a whole source: source_id, /logo and a number, @, model
        key_column("mask_id"),
        pa.field("frame_id", pa.string()),  # null: of every frame of the source
        pa.field("source_id", pa.string()),
        pa.field("detection_id", pa.string()),  # the box whose content is masked; null: the whole frame
        pa.field("part", pa.string()),  # what it shows: character | logo | …
        pa.field("model", pa.string()),  # model id
        pa.field("left", pa.float32()),  # the region that the shape covers, 0…1 of the displayed frame
        pa.field("top", pa.float32()),
        pa.field("right", pa.float32()),
        pa.field("bottom", pa.float32()),
        pa.field("shape", pa.binary()),  # grey PNG, longer edge at most 512; null: the whole region
        pa.field("coverage", pa.float32()),  # share of the frame's area, 0…1
    ),
)
"""Results of `animeds segment`: which pixels of frames and boxes show a part. Outside the region there is nothing."""


IDENTITIES = Table(
    "identities",
    "detection_id",
    arrow_schema(
        key_column("detection_id"),
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("character", pa.string()),  # unknown: like no example; ood: like a negative example
        pa.field("appearance", pa.string()),
        pa.field("score", pa.float32()),  # calibrated, 0…1
        pa.field("margin", pa.float32()),  # to the next character, 0…1
        pa.field("second", pa.string()),  # that next character
        pa.field("example_id", pa.string()),  # the example that decided it
        pa.field("by", pa.string()),  # examples | shot | tag | body
        pa.field("parameters", pa.string()),  # JSON of the options of the run
    ),
)
"""Results of `animeds characters classify`: the character of each face, or of each person seen from behind."""


CLUSTERS = Table(
    "clusters",
    "detection_id",
    arrow_schema(
        key_column("detection_id"),
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("cluster", pa.int32()),  # 1 is the largest; null: not grouped
        pa.field("similarity", pa.float32()),  # cosine with the cluster's centre
        pa.field("parameters", pa.string()),  # JSON of the options of the run
    ),
)
"""Results of `animeds characters cluster`: groups of faces that look like the same person."""
