"""Decodes stretches of a video: every frame from a first to a last one, the same frames as ingest decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from animeds_db.errors import SourceError
from animeds_db.media.decoding import decode_in_order
from animeds_db.media.exact import HINT_CHANGED, NEAR_S
from animeds_db.media.frame import VideoFrame
from animeds_db.media.notes import HINT_RAW, Notes
from animeds_db.media.opening import HINT_DAMAGED
from animeds_db.media.reader import STEPS_BACK, Reader, clock, packet_pts
from animeds_db.media.video import ONE_FRAME_A_PACKET
from animeds_db.remote.paths import SourcePath

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class Stretch(NamedTuple):
    """The frames from one pts to another, both included, in the stream's time base."""

    first_pts: int
    last_pts: int


class StreamFacts(NamedTuple):
    """Facts about a video stream, from the header of its file."""

    time_base: Fraction
    """Seconds of one unit of pts."""
    start_pts: int
    rate: Fraction
    """Frames per second, on average."""
    pix_fmt: str | None


def stream_facts(path: SourcePath, stream: int | None) -> StreamFacts:
    """Return what the header says. stream: None is the best one. Raises SourceError, also if it has no frame rate."""
    with closing(Reader(path, stream)) as reader:
        rate = reader.stream.average_rate or reader.stream.guessed_rate
        if not rate:
            raise SourceError(f"{path} does not say how many frames it has per second", hint=HINT_RAW)
        return StreamFacts(reader.time_base, reader.start_pts, Fraction(rate), reader.context.pix_fmt)


def frames_between(
    path: SourcePath, stream: int | None, first_pts: int, last_pts: int
) -> Generator[VideoFrame]:
    """Yield the frames from `first_pts` to `last_pts`, both included, in order of pts.

    Both may lie a little before or after a frame. stream: None is the best video stream. Raises SourceError if the
    file begins later or ends earlier, or if a frame between them is damaged.
    """
    yield from frames_of(path, stream, [Stretch(first_pts, last_pts)])


def frames_of(path: SourcePath, stream: int | None, stretches: Iterable[Stretch]) -> Generator[VideoFrame]:
    """Yield the frames of several stretches, which are sorted and do not overlap.

    The file is read forward: what lies between two stretches is skipped, and nothing is decoded twice.
    Raises as `frames_between` does.
    """
    with closing(Reader(path, stream)) as reader:
        decoder = _Forward(reader)
        for stretch in stretches:
            yield from decoder.frames(stretch)


class _Packets:
    """The packets of a video from some key packet on. Those that no wanted frame needs can be skipped."""

    def __init__(self, packets: Iterator[Packet[VideoStream]]) -> None:
        self._rest = packets
        self._held: deque[Packet[VideoStream]] = deque()
        self.awaited: set[int] = set()
        """pts of the packets that the decoder got and whose frames have not been seen."""

    def __iter__(self) -> _Packets:
        return self

    def __next__(self) -> Packet[VideoStream]:
        packet = self._held.popleft() if self._held else next(self._rest)
        pts = packet_pts(packet)
        if pts is not None:
            self.awaited.add(pts)
        return packet

    def skip_to_key(self, pts: int) -> bool:
        """Skip to the last key packet that is not after `pts`. False: none is ahead, and nothing is skipped."""
        kept: deque[Packet[VideoStream]] = deque()
        has_key = False
        for packet in chain(self._held, self._rest):
            at = packet_pts(packet)
            if packet.is_keyframe and at is not None and at <= pts:
                kept.clear()
                has_key = True
            kept.append(packet)
            if packet.dts is not None and packet.dts > pts:  # the pts of later packets are later still
                break
        self._held = kept
        return has_key


class _Forward:
    """Decodes one stretch after the other. The decoder continues if it can, and seeks if that is cheaper."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        reader.use_all_cores()
        self._notes = Notes()
        self._packets = _Packets(iter(()))
        self._frames: Iterator[VideoFrame] = iter(())
        self._passed: int | None = None  # the pts of the latest frame
        self._n_swapped = int(reader.swaps_neighbours)
        rate = reader.stream.average_rate
        self._near_pts = float(1 / rate / reader.time_base) / 2 if rate else 0.0  # half a frame

    def frames(self, stretch: Stretch) -> Iterator[VideoFrame]:
        """Yield the frames of a stretch that is after the stretches before."""
        first = stretch.first_pts
        for frames in self._attempts(first):
            inside = _Inside(stretch, self._n_swapped, self._passed)
            for frame in frames:
                self._passed = frame.pts
                self._packets.awaited.discard(frame.pts)
                yield from inside.add(frame)
                if inside.cannot_begin or inside.is_over:
                    break
            if inside.latest is not None:
                self._frames = chain(inside.beyond, frames)
                self._check(stretch, inside, inside.latest)
                return
        at = clock(self._reader.seconds_at(first))
        raise SourceError(f"{self._reader.path}: there is no frame at {at} (pts {first})", hint=HINT_CHANGED)

    def _attempts(self, first: int) -> Iterator[Iterator[VideoFrame]]:
        """Yield iterators over frames, the cheapest first. Use the next one if `first` is not in one."""
        reader = self._reader
        if self._passed is not None:
            gap = (first - self._passed) * reader.time_base
            if gap < NEAR_S or not reader.can_seek:
                if self._packets.skip_to_key(first):
                    yield self._restart(self._packets)
                else:
                    yield self._frames
        for back in STEPS_BACK:
            yield self._restart(_Packets(reader.packets(first - round(back / reader.time_base))))
        yield self._restart(_Packets(reader.packets()))

    def _restart(self, packets: _Packets) -> Iterator[VideoFrame]:
        self._reader.context.flush_buffers()
        self._packets, self._passed = packets, None
        packets.awaited.clear()
        self._frames = self._decoded(packets)
        return self._frames

    def _decoded(self, packets: _Packets) -> Iterator[VideoFrame]:
        for decoded in decode_in_order(self._reader, packets, self._notes):
            frame = self._reader.frame(decoded, None, decoded.key_frame)
            if frame is None:
                path = self._reader.path
                raise SourceError(f"{path} has frames without a timestamp (a raw stream)", hint=HINT_RAW)
            yield frame

    def _check(self, stretch: Stretch, inside: _Inside, latest: int) -> None:
        """Raise SourceError if a frame of a stretch is missing."""
        path = self._reader.path
        start_s, end_s = (self._reader.seconds_at(pts) for pts in stretch)
        if not inside.is_over and latest + self._near_pts < stretch.last_pts:
            raise SourceError(
                f"{path} ends at {clock(self._reader.seconds_at(latest))}, but a part until {clock(end_s)} was wanted",
                hint="if the file was cut short, download or copy it again. Otherwise it has changed: ingest it again",
            )
        counts = self._reader.context.codec.canonical_name in ONE_FRAME_A_PACKET and not inside.is_interlaced
        lost = {pts for pts in self._packets.awaited if stretch.first_pts <= pts <= stretch.last_pts}
        self._packets.awaited -= lost
        if (lost and counts) or self._notes.is_damaged_within(start_s, end_s):
            raise SourceError(
                f"{path} is damaged between {clock(start_s)} and {clock(end_s)}",
                hint=f"leave out this part, or {HINT_DAMAGED}",
            )


class _Inside:
    """Picks the frames of a stretch out of those that a decoder gives. They keep the decoder's order.

    n_swapped: 1 if the times of neighbours may be swapped, as in AVI with packed B-frames; then it looks one frame
    further at the end. passed: the pts of the frame before; None: the decoder has just begun.
    """

    def __init__(self, stretch: Stretch, n_swapped: int, passed: int | None) -> None:
        self._stretch = stretch
        self._n_swapped = n_swapped
        self._n_late = 0
        self._is_before = passed is not None and passed < stretch.first_pts
        self.cannot_begin = self.is_over = self.is_interlaced = False
        self.latest: int | None = None
        """pts of the latest frame of the stretch."""
        self.beyond: list[VideoFrame] = []
        """Frames after the stretch that the decoder has given already."""

    def add(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yield the frame if it belongs to the stretch."""
        first, last = self._stretch
        self._is_before |= frame.pts <= first
        if not self._is_before:
            self.cannot_begin = True  # the decoder does not give the first frame from that key frame on
            return
        if first <= frame.pts <= last:
            self.latest = frame.pts if self.latest is None else max(self.latest, frame.pts)
            self.is_interlaced |= frame.decoded.interlaced_frame
            yield frame
        if frame.pts > last:
            self.beyond.append(frame)
        self._n_late += frame.pts >= last
        self.is_over = self._n_late > self._n_swapped
