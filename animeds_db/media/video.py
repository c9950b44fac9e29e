"""Reads the frames of a video file in order. A frame's pts is always the one in the file."""

from __future__ import annotations

import os
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Self

import av
from av.video.frame import PictureType

from animeds_db.cores import map_in_order
from animeds_db.errors import SourceError
from animeds_db.media.accelerated import CheckedKeyDecoder, Checks, decode_checked, expect_same
from animeds_db.media.decoding import Alone, KeyDecoder, decode_alone, decode_in_order
from animeds_db.media.frame import MediaInfo, VideoFrame
from animeds_db.media.hardware import PROCESSOR, Hardware, HardwareError
from animeds_db.media.notes import HINT_RAW, Damage, Notes, Timeline
from animeds_db.media.opening import HINT_DAMAGED
from animeds_db.media.reader import Reader, clock, frame_pts, packet_pts
from animeds_db.remote.paths import BucketPath, source_path

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

SKIPS_NON_INTRA = frozenset({"h264"})
"""Codecs whose decoder returns exactly the I-frames with skip_frame=NONINTRA. HEVC's decoder loses those that are
not key frames, and other decoders ignore it; for them, all frames are decoded."""

ONE_FRAME_A_PACKET = frozenset({"h264", "hevc", "av1", "vp9", "mpeg2video", "prores", "mjpeg"})
"""Codecs in which every packet of a progressive video gives one frame, so a packet without a frame is a loss."""


class Video:
    """One video stream of a file. Raises SourceError if the file is not a readable video.

    `warnings` grows while frames are read: cut short, damaged packets, HDR. Times are seconds from the
    stream's start. Each iteration opens the file again, so several can run at once.

    `hardware` decodes instead of the processor, if its frames are the same to the bit (see `accelerated`). Otherwise
    the processor does, and a warning says why.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | BucketPath,
        stream: int | None = None,
        hardware: Hardware = PROCESSOR,
    ) -> None:
        self.path = source_path(path)
        self._notes = Notes()
        if hardware.note:
            self._notes.tell(hardware.note)
        with closing(Reader(self.path, stream)) as reader:
            self._stream = reader.stream.index
            first = self._first_frame(reader)
            self.info = self._describe(reader, first)
        self._pix_fmt = first.decoded.format.name
        self.hardware = self._proven(hardware, first)

    @property
    def warnings(self) -> list[str]:
        """The warnings so far, as texts for users."""
        return self._notes.texts

    @property
    def damage(self) -> Damage:
        """The losses in the part that was read."""
        return self._notes.found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing, because each iteration closes its own file. Exists so that all sources can be used alike."""

    def keyframes(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield exactly the key frames from `start` to `end` (seconds, inclusive), decoding nothing else."""
        with (
            closing(Reader(self.path, self._stream)) as reader,
            closing(self._key_decoder(reader)) as decoder,
        ):
            timeline = Timeline(reader, self._notes)
            keys = (p for p in self._packets(reader, timeline, start, end) if p.is_keyframe)
            weight = 3 * reader.stream.width * reader.stream.height
            with closing(
                map_in_order(decoder, keys, decoder.workers, weigh=lambda _packet: weight)
            ) as results:
                for alone in results:
                    self._note_missing(reader, alone)
                    for decoded in alone.frames:
                        frame = self._frame(reader, timeline, decoded, None, True)
                        if frame is not None and _is_within(reader, frame.pts, start, end):
                            yield frame

    def intra_frames(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield all I-frames from `start` to `end` (seconds, inclusive), key frames or not."""
        if self.hardware.device is not None:
            self._notes.tell("I-frames are decoded by the processor")
        for frame in self._decoded(start, end, only_intra=True):
            if frame.decoded.pict_type == PictureType.I:
                yield frame

    def frames(self, start: float | None = None, end: float | None = None) -> Iterator[VideoFrame]:
        """Yield every frame from `start` to `end` (seconds, inclusive) in presentation order."""
        if self.hardware.device is None:
            yield from self._decoded(start, end)
            return
        last: VideoFrame | None = None
        try:
            with closing(Reader(self.path, self._stream, self.hardware.device)) as reader:
                for last in self._decoded_on(reader, start, end):
                    yield last
            return
        except HardwareError as error:
            at = "the start" if last is None else clock(last.time_s or 0.0)
            self._notes.tell(
                f"decoded by the processor from {at} on, because {self.hardware.device} stopped ({error})"
            )
        for frame in self._decoded(start if last is None else last.time_s, end):
            if last is None or frame.pts > last.pts:
                yield frame

    def _decoded_on(self, reader: Reader, start: float | None, end: float | None) -> Iterator[VideoFrame]:
        """Yield every frame, decoded by the reader's device. Raises HardwareError at the first sign of damage."""
        with (
            closing(Reader(self.path, self._stream)) as same,
            closing(KeyDecoder(same)) as exact,
        ):
            checks = Checks(reader, exact, self._pix_fmt)
            yield from self._in_order(
                reader, lambda packets: decode_checked(reader, packets, checks), start, end
            )

    def _decoded(
        self, start: float | None, end: float | None, *, only_intra: bool = False
    ) -> Iterator[VideoFrame]:
        """Yield every frame, or every I-frame and some others, decoded by the processor."""
        with closing(Reader(self.path, self._stream)) as reader:
            reader.use_all_cores()
            if only_intra and self.info.codec in SKIPS_NON_INTRA:
                reader.context.skip_frame = "NONINTRA"

            def decode(packets: Iterator[Packet[VideoStream]]) -> Iterator[av.VideoFrame]:
                return decode_in_order(reader, packets, self._notes)

            yield from self._in_order(reader, decode, start, end, only_intra=only_intra)

    def _in_order(
        self,
        reader: Reader,
        decode: Callable[[Iterator[Packet[VideoStream]]], Iterator[av.VideoFrame]],
        start: float | None,
        end: float | None,
        *,
        only_intra: bool = False,
    ) -> Iterator[VideoFrame]:
        timeline = Timeline(reader, self._notes)
        keys: list[int] = []
        awaited: set[int] = set()
        packets = self._remember(self._packets(reader, timeline, start, end), keys, awaited)
        first = None
        for decoded in decode(packets):
            pts = frame_pts(decoded)
            if pts is not None:
                awaited.discard(pts)
                first = pts if first is None else first
            key_pts = governing_key(keys, pts)
            frame = self._frame(reader, timeline, decoded, key_pts, pts == key_pts)
            if frame is not None and _is_within(reader, frame.pts, start, end):
                yield frame
        if self._counts_packets and not only_intra:
            self._note_lost(reader, (pts for pts in awaited if first is None or pts > first), start, end)

    def _proven(self, hardware: Hardware, first: VideoFrame) -> Hardware:
        """Return the hardware if it decodes this video to the bits of the processor, else the processor."""
        if hardware.device is None:
            return PROCESSOR
        try:
            expect_same(self.path, self._stream, hardware.device, self.info.codec or "", first)
        except HardwareError as error:
            self._notes.tell(f"decoded by the processor: {error}")
            return PROCESSOR
        return hardware

    def _key_decoder(self, reader: Reader) -> KeyDecoder | CheckedKeyDecoder:
        exact = KeyDecoder(reader)
        if self.hardware.device is None:
            return exact
        try:
            device = Reader(self.path, self._stream, self.hardware.device)
        except HardwareError as error:
            self._notes.tell(f"decoded by the processor: {error}")
            return exact
        return CheckedKeyDecoder(device, exact, self._pix_fmt)

    def _note_lost(
        self, reader: Reader, awaited: Iterable[int], start: float | None, end: float | None
    ) -> None:
        """Count the packets that gave no frame. Decoders drop frames that depend on a damaged one without an error."""
        lost = [pts for pts in awaited if _is_within(reader, pts, start, end)]
        if len(lost) > self._notes.found.damaged:
            for pts in lost:
                self._notes.damage("frames lost to damage", reader.seconds_at(pts))

    def _packets(
        self, reader: Reader, timeline: Timeline, start: float | None, end: float | None
    ) -> Iterator[Packet[VideoStream]]:
        """Yield the packets needed for this stretch of time, and record how far the file goes."""
        last = None if end is None else reader.pts_at(end)
        for packet in reader.packets(None if start is None else reader.pts_at(start)):
            if last is not None and packet.dts is not None and packet.dts > last:
                break
            timeline.saw(packet_pts(packet), packet.duration)
            yield packet
        else:
            timeline.ended()
        timeline.note_gaps()

    @staticmethod
    def _remember(
        packets: Iterator[Packet[VideoStream]], keys: list[int], awaited: set[int]
    ) -> Iterator[Packet[VideoStream]]:
        """Yield packets; collect the pts of key packets in `keys` (sorted) and of all packets in `awaited`."""
        for packet in packets:
            pts = packet_pts(packet)
            if pts is not None:
                awaited.add(pts)
                if packet.is_keyframe:
                    insort(keys, pts)
            yield packet

    def _frame(
        self, reader: Reader, timeline: Timeline, decoded: av.VideoFrame, key_pts: int | None, is_key: bool
    ) -> VideoFrame | None:
        """Return a decoded frame as VideoFrame, or None with a warning if its time was already used."""
        frame = reader.frame(decoded, key_pts, is_key)
        if frame is None:
            raise SourceError(f"{self.path} has frames without a timestamp (a raw stream)", hint=HINT_RAW)
        assert frame.time_s is not None
        if (decoded.width, decoded.height) != self._coded_size:
            self._notes.tell(f"the frame size changes to {frame.width}×{frame.height}")
        return frame if timeline.accept(frame.pts) else None

    def _note_missing(self, reader: Reader, alone: Alone) -> None:
        """Record a key packet that gave no frame."""
        seconds = 0.0 if alone.pts is None else reader.seconds_at(alone.pts)
        if alone.is_damaged:
            self._notes.damage("damaged packets skipped", seconds)
        elif not alone.frames and self.info.codec != "mpeg4":  # in which packed B-frames leave empty packets
            self._notes.count("key frames that cannot be decoded alone (intra refresh) left out", seconds)

    def _first_frame(self, reader: Reader) -> VideoFrame:
        """Return the first key frame that can be decoded. It shows the size, the orientation and the colours."""
        for packet in reader.packets():
            for decoded in decode_alone(reader.context, packet).frames if packet.is_keyframe else ():
                frame = reader.frame(decoded, None, True)
                if frame is None:
                    raise SourceError(
                        f"{self.path} has frames without a timestamp (a raw stream)", hint=HINT_RAW
                    )
                return frame
        raise SourceError(f"{self.path}: no frame can be decoded", hint=HINT_DAMAGED)

    def _describe(self, reader: Reader, first: VideoFrame) -> MediaInfo:
        self._coded_size = (first.decoded.width, first.decoded.height)
        codec = reader.context.codec.canonical_name
        self._counts_packets = codec in ONE_FRAME_A_PACKET and not first.decoded.interlaced_frame
        if first.colour.hdr:
            self._notes.tell(f"HDR ({first.colour.hdr}) is shown as SDR: light above 203 cd/m² is clipped")
        if first.colour.is_odd:
            self._notes.tell("its colour matrix is not supported: colours will be wrong")
        if first.decoded.interlaced_frame:
            self._notes.tell(
                "interlaced: each frame shows two moments, which leaves comb lines on moving edges"
            )
        rate = reader.stream.average_rate or reader.stream.guessed_rate
        return MediaInfo(
            kind="video",
            codec=codec,
            width=first.width,
            height=first.height,
            fps=float(rate) if rate else None,
            duration_s=reader.duration_s(),
            stream=reader.stream.index,
            colour=first.colour.text,
        )


def governing_key(keys: list[int], pts: int | None) -> int | None:
    """Return the latest of the sorted key pts that is not after `pts`: decoding must start there.

    The leading pictures of an open GOP are stored after a key frame but shown before it, and need the previous
    key frame. Comparing presentation times gives exactly that one.
    """
    if not keys or pts is None:
        return None
    return keys[max(0, bisect_right(keys, pts) - 1)]


def _is_within(reader: Reader, pts: int, start: float | None, end: float | None) -> bool:
    return (start is None or pts >= reader.pts_at(start)) and (end is None or pts <= reader.pts_at(end))
