"""Folder names read as characters. A name that is not allowed is reported, never guessed.

The grammar is that of the anime screenshot pipeline's `correct_metadata_from_foldername.py`: a format such as
`*/character/*` is matched with the folders of a picture from the right; names are joined by `+`; `ood` is somebody
outside the cast; `character_others` and `others` mean nothing. An appearance follows its character after a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.names import folded, safe_name

CHARACTER_TYPES = ("character", "character_string")
NOBODY = "ood"
SILENT = frozenset({"character_others", "others", "unknown"})
"""Folders that do not say who is on their pictures."""

_COMPUTED = (
    r"(?:\d+\+?|many)_(?:characters?|faces?|people|person)",
    r"face_height_ratio_\d+-\d+",
    r"no_characters?",
    r"x\d+",
)
"""Folders that an arrangement makes from numbers. They are not names."""
_IS_COMPUTED = re.compile("|".join(_COMPUTED), re.IGNORECASE)
_JOINED_BEFORE = re.compile(rf"^(?:{'|'.join(_COMPUTED)})(?:_|$)", re.IGNORECASE)
_JOINED_AFTER = re.compile(rf"(?:^|_)(?:{'|'.join(_COMPUTED)})$", re.IGNORECASE)
_REPEATS = re.compile(r"^\d+_")


@dataclass(frozen=True, order=True)
class Person:
    """A character, and the appearance if it is given."""

    character: str
    appearance: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.character, self.appearance)))


@dataclass(frozen=True)
class Reading:
    """Who is on the pictures of a folder: `people` (empty: nobody of the cast), or None if the folder does not say."""

    people: frozenset[Person] | None
    why: str | None = None
    """Message about a name that is not allowed. None: no problem."""

    def __str__(self) -> str:
        if self.people is None:
            return ""
        return "+".join(sorted(str(person) for person in self.people)) or NOBODY


@dataclass
class Grammar:
    """How the folder names of one export are read."""

    known: Iterable[str]
    """Names of characters that are allowed."""
    form: str | None = None
    """Such as `*/character/*`. None: the rightmost folder that consists of names."""
    has_repeats: bool = False
    """Folders of kohya: `N_name` on one level, with the folders of the selection joined by `_`."""
    listed_in: str | None = None
    """The file that lists the allowed names. None: the names in the database."""
    _names: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._names = {folded(safe_name(name)): name for name in sorted(self.known)}
        if self.form is not None and not set(self.form.split("/")) & set(CHARACTER_TYPES):
            raise UsageError(
                f'The format "{self.form}" has no folder for characters.',
                hint="For example */character/*, where * is any folder. Folders are counted from the right.",
            )

    def read(self, folder: str) -> Reading:
        """Return who is on the pictures of a folder (relative, parts joined by `/`)."""
        names = self._candidates([part for part in folder.split("/") if part])
        readings = [self.names_in(name) for name in names]
        for reading in readings:
            if reading.why is None:
                return reading
        return readings[0] if readings else Reading(None)

    def _candidates(self, names: list[str]) -> list[str]:
        """Return the folder names that may be names of characters, the rightmost first."""
        if self.has_repeats:
            names = [self._without_repeats(name) for name in names]
            if self.form is None:
                return [name for name in reversed(names) if name]
        if self.form is None:
            return [name for name in reversed(names) if not _IS_COMPUTED.fullmatch(name)]
        kinds = [kind for kind in self.form.split("/") if kind]
        pairs = zip(reversed(kinds), reversed(names), strict=False)
        return [name for kind, name in pairs if kind in CHARACTER_TYPES]

    def _without_repeats(self, name: str) -> str:
        name = _REPEATS.sub("", name, count=1)
        if folded(name) in self._names:
            return name
        before = None
        while before != name:
            before, name = name, _JOINED_AFTER.sub("", _JOINED_BEFORE.sub("", name))
        return name

    def names_in(self, name: str) -> Reading:
        """Return who is meant by a name, or by several names joined by `+`."""
        if name.casefold() in SILENT:
            return Reading(None)
        people = set()
        for part in filter(None, (part.strip() for part in name.split("+"))):
            if part.casefold() in SILENT | {NOBODY}:
                continue
            person = self._person(part)
            if person is None:
                return Reading(None, self._not_allowed(part))
            people.add(person)
        return Reading(frozenset(people))

    def _person(self, text: str) -> Person | None:
        """Return the character with this name, or the character and the appearance after a space."""
        exact = self._names.get(folded(text))
        if exact is not None:
            return Person(exact)
        words = text.split(" ")
        for end in range(len(words) - 1, 0, -1):
            character = self._names.get(folded(" ".join(words[:end])))
            if character is not None:
                return Person(character, " ".join(words[end:]))
        return None

    def _not_allowed(self, name: str) -> str:
        names = sorted(self._names.values())
        if not names:
            return f'the database has no characters yet, so "{name}" cannot be checked. List names: --characters FILE'
        where = f"{self.listed_in} does not contain" if self.listed_in else "there is no character"
        return (
            f'{where} "{name}" ({did_you_mean(name, names)}). To allow it, list all names: --characters FILE'
        )


def read_names(path: Path) -> frozenset[str]:
    """Return the names in a text file, separated by commas or line breaks. Raises UsageError."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read as a list of names: {error}", hint="Write one name per line, in UTF-8."
        ) from error
    names = frozenset(name.strip() for name in re.split(r"[,\n\r]", text) if name.strip())
    if not names:
        raise UsageError(f"{path} contains no names.", hint="Write one name per line.")
    return names
