"""The tables of words: tags, descriptions, subtitles, chapters, text on the screen."""

from __future__ import annotations

import pyarrow as pa

from animeds_db.schema.columns import PRIMARY_KEY, TIME, Table, arrow_schema, key_column

CATEGORIES = ("general", "character", "copyright", "artist", "rating", "meta", "year", "quality", "model")
SCORE_UNIT = 1000
"""Tag scores are stored in thousandths: 345 is 0.345. They are rounded down, so that a score below a threshold never
reaches it."""
SCORE_FLOOR = 0.1
"""Minimum tag score that is stored (0…1). Any threshold above it can be used without tagging again."""


VOCABULARY = Table(
    "vocabulary",
    "tag_id",
    arrow_schema(
        pa.field("tag_id", pa.int32(), nullable=False, metadata=PRIMARY_KEY),  # from 1, never reused
        pa.field("tag", pa.string()),
        pa.field("category", pa.string()),  # one of CATEGORIES
    ),
)


LINES = Table(
    "lines",
    "line_id",
    arrow_schema(
        key_column("line_id"),  # source_id, the start in milliseconds, and a hash of the rest
        pa.field("source_id", pa.string()),
        pa.field("start_s", pa.float64()),  # seconds from the stream's start, as frames.time_s
        pa.field("end_s", pa.float64()),
        pa.field("kind", pa.string()),  # dialogue | sign | song
        pa.field("text", pa.string()),  # on one line, without markup
        pa.field("raw", pa.string()),  # as in the track
        pa.field("speaker", pa.string()),  # the name that the subtitler wrote
        pa.field("style", pa.string()),
        pa.field("layer", pa.int32()),
        pa.field("song", pa.string()),  # opening | ending, if the style's name says so
        pa.field("language", pa.string()),  # as the track or the file's name has it: eng, ja, pt-BR
        pa.field("track", pa.int32()),  # index of the stream in the video; null for a file beside it
        pa.field("track_title", pa.string()),  # or the file's name
        pa.field("origin", pa.string()),  # ocr: read from the pictures; null: from a track or a file
    ),
)
"""The subtitles of videos: one row per event that has words."""


SCREEN_TEXTS = Table(
    "screen_texts",
    "screen_text_id",
    arrow_schema(
        key_column("screen_text_id"),  # frame_id@model
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("model", pa.string()),  # model id
        pa.field(
            "texts", pa.list_(pa.string())
        ),  # from top to bottom; empty: nothing can be read on this frame
        pa.field("scores", pa.list_(pa.float32())),  # 0…1, in step with texts
        pa.field(
            "boxes", pa.list_(pa.float32())
        ),  # left, top, right, bottom of each text, 0…1, as in detections
        pa.field("text_upper", pa.float32()),  # as in frames, by the boxes of these texts
        pa.field("text_lower", pa.float32()),
    ),
)
"""The text that can be read on frames, from `animeds read-text --ocr`. One row per frame and model."""


CHAPTERS = Table(
    "chapters",
    "chapter_id",
    arrow_schema(
        key_column("chapter_id"),  # source_id, the start in milliseconds, and the number
        pa.field("source_id", pa.string()),
        pa.field("number", pa.int32()),  # 0, 1, 2 … in order of time
        pa.field("start_s", pa.float64()),  # seconds from the stream's start, as frames.time_s
        pa.field("end_s", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("kind", pa.string()),  # opening | ending | recap | preview, if the title says so
    ),
)
"""The chapters of videos."""


TAGGINGS = Table(
    "taggings",
    "tagging_id",
    arrow_schema(
        key_column("tagging_id"),  # frame_id@model
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("model", pa.string()),  # model id
        pa.field("tags", pa.list_(pa.int32())),  # vocabulary.tag_id, best score first
        pa.field("tag_scores", pa.list_(pa.int16())),  # thousandths, rounded down, in step with tags
        pa.field("sure_tags", pa.list_(pa.int32())),  # those above the threshold: see store/sure_tags.py
        pa.field("sure_scores", pa.list_(pa.int16())),  # in step with sure_tags
        pa.field("rating", pa.string()),  # general | sensitive | questionable | explicit
    ),
)
"""Results of `animeds tag`: frames tagged by another tagger than the one used at ingest (`frames.tagger`)."""


BOX_TAGS = Table(
    "box_tags",
    "box_tagging_id",
    arrow_schema(
        key_column("box_tagging_id"),  # detection_id@model
        pa.field("detection_id", pa.string()),
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("kind", pa.string()),  # of the box, as in detections
        pa.field("model", pa.string()),  # model id
        pa.field("tags", pa.list_(pa.int32())),  # as in taggings, of the part of the frame in the box
        pa.field("tag_scores", pa.list_(pa.int16())),
        pa.field("sure_tags", pa.list_(pa.int32())),
        pa.field("sure_scores", pa.list_(pa.int16())),
        pa.field("rating", pa.string()),
    ),
)
"""Tags of single boxes, from `animeds tag --boxes` or an ingest whose profile tags boxes."""


DESCRIPTIONS = Table(
    "descriptions",
    "description_id",
    arrow_schema(
        key_column(
            "description_id"
        ),  # frame_id or detection_id, and model, prompt and language: see description_id()
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("detection_id", pa.string()),  # the box that was shown to the model; null: the whole frame
        pa.field("model", pa.string()),  # model id
        pa.field("prompt", pa.string()),  # name of the template, @, and the start of its hash
        pa.field("language", pa.string()),  # that was asked for: en, ja, pt-BR
        pa.field("text", pa.string()),  # on one line
        pa.field("tokens_in", pa.int32()),  # as the model counts them; null: it does not say
        pa.field("tokens_out", pa.int32()),
        pa.field("cost", pa.float64()),  # US dollars, by the prices of the manifest; null: not known
        pa.field("described_at", TIME),
    ),
)
"""Results of `animeds describe`: what captioners wrote about frames and boxes."""
