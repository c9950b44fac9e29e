"""Writes light videos of a few seconds, for people to look at: small, soon ready, and played by every browser."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import av
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from animeds_db.errors import SourceError
from animeds_db.media.reader import Reader
from animeds_db.media.video import Video
from animeds_db.remote.paths import SourcePath

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from animeds_db.media.frame import VideoFrame

LONGEST_S = 10.0
"""Maximum seconds of a light video. It is watched while somebody waits for it."""
HIGHEST = 480
"""Maximum height of its pictures in pixels."""
CLOCK = Fraction(1, 90_000)
"""Time base of its frames: fine enough for every frame rate."""
ENCODER = {"preset": "superfast", "crf": "28", "maxrate": "3M", "bufsize": "3M"}
"""Options of x264. superfast takes 4 ms per picture of 640×480. ultrafast takes half of that, for files twice as large."""


def light_video(
    path: SourcePath, first_s: float, last_s: float, *, step: Callable[[], None] = lambda: None
) -> bytes:
    """Return an mp4 (H.264) of the frames from `first_s` to `last_s` (seconds, inclusive), at most LONGEST_S of them.

    `step` is called before each frame, and may raise to stop. Times begin at 0 with the first frame.
    Raises SourceError if the file cannot be read or has no frame there.
    """
    end_s = min(last_s, first_s + LONGEST_S)
    frames = Video(path).frames(first_s, end_s)
    first = next(frames, None)
    if first is None:
        raise SourceError(f"{path} has no frame between {first_s:.2f} s and {end_s:.2f} s")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        _write(container, first, _stepped(chain([first], frames), step))
    return out.getvalue()


def times_of(path: SourcePath, first_pts: int, last_pts: int) -> tuple[float, float]:
    """Return two pts of a video's stream as seconds from its start. Raises SourceError."""
    with closing(Reader(path)) as reader:
        return reader.seconds_at(first_pts), reader.seconds_at(last_pts)


def _stepped(frames: Iterator[VideoFrame], step: Callable[[], None]) -> Iterator[VideoFrame]:
    for frame in frames:
        step()
        yield frame


def _write(container: OutputContainer, first: VideoFrame, frames: Iterator[VideoFrame]) -> None:
    assert first.time_s is not None
    width, height = small_size(first.width, first.height)
    stream: VideoStream = container.add_stream("libx264", options=ENCODER)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = CLOCK
    stream.codec_context.colorspace, stream.codec_context.color_range = 1, ColorRange.MPEG
    to_yuv = VideoReformatter()
    for frame in frames:
        assert frame.time_s is not None
        picture = to_yuv.reformat(
            av.VideoFrame.from_ndarray(frame.scaled(width, height), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        picture.pts, picture.time_base = round((frame.time_s - first.time_s) / CLOCK), CLOCK
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of a light video for pictures of this size: even numbers, at most HIGHEST pixels high."""
    high = min(HIGHEST, height)
    return max(2, round(width * high / height / 2) * 2), max(2, high // 2 * 2)
