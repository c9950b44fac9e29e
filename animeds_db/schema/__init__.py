"""The Lance tables: Arrow schemas, ids, and the meaning of every column. Imports no other module of this project.

One database is one directory (or URI) of Lance tables. Columns use only Arrow types that DuckDB can
filter in Lance: signed integers, float32/64, strings, binary, booleans, naive UTC timestamps, and
lists of those. Each table has one key column. It is marked as Lance's unenforced primary key, so that
concurrent `merge_insert`s of the same rows conflict instead of storing the rows twice.

Ids are strings that people can read, sort and use in file names:

    source     k3f9a2qd                  base32 of the content's hash
    frame      k3f9a2qd-000754212        + milliseconds (videos) or position (pictures), nine digits
    detection  k3f9a2qd-000754212-f0     + kind (f, h, b, p, or a word: eye) and position from left to right
    shot       k3f9a2qd-s00012           + number in the video
    clip       k3f9a2qd-c1024_53248      + pts of its first and last frame
"""

from __future__ import annotations

from functools import cache

from animeds_db.schema.columns import DEFAULT_WIDTH, PRIMARY_KEY, SCHEMA_VERSION, VERSION_KEY, Table
from animeds_db.schema.footage import DAMAGED, SHOTS, SOURCES, THUMBNAILS, detections, frames
from animeds_db.schema.ids import (
    BOX_KIND,
    DETECTION_LETTERS,
    LAST_POSITION,
    clip_id,
    description_id,
    detection_id,
    frame_id,
    index_of_detection,
    result_id,
    shot_id,
    source_id,
    stretch_of_clip,
)
from animeds_db.schema.people import CHOICES, LABELS, SETTINGS, examples
from animeds_db.schema.results import (
    CLASSIFICATIONS,
    CLUSTERS,
    DETECTED,
    DUPLICATES,
    EMBEDDINGS,
    IDENTITIES,
    MASKS,
    MODELS,
    SEGMENTS,
)
from animeds_db.schema.words import (
    BOX_TAGS,
    CATEGORIES,
    CHAPTERS,
    DESCRIPTIONS,
    LINES,
    SCORE_FLOOR,
    SCORE_UNIT,
    SCREEN_TEXTS,
    TAGGINGS,
    VOCABULARY,
)

__all__ = [
    "BOX_KIND",
    "BOX_TAGS",
    "CATEGORIES",
    "CHAPTERS",
    "CHOICES",
    "CLASSIFICATIONS",
    "CLUSTERS",
    "DAMAGED",
    "DEFAULT_WIDTH",
    "DESCRIPTIONS",
    "DETECTED",
    "DETECTION_LETTERS",
    "DUPLICATES",
    "EMBEDDINGS",
    "IDENTITIES",
    "LABELS",
    "LAST_POSITION",
    "LINES",
    "MASKS",
    "MODELS",
    "PRIMARY_KEY",
    "RERUNS",
    "SCHEMA_VERSION",
    "SCORE_FLOOR",
    "SCORE_UNIT",
    "SCREEN_TEXTS",
    "SEGMENTS",
    "SETTINGS",
    "SHOTS",
    "SOURCES",
    "TAGGINGS",
    "THUMBNAILS",
    "VERSION_KEY",
    "VOCABULARY",
    "Table",
    "all_tables",
    "clip_id",
    "description_id",
    "detection_id",
    "detections",
    "examples",
    "frame_id",
    "frames",
    "index_of_detection",
    "result_id",
    "shot_id",
    "source_id",
    "stretch_of_clip",
]

RERUNS = (
    "taggings",
    "box_tags",
    "embeddings",
    "detected",
    "classifications",
    "descriptions",
    "screen_texts",
    "masks",
)
"""Names of the tables with results of models that ran after the ingest."""


@cache
def all_tables(embedding_width: int = DEFAULT_WIDTH, vector_width: int = DEFAULT_WIDTH) -> tuple[Table, ...]:
    """Return every table of a database, in the order in which they are created."""
    stored = (SOURCES, frames(embedding_width), detections(vector_width), THUMBNAILS, VOCABULARY, MODELS)
    words = (LINES, CHAPTERS, SHOTS, SCREEN_TEXTS)
    reruns = (TAGGINGS, BOX_TAGS, EMBEDDINGS, DETECTED, CLASSIFICATIONS, DESCRIPTIONS, MASKS)
    people = (LABELS, examples(vector_width), IDENTITIES, CLUSTERS)
    return (*stored, *words, DUPLICATES, SEGMENTS, *reruns, CHOICES, SETTINGS, *people)
