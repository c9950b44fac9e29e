"""Packets into decoded frames. The one rule: damage costs the damaged frames, never the rest of the file."""

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
    """What a key packet gave when decoded by itself."""

    pts: int | None
    frames: list[av.VideoFrame]
    """One frame; none where AVI marks an empty packet as key (packed B-frames)."""
    is_damaged: bool


def decode_alone(context: VideoCodecContext, packet: Packet[VideoStream]) -> Alone:
    """Decode one packet, drain the decoder and reset it.

    Measured bit-identical to a full decode for the key packets of every codec; `skip_frame="NONKEY"` is
    not: VP9 ignores it, AVI with packed B-frames and open-GOP HEVC lose frames.
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

    Key frames do not depend on each other, so this uses all cores where FFmpeg's own threads cannot: most
    encoders write one slice per frame. On two cores 1.9 times as fast as one decoder.
    """

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
        """Close the files that were opened for further decoders; the reader's own stays open."""
        for reader in self._others:
            reader.close()

    def _take(self) -> VideoCodecContext:
        try:
            return self._idle.get_nowait()
        except Empty:
            # Opening the file again is the surest way to a decoder set up exactly alike.
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
    """Decode packets one after the other and yield whole frames in the order of presentation."""
    incomplete: set[int | None] = set()
    latest = 0.0
    for packet in chain(packets, [None]):  # None drains the decoder
        if packet is not None:
            pts = packet_pts(packet)
            latest = latest if pts is None else reader.seconds_at(pts)
            if packet.is_corrupt:  # cut off: the decoder fills the rest with grey and does not tell
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
