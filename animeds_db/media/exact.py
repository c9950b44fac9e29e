"""Decoding exactly the frames that were stored. The one rule: what is yielded has the hash that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from animeds_db.errors import SourceError
from animeds_db.media.frame import Frame
from animeds_db.media.pictures import Pictures
from animeds_db.media.video import Video


@dataclass(frozen=True)
class FrameKey:
    """Where a stored frame is to be found again, and the hash it must have."""

    frame_id: str
    stream: int
    pts: int
    key_pts: int
    member: str | None
    content_hash: str


def fetch(uri: str, kind: str, keys: Sequence[FrameKey]) -> Iterator[tuple[FrameKey, Frame]]:
    """Yield the wanted frames in order of pts, decoded again and checked against their hashes.

    Raises SourceError naming file and frame when one cannot be found again or is no longer the same.
    """
    wanted = {key.pts: key for key in keys}
    media = Video(Path(uri)) if kind == "video" else Pictures(Path(uri))
    with media:
        for frame in media.frames():
            key = wanted.pop(frame.pts, None)
            if key is None:
                continue
            if frame.content_hash() != key.content_hash:
                raise SourceError(
                    f"{uri} has changed: frame {key.frame_id} is no longer the same", hint="ingest it again"
                )
            yield key, frame
    for key in wanted.values():
        raise SourceError(f"{uri}: frame {key.frame_id} is not there any more", hint="ingest it again")
