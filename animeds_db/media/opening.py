"""Opens a video, or explains why the file is not one. Each kind of bad file has its own message."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from animeds_db.errors import SourceError
from animeds_db.media.hardware import HardwareError, settings_for
from animeds_db.media.picture_files import MAX_PIXELS, PictureError, open_picture
from animeds_db.remote.paths import BucketPath, SourcePath, SpecialFileError, open_file
from animeds_db.remote.read_ahead import BLOCK, BucketFile

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

DEMUXERS = (
    *("matroska", "mov", "avi", "mpegts", "mpeg", "mpegvideo", "m4v", "h264", "hevc", "ivf", "obu", "vc1"),
    *(
        "ogg",
        "flv",
        "asf",
        "rm",
        "nut",
        "mxf",
        "mxf_opatom",
        "dv",
        "gxf",
        "wtv",
        "yuv4mpegpipe",
        "gif",
        "apng",
    ),
    # opened so that the message can say "only audio"
    *("mp3", "flac", "wav", "aac", "ac3", "eac3", "dts", "truehd", "aiff", "ape", "tta", "w64"),
)
"""Containers that are opened, by FFmpeg's names. None of them opens another file.

Playlists and scripts (concat, hls, dash, image2, sdp, imf, …) do: they can name any file or address.
"""

HINT_DAMAGED = "download or copy it again, or try to repair it: ffmpeg -i broken.mkv -c copy repaired.mkv"
HINT_SPECIAL = "only files and folders can be read: save its output to a file first"
HINT_TEXT = "open it in an editor: it may be an error page or a playlist that was saved under this name"


class OpenVideo:
    """An open container; for a file in a bucket also the reader that passes its bytes to FFmpeg.

    `device` decodes the video instead of the processor. Raises SourceError that says what the file is if it is not a
    video, and HardwareError if the device cannot be used.
    """

    def __init__(self, path: SourcePath, device: str | None = None) -> None:
        file = opened(path).detach()
        file.seek(0)
        self._file = file if isinstance(file, BucketFile) else None
        if self._file is None:
            file.close()  # FFmpeg reads files on a disk itself
        try:
            self.container = _container(path, self._file, device)
        except BaseException:
            self._close_file()
            raise

    def close(self) -> None:
        """Close the container and the reader."""
        self.container.close()
        self._close_file()

    def raise_failure(self) -> None:
        """Raise the SourceError of a failed read, which FFmpeg may have treated as the end of the file."""
        if self._file is not None and self._file.failure is not None:
            raise self._file.failure

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()


def _container(path: SourcePath, file: BucketFile | None, device: str | None) -> InputContainer:
    try:
        # An absolute path: FFmpeg would take "concat:…" at the start of a name as a protocol.
        return av.open(
            file or str(path.absolute()),
            mode="r",
            metadata_errors="replace",
            buffer_size=BLOCK,
            container_options={"format_whitelist": ",".join(DEMUXERS), "protocol_whitelist": "file"},
            hwaccel=None if device is None else settings_for(device),
        )
    except RuntimeError as error:
        if device is None:
            raise
        raise HardwareError(f"{device} decodes none of its streams") from error
    except av.FFmpegError as error:
        if file is not None and file.failure is not None:
            raise file.failure from error
        if device is not None:
            raise HardwareError(error.strerror or type(error).__name__) from error
        raise _not_a_video(path, error) from error


def opened(path: SourcePath) -> io.BufferedReader:
    """Open a file for reading bytes from its start.

    Raises SourceError for a file that is missing, empty, not readable, or a folder.
    """
    if not isinstance(path, BucketPath) and path.is_symlink() and not path.exists():
        raise SourceError(
            f"{path} is a link to {path.readlink()}, which does not exist",
            hint="restore the file or the link",
        )
    try:
        file = open_file(path)
        is_empty = not _peeked(file)
    except FileNotFoundError as error:
        raise SourceError(
            f"{path} does not exist", hint="check the path. If the file was moved, give its new path"
        ) from error
    except IsADirectoryError as error:
        raise SourceError(f"{path} is a folder, not a file", hint="give the files inside it") from error
    except PermissionError as error:
        raise SourceError(
            f"{path} cannot be read (permission denied)", hint=f"give yourself permission: chmod u+r '{path}'"
        ) from error
    except SpecialFileError as error:
        raise SourceError(f"{path} cannot be read: {error}", hint=HINT_SPECIAL) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SourceError(f"{path} cannot be read: {reason}", hint="check the disk or the network") from error
    if is_empty:
        file.close()
        raise SourceError(
            f"{path} is empty (zero bytes)", hint="a download or copy failed: download or copy it again"
        )
    return file


def _peeked(file: io.BufferedReader) -> bytes:
    try:
        return file.peek(1)
    except BaseException:
        file.close()
        raise


def choose_stream(path: SourcePath, container: InputContainer, index: int | None = None) -> VideoStream:
    """Return the stream of this index, or the best video stream that is not cover art."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        raise SourceError(
            f"{path} has no video{_what_else(container)}", hint="give a file that contains video"
        )
    best = container.streams.best("video")
    stream = next((s for s in moving if s.index == (best.index if index is None and best else index)), None)
    if stream is None and index is not None:
        raise SourceError(
            f"{path} no longer has video stream {index}", hint="the file has changed: ingest it again"
        )
    stream = stream or moving[0]
    if stream.codec_context is None:
        raise SourceError(
            f"{path}: FFmpeg has no decoder for its video",
            hint="convert it: ffmpeg -i in -c:v libx264 out.mkv",
        )
    if stream.width * stream.height > MAX_PIXELS:
        raise SourceError(
            f"{path} claims {stream.width}×{stream.height} pixels, more than the limit of {MAX_PIXELS:,}",
            hint="check the file: a size like this is usually damage or an attack. If it is real, scale the video down",
        )
    return stream


def _not_a_video(path: SourcePath, error: av.FFmpegError) -> SourceError:
    """Return an error that says what the file is instead, judged by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[4:8] == b"ftyp":
        return SourceError(
            f"{path} has no index (moov): it was cut off before the recording or download was complete",
            hint="download or copy it again: no player can show an mp4 file without its index",
        )
    if head[:4] == b"PK\x03\x04":
        return SourceError(
            f"{path} is a zip archive, not a video", hint="rename it to .zip if it contains pictures"
        )
    if head[:4] == b"\x1aE\xdf\xa3":
        return SourceError(f"{path} is a Matroska file with a damaged header", hint=HINT_DAMAGED)
    if _looks_like_text(head):
        return SourceError(f"{path} is text, not a video", hint=HINT_TEXT)
    if (kind := _picture_format(head)) is not None:
        return SourceError(
            f"{path} is a picture ({kind}), not a video",
            hint="give it a picture's suffix, or give its folder instead",
        )
    reason = error.strerror or type(error).__name__
    return SourceError(f"{path} is not a video that FFmpeg can read ({reason})", hint=HINT_DAMAGED)


def _looks_like_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # the end of the sample may cut a character
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text)


def _picture_format(head: bytes) -> str | None:
    """Return a picture's format in lower case, judged by the first bytes of the file; None if it is not a picture."""
    try:
        return str(open_picture(head).format).lower()
    except PictureError:
        return None


def _what_else(container: InputContainer) -> str:
    kinds = sorted({s.type for s in container.streams})
    return ", only cover art" if kinds == ["video"] else f" (only {', '.join(kinds)})" if kinds else ""
