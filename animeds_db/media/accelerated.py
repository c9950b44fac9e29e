"""Decoding on a device whose frames are proven to be those of the processor.

An export decodes on the processor and checks the hash of each frame, so a frame that a device has decoded must have the
same bits. Three things ensure this:

    codec   only codecs whose specification fixes every bit of a frame (not MPEG-2, whose decoders may round)
    trial   the first key frame of each video is decoded by both, and must be the same
    checks  so is one key frame every CHECK_S seconds

A device hides damage that the processor reports. At the first sign of damage the processor takes over, from the frame
after the last one that the device gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

import av

from animeds_db.errors import SourceError
from animeds_db.media.decoding import Alone, KeyDecoder, decode_alone
from animeds_db.media.frame import VideoFrame, hash_of
from animeds_db.media.hardware import HardwareError, in_format
from animeds_db.media.reader import Reader, clock, frame_pts, packet_pts
from animeds_db.remote.paths import SourcePath

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

EXACT = frozenset({"h264", "hevc", "vp9", "av1"})
"""Codecs whose decoders all give the same bits."""

CHECK_S = 10.0
"""Seconds of video from one check to the next. A check decodes one key frame on the processor: about 50 ms at 1080p."""

HINT_OTHER = "ingest it again with --hwaccel none --replace, and update the driver of the graphics card"


def expect_same(path: SourcePath, stream: int, device: str, codec: str, first: VideoFrame) -> None:
    """Raise HardwareError unless a device decodes the first key frame of a video to the same bits as the processor."""
    if codec not in EXACT:
        raise HardwareError(f"the bits of {codec} depend on what decodes it")
    with closing(Reader(path, stream, device)) as reader:
        packet = next((p for p in reader.packets() if p.is_keyframe and packet_pts(p) == first.pts), None)
        if packet is None:
            raise HardwareError("its first key frame was not found again")
        frames = decode_alone(reader.context, packet).frames
    if len(frames) != 1:
        raise HardwareError(f"{device} cannot decode this kind of {codec}")
    if hash_of(in_format(frames[0], first.decoded.format.name)) != first.content_hash():
        raise HardwareError(f"{device} decodes it to other pixels than the processor")


class Checks:
    """Compares a key frame of a device with the processor's every CHECK_S seconds. `exact` decodes on the processor."""

    def __init__(self, reader: Reader, exact: KeyDecoder, pix_fmt: str) -> None:
        self._reader, self._exact, self._pix_fmt = reader, exact, pix_fmt
        self._last_s: float | None = None
        self._expected: dict[int, str] = {}

    def note(self, packet: Packet[VideoStream]) -> None:
        """Remember the hash that this packet's frame must have, if a check is due."""
        pts = packet_pts(packet)
        if not packet.is_keyframe or pts is None:
            return
        seconds = self._reader.seconds_at(pts)
        if self._last_s is not None and 0 <= seconds - self._last_s < CHECK_S:
            return
        for frame in self._exact(packet).frames:
            self._last_s = seconds
            self._expected[pts] = hash_of(frame)

    def passed(self, decoded: av.VideoFrame) -> av.VideoFrame:
        """Return a frame of the device in the format of the processor's. Raises SourceError if it should be another."""
        frame = in_format(decoded, self._pix_fmt)
        pts = frame_pts(frame)
        expected = None if pts is None else self._expected.pop(pts, None)
        if pts is not None and expected is not None and hash_of(frame) != expected:
            at = clock(self._reader.seconds_at(pts))
            raise SourceError(
                f"{self._reader.path}: the frame at {at} is decoded to other pixels than by the processor",
                hint=HINT_OTHER,
            )
        return frame


def decode_checked(
    reader: Reader, packets: Iterable[Packet[VideoStream]], checks: Checks
) -> Iterator[av.VideoFrame]:
    """Decode packets on the reader's device and yield the frames in presentation order.

    Raises HardwareError at the first sign of damage, and SourceError if a check fails.
    """
    for packet in chain(packets, [None]):  # None drains the decoder
        if packet is not None:
            if packet.is_corrupt:
                raise HardwareError("a packet is damaged")
            checks.note(packet)
        try:
            decoded = reader.context.decode(packet)
        except (av.FFmpegError, OSError) as error:
            raise HardwareError(error.strerror or type(error).__name__) from error
        for frame in decoded:
            if frame.is_corrupt:
                raise HardwareError("a frame is damaged")
            yield checks.passed(frame)


class CheckedKeyDecoder:
    """Decodes key packets by themselves on a device. What it does not decode cleanly, the processor decodes."""

    workers = 1
    """A device has one decoder here: it is faster than all cores, or not worth using."""

    def __init__(self, reader: Reader, exact: KeyDecoder, pix_fmt: str) -> None:
        self._reader, self._exact = reader, exact
        self._checks = Checks(reader, exact, pix_fmt)

    def __call__(self, packet: Packet[VideoStream]) -> Alone:
        alone = Alone(None, [], True) if packet.is_corrupt else decode_alone(self._reader.context, packet)
        if alone.is_damaged or len(alone.frames) != 1:
            return self._exact(packet)
        self._checks.note(packet)
        return Alone(alone.pts, [self._checks.passed(alone.frames[0])], False)

    def close(self) -> None:
        """Close the device's file and those of the processor's decoders."""
        self._reader.close()
        self._exact.close()
