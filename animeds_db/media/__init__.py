"""Sources of pixels: open a video or pictures, iterate, and fetch exactly these frames again.

The one rule: this package knows files and frames, and nothing of tables.
"""

from __future__ import annotations

from pathlib import Path

from animeds_db.media.exact import FrameKey, fetch
from animeds_db.media.frame import Frame, MediaInfo
from animeds_db.media.pictures import ARCHIVE_SUFFIXES, PICTURE_SUFFIXES, Pictures
from animeds_db.media.video import Video

VIDEO_SUFFIXES = frozenset(
    {
        ".mkv",
        ".mp4",
        ".m4v",
        ".avi",
        ".webm",
        ".ogm",
        ".mov",
        ".wmv",
        ".flv",
        ".ts",
        ".m2ts",
        ".mpg",
        ".mpeg",
        ".vob",
    }
)

__all__ = [
    "ARCHIVE_SUFFIXES",
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "FrameKey",
    "MediaInfo",
    "Pictures",
    "Video",
    "fetch",
    "open_media",
]


def open_media(path: Path) -> Video | Pictures:
    """Open a video file, a folder of pictures or an archive. Raises SourceError naming what is wrong with it."""
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in PICTURE_SUFFIXES | ARCHIVE_SUFFIXES:
        return Pictures(path)
    return Video(path)
