"""The columns of the views of people's labels, each of which builds only on those before it.

These views have few rows, but take most of the planning time of queries that build on them. So each is stored as a
temporary table; without labels it is empty, and is made of these columns alone. A test compares them with the views.
"""

from __future__ import annotations

_PLACED = (
    '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "kind" VARCHAR, "left" FLOAT, '
    '"top" FLOAT, "right" FLOAT, "bottom" FLOAT, "field" VARCHAR, "op" VARCHAR, "subject" VARCHAR, "value" VARCHAR, '
    '"who" VARCHAR, "at" TIMESTAMP, "show" VARCHAR, "season" INTEGER, "episode" INTEGER, "show_name" VARCHAR, '
    '"detection_id" VARCHAR'
)
LABEL_VIEWS = {
    "undone": '"act" VARCHAR',
    "names": '"name" VARCHAR, "renamed_to" VARCHAR, "final" VARCHAR',
    "box_labels": _PLACED,
    "labelled_boxes": '"detection_id" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "show" VARCHAR, '
    '"season" INTEGER, "episode" INTEGER, "character" VARCHAR, "appearance" VARCHAR, "score" FLOAT, "margin" FLOAT, '
    '"by" VARCHAR',
    "stretch_labels": '"label_id" VARCHAR, "act" VARCHAR, "source_id" VARCHAR, "first_pts" BIGINT, '
    '"last_pts" BIGINT, "value" VARCHAR',
    "speaker_names": '"label_id" VARCHAR, "act" VARCHAR, "speaker" VARCHAR, "said_by" VARCHAR',
    "frame_labels": '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "value" VARCHAR',
    "tag_labels": '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "op" VARCHAR, '
    '"tag" VARCHAR, "tag_id" INTEGER, "category" VARCHAR, "written" VARCHAR',
    "description_labels": '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "detection_id" VARCHAR, '
    '"value" VARCHAR, "who" VARCHAR, "at" TIMESTAMP, "source_id" VARCHAR, "show" VARCHAR, "season" INTEGER, '
    '"episode" INTEGER',
    "drawn_labels": _PLACED,
    "drawn_crops": '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "kind" VARCHAR, '
    '"detection_id" VARCHAR, "crop" DOUBLE[]',
    "drawn_masks": '"label_id" VARCHAR, "act" VARCHAR, "frame_id" VARCHAR, "source_id" VARCHAR, "show" VARCHAR, '
    '"season" INTEGER, "episode" INTEGER, "kind" VARCHAR, "detection_id" VARCHAR, "part" VARCHAR, "left" FLOAT, '
    '"top" FLOAT, "right" FLOAT, "bottom" FLOAT, "shape" BLOB, "coverage" FLOAT',
}
"""Each view with its columns and their types, as DuckDB writes them."""
