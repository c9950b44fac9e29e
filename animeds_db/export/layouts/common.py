"""What every layout is made of. The one rule: a layout names places and writes small files; it touches no pixel.

A layout is data: a rule for folders, a rule for names, and a function from the pictures that were written to the
files that a trainer wants beside them. Adding one is a file in this package and a line in its `__init__`.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO, Any, Literal

REGULARIZATION = "regularization"
"""The image type of pictures that keep a trainer from forgetting what it knew."""

PICTURES = "pictures"
"""Folder of the pictures where a layout puts configuration at the top: some trainers take what lies beside."""


@dataclass(frozen=True)
class Wish:
    """Where a picture would like to lie."""

    folder: str
    """As the selection asks, parts joined by `/`; "" is the top."""
    repeats: int
    image_type: str
    """`screenshot`, `fanart` or `regularization`."""
    has_regularization: bool
    """Whether the selection holds regularization pictures at all."""
    activation_tag: str | None
    """None for regularization pictures, which never carry it."""
    has_captions: bool

    @property
    def parts(self) -> list[str]:
        """The folder's parts, without empty ones."""
        return [part for part in self.folder.replace("\\", "/").split("/") if part.strip()]

    @property
    def is_reg(self) -> bool:
        """Whether this is a regularization picture."""
        return self.image_type == REGULARIZATION


@dataclass(frozen=True)
class Item:
    """A picture that was written, as a layout sees it."""

    path: str
    """Relative to the layout's folder, parts joined by `/`."""
    caption: str | None
    repeats: int
    multiply: float | None
    """Repeats with decimals, for readers of fractions; None: `repeats`."""
    width: int
    height: int
    frame_id: str
    image_type: str
    about: Mapping[str, Any]
    """What is known of it (see picture.About): of a crop its own, in the crop's measures."""

    @property
    def folder(self) -> str:
        """Folder it lies in; "" is the top."""
        return posixpath.dirname(self.path)

    @property
    def stem(self) -> str:
        """Its path without extension."""
        return posixpath.splitext(self.path)[0]

    @property
    def is_reg(self) -> bool:
        """Whether this is a regularization picture."""
        return self.image_type == REGULARIZATION

    @property
    def lines(self) -> list[str]:
        """Its captions: one, or several variants."""
        return [line for line in (self.caption or "").split("\n") if line]


@dataclass(frozen=True)
class Group:
    """The pictures of one folder: they share repeats and type."""

    folder: str
    items: tuple[Item, ...]

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
        """Whether these are regularization pictures."""
        return self.items[0].is_reg

    @property
    def name(self) -> str:
        """A name for lists: the folder without the part that is the same for all."""
        return self.folder.removeprefix(PICTURES).strip("/") or PICTURES


@dataclass(frozen=True)
class Settings:
    """What configuration files say besides the pictures."""

    root: str = ""
    """Where the trainer finds the layout's folder; "": it is started in it."""
    resolution: int = 1024
    """Side of the square whose area a picture is trained at, pixels."""
    activation_tag: str | None = None
    keep_tokens_separator: str = ""
    """What stands in captions between what stays in front and what may be shuffled; "": nothing does."""

    def n_kept(self, group: Group) -> int:
        """Return how many tags stay in front where a trainer shuffles: those of the activation tag."""
        if group.is_reg:
            return 0
        return sum(bool(part.strip()) for part in (self.activation_tag or "").split(","))


@dataclass(frozen=True)
class Tree:
    """Everything that a layout may build its files of; items in the order of the plan."""

    items: Sequence[Item]
    settings: Settings = field(default_factory=Settings)

    def groups(self) -> list[Group]:
        """Return the pictures by folder, in the order of the folders' names."""
        ordered = sorted(self.items, key=lambda item: item.folder)  # stable: the plan's order within
        return [Group(folder, tuple(items)) for folder, items in groupby(ordered, key=lambda i: i.folder)]

    def place(self, path: str) -> str:
        """Return a path as the trainer will find it."""
        return posixpath.join(self.settings.root, path) if self.settings.root else path or "."


Files = Iterable[tuple[str, bytes]]
"""(path relative to the layout's folder, content)"""

Pack = Callable[
    [
        Tree,
        Callable[[Item], bytes],
        Callable[[Item], Files],
        Callable[[str], AbstractContextManager[IO[bytes]]],
    ],
    None,
]
"""(tree, bytes of a picture, files beside a picture, opens a file to write) → archives"""


def as_asked(wish: Wish) -> str:
    """Return the folder as the selection asks for it."""
    return "/".join(wish.parts)


def below_pictures(wish: Wish) -> str:
    """Return the folder asked for, below `pictures`."""
    return "/".join([PICTURES, *wish.parts])


def flat_below_pictures(wish: Wish) -> str:
    """Return one level below `pictures`, for trainers that read folders with all that lies in them."""
    return f"{PICTURES}/{'_'.join(wish.parts) or 'all'}"


def no_files(_tree: Tree) -> Files:
    """Return nothing: the folders say it all."""
    return ()


def no_lists(_group: Group) -> bool:
    """Return False: captions lie beside pictures."""
    return False


def same_stem(stem: str) -> str:
    """Return the name as it is."""
    return stem


@dataclass(frozen=True)
class Layout:
    """How one trainer, or one tool, wants its pictures."""

    name: str
    reads: str
    """Which trainers and tools read it."""
    folder: Callable[[Wish], str] = as_asked
    stem: Callable[[str], str] = same_stem
    files: Callable[[Tree], Files] = no_files
    texts: bool = True
    """Whether the caption is a `.txt` beside the picture."""
    needs_captions: bool = False
    reads_lines: bool = True
    """Whether several captions, one per line, are several to its reader."""
    reads_separator: bool = True
    """Whether its reader knows a separator behind which tags are shuffled; else it would train on it."""
    on_empty: str | None = None
    """What its reader does with an empty caption, where it does not train on it."""
    repeats: Literal["folder", "picture"] | None = None
    """Where repeats are told: one number per folder, or per picture. None: there is no place for them."""
    fractions: bool = False
    """Whether its reader takes repeats with decimals."""
    pack: Pack | None = None
    """Puts the pictures into archives; then none lies in the folder by itself."""
    tells: bool = False
    """Whether its files tell all that is known of a picture."""
    has_config: bool = False
    """Whether its files name folders, and so depend on where the trainer finds them, and a resolution."""
    absolute: str | None = None
    """Its file with absolute paths, where the trainer cannot be started in the folder."""
    globs: bool = False
    """Whether its reader takes paths for patterns, so that none may contain brackets."""
    class_tokens: bool = False
    """Whether pictures without captions are trained on the activation tag."""
    marks_regularization: bool = True
    """Whether its reader learns which pictures are for regularization."""
    lists: Callable[[Group], bool] = no_lists
    """Whether a file of the folder lists the captions of its pictures, instead of a `.txt` beside each."""
    note: str | None = None
    """What a person must tell the trainer."""
    note_on_lines: str | None = None
    """The same where pictures have several captions."""
    note_on_separator: str | None = None
    """The same where captions have a separator, which stands behind it."""

    @property
    def reads_empty(self) -> bool:
        """Whether its reader trains on an empty caption."""
        return self.on_empty is None


def as_number(value: float) -> str:
    """Return a number with at most two decimals, and none that say nothing: `3`, `1.4`, `1.61`."""
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
