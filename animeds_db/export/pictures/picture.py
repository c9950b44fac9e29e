"""A picture to be written, and the source to take it from. All values are plain, so that JSON can hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import xxhash

from animeds_db.export.names import FRAMES_SUFFIX, part_path
from animeds_db.export.pictures.render import Crop
from animeds_db.media import FrameKey
from animeds_db.schema import stretch_of_clip

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
class Clip:
    """The frames of a moving picture. The frame of its Picture is one of them, and represents the clip."""

    first_pts: int
    """No frame of the clip is before this pts of its stream …"""
    last_pts: int
    """… and none is after this one."""
    n_frames: int
    """Number of frames that are written."""
    fps: str
    """Frames per second of what is written, as a fraction: `16`, `24000/1001`."""
    path: tuple[tuple[float, float, float], ...] = ()
    """Movement of the crop: (seconds from the source's start, right, down), in shares of the frame, from where it is on
    the frame that represents the clip. (): it does not move."""
    control_id: str | None = None
    """Another clip, of the same number of frames, that is written as this clip's control."""

    @property
    def rate(self) -> Fraction:
        """Frames per second of what is written."""
        return Fraction(self.fps)

    @property
    def control(self) -> tuple[str, int, int] | None:
        """Source id, first pts and last pts of the control."""
        return None if self.control_id is None else stretch_of_clip(self.control_id)


@dataclass(frozen=True)
class Origin:
    """The frame that pixels are taken from."""

    source_id: str
    frame_id: str
    stream: int
    pts: int
    key_pts: int
    member: str | None
    content_hash: str

    @property
    def key(self) -> FrameKey:
        """What media.fetch needs to decode the frame again."""
        return FrameKey(self.frame_id, self.stream, self.pts, self.key_pts, self.member, self.content_hash)


@dataclass(frozen=True)
class Part:
    """A picture that belongs to another one, such as its mask or its control."""

    name: str
    """Such as `control.png`, see names.part_path. The extension is its format; PNG if it is of no format."""
    look: str = "frame"
    """What it shows: a name from looks.LOOKS."""
    origin: Origin | None = None
    """The frame that it shows. None: that of its picture."""
    crop: Crop | None = None
    """The part of that frame. None: that of its picture, or all of another frame."""


Region = tuple[float, float, float, float, str | None]
"""Left, top, right, bottom, 0…1 of the frame, and a grey PNG stretched over it (base64). None: all of it is white."""


@dataclass(frozen=True)
class Mask:
    """What the mask of a frame is drawn of."""

    shown: tuple[Region, ...] = ()
    """White: to be learnt."""
    out: tuple[Region, ...] = ()
    """Black, whatever is white there."""
    time_s: float | None = None
    """Seconds from the source's start. None: a picture without a time."""


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
    clip: Clip | None = None
    """None: a still picture."""
    beside: tuple[Part, ...] = ()
    """Pictures that are written with it and belong to it."""
    masks: tuple[Mask, ...] = ()
    """What its mask is drawn of: one, or of a clip one per ingested frame that has masks. (): it has no mask."""

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
    def origin(self) -> Origin:
        """The frame that it shows."""
        own = (self.source_id, self.frame_id, self.stream, self.pts, self.key_pts)
        return Origin(*own, self.member, self.content_hash)


@dataclass(frozen=True)
class Written:
    """A picture file that was written: size in pixels, size in bytes, xxh3-128 of its bytes (hex)."""

    width: int
    height: int
    n_bytes: int
    xxh3: str
    shown: Crop | None = None
    """The part of the crop that it shows, 0…1, if the ends were cut off to fit a bucket."""
    parts: dict[str, str] = field(default_factory=dict)
    """More files of a picture or clip (see part_path), each with `SIZE:XXH3`: a mask, a control, sound, frames."""

    def places(self, path: str) -> dict[str, str]:
        """Return the paths of all files of the picture at `path`, each with `SIZE:XXH3`."""
        own = {} if path.endswith(FRAMES_SUFFIX) else {path: f"{self.n_bytes}:{self.xxh3}"}
        return own | {part_path(path, part): mark for part, mark in self.parts.items()}


def mark_of(content: bytes) -> str:
    """Return a file's entry in a manifest: `SIZE:XXH3`."""
    return f"{len(content)}:{xxhash.xxh3_128_hexdigest(content)}"
