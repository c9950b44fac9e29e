"""Reads videos and pictures: open one, iterate over its frames, and fetch exactly the same frames again later.

This package works with files and frames only; it does not read or write tables.

    with open_media(Path("Show - 01.mkv")) as episode:
        for frame in episode.keyframes():
            frame.pts, frame.content_hash(), frame.pixels()
"""

from __future__ import annotations

from animeds_db.media.exact import FrameKey, fetch
from animeds_db.media.frame import Frame, MediaInfo, VideoFrame, plane_array
from animeds_db.media.hardware import PROCESSOR, Hardware, choose_hardware
from animeds_db.media.notes import Damage
from animeds_db.media.pictures import ARCHIVE_SUFFIXES, PICTURE_SUFFIXES, Pictures, natural_key, suffix_of
from animeds_db.media.video import Video
from animeds_db.remote.paths import SourcePath

VIDEO_SUFFIXES = frozenset(
    {".mkv", ".mp4", ".m4v", ".avi", ".webm", ".ogm", ".ogv", ".mov", ".wmv", ".flv", ".ts", ".m2ts", ".mts"}
    | {".mpg", ".mpeg", ".vob", ".divx", ".3gp"}
)

__all__ = [
    "ARCHIVE_SUFFIXES",
    "PICTURE_SUFFIXES",
    "PROCESSOR",
    "VIDEO_SUFFIXES",
    "Damage",
    "Frame",
    "FrameKey",
    "Hardware",
    "MediaInfo",
    "Pictures",
    "Video",
    "VideoFrame",
    "choose_hardware",
    "fetch",
    "natural_key",
    "open_media",
    "plane_array",
    "suffix_of",
]


def open_media(path: SourcePath, hardware: Hardware = PROCESSOR) -> Video | Pictures:
    """Open a video file, a folder of pictures, an archive, or one picture.

    A file with an unknown suffix is tried as a video. `hardware` decodes videos. Raises SourceError if a file cannot be
    opened.
    """
    if path.is_dir() or suffix_of(path) in PICTURE_SUFFIXES | ARCHIVE_SUFFIXES:
        return Pictures(path)
    return Video(path, hardware=hardware)
