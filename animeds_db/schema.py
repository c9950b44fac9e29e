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

import base64
import re
import string
from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 7
VERSION_KEY = b"animeds_schema_version"
PRIMARY_KEY = {b"lance-schema:unenforced-primary-key": b"true"}

DETECTION_LETTERS = {"face": "f", "head": "h", "halfbody": "b", "person": "p"}
"""Kinds of boxes of people, and their letters in ids. Ids of other kinds (eye, hand, text) have the kind itself."""
BOX_KIND = re.compile(r"[a-z][a-z_]*[a-z]")
"""What a kind of box may be called, so that an id shows where the kind ends and the number begins."""
CATEGORIES = ("general", "character", "copyright", "artist", "rating", "meta", "year", "quality", "model")
LAST_POSITION = 999_999_999
"""Highest position of a frame, milliseconds or place: an id has nine digits for it, so that ids sort by time."""
DAMAGED = "damaged"
"""State of a source that has lost rows. It stays until an ingest has read the whole source again."""
_CLIP = re.compile(r"(.+)-c(-?\d{1,18})_(-?\d{1,18})")
SCORE_UNIT = 1000
"""Tag scores are stored in thousandths: 345 is 0.345. They are rounded down, so that a score below a threshold never
reaches it."""
SCORE_FLOOR = 0.1
"""Minimum tag score that is stored (0…1). Any threshold above it can be used without tagging again."""


@dataclass(frozen=True)
class Table:
    """A table's name, its key column and its Arrow schema."""

    name: str
    key: str
    schema: pa.Schema


def source_id(content_hash: str) -> str:
    """Return the eight-character id of a source from the hexadecimal hash of its content."""
    return base64.b32encode(bytes.fromhex(content_hash)[:5]).decode("ascii").lower()


def frame_id(source: str, position: int) -> str:
    """Return a frame's id. `position` is milliseconds from the start (0 … 999 999 999), or a picture's index.

    Raises ValueError if the position has more than nine digits: ids would no longer sort by time.
    """
    if not 0 <= position <= LAST_POSITION:
        raise ValueError(f"frame position {position} is outside 0 … {LAST_POSITION}")
    return f"{source}-{position:09d}"


def detection_id(frame: str, kind: str, index: int) -> str:
    """Return a detection's id: frame id, the kind or its letter, and its index among that kind from left to right.

    Raises ValueError for a kind that is not made of lower-case letters.
    """
    if not BOX_KIND.fullmatch(kind):
        raise ValueError(f'"{kind}" is not a kind of box: use lower-case letters and underscores')
    return f"{frame}-{DETECTION_LETTERS.get(kind, kind)}{index}"


def index_of_detection(detection: str) -> int:
    """Return the number at the end of a detection's id."""
    return int(detection.rpartition("-")[2].lstrip(string.ascii_lowercase + "_"))


def shot_id(source: str, number: int) -> str:
    """Return a shot's id: source id, -s, and the shot's number in the video."""
    return f"{source}-s{number:05d}"


def clip_id(source: str, first_pts: int, last_pts: int) -> str:
    """Return a clip's id: source id, -c, and the pts of its first and last frame."""
    return f"{source}-c{first_pts}_{last_pts}"


def stretch_of_clip(clip: str) -> tuple[str, int, int] | None:
    """Return source id, first pts and last pts of a clip's id; None if it is not one."""
    found = _CLIP.fullmatch(clip)
    return (found[1], int(found[2]), int(found[3])) if found else None


def result_id(of: str, model: str) -> str:
    """Return the key of one model's result for one frame or detection, in a table with results of several models."""
    return f"{of}@{model}"


def description_id(target: str, model: str, prompt: str, language: str) -> str:
    """Return the key of what one model wrote about a frame or box (`target`), for this prompt and language."""
    return f"{target}@{model}/{prompt}/{language}"


def _key(name: str) -> pa.Field:
    return pa.field(name, pa.string(), nullable=False, metadata=PRIMARY_KEY)


def _vector(name: str, width: int) -> pa.Field:
    return pa.field(name, pa.list_(pa.float32(), width))


def _schema(*fields: pa.Field) -> pa.Schema:
    return pa.schema(list(fields), metadata={VERSION_KEY: str(SCHEMA_VERSION).encode()})


_TIME = pa.timestamp("us")  # naive UTC

SOURCES = Table(
    "sources",
    "source_id",
    _schema(
        _key("source_id"),
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
        pa.field("started_at", _TIME),
        pa.field("finished_at", _TIME),
    ),
)


def frames(embedding_width: int) -> Table:
    """Return the frames table for image embeddings of this width (float32, L2-normalised)."""
    return Table(
        "frames",
        "frame_id",
        _schema(
            _key("frame_id"),
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
            _vector("embedding", embedding_width),
            pa.field("embedder", pa.string()),  # model id
            pa.field("source_text", pa.string()),  # a caption that came with the picture
        ),
    )


def detections(vector_width: int) -> Table:
    """Return the detections table for character vectors of this width (float32, L2-normalised)."""
    return Table(
        "detections",
        "detection_id",
        _schema(
            _key("detection_id"),
            pa.field("frame_id", pa.string()),
            pa.field("source_id", pa.string()),
            pa.field("kind", pa.string()),  # face | head | halfbody | person | what other detectors find
            pa.field("left", pa.float32()),  # relative to the displayed frame, origin top left, 0…1
            pa.field("top", pa.float32()),
            pa.field("right", pa.float32()),
            pa.field("bottom", pa.float32()),
            pa.field("score", pa.float32()),  # 0…1
            pa.field("model", pa.string()),  # model id
            _vector("vector", vector_width),
            pa.field("vector_model", pa.string()),  # model id
        ),
    )


THUMBNAILS = Table(
    "thumbnails",
    "frame_id",
    _schema(
        _key("frame_id"),
        pa.field("source_id", pa.string()),
        pa.field("webp", pa.binary()),  # longer edge 256 px
    ),
)

VOCABULARY = Table(
    "vocabulary",
    "tag_id",
    _schema(
        pa.field("tag_id", pa.int32(), nullable=False, metadata=PRIMARY_KEY),  # from 1, never reused
        pa.field("tag", pa.string()),
        pa.field("category", pa.string()),  # one of CATEGORIES
    ),
)

MODELS = Table(
    "models",
    "model_id",
    _schema(
        _key("model_id"),  # name@revision
        pa.field("name", pa.string()),
        pa.field("task", pa.string()),  # tagger | detector | character | image | classifier | captioner
        pa.field("repo", pa.string()),
        pa.field("revision", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("width", pa.int32()),  # of its vectors; null for taggers and detectors
        pa.field("thresholds", pa.string()),  # JSON; a tagger's, per category, from which sure_tags follow
        pa.field("licence", pa.string()),
        pa.field("added_at", _TIME),
    ),
)

DUPLICATES = Table(
    "duplicates",
    "frame_id",
    _schema(
        _key("frame_id"),
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
    _schema(
        _key("segment_id"),  # source_id and the start, in milliseconds
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

LINES = Table(
    "lines",
    "line_id",
    _schema(
        _key("line_id"),  # source_id, the start in milliseconds, and a hash of the rest
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
    _schema(
        _key("screen_text_id"),  # frame_id@model
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
    _schema(
        _key("chapter_id"),  # source_id, the start in milliseconds, and the number
        pa.field("source_id", pa.string()),
        pa.field("number", pa.int32()),  # 0, 1, 2 … in order of time
        pa.field("start_s", pa.float64()),  # seconds from the stream's start, as frames.time_s
        pa.field("end_s", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("kind", pa.string()),  # opening | ending | recap | preview, if the title says so
    ),
)
"""The chapters of videos."""

SHOTS = Table(
    "shots",
    "shot_id",
    _schema(
        _key("shot_id"),  # source_id, -s and the shot's number, five digits
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

TAGGINGS = Table(
    "taggings",
    "tagging_id",
    _schema(
        _key("tagging_id"),  # frame_id@model
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
    _schema(
        _key("box_tagging_id"),  # detection_id@model
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

EMBEDDINGS = Table(
    "embeddings",
    "embedding_id",
    _schema(
        _key("embedding_id"),  # frame_id@model
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
    _schema(
        _key("detected_id"),  # frame_id@model
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
    _schema(
        _key("classification_id"),  # frame_id@model
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

DESCRIPTIONS = Table(
    "descriptions",
    "description_id",
    _schema(
        _key(
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
        pa.field("described_at", _TIME),
    ),
)
"""Results of `animeds describe`: what captioners wrote about frames and boxes."""

MASKS = Table(
    "masks",
    "mask_id",
    _schema(
        # frame_id or detection_id, @, model; of a whole source: source_id, /logo and a number, @, model
        _key("mask_id"),
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

CHOICES = Table(
    "choices",
    "task",
    _schema(
        _key("task"),  # tagger | image
        pa.field("model", pa.string()),  # model id
    ),
)
"""The model whose results `frames`, `tags` and search use after a rerun. Without a row: the model of the ingest."""

SETTINGS = Table(
    "settings",
    "name",
    _schema(
        _key("name"),  # profile | tagger | detector | character | image | sampling; selection.NAME
        pa.field("value", pa.string()),
    ),
)
"""Options of the last ingest. The next ingest uses them unless other options are given."""

LABELS = Table(
    "labels",
    "label_id",
    _schema(
        _key("label_id"),  # sorts by time
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
        pa.field("at", _TIME),
    ),
)
"""Labels given by people. Rows are appended and never overwritten; the newest label for a thing wins."""


def examples(vector_width: int) -> Table:
    """Return the table of few-shot references for character vectors of this width (float32, L2-normalised)."""
    return Table(
        "examples",
        "example_id",
        _schema(
            _key("example_id"),  # from the picture's bytes or the face: one row per example
            pa.field("character", pa.string()),  # ood: not a character of the cast
            pa.field("appearance", pa.string()),  # e.g. "Hairdown"; null if there is only one
            pa.field("origin", pa.string()),  # file | face | cluster | tag | label
            pa.field("uri", pa.string()),  # of a file
            pa.field("face_id", pa.string()),  # of a face in the database; its id at that time
            pa.field("frame_id", pa.string()),
            pa.field("source_id", pa.string()),
            _vector("vector", vector_width),
            pa.field("vector_model", pa.string()),  # model id
            pa.field("webp", pa.binary()),  # the head crop that was embedded, longer edge at most 256 px
            pa.field("added_at", _TIME),
        ),
    )


IDENTITIES = Table(
    "identities",
    "detection_id",
    _schema(
        _key("detection_id"),
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
    _schema(
        _key("detection_id"),
        pa.field("frame_id", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("cluster", pa.int32()),  # 1 is the largest; null: not grouped
        pa.field("similarity", pa.float32()),  # cosine with the cluster's centre
        pa.field("parameters", pa.string()),  # JSON of the options of the run
    ),
)
"""Results of `animeds characters cluster`: groups of faces that look like the same person."""

DEFAULT_WIDTH = 512
"""Vector width in a database that was created without that model. Every vector is then null."""


def all_tables(embedding_width: int = DEFAULT_WIDTH, vector_width: int = DEFAULT_WIDTH) -> tuple[Table, ...]:
    """Return every table of a database, in the order in which they are created."""
    stored = (SOURCES, frames(embedding_width), detections(vector_width), THUMBNAILS, VOCABULARY, MODELS)
    words = (LINES, CHAPTERS, SHOTS, SCREEN_TEXTS)
    reruns = (TAGGINGS, BOX_TAGS, EMBEDDINGS, DETECTED, CLASSIFICATIONS, DESCRIPTIONS, MASKS)
    people = (LABELS, examples(vector_width), IDENTITIES, CLUSTERS)
    return (*stored, *words, DUPLICATES, SEGMENTS, *reruns, CHOICES, SETTINGS, *people)
