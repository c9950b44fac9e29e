"""Reading frames out of a video file, in order. The one rule: a frame's pts is the file's own, never made up."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av

from animeds_db.errors import SourceError
from animeds_db.media.colour import HDR_TRANSFERS, Tags, geometry, resolve
from animeds_db.media.frame import MediaInfo, VideoFrame
from animeds_db.media.opening import open_video

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

I_FRAME = av.video.frame.PictureType.I


class Video:
    """One video stream of a file. Raises SourceError when the file is not a readable video.

    `warnings` fills while frames are read: cut short, damaged packets, HDR. Times are seconds from the
    stream's start. One iteration at a time: each starts from the requested start again.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._open = open_video(self.path)
        self._stream: VideoStream = self._open.stream
        self._context = self._stream.codec_context
        self._container_tags = Tags.of(self._context)  # decoders overwrite them with what the bitstream says
        self._time_base = self._stream.time_base or av.time_base
        self._start_pts = self._stream.start_time or 0
        self.warnings: list[str] = []
        self.info = self._describe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Frames already given out stay valid."""
        self._open.close()

    def _describe(self) -> MediaInfo:
        stream, container = self._stream, self._open.container
        shape = geometry(stream.sample_aspect_ratio, None)
        width, height = shape.displayed(stream.width, stream.height)
        rate = stream.average_rate or stream.guessed_rate
        duration = None
        if stream.duration is not None:
            duration = float(stream.duration * self._time_base)
        elif container.duration is not None:
            duration = container.duration / 1_000_000
        colour = None
        if self._context.format is not None:
            colour = resolve(self._container_tags, self._context.format, stream.width, stream.height).text
        return MediaInfo(
            kind="video",
            codec=self._context.name,
            width=width,
            height=height,
            fps=float(rate) if rate else None,
            duration_s=duration,
            stream=stream.index,
            colour=colour,
        )

    def keyframes(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield exactly the key frames; the decoder sees nothing else."""
        for packet in self._packets(start, end):
            if not packet.is_keyframe or not packet.size:
                continue
            for decoded in self._decode_alone(packet):
                frame = self._frame(decoded, decoded.pts, True)
                if _within(frame, start, end):
                    yield frame

    def intra_frames(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield all I-frames, key frames or not."""
        for frame in self.frames(start, end):
            if frame.decoded.pict_type == I_FRAME:
                yield frame

    def frames(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield every frame in presentation order."""
        keys: list[int] = []
        for packet in self._packets(start, end):
            if packet.is_keyframe and packet.pts is not None:
                insort(keys, packet.pts)
            for decoded in packet.decode():
                frame = self._frame(decoded, _governing(keys, decoded.pts), decoded.pts in keys)
                if _within(frame, start, end):
                    yield frame

    def _packets(self, start: float | None, end: float | None) -> Iterator[Packet[VideoStream]]:
        offset = self._start_pts if start is None else self._pts_at(start)
        self._open.container.seek(offset, stream=self._stream, backward=True)
        for packet in self._open.container.demux(self._stream):
            if end is not None and packet.dts is not None and packet.dts > self._pts_at(end):
                return
            yield packet

    def _pts_at(self, seconds: float) -> int:
        return self._start_pts + round(seconds / self._time_base)

    def _decode_alone(self, packet: Packet[VideoStream]) -> list[av.VideoFrame]:
        frames = packet.decode() + self._context.decode(None)
        self._context.flush_buffers()
        return frames

    def _frame(self, decoded: av.VideoFrame, key_pts: int | None, is_keyframe: bool) -> VideoFrame:
        if decoded.pts is None or key_pts is None:
            raise SourceError(
                f"{self.path} has frames without a time",
                hint="put it into a container: mkvmerge -o out.mkv in",
            )
        tags = Tags.of(decoded).or_else(self._container_tags)
        colour = resolve(tags, decoded.format, decoded.width, decoded.height)
        shape = geometry(self._stream.sample_aspect_ratio, _display_matrix(decoded))
        width, height = shape.displayed(decoded.width, decoded.height)
        return VideoFrame(
            stream=self._stream.index,
            pts=decoded.pts,
            key_pts=key_pts,
            time_s=float((decoded.pts - self._start_pts) * self._time_base),
            is_keyframe=is_keyframe,
            member=None,
            width=width,
            height=height,
            text=None,
            decoded=decoded,
            colour=colour,
            geometry=shape,
        )


def _governing(keys: list[int], pts: int | None) -> int | None:
    """Return the latest key pts that is not after this one: leading pictures belong to the key before."""
    if not keys or pts is None:
        return pts
    return keys[max(0, bisect_right(keys, pts) - 1)]


def _within(frame: VideoFrame, start: float | None, end: float | None) -> bool:
    time = frame.time_s or 0.0
    return (start is None or time >= start) and (end is None or time <= end)


def _display_matrix(decoded: av.VideoFrame) -> bytes | None:
    for data in decoded.side_data.keys():
        if data.type.name == "DISPLAYMATRIX":
            return bytes(data)
    return None
