"""One pass over a video stream's packets, starting at a key packet that is not after the requested time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import ThreadType

from animeds_db.cores import core_count, is_limited
from animeds_db.media.colour import BT2020_PRIMARIES, UNSPECIFIED, Geometry, Tags, geometry, resolve
from animeds_db.media.frame import VideoFrame
from animeds_db.media.hardware import HardwareError
from animeds_db.media.opening import OpenVideo, choose_stream
from animeds_db.remote.paths import SourcePath

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

STEPS_BACK = (0.0, 2.0, 12.0)
"""Distances in seconds before the requested key frame at which seeks are tried. After these, the file is read from its
start."""


NO_TIMESTAMPS = 0x0080
"""AVFMT_NOTIMESTAMPS (libavformat/avformat.h): raw streams, whose times are counted from the start."""


class Reader:
    """An open video stream: its packets, its decoder and its time base.

    `device` decodes instead of the processor (see `hardware`); raises HardwareError if it cannot.
    """

    def __init__(self, path: SourcePath, stream: int | None = None, device: str | None = None) -> None:
        self.path = path
        self._index, self._device = stream, device
        self._open()
        self.time_base: Fraction = self.stream.time_base or Fraction(1, 1_000_000)
        self.start_pts: int = self.stream.start_time or 0
        # Read before anything is decoded: HEVC's decoder overwrites tags that only the container has.
        self._container_tags = Tags.of(self.context)
        self._geometry: Geometry | None = None

    def _open(self) -> None:
        self._open_video = OpenVideo(self.path, self._device)
        self._container = self._open_video.container
        try:
            self.stream: VideoStream = choose_stream(self.path, self._container, self._index)
        except BaseException:
            self._open_video.close()
            raise
        self.context = self.stream.codec_context
        if self._device is not None:
            self._use_device()
        # Program streams have no time for some frames: after a seek, FFmpeg guesses other times than before.
        flags = self._container.format.flags
        self.can_seek = self._container.format.name != "mpeg" and not flags & NO_TIMESTAMPS
        self.swaps_neighbours = (
            self._container.format.name == "avi"
        )  # whose packed B-frames have the time of a neighbour
        self._is_fresh = True

    def _use_device(self) -> None:
        if not self.context.is_hwaccel:
            self._open_video.close()
            raise HardwareError(f"{self._device} does not decode {self.context.codec.canonical_name}")
        # Threads gain nothing: the device works on several frames by itself, and each thread would keep some of them.
        self.context.thread_type, self.context.thread_count = ThreadType.SLICE, 1

    def close(self) -> None:
        """Close the file. Packets and frames already returned stay valid."""
        self._open_video.close()

    def use_all_cores(self) -> None:
        """Let the decoder use as many threads as FFmpeg chooses, or as many as this process is limited to."""
        self.context.thread_type = ThreadType.AUTO
        if is_limited():
            self.context.thread_count = core_count()

    def pts_at(self, seconds: float) -> int:
        """Return the pts of a time in seconds from the stream's start."""
        return self.start_pts + round(seconds / self.time_base)

    def seconds_at(self, pts: int) -> float:
        """Return a pts as seconds from the stream's start."""
        return float((pts - self.start_pts) * self.time_base)

    def duration_s(self) -> float | None:
        """Return the length of the stream, else of the file, in seconds, according to the header."""
        if self.stream.duration is not None:
            return float(self.stream.duration * self.time_base)
        tagged = _clock_seconds(self.stream.metadata.get("DURATION", ""))
        if tagged is not None:
            return tagged
        duration = self._container.duration
        return None if duration is None else duration / 1_000_000

    def packets(self, from_pts: int | None = None) -> Iterator[Packet[VideoStream]]:
        """Yield packets with data from the last key packet not after `from_pts` (None: from the start).

        If a seek lands too late because there is no index, further seeks go back more, at last to the file's start.
        """
        if from_pts is None:
            yield from self._packets_from_start()
            return
        for back in STEPS_BACK if self.can_seek else ():
            packets = self._packets_after_seek(from_pts - round(back / self.time_base))
            first = next((p for p in packets if p.is_keyframe), None)
            first_pts = None if first is None else packet_pts(first)
            if first is not None and first_pts is not None and first_pts <= from_pts:
                yield first
                yield from packets
                return
        yield from _from_last_key(self._packets_from_start(), from_pts)

    def _packets_after_seek(self, pts: int) -> Iterator[Packet[VideoStream]]:
        self._is_fresh = self._is_whole = False
        try:
            self._container.seek(pts, stream=self.stream, backward=True)
        except av.FFmpegError:
            self._open_video.raise_failure()
            return iter(())
        return self._demux()

    def _packets_from_start(self) -> Iterator[Packet[VideoStream]]:
        if not self._is_fresh:
            self.close()
            self._open()
        self._is_fresh, self._is_whole = False, True
        return self._demux()

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        """Yield packets with data. If the container is too damaged to continue, the stream ends."""
        packets = self._container.demux(self.stream)
        self._n_packets = 0
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, IndexError):  # IndexError: PyAV 18, if damage appears as a new stream
                packet = None
            if packet is None:
                self._open_video.raise_failure()
                return
            self._n_packets += packet.dts is not None  # the last one is empty: it marks the end
            if packet.size:
                yield packet

    def missing_packets(self) -> int:
        """Return the number of packets in the header minus the number read from start to end; 0 if unknown.

        Only AVI is checked. It has no times, so lost packets leave no gap. Other headers' counts are less reliable.
        """
        if self._container.format.name != "avi" or not self._is_whole:
            return 0
        return max(0, self.stream.frames - self._n_packets)

    def frame(self, decoded: av.VideoFrame, key_pts: int | None, is_keyframe: bool) -> VideoFrame | None:
        """Return a decoded frame as VideoFrame, or None if it has no time, as in raw streams."""
        pts = frame_pts(decoded)
        if pts is None:
            return None
        if decoded.time_base is None:  # of the frames that a decoder gives at the end of the file
            decoded.time_base = self.time_base
        tags = Tags.of(decoded).or_else(self._container_tags)
        colour = resolve(tags, decoded.format, decoded.width, decoded.height)
        if colour.is_wide:  # swscale uses the frame's tags, which may be fewer than the container's
            decoded.color_trc = tags.transfer
            decoded.color_primaries = BT2020_PRIMARIES if tags.primaries in UNSPECIFIED else tags.primaries
        # Read from the first frame only: PyAV's side_data puts a frame into a reference cycle, and frames are large.
        if self._geometry is None:
            self._geometry = geometry(self.stream.sample_aspect_ratio, _display_matrix(decoded))
        shape = self._geometry
        width, height = shape.displayed(decoded.width, decoded.height)
        return VideoFrame(
            stream=self.stream.index,
            pts=pts,
            key_pts=pts if key_pts is None else key_pts,
            time_s=self.seconds_at(pts),
            is_keyframe=is_keyframe,
            member=None,
            width=width,
            height=height,
            text=None,
            decoded=decoded,
            colour=colour,
            geometry=shape,
        )


def _from_last_key(packets: Iterator[Packet[VideoStream]], from_pts: int) -> Iterator[Packet[VideoStream]]:
    """Skip packets before the last key packet not after `from_pts`. Keeps at most one GOP in memory."""
    held: list[Packet[VideoStream]] = []
    for packet in packets:
        pts = packet_pts(packet)
        if packet.is_keyframe and pts is not None:
            if pts > from_pts:
                yield from (*held, packet)
                yield from packets
                return
            held = []
        held.append(packet)
    yield from held


def _display_matrix(decoded: av.VideoFrame) -> bytes | None:
    side_data: Iterable[Any] = decoded.side_data  # PyAV's stub calls it a dict; it is a sequence of SideData
    return next((bytes(data) for data in side_data if data.type.name == "DISPLAYMATRIX"), None)


def frame_pts(decoded: av.VideoFrame) -> int | None:
    """Return a frame's presentation time, else its decoding time; None in raw streams."""
    return decoded.pts if decoded.pts is not None else decoded.dts


def packet_pts(packet: Packet[VideoStream]) -> int | None:
    """Return a packet's presentation time, or its decoding time if the container has only that (AVI)."""
    return packet.pts if packet.pts is not None else packet.dts


def clock(seconds: float) -> str:
    """Return seconds as 1:02:03 or 2:03, rounded down; with tenths below ten seconds."""
    if abs(seconds) < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _clock_seconds(text: str) -> float | None:
    """Return the seconds in Matroska's DURATION tag, such as `00:24:00.500000000`."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
