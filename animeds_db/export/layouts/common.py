"""The parts of a layout. A layout chooses paths and writes small files; it never reads pixels.

A layout is data: a function for folders, one for names, and one that returns the files that a trainer needs beside the
pictures. Adding one is a file in this package and a line in its `__init__`.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from typing import IO, Any, Literal

from animeds_db.export.names import part_path

REGULARIZATION = "regularization"
"""Image type of regularization pictures, which prevent a model from forgetting what it has learned before."""

PICTURES = "pictures"
"""Folder of the pictures in layouts with configuration files at the top, since some trainers would read those too."""

CLIPS = "clips"
"""The same for clips."""

CONTROL_KINDS = {
    "frame": "all of the frame, of which the picture is a crop",
    "mask": "its mask: what --mask shows (without it: character), white on black",
    "lines": "its lines, white on black",
    "flat": "its flat colours, without lines and shading",
    "grade": "the picture before a colour grade",
}
"""What a control of the same frame can show, by the name of its look, see looks.LOOKS."""

MANY = 9
"""Maximum number of controls of a picture, where the reader sets no limit."""


@dataclass(frozen=True)
class Placement:
    """The facts from which a layout chooses the folder of a picture."""

    folder: str
    """The folder that the selection requests, parts joined by `/`; "" is the top."""
    repeats: int
    image_type: str
    """`screenshot`, `fanart` or `regularization`."""
    has_regularization: bool
    """True if the selection has any regularization pictures."""
    activation_tag: str | None
    """None for regularization pictures, which never have it."""
    has_captions: bool
    n_frames: int = 1
    """Number of frames of a clip."""

    @property
    def parts(self) -> list[str]:
        """The folder's parts, without empty ones."""
        return [part for part in self.folder.replace("\\", "/").split("/") if part.strip()]

    @property
    def is_reg(self) -> bool:
        """True for a regularization picture."""
        return self.image_type == REGULARIZATION


@dataclass(frozen=True)
class Item:
    """A picture that was written, as a layout sees it."""

    path: str
    """Relative to the layout's folder, parts joined by `/`."""
    caption: str | None
    repeats: int
    multiply: float | None
    """Repeats with decimals, for trainers that accept fractions. None: `repeats`."""
    width: int
    height: int
    frame_id: str
    image_type: str
    about: Mapping[str, Any]
    """Facts about the picture, see picture.About. Those of a crop are relative to the crop."""
    n_frames: int = 1
    """Number of frames of a clip."""
    parts: tuple[str, ...] = ()
    """More files of a picture or clip, see names.part_path."""

    def part(self, role: str) -> str | None:
        """Return the path of the part of this name or suffix, such as `.wav` or `control`; None if it has none."""
        part = next((part for part in self.parts if role in (part, part.partition(".")[0])), None)
        return None if part is None else part_path(self.path, part)

    @property
    def controls(self) -> list[str]:
        """The paths of its controls."""
        roles = ("control", *(f"control_{number}" for number in range(2, MANY + 1)))
        return list(takewhile(bool, map(self.part, roles)))  # type: ignore[arg-type]

    @property
    def folder(self) -> str:
        """Its folder; "" is the top."""
        return posixpath.dirname(self.path)

    @property
    def stem(self) -> str:
        """Its path without extension."""
        return posixpath.splitext(self.path)[0]

    @property
    def is_reg(self) -> bool:
        """True for a regularization picture."""
        return self.image_type == REGULARIZATION

    @property
    def lines(self) -> list[str]:
        """Its captions: one, or several variants."""
        return [line for line in (self.caption or "").split("\n") if line]


@dataclass(frozen=True)
class Group:
    """The pictures of one folder. They have the same repeats and image type."""

    folder: str
    items: tuple[Item, ...]

    @property
    def frame_counts(self) -> list[int]:
        """The numbers of frames of its clips, each once, in order."""
        return sorted({item.n_frames for item in self.items})

    @property
    def control_folders(self) -> list[str]:
        """The folders with the controls of its pictures or clips, under the same names."""
        return [posixpath.dirname(control) for control in self.items[0].controls]

    @property
    def mask_folder(self) -> str | None:
        """The folder with the masks of its pictures, under the same names. None: they have no masks there."""
        mask = self.items[0].part("mask")
        return None if mask is None else posixpath.dirname(mask)

    @property
    def repeats(self) -> int:
        """How often a trainer shows each of them per epoch."""
        return self.items[0].repeats

    @property
    def multiply(self) -> float:
        """The same with two decimals, for trainers that take fractions."""
        first = self.items[0]
        return first.repeats if first.multiply is None else first.multiply

    @property
    def is_reg(self) -> bool:
        """True for regularization pictures."""
        return self.items[0].is_reg

    @property
    def name(self) -> str:
        """Name of the group in configuration files: the folder without the part that all share."""
        top = CLIPS if self.folder.partition("/")[0] == CLIPS else PICTURES
        return self.folder.removeprefix(top).strip("/") or top


@dataclass(frozen=True)
class Settings:
    """Settings for configuration files."""

    root: str = ""
    """Path at which the trainer finds the folder of the layout. "": the trainer is started there."""
    resolution: int = 1024
    """Training resolution: side of a square in pixels."""
    activation_tag: str = ""
    keep_tokens_separator: str = ""
    """Text in captions between the fixed tags at the front and those that are shuffled. "": no such text."""
    fps: float | None = None
    """Frames per second of clips. None: pictures, or clips at the rates of their sources."""
    has_sound: bool = False
    """Clips have sound, in them or beside them."""
    mask_format: str | None = None
    """How masks are stored, a name from masks.FORMATS. None: there are none."""

    def n_kept(self, group: Group) -> int:
        """Return how many tags stay in front when a trainer shuffles: the number of tags in the activation tag."""
        if group.is_reg:
            return 0
        return sum(bool(part.strip()) for part in self.activation_tag.split(","))


@dataclass(frozen=True)
class Tree:
    """All pictures of a layout, in the order of the plan, and the settings for its files."""

    items: Sequence[Item]
    settings: Settings = field(default_factory=Settings)

    def groups(self) -> list[Group]:
        """Return the pictures by folder, in the order of the folders' names."""
        ordered = sorted(self.items, key=lambda item: item.folder)  # stable: the plan's order within
        return [Group(folder, tuple(items)) for folder, items in groupby(ordered, key=lambda i: i.folder)]

    def place(self, path: str) -> str:
        """Return the path at which the trainer will find a file."""
        return posixpath.join(self.settings.root, path) if self.settings.root else path or "."


Files = Iterable[tuple[str, bytes]]
"""(path relative to the layout's folder, content)"""

Pack = Callable[
    [
        Tree,
        Callable[[Item, str], bytes],
        Callable[[Item], Files],
        Callable[[str], AbstractContextManager[IO[bytes]]],
    ],
    None,
]
"""(tree, bytes of a part of a picture ("": the picture itself), its captions and sidecars, opens a file to write) →
archives"""


def as_asked(picture: Placement) -> str:
    """Return the requested folder."""
    return "/".join(picture.parts)


def below_pictures(picture: Placement) -> str:
    """Return the requested folder, below `pictures`."""
    return "/".join([PICTURES, *picture.parts])


def flat_below_pictures(picture: Placement) -> str:
    """Return a folder directly below `pictures`, for trainers that read folders recursively."""
    return f"{PICTURES}/{'_'.join(picture.parts) or 'all'}"


def below_clips(clip: Placement) -> str:
    """Return the requested folder, below `clips`."""
    return "/".join([CLIPS, *clip.parts])


def by_length(clip: Placement) -> str:
    """Return a folder directly below `clips` for one number of frames, for trainers with one number per folder."""
    return f"{CLIPS}/{'_'.join(clip.parts) or 'all'}_{clip.n_frames}f"


def no_files(_tree: Tree) -> Files:
    """Return no files: the trainer needs only the folders."""
    return ()


def no_lists(_group: Group) -> bool:
    """Return False: captions are files beside the pictures."""
    return False


def same_stem(stem: str) -> str:
    """Return the name unchanged."""
    return stem


@dataclass(frozen=True)
class Layout:
    """How one trainer or tool expects its pictures. "The reader" below is that trainer or tool."""

    name: str
    reads: str
    """Trainers and tools that read it."""
    folder: Callable[[Placement], str] = as_asked
    stem: Callable[[str], str] = same_stem
    files: Callable[[Tree], Files] = no_files
    texts: bool = True
    """The caption is a `.txt` beside the picture."""
    needs_captions: bool = False
    reads_lines: bool = True
    """The reader accepts several captions per picture, one per line."""
    reads_separator: bool = True
    """The reader knows a separator after which tags are shuffled. Otherwise it would train on it."""
    on_empty: str | None = None
    """The reader's handling of an empty caption, as text. None: it trains on it."""
    repeats: Literal["folder", "picture"] | None = None
    """Repeats are one number per folder, or per picture. None: the layout cannot store them."""
    fractions: bool = False
    """The reader accepts repeats with decimals."""
    pack: Pack | None = None
    """Writes the pictures into archives. None: pictures are files of their own."""
    tells: bool = False
    """Its files contain all facts about a picture."""
    has_config: bool = False
    """It has configuration files with a resolution and the paths at which the trainer finds the folders."""
    absolute: str | None = None
    """Its file with absolute paths, if the trainer cannot be started in the folder."""
    globs: bool = False
    """The reader treats paths as patterns, so they must not contain brackets."""
    class_tokens: bool = False
    """Pictures without captions are trained on the activation tag."""
    marks_regularization: bool = True
    """The layout marks regularization pictures for the reader."""
    lists: Callable[[Group], bool] = no_lists
    """Returns True if a file of the folder lists the captions, instead of a `.txt` beside each picture."""
    clips: Layout | None = None
    """The layout for clips of the same trainer, with the same name. None: it cannot hold clips."""
    frame_folders: bool = False
    """The reader accepts a folder with the frames of a clip as pictures."""
    other_media: bool = True
    """The reader does not mistake a sound or picture beside a clip for a sample."""
    controls: int = 0
    """Maximum number of controls of a picture or clip that the reader accepts."""
    equal_sizes: bool = False
    """The reader accepts only controls of the size of their pictures."""
    masks: tuple[str, ...] = ()
    """The formats of masks that the reader accepts (names from masks.FORMATS), its own first. (): none."""
    note_on_masks: str | None = None
    """Note about options that the trainer needs to use masks."""
    note: str | None = None
    """Note about options that the trainer needs."""
    note_on_lines: str | None = None
    """The same if pictures have several captions."""
    note_on_separator: str | None = None
    """The same if captions have a separator, which is appended to the note."""

    def with_clips(self, **differences: Any) -> Layout:
        """Return the layout with one for clips, which differs from it in these fields only."""
        return replace(self, clips=replace(self, **differences))

    @property
    def reads_empty(self) -> bool:
        """True if the reader trains on an empty caption."""
        return self.on_empty is None


def as_number(value: float) -> str:
    """Return a number with at most two decimals and without trailing zeros: `3`, `1.4`, `1.61`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def as_json(value: object) -> bytes:
    """Return JSON with a line break at the end, indented by two."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def as_jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return one JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def toml_table(header: str, values: Mapping[str, Any]) -> str:
    """Return a TOML table; strings, numbers, booleans and lists are written as JSON writes them."""
    return "".join(toml_lines(header, values))


def toml_lines(header: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a TOML table; values that are None are left out."""
    if header:
        yield f"{header}\n"
    for name, value in values.items():
        if value is not None:
            # A JSON string is a TOML basic string, apart from DEL, which JSON leaves as it is.
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
            yield f"{name} = {text}\n"
    yield "\n"
