"""The tables of what people decided: labels, examples, settings."""

from __future__ import annotations

import pyarrow as pa

from animeds_db.schema.columns import TIME, Table, arrow_schema, key_column, vector

CHOICES = Table(
    "choices",
    "task",
    arrow_schema(
        key_column("task"),  # tagger | image
        pa.field("model", pa.string()),  # model id
    ),
)
"""The model whose results `frames`, `tags` and search use after a rerun. Without a row: the model of the ingest."""


SETTINGS = Table(
    "settings",
    "name",
    arrow_schema(
        key_column("name"),  # profile | tagger | detector | character | image | sampling; selection.NAME
        pa.field("value", pa.string()),
    ),
)
"""Options of the last ingest. The next ingest uses them unless other options are given."""


LABELS = Table(
    "labels",
    "label_id",
    arrow_schema(
        key_column("label_id"),  # sorts by time
        pa.field("act", pa.string()),  # the change set: one command or click, undone as a whole
        pa.field("frame_id", pa.string()),  # null for names and stretches
        pa.field("source_id", pa.string()),
        pa.field("kind", pa.string()),  # of the box, as in detections; null: the whole frame
        pa.field("left", pa.float32()),  # the labelled box, as in detections; null: the whole frame
        pa.field("top", pa.float32()),
        pa.field("right", pa.float32()),
        pa.field("bottom", pa.float32()),
        # character | appearance | tag | frame | description | crop | mask | name | cluster | stretch | speaker
        pa.field("field", pa.string()),
        pa.field("op", pa.string()),  # set | add | remove | undo (value: the change set)
        # of a mask: its part; of a name: the old one; of a speaker: the name in the subtitles; of a stretch: its first
        # and last pts, 0_41
        pa.field("subject", pa.string()),
        # of a frame: keep | drop; of a stretch: keep | drop | cut; of a crop: left,top,right,bottom, 0…1;
        # of a mask: its share of the frame, a comma, and base64 of the PNG that covers the box or the frame
        pa.field("value", pa.string()),
        pa.field("who", pa.string()),
        pa.field("at", TIME),
    ),
)
"""Labels given by people. Rows are appended and never overwritten; the newest label for a thing wins."""


def examples(vector_width: int) -> Table:
    """Return the table of few-shot references for character vectors of this width (float32, L2-normalised)."""
    return Table(
        "examples",
        "example_id",
        arrow_schema(
            key_column("example_id"),  # from the picture's bytes or the face: one row per example
            pa.field("character", pa.string()),  # ood: not a character of the cast
            pa.field("appearance", pa.string()),  # e.g. "Hairdown"; null if there is only one
            pa.field("origin", pa.string()),  # file | face | cluster | tag | label
            pa.field("uri", pa.string()),  # of a file
            pa.field("face_id", pa.string()),  # of a face in the database; its id at that time
            pa.field("frame_id", pa.string()),
            pa.field("source_id", pa.string()),
            vector("vector", vector_width),
            pa.field("vector_model", pa.string()),  # model id
            pa.field("webp", pa.binary()),  # the head crop that was embedded, longer edge at most 256 px
            pa.field("added_at", TIME),
        ),
    )
