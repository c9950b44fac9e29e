"""The columns of a plan, and those of a selection that control an export."""

from __future__ import annotations

import pyarrow as pa

from animeds_db.export.pictures.picture import Source

_BOX = pa.struct(
    [("detection_id", pa.string()), ("kind", pa.string()), ("character", pa.string())]
    + [(side, pa.float64()) for side in ("left", "top", "right", "bottom")]  # 0…1 of the picture
    + [("score", pa.float64())]
)

_ORIGIN = pa.struct(
    {
        **dict.fromkeys(("source_id", "frame_id"), pa.string()),
        "stream": pa.int32(),
        **dict.fromkeys(("pts", "key_pts"), pa.int64()),
        **dict.fromkeys(("member", "content_hash"), pa.string()),
    }
)

BESIDE = pa.list_(
    pa.struct(
        [
            ("name", pa.string()),
            ("look", pa.string()),
            ("origin", _ORIGIN),
            ("crop", pa.list_(pa.float64())),
        ]
    )
)
"""The parts of a picture, see picture.Part."""

_REGIONS = pa.list_(
    pa.struct({**dict.fromkeys(("left", "top", "right", "bottom"), pa.float64()), "shape": pa.string()})
)

MASKS = pa.list_(pa.struct({"time_s": pa.float64(), "shown": _REGIONS, "out": _REGIONS}))
"""What masks are drawn of, see picture.Mask."""

CLIP = pa.struct(
    [(name, pa.int64()) for name in ("first_pts", "last_pts", "n_frames")]
    + [(name, pa.string()) for name in ("fps", "control_id", "suffix")]
    + [("path", pa.list_(pa.list_(pa.float64())))]
)
"""The frames of a clip, and the suffix of its file."""

PLAN = pa.schema(
    [
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),  # null: no such frame in the database
        pa.field("stream", pa.int32()),
        pa.field("pts", pa.int64()),
        pa.field("key_pts", pa.int64()),
        pa.field("member", pa.string()),
        pa.field("content_hash", pa.string()),
        # Columns that a selection may have. Null is the default.
        pa.field("folder", pa.string()),  # relative, parts joined by /; default: the top
        pa.field(
            "filename", pa.string()
        ),  # with or without extension; default: title and the id's nine digits
        pa.field("caption", pa.string()),  # default: written by the caption profile
        pa.field("repeats", pa.int64()),  # ≥ 1; default 1
        pa.field(
            "multiply", pa.float64()
        ),  # the same for trainers that accept fractions, ≥ 1; default: repeats
        pa.field("crop", pa.list_(pa.float64())),  # left, top, right, bottom, 0…1; default: the whole frame
        # Facts about the picture. Those of a crop are its own.
        pa.field(
            "crop_kind", pa.string()
        ),  # face | head | halfbody | person; null: whole frame, or as selected
        pa.field("crop_number", pa.int32()),  # from 1, left to right among that kind in the frame
        pa.field("face_id", pa.string()),  # the box that was cut out
        pa.field("selection_row", pa.int64()),  # the first row of the selection with this picture
        pa.field(
            "tags",
            pa.list_(
                pa.struct(
                    [
                        ("tag", pa.string()),
                        ("category", pa.string()),
                        ("score", pa.float64()),  # 0…1
                        ("counts", pa.bool_()),  # it reaches the tagger's own threshold
                    ]
                )
            ),
        ),
        pa.field("boxes", pa.list_(_BOX)),
        pa.field("rating", pa.string()),
        pa.field("time_s", pa.float64()),
        # The frames of a clip, see picture.Clip. Null: a still picture.
        pa.field("clip", CLIP),
        # Pictures that belong to it, see picture.Part. Null: none.
        pa.field("beside", BESIDE),
        # What its mask is drawn of, see picture.Mask. Null: it has none.
        pa.field("masks", MASKS),
        # Kind of sidecar → text of the file, for sidecars that the caption profile writes.
        pa.field("caption_profile", pa.string()),  # of the selection; default: that of the export
        pa.field("documents", pa.map_(pa.string(), pa.string())),
    ]
)
"""The plan: one row per picture, in the order of source, stream and pts. The result of plan.sql."""

SOURCE_COLUMNS = tuple(Source.__dataclass_fields__)
"""Columns of the view `sources` that an export needs: the file with the pixels, and who to credit."""

STEERING = ("folder", "filename", "caption", "repeats", "crop", "caption_profile")
"""Columns of a selection that control the export."""

CONTROL_COLUMNS = ("control_id", "control_crop", "control")
"""Columns of a selection that name the controls of a picture, see controls.py."""

BOX_IDS = ("face_id", "head_id", "halfbody_id", "person_id", "detection_id")
"""Columns of a selection that name the box to cut out."""

KNOWN = (
    "multiply",
    "crop_kind",
    "crop_number",
    "face_id",
    "selection_row",
    "tags",
    "boxes",
    "rating",
    "time_s",
    "caption_profile",
    "clip",
    "beside",
    "masks",
    "documents",
)
"""Columns of PLAN that a plan may lack, besides STEERING."""
