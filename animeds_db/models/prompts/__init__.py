"""Prompts of captioners: templates in text files, filled with what the database knows of a picture.

A template has places such as {names} or {tags}. A line with a place for which nothing is known is left out.
`{{` and `}}` are braces. The `.txt` files beside this module are those that come with animeds-db.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import importlib_resources
import xxhash

from animeds_db.errors import UsageError, did_you_mean

DEFAULT_PROMPT = "prose"
"""Name of the template that is used where none is named."""
PLACES = {
    "language": "the language to write in, in English: English, Japanese, …",
    "picture": "frame, or crop of one person, face, …",
    "show": "name of the show",
    "names": "characters in the picture, from left to right",
    "outfits": "characters with their appearance: Emi (school uniform)",
    "positions": "where each face is: Emi on the left, somebody on the right",
    "tags": "tags of the picture, best first",
    "dialogue": "what is said at that moment, with the speaker",
}
"""What a template can contain, and what it means."""


@dataclass(frozen=True)
class Prompt:
    """A template, by name. `id` changes with its text, so that other words make other descriptions."""

    name: str
    text: str

    @property
    def id(self) -> str:
        """The prompt id in the database: name@hash."""
        return f"{self.name}@{xxhash.xxh3_64_hexdigest(self.text.encode())[:8]}"

    @property
    def places(self) -> frozenset[str]:
        """The places of the template, without the language."""
        return frozenset(_places(self.text)) - {"language"}

    def filled(self, facts: Mapping[str, str | None]) -> str:
        """Return the prompt for a picture. `facts` has the text for each place; None: not known."""
        known = {name: facts.get(name) for name in PLACES}
        lines = [line for line in self.text.splitlines() if all(known[place] for place in _places(line))]
        return "\n".join(line.format_map(known) for line in lines).strip()


def prompt_names() -> list[str]:
    """Return the names of the templates that come with animeds-db."""
    files = importlib_resources.files("animeds_db.models.prompts").iterdir()
    return sorted(file.name.removesuffix(".txt") for file in files if file.name.endswith(".txt"))


def load_prompt(name: str | Path) -> Prompt:
    """Return a template by name, or from a `.txt` file. Raises UsageError, naming the file and the place."""
    text, source = _read(str(name))
    try:
        places = _places(text)
    except ValueError as error:
        raise UsageError(
            f"The prompt {source} is not valid: {error}.",
            hint="Write {{ and }} for braces that are no place.",
        ) from error
    unknown = sorted(places - PLACES.keys())
    if unknown:
        raise UsageError(
            f"The prompt {source} has a place {{{unknown[0]}}}, which does not exist.",
            hint=f"{did_you_mean(unknown[0], PLACES)} Places: {', '.join(PLACES)}.",
        )
    if not text.strip():
        raise UsageError(f"The prompt {source} is empty.")
    return Prompt(Path(name).stem.replace("@", "_").replace("/", "_"), text)


def _read(name: str) -> tuple[str, str]:
    """Return the text of a template, and its name or path for messages."""
    if name.endswith(".txt"):
        try:
            return Path(name).expanduser().read_text("utf-8-sig"), name
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The prompt {name} cannot be read: {error}") from error
    if name not in prompt_names():
        raise UsageError(
            f'There is no prompt "{name}".',
            hint=f"{did_you_mean(name, prompt_names())} The name of your own file must end in .txt.",
        )
    return importlib_resources.files("animeds_db.models.prompts").joinpath(f"{name}.txt").read_text(
        "utf-8"
    ), name


def _places(text: str) -> set[str]:
    """Return the places of a text. Raises ValueError for braces that do not match, and for formats such as {a.b}."""
    found = set()
    for _, place, form, conversion in string.Formatter().parse(text):
        if place is not None:
            if form or conversion or not place.isidentifier():
                raise ValueError(f"{{{place}}} is not a plain name")
            found.add(place)
    return found
