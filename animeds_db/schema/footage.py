"""The tables of what was ingested: sources, frames, boxes, thumbnails, shots."""

from __future__ import annotations

import pyarrow as pa

from animeds_db.schema.columns import TIME, Table, arrow_schema, key_column, vector

DAMAGED = "damaged"
"""State of a source that has lost rows. It stays until an ingest has read the whole source again."""


SOURCES = Table(
    "sources",
    "source_id",
    arrow_schema(
        key_column("source_id"),
        pa.field("content_hash", pa.string()),  # xxh3-128 of sampled bytes (see animeds_ingest.sources), hex
        pa.field("fingerprint", pa.string()),  # of names, sizes, times: "unchanged" without reading content
        pa.field("kind", pa.string()),  # video | images | archive | imagefolder
        pa.field("uri", pa.string()),  # absolute path or URI, as last seen
        pa.field("other_uris", pa.list_(pa.string())),  # further paths at which the same content was seen
        pa.field("image_type", pa.string()),  # screenshot | fanart | regularization
        pa.field("show", pa.string()),
        pa.field("season", pa.int32()),
        pa.field("episode", pa.int32()),
        pa.field("title", pa.string()),  # file or folder name without extension
        pa.field("credit", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("url", pa.string()),
        pa.field("codec", pa.string()),
        pa.field("width", pa.int32()),  # as displayed: after sample aspect ratio and rotation, pixels
        pa.field("height", pa.int32()),
        pa.field("fps", pa.float64()),
        pa.field("duration_s", pa.float64()),
        pa.field("colour", pa.string()),  # matrix and range that were used, e.g. "bt709 limited (assumed)"
        pa.field("sampling", pa.string()),  # canonical text, e.g. "keyframes" or "every=2s 60..120"
        pa.field("models", pa.list_(pa.string())),  # model ids used, in the order tagger, detector, …
        pa.field("n_frames", pa.int64()),
        pa.field(
            "n_damaged", pa.int64()
        ),  # moments of which damage cost a packet or a frame, as far as it was read
        pa.field("n_gaps", pa.int64()),  # stretches of time without a frame where the video should have some
        pa.field("state", pa.string()),  # running | interrupted | failed | damaged | done
        pa.field("error", pa.string()),  # what went wrong, or what was noticed ("cut short at 12:31")
        pa.field("started_at", TIME),
        pa.field("finished_at", TIME),
    ),
)


def frames(embedding_width: int) -> Table:
    """Return the frames table for image embeddings of this width (float32, L2-normalised)."""
    return Table(
        "frames",
        "frame_id",
        arrow_schema(
            key_column("frame_id"),
            pa.field("source_id", pa.string()),
            pa.field("stream", pa.int32()),  # index of the video stream; 0 for pictures
            pa.field("pts", pa.int64()),  # presentation time in the stream's time base; index for pictures
            pa.field("key_pts", pa.int64()),  # pts of the key frame from which this frame can be decoded
            pa.field("member", pa.string()),  # path inside the folder or archive; null for videos
            pa.field("time_s", pa.float64()),  # seconds from the stream's start; null for pictures
            pa.field("ordinal", pa.int32()),  # 0, 1, 2 … among this source's rows
            pa.field("shot", pa.int32()),  # 0, 1, 2 … within the source, by cuts between sampled frames
            pa.field("is_keyframe", pa.bool_()),
            pa.field("width", pa.int32()),  # as displayed, pixels
            pa.field("height", pa.int32()),
            pa.field(
                "content_hash", pa.string()
            ),  # xxh3-128 hex: decoded planes (video) or file bytes (picture)
            pa.field(
                "phash", pa.int64()
            ),  # 64-bit DCT hash, as a signed integer; distance = bit count of xor
            pa.field("sharpness", pa.float32()),  # variance of the Laplacian of 8-bit luma, see measure.py
            pa.field("brightness", pa.float32()),  # mean luma, 0…1
            pa.field("contrast", pa.float32()),  # standard deviation of luma, 0…0.5
            pa.field("saturation", pa.float32()),  # mean HSV saturation, 0…1
            pa.field("border_left", pa.float32()),  # uniform border, share of width or height, 0…1
            pa.field("border_top", pa.float32()),
            pa.field("border_right", pa.float32()),
            pa.field("border_bottom", pa.float32()),
            pa.field("is_blank", pa.bool_()),
            pa.field("text_upper", pa.float32()),  # share of the upper band that burned-in text covers, 0…1
            pa.field("text_lower", pa.float32()),  # the same, lower band
            pa.field("rating", pa.string()),  # general | sensitive | questionable | explicit
            pa.field("tags", pa.list_(pa.int32())),  # vocabulary.tag_id, best score first
            pa.field("tag_scores", pa.list_(pa.int16())),  # thousandths, rounded down, in step with tags
            pa.field("sure_tags", pa.list_(pa.int32())),  # those above the threshold: see store/sure_tags.py
            pa.field("sure_scores", pa.list_(pa.int16())),  # in step with sure_tags
            pa.field("tagger", pa.string()),  # model id
            vector("embedding", embedding_width),
            pa.field("embedder", pa.string()),  # model id
            pa.field("source_text", pa.string()),  # a caption that came with the picture
        ),
    )


def detections(vector_width: int) -> Table:
    """Return the detections table for character vectors of this width (float32, L2-normalised)."""
    return Table(
        "detections",
        "detection_id",
        arrow_schema(
            key_column("detection_id"),
            pa.field("frame_id", pa.string()),
            pa.field("source_id", pa.string()),
            pa.field("kind", pa.string()),  # face | head | halfbody | person | what other detectors find
            pa.field("left", pa.float32()),  # relative to the displayed frame, origin top left, 0…1
            pa.field("top", pa.float32()),
            pa.field("right", pa.float32()),
            pa.field("bottom", pa.float32()),
            pa.field("score", pa.float32()),  # 0…1
            pa.field("model", pa.string()),  # model id
            vector("vector", vector_width),
            pa.field("vector_model", pa.string()),  # model id
        ),
    )


THUMBNAILS = Table(
    "thumbnails",
    "frame_id",
    arrow_schema(
        key_column("frame_id"),
        pa.field("source_id", pa.string()),
        pa.field("webp", pa.binary()),  # longer edge 256 px
    ),
)


SHOTS = Table(
    "shots",
    "shot_id",
    arrow_schema(
        key_column("shot_id"),  # source_id, -s and the shot's number, five digits
        pa.field("source_id", pa.string()),
        pa.field("shot", pa.int32()),  # 0, 1, 2 … in order of time, as frames.shot
        pa.field("first_pts", pa.int64()),  # of its first frame, in the stream's time base, as frames.pts
        pa.field("last_pts", pa.int64()),  # of its last frame
        pa.field("first_s", pa.float64()),  # seconds from the stream's start, as frames.time_s
        pa.field("last_s", pa.float64()),
        pa.field("frames", pa.int32()),  # in the video
        pa.field("drawn_frames", pa.int32()),  # that differ from the one before; the first one counts
        pa.field(
            "cadence", pa.int32()
        ),  # frames for which most drawings stand: 1…4; null: none, or it varies
        pa.field("motion", pa.string()),  # still | pan | zoom | moving
        pa.field("pan_x", pa.float32()),  # movement of the camera to the right, in picture widths
        pa.field("pan_y", pa.float32()),  # downward, in picture heights
        pa.field("zoom", pa.float32()),  # size of what the last frame shows, relative to the first
        pa.field("moved", pa.float32()),  # mean share of the picture that moves apart from the camera, 0…1
        pa.field("is_blank", pa.bool_()),
    ),
)
"""Results of `animeds shots`: the shots of videos, whose first and last frames are exact."""
