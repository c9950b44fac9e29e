"""A picture to be written, and the source to take it from. The one rule: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from animeds_db.export.render import Crop
from animeds_db.media import FrameKey

About = dict[str, Any]
"""What is known of a picture, for layouts and sidecars that tell it; of a crop its own, in the crop's measures:

show, season, episode, time_s, rating, crop_kind (face, head, halfbody, person; None: a whole frame), tags
([[tag, category, score]], best first), boxes ([{kind, character, box: [left, top, right, bottom] 0…1, score}]).
"""


@dataclass(frozen=True)
class Source:
    """Where pixels come from and whom to credit: columns of the view `sources`."""

    source_id: str
    uri: str
    kind: str
    show: str | None = None
    title: str | None = None
    credit: str | None = None
    licence: str | None = None
    url: str | None = None
    image_type: str | None = None
    season: int | None = None
    episode: int | None = None


@dataclass(frozen=True)
class Picture:
    """A file to write: which frame, which part of it, under which names, with which caption."""

    path: str
    """In the first layout; relative to the folder, parts joined by `/`, with extension."""
    caption: str | None
    """Text of the `.txt` beside it; None: no such file."""
    frame_id: str
    source_id: str
    stream: int
    pts: int
    key_pts: int
    member: str | None
    content_hash: str
    crop: Crop | None
    repeats: int
    multiply: float | None = None
    """Repeats with two decimals, for readers of fractions; None: `repeats`."""
    links: tuple[str, ...] = ()
    """The same picture in the other layouts, in their order."""
    image_type: str = "screenshot"
    face_id: str | None = None
    """The face, head, half body or person that a crop was cut around; None: none."""
    about: About | None = None
    """None where no file of this export tells it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Its path in every layout, in their order."""
        return (self.path, *self.links)

    @property
    def caption_path(self) -> str:
        """Path of the caption: the picture's, with `.txt` for its extension."""
        return self.path.rpartition(".")[0] + ".txt"

    @property
    def folder(self) -> str:
        """The folder it lies in, relative; the top is an empty string."""
        return self.path.rpartition("/")[0]

    @property
    def key(self) -> FrameKey:
        """What media.fetch needs to decode the frame again."""
        return FrameKey(self.frame_id, self.stream, self.pts, self.key_pts, self.member, self.content_hash)


@dataclass(frozen=True)
class Written:
    """What became of a picture: size in pixels, size of the file, xxh3-128 of its bytes (hex)."""

    width: int
    height: int
    n_bytes: int
    xxh3: str
    shown: Crop | None = None
    """The part of the crop that it shows, 0…1, where ends were cut to fit a bucket."""
