"""Decodes packets into frames. Damage loses the damaged frames only, not the rest of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import av
from av.codec.context import ThreadType

from animeds_db.media.notes import Notes
from animeds_db.media.reader import Reader, packet_pts

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class Alone:
    """Result of decoding a key packet by itself."""

    pts: int | None
    frames: list[av.VideoFrame]
    """One frame, or none where AVI marks an empty packet as a key packet (packed B-frames)."""
    is_damaged: bool


def decode_alone(context: VideoCodecContext, packet: Packet[VideoStream]) -> Alone:
    """Decode one packet, drain the decoder and reset it.

    For key packets of every codec tested, the result is bit-identical to a full decode. `skip_frame="NONKEY"`
    is not: VP9 ignores it, and AVI with packed B-frames and open-GOP HEVC lose frames.
    """
    if packet.is_corrupt:
        return Alone(packet_pts(packet), [], True)
    frames: list[av.VideoFrame] = []
    is_damaged = False
    try:
        frames += context.decode(packet)
        frames += context.decode(None)
    except av.FFmpegError:
        is_damaged = True
    finally:
        context.flush_buffers()
    whole = [frame for frame in frames if not frame.is_corrupt]
    return Alone(packet_pts(packet), whole, is_damaged or len(whole) < len(frames))


class KeyDecoder:
    """Decodes key packets by themselves from several threads, each with a decoder of its own.

    Key frames do not depend on each other, so this uses all cores. FFmpeg's own threads cannot, because most
    encoders write one slice per frame. On two cores this is 1.9 times as fast as one decoder.
    """

    workers: int | None = None
    """Threads that may call it at a time; None: as many as there are cores."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._others: list[Reader] = []
        self._idle: SimpleQueue[VideoCodecContext] = SimpleQueue()
        self._release(reader.context)

    def __call__(self, packet: Packet[VideoStream]) -> Alone:
        context = self._take()
        try:
            return decode_alone(context, packet)
        finally:
            self._idle.put(context)

    def close(self) -> None:
        """Close the files opened for the additional decoders. The reader's own file stays open."""
        for reader in self._others:
            reader.close()

    def _take(self) -> VideoCodecContext:
        try:
            return self._idle.get_nowait()
        except Empty:
            # Opening the file again is the most reliable way to get an identical decoder.
            other = Reader(self._reader.path, self._reader.stream.index)
            self._others.append(other)
            other.context.thread_type, other.context.thread_count = ThreadType.SLICE, 1
            return other.context

    def _release(self, context: VideoCodecContext) -> None:
        if not context.is_open:
            context.thread_type, context.thread_count = ThreadType.SLICE, 1
        self._idle.put(context)


def decode_in_order(
    reader: Reader, packets: Iterable[Packet[VideoStream]], notes: Notes
) -> Iterator[av.VideoFrame]:
    """Decode packets one after the other and yield the complete frames in presentation order."""
    incomplete: set[int | None] = set()
    latest = 0.0
    for packet in chain(packets, [None]):  # None drains the decoder
        if packet is not None:
            pts = packet_pts(packet)
            latest = latest if pts is None else reader.seconds_at(pts)
            if packet.is_corrupt:  # cut off: the decoder fills the rest with grey without an error
                incomplete.add(pts)
        try:
            decoded = reader.context.decode(packet)
        except av.FFmpegError:
            notes.damage("damaged packets skipped", latest)
            continue
        for frame in decoded:
            if frame.is_corrupt or frame.pts in incomplete:
                at = latest if frame.pts is None else reader.seconds_at(frame.pts)
                notes.damage("damaged frames left out", at)
            else:
                yield frame
