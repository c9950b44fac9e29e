"""Reads the names of characters from the paths of picture files. The usual layouts are understood:

Nanoha/1.png                     a folder per character
Nanoha/swimsuit/2.png            … and per appearance
KuraueHinata Hairdown/3.png      an appearance: first word in one piece, or a folder KuraueHinata beside it
10_Nanoha/4.png                  a number before the name is no part of it
ood/5.png, noise…/6.png          negatives: nobody of the cast
Nanoha_7.png                     flat: the name ends at the first _ (or is the whole stem)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from animeds_db.errors import SourceError, UsageError
from animeds_db.export.names import safe_name
from animeds_db.media.pictures import PICTURE_SUFFIXES
from animeds_db.steps.characters.neighbours import NEGATIVE
from animeds_db.tagtext import expect_name

RESERVED = "unknown"
_NUMBER = re.compile(r"^\d+_(?=.)")
_ONE_PIECE = re.compile(r"^[A-Z][a-z]+(?:[A-Z][a-z]+)+$")
_NOISE = re.compile(r"^(ood|noise.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class NamedPicture:
    """A picture file, with the character and appearance from its path."""

    path: Path
    character: str
    appearance: str | None


def read_folder(folder: Path, known: Collection[str] = ()) -> list[NamedPicture]:
    """Return the pictures below a folder with the names in their paths, in order of paths.

    `known` are the characters that exist already. Raises SourceError for a path that is not a folder or a folder
    without pictures, UsageError for the name `unknown`, and for bare numbers where names are expected.
    """
    files = pictures_in(folder)
    tops = {path.relative_to(folder).parts[0] for path in files if path.parent != folder}
    beside = {_without_number(top) for top in tops} | set(known)
    return [_named_picture(folder, path, beside) for path in files]


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files of a folder, every level, sorted. Raises SourceError when there are none."""
    if not folder.is_dir():
        raise SourceError(
            f"{folder} is not a folder.",
            hint="Give a folder that contains one folder of pictures per character.",
        )
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise SourceError(
            f"There are no pictures in {folder}.", hint="Pictures are png, jpg, webp, bmp, gif or avif files."
        )
    return files


def checked_name(name: str) -> str:
    """Return a character's name as it is stored. Raises UsageError for a name that is not valid."""
    name = " ".join(name.split())
    if not name:
        raise UsageError("The character has no name.", hint="animeds characters add NAME --face ID")
    if name.casefold() == RESERVED:
        raise UsageError(
            f'"{name}" cannot be the name of a character: it marks faces that were not recognised.',
            hint="Add people who must not be recognised under the name ood.",
        )
    expect_name("character", name)
    return NEGATIVE if _NOISE.match(name) else name


def name_notes(names: Collection[str]) -> list[str]:
    """Return notes about names that cannot be used unchanged as folder or file names of an export."""
    odd = ((name, safe_name(name)) for name in sorted(set(names)))
    return [
        f'"{name}" cannot be the name of a file everywhere: exported folders will say {safe}'
        for name, safe in odd
        if safe != name
    ]


def summary(pictures: Collection[NamedPicture]) -> list[dict[str, object]]:
    """Return one row per character and appearance: pictures."""
    counted = Counter((one.character, one.appearance or "") for one in pictures)
    return [
        {"character": name, "appearance": appearance, "pictures": n}
        for (name, appearance), n in sorted(counted.items())
    ]


def _named_picture(folder: Path, path: Path, beside: Collection[str]) -> NamedPicture:
    parts = path.relative_to(folder).parts
    if len(parts) == 1:
        name = _flat_name(path)
    else:
        name = _without_number(parts[0])
    character, appearance = _split(name, beside)
    if len(parts) > 2:
        appearance = " ".join(part for part in (appearance, *parts[1:-1]) if part)
    return NamedPicture(path, checked_name(character), None if _NOISE.match(character) else appearance)


def _flat_name(path: Path) -> str:
    name = path.stem.partition("_")[0].strip() or path.stem
    if name.isdigit():
        raise UsageError(
            f"The path of {path.name} does not name a character.",
            hint="Use a folder per character, names such as Name_1.png, or: animeds characters add NAME --from FOLDER",
        )
    return name


def _without_number(name: str) -> str:
    return _NUMBER.sub("", name).strip()


def _split(name: str, beside: Collection[str]) -> tuple[str, str | None]:
    """Return character and appearance of a name such as "KuraueHinata Hairdown"."""
    words = name.split()
    for n in range(len(words) - 1, 0, -1):
        if " ".join(words[:n]) in beside:
            return " ".join(words[:n]), " ".join(words[n:])
    if len(words) > 1 and _ONE_PIECE.match(words[0]):
        return words[0], " ".join(words[1:])
    return name, None
