"""Names for files and folders that are valid and unique on Linux, macOS and Windows."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

MAX_BYTES = 255
"""Longest name on ext4, XFS and Btrfs (bytes of UTF-8). NTFS and APFS allow 255 UTF-16 units, never fewer."""

RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
"""Device names of Windows, with any extension (learn.microsoft.com/windows/win32/fileio/naming-a-file)."""

MANIFEST_NAME = "animeds-export.json"
CREDITS_NAME = "CREDITS.txt"

FRAMES_SUFFIX = ".frames"
"""Suffix of a folder with the frames of a clip as pictures."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_BAD_ASCII = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, lone surrogate, line and paragraph separator


def exported_folder(path: Path) -> Path | None:
    """Return the exported folder at a path, around it, or directly below it. None: there is none."""
    if not path.is_dir():
        return None
    path = path.absolute()
    near = (path, *path.parents, *sorted(child for child in path.iterdir() if child.is_dir()))
    return next((folder for folder in near if (folder / MANIFEST_NAME).is_file()), None)


def safe_name(text: str, max_bytes: int = MAX_BYTES) -> str:
    """Return `text` as one name of at most `max_bytes` (≥ 8) of UTF-8; safe names stay as they are.

    Characters that Windows forbids become `_`, and so does a leading dot, which would hide the file
    from a trainer's glob. Trailing dots and spaces are removed; a device name gets a `_` (`con.txt` → `con_.txt`).
    """
    if text.isascii():
        text = _BAD_ASCII.sub("_", text)
    else:
        text = "".join("_" if _is_bad(c) else c for c in unicodedata.normalize("NFC", text))
    text = text.strip(" ").rstrip(". ")
    if text.startswith("."):
        text = "_" + text[1:]
    base, dot, rest = text.partition(".")
    if base.rstrip(" ").casefold() in RESERVED:
        text = f"{base.rstrip(' ')}_{dot}{rest}"
    return shorten(text, max_bytes) or "_"


def _is_bad(character: str) -> bool:
    return bool(_FORBIDDEN.match(character)) or unicodedata.category(character) in _UNPRINTABLE


def shorten(text: str, max_bytes: int) -> str:
    """Cut `text` to at most `max_bytes` of UTF-8 between characters, without a trailing dot or space."""
    if len(text.encode()) <= max_bytes:
        return text
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip(". ")


def with_ending(text: str, ending: str, max_bytes: int) -> str:
    """Return `text + ending`, with `text` shortened if both together are too long."""
    return shorten(text, max_bytes - len(ending.encode())) + ending


def safe_folder(text: str) -> str:
    """Return a relative folder of safe names joined by `/`; empty parts and `.` are removed, `..` becomes `_`."""
    parts = [part for part in re.split(r"[/\\]", text) if part.strip(" ") not in ("", ".")]
    return "/".join(safe_name(part) for part in parts)


def part_path(path: str, part: str) -> str:
    """Return the path of a file that belongs to the picture or clip at `path`: of the part "", that path itself.

    `.wav`, `-masklabel.png` and the like lie beside it, under the same name; `/0001.png` is in the folder that it is;
    `control.mp4` has the same name in a folder beside that of the clip.
    """
    if part.startswith("/") or not part:
        return path + part
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    if is_suffix(part):
        return f"{folder}/{stem}{part}".lstrip("/")
    role, _, suffix = part.partition(".")
    return f"{folder}.{role}/{stem}.{suffix}" if folder else f"{role}/{stem}.{suffix}"


def is_suffix(part: str) -> bool:
    """Return True for a part that lies beside its picture, and False for one in a folder with the name of its role."""
    return part.startswith((".", "-"))


def folded(name: str) -> str:
    """Return a name as a file system sees it that ignores case and Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@dataclass
class Namer:
    """Gives every picture a unique path. Names that differ only in case count as equal."""

    suffixes: tuple[str, ...]
    """Extensions that the stem of each picture will get, such as `.png` and `.txt`. All must be unique."""
    reserved: tuple[str, ...] = ()
    """Reserved names at the top."""
    roles: tuple[str, ...] = ()
    """Roles of parts, each of which has a folder beside that of its pictures (see part_path)."""
    _taken: set[str] = field(default_factory=set)
    _folders: dict[str, str] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)  # of each requested folder, its path
    _counts: dict[str, int] = field(default_factory=dict)  # highest number tried for a name

    def __post_init__(self) -> None:
        self._taken.update(folded(name) for name in (*self.reserved, *self.roles))
        self._room = MAX_BYTES - max(len(suffix.encode()) for suffix in self.suffixes)

    def path(self, folder: str, stem: str) -> str:
        """Return `folder/stem` without extension: safe, and made unique by `_2`, `_3` … if it is taken."""
        if folder not in self._places:
            self._places[folder] = self._folder(safe_folder(folder))
        place, room = self._places[folder], self._room
        name = self._free(place, safe_name(stem, room), room, self.suffixes)
        return f"{place}/{name}" if place else name

    def _folder(self, wanted: str) -> str:
        """Return the final path of a folder. A folder name in another case gets another path."""
        place = requested = ""
        for part in filter(None, wanted.split("/")):
            requested = f"{requested}/{part}"
            if requested not in self._folders:
                ends = ("", *(f".{role}" for role in self.roles))
                name = self._free(place, part, MAX_BYTES - max(map(len, ends)), ends)
                self._folders[requested] = f"{place}/{name}" if place else name
            place = self._folders[requested]
        return place

    def _free(self, place: str, name: str, room: int, suffixes: tuple[str, ...]) -> str:
        key = folded(f"{place}/{name}")
        while True:
            count = self._counts[key] = self._counts.get(key, 0) + 1
            candidate = name if count == 1 else with_ending(name, f"_{count}", room)
            keys = {folded(f"{place}/{candidate}{suffix}".lstrip("/")) for suffix in suffixes}
            if not keys & self._taken:
                self._taken |= keys
                return candidate
