"""A picture to be written, and the source to take it from. All values are plain, so that JSON can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from animeds_db.export.render import Crop
from animeds_db.media import FrameKey

About = dict[str, Any]
"""Facts about a picture for layouts and sidecars. Those of a crop are relative to the crop:

show, season, episode, time_s, rating, crop_kind (face, head, halfbody, person; None: a whole frame), tags
([[tag, category, score]], best first), boxes ([{kind, character, box: [left, top, right, bottom] 0…1, score}]), and
documents (kind of sidecar → text of the file), if the caption profile writes some.
"""


@dataclass(frozen=True)
class Source:
    """The file with the pixels, and who to credit: columns of the view `sources`."""

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
    """Text of its caption. None: it has no caption."""
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
    """Repeats with two decimals, for trainers that accept fractions. None: `repeats`."""
    links: tuple[str, ...] = ()
    """Paths of the picture in the other layouts, in their order."""
    image_type: str = "screenshot"
    face_id: str | None = None
    """The face, head, half body or person that was cropped. None: not a crop of a box."""
    about: About | None = None
    """None if no file of this export contains it."""

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
    """A picture file that was written: size in pixels, size in bytes, xxh3-128 of its bytes (hex)."""

    width: int
    height: int
    n_bytes: int
    xxh3: str
    shown: Crop | None = None
    """The part of the crop that it shows, 0…1, if the ends were cut off to fit a bucket."""
