"""Decodes exactly the frames that were stored. Every frame is checked against its stored hash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING

import av

from animeds_db.errors import SourceError
from animeds_db.media.decoding import decode_alone, decode_in_order
from animeds_db.media.frame import Frame, VideoFrame
from animeds_db.media.notes import Notes
from animeds_db.media.pictures import Pictures
from animeds_db.media.reader import STEPS_BACK, Reader, clock, packet_pts
from animeds_db.remote.paths import SourcePath, source_path

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

NEAR_S = 30.0
"""Maximum distance in seconds to a key frame ahead that is reached by reading on. Demuxing that much costs less
than most seeks."""

SLACK_S = 1.0
"""Seconds of decoding after a frame's time has passed, because packed B-frames come out of order."""

HINT_CHANGED = "the file has changed since it was ingested: restore the original, or ingest this file again"
HINT_OTHER = (
    f"{HINT_CHANGED}. If a graphics card decoded it (--hwaccel), use --hwaccel none --replace for this file"
)


@dataclass(frozen=True)
class FrameKey:
    """Position of a stored frame in its source, and the hash it must have."""

    frame_id: str
    stream: int
    pts: int
    key_pts: int
    member: str | None
    content_hash: str


def fetch(uri: str, kind: str, keys: Sequence[FrameKey]) -> Iterator[tuple[FrameKey, Frame]]:
    """Yield the requested frames of one source, decoded again and checked, in order of pts.

    `kind` is the source's (`video`, `images`, `archive`, `imagefolder`). Every stretch of a video is decoded
    once, however many of its frames are requested. Raises SourceError with the file and the frame at the first frame
    that is missing or does not match its hash.
    """
    path = source_path(uri)
    if kind == "video":
        for stream, of_stream in _by_stream(keys).items():
            yield from _fetch_video(path, stream, of_stream)
    else:
        yield from _fetch_pictures(path, keys)


def _by_stream(keys: Sequence[FrameKey]) -> dict[int, list[FrameKey]]:
    streams: dict[int, list[FrameKey]] = defaultdict(list)
    for key in sorted(keys, key=lambda k: (k.stream, k.pts)):
        streams[key.stream].append(key)
    return streams


def _fetch_pictures(path: SourcePath, keys: Sequence[FrameKey]) -> Iterator[tuple[FrameKey, Frame]]:
    with Pictures(path) as pictures:
        wanted = sorted(keys, key=lambda k: k.pts)
        members = []
        for key in wanted:
            member = pictures.stored(key.member)
            if member is None:
                raise SourceError(
                    f"{path}: picture {key.member} (frame {key.frame_id}) no longer exists",
                    hint=HINT_CHANGED,
                )
            members.append(member)
        with closing(pictures.chosen(members)) as frames:
            for key, frame in zip(wanted, frames, strict=True):
                if frame.content_hash() != key.content_hash:
                    raise SourceError(
                        f"{path}: picture {key.member} (frame {key.frame_id}) has changed since it was stored",
                        hint=HINT_CHANGED,
                    )
                yield key, frame


def _fetch_video(path: SourcePath, stream: int, keys: Sequence[FrameKey]) -> Iterator[tuple[FrameKey, Frame]]:
    with closing(Reader(path, stream)) as reader:
        walk = _Walk(reader)
        for key_pts, group in groupby(keys, key=lambda k: k.key_pts):
            yield from _fetch_group(walk, key_pts, list(group))


def _fetch_group(walk: _Walk, key_pts: int, keys: list[FrameKey]) -> Iterator[tuple[FrameKey, Frame]]:
    """Find the frames that depend on one key frame, starting there; if that fails, start further and further back."""
    rest: dict[int, list[FrameKey]] = defaultdict(list)
    for key in keys:
        rest[key.pts].append(key)
    changed: set[int] = set()
    slack = round(SLACK_S / walk.reader.time_base)
    for frames in walk.attempts(key_pts, only_key=list(rest) == [key_pts]):
        for frame in frames:
            wanted = rest.get(frame.pts, [])
            for key in [key for key in wanted if key.content_hash == frame.content_hash()]:
                frame.key_pts, frame.is_keyframe = key_pts, frame.pts == key_pts
                wanted.remove(key)
                yield key, frame
            if wanted:
                changed.add(frame.pts)
                break
            rest.pop(frame.pts, None)
            if not rest:
                return
            if frame.pts > max(rest) + slack:
                break
    raise _gone(walk.reader, min(rest), rest, changed)


def _gone(reader: Reader, pts: int, rest: dict[int, list[FrameKey]], changed: set[int]) -> SourceError:
    what = "is no longer the one that was stored" if pts in changed else "no longer exists"
    return SourceError(
        f"{reader.path}: frame {rest[pts][0].frame_id} (at {clock(reader.seconds_at(pts))}) {what}",
        hint=HINT_OTHER if pts in changed else HINT_CHANGED,
    )


class _Walk:
    """Reads forward through a video and decodes only the requested stretches."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        reader.use_all_cores()
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._seen_key: int | None = None  # the latest key packet taken from _packets
        self._frames: Iterator[VideoFrame] | None = (
            None  # the running decoder, kept from one group to the next
        )
        self._is_linear = False  # decoding cannot start at this file's key frames: decode all of it, once

    def attempts(self, key_pts: int, *, only_key: bool) -> Iterator[Iterator[VideoFrame]]:
        """Yield iterators over the frames after a key frame, the cheapest first. Use the next one if one fails."""
        if self._frames is not None and (self._is_linear or self._has_passed(key_pts)):
            yield self._frames
        key = self._go_to_key(key_pts)
        if key is not None:
            yield self._alone(key) if only_key else self._decode_from(key)
        for back in STEPS_BACK[1:]:
            packets = self.reader.packets(key_pts - round(back / self.reader.time_base))
            yield self._restart(packets)
        self._is_linear = True
        yield self._restart(self.reader.packets())

    def _has_passed(self, key_pts: int) -> bool:
        return self._seen_key is not None and key_pts <= self._seen_key

    def _go_to_key(self, key_pts: int) -> Packet[VideoStream] | None:
        """Skip packets without decoding up to this key packet. Seek if it is far ahead or behind."""
        is_ahead = self._seen_key is not None and self._seen_key < key_pts
        near = round(NEAR_S / self.reader.time_base) if self.reader.can_seek else key_pts
        if not (is_ahead and self._seen_key is not None and key_pts - self._seen_key < near):
            self._packets = self._watched(self.reader.packets(key_pts))
        for packet in self._packets:
            if packet.is_keyframe:
                pts = packet_pts(packet)
                if pts == key_pts:
                    return packet
                if pts is not None and pts > key_pts:
                    return None
        return None

    def _watched(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        self._seen_key = None
        for packet in packets:
            if packet.is_keyframe:
                self._seen_key = packet_pts(packet)
            yield packet

    def _alone(self, key: Packet[VideoStream]) -> Iterator[VideoFrame]:
        self._frames = None
        self.reader.context.flush_buffers()
        return self._wrap(iter(decode_alone(self.reader.context, key).frames))

    def _decode_from(self, key: Packet[VideoStream]) -> Iterator[VideoFrame]:
        return self._decode(chain([key], self._packets))

    def _restart(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
        self._packets = self._watched(packets)
        return self._decode(self._packets)

    def _decode(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
        self.reader.context.flush_buffers()
        self._frames = self._wrap(decode_in_order(self.reader, packets, Notes()))
        return self._frames

    def _wrap(self, decoded: Iterator[av.VideoFrame]) -> Iterator[VideoFrame]:
        frames = (self.reader.frame(picture, None, picture.key_frame) for picture in decoded)
        return (frame for frame in frames if frame is not None)
