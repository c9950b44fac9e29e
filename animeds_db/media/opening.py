"""Opening a video file, or saying exactly why it is not one. The one rule: every kind of bad file has its own message."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av

from animeds_db.errors import SourceError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_PIXELS = 89_478_485
"""Pictures and video frames with more pixels are refused as bombs: Pillow's own limit (a 256 MiB RGB picture)."""

HINT_DAMAGED = "get the file again, or repair it: ffmpeg -i broken.mkv -c copy repaired.mkv"


@dataclass
class OpenVideo:
    """An open container and the one video stream that is read from it."""

    container: InputContainer
    stream: VideoStream

    def close(self) -> None:
        """Close the file; the decoder goes with it."""
        self.container.close()


def open_video(path: Path) -> OpenVideo:
    """Open a file and choose its best video stream. Raises SourceError with a message per kind of bad file."""
    _refuse_unreadable(path)
    try:
        container = av.open(str(path), mode="r", metadata_errors="replace")
    except av.FFmpegError as error:
        raise _not_a_video(path, error) from error
    try:
        return OpenVideo(container, _choose_stream(path, container))
    except BaseException:
        container.close()
        raise


def _refuse_unreadable(path: Path) -> None:
    """Raise for what the file system alone can tell, so that the message does not depend on FFmpeg's."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder, not a video", hint="give the video files inside it")
    if path.is_symlink() and not path.exists():
        raise SourceError(
            f"{path} is a link to {path.readlink()}, which is gone", hint="restore the file or the link"
        )
    if not path.exists():
        raise SourceError(f"{path} does not exist", hint="check the path; the file may have been moved")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except PermissionError as error:
        raise SourceError(
            f"{path} may not be read by you (permission denied)", hint=f"chmod u+r {path}"
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {os.strerror(error.errno or 0)}", hint=None) from error
    if is_empty:
        raise SourceError(f"{path} is empty (zero bytes)", hint="the download or copy failed: get it again")


def _not_a_video(path: Path, error: av.FFmpegError) -> SourceError:
    """Say what the file is instead, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[4:8] == b"ftyp":
        return SourceError(
            f"{path} has no index (moov): the recording or download was cut off before its end",
            hint="get the file again; without the index an mp4 cannot be played by anything",
        )
    if head[:4] == b"PK\x03\x04":
        return SourceError(
            f"{path} is a zip archive, not a video", hint="rename it to .zip if it holds pictures"
        )
    if head[:4] == b"\x1aE\xdf\xa3":
        return SourceError(f"{path} is a Matroska file without readable tracks", hint=HINT_DAMAGED)
    if _looks_like_text(head):
        return SourceError(
            f"{path} is text, not a video", hint="look into it: it may be an error page or a link"
        )
    reason = error.strerror or type(error).__name__
    return SourceError(f"{path} is not a video that FFmpeg can read ({reason})", hint=HINT_DAMAGED)


def _looks_like_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character cut by the end of the sample is no evidence
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text)


def _choose_stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the best video stream that is not cover art."""
    format_name = container.format.name
    if format_name.endswith("_pipe") or format_name == "image2":
        raise SourceError(
            f"{path} is a picture ({format_name.removesuffix('_pipe')}), not a video",
            hint="give it the suffix of a picture, or pass the folder of pictures",
        )
    if format_name == "tty":
        raise SourceError(
            f"{path} is text, not a video", hint="look into it: it may be an error page or a link"
        )
    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not moving:
        raise SourceError(f"{path} has no video stream{_what_else(container)}", hint="only video can be read")
    best = container.streams.best("video")
    stream = best if best in moving else moving[0]
    assert isinstance(stream, av.VideoStream)
    if stream.codec_context is None:
        raise SourceError(f"{path}: there is no decoder for its video codec", hint="re-encode it with ffmpeg")
    if stream.width * stream.height > MAX_PIXELS:
        raise SourceError(
            f"{path} says it is {stream.width}×{stream.height} pixels, more than {MAX_PIXELS:,}",
            hint="a size like this is a mistake or an attack; re-encode the file if it is neither",
        )
    return stream


def _what_else(container: InputContainer) -> str:
    kinds = sorted({s.type for s in container.streams})
    if kinds == ["video"]:
        return ", only cover art"
    return f" (only {', '.join(kinds)})" if kinds else ""
