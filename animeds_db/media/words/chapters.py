"""Reads the chapters of a video and tells what their titles mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from animeds_db.media.words.markup import ENDING_WORDS, OPENING_WORDS

if TYPE_CHECKING:
    from av.container import InputContainer

_WORD = re.compile(r"[^\W\d_]+")
KINDS = {
    "opening": OPENING_WORDS | {"op"},
    "ending": ENDING_WORDS | {"ed"},
    "recap": frozenset({"recap", "previously", "あらすじ"}),
    "preview": frozenset({"preview", "予告", "次回予告"}),
}
"""Words of a title, in lower case, by the kind of chapter that they mean. `Intro` is not one of them: it is often a
scene before the opening."""


@dataclass(frozen=True)
class Chapter:
    """A chapter. `start_s` and `end_s`: seconds from the start of the video stream, from 0."""

    start_s: float
    end_s: float
    title: str | None
    kind: str | None
    """opening | ending | recap | preview, if the title says so."""


def read_chapters(container: InputContainer, zero: float) -> tuple[list[Chapter], list[str]]:
    """Return the chapters of an open file in order of time, and warnings. `zero`: start of the video, in seconds.

    A chapter that ends before it starts, or after the next one starts, ends where the next one starts.
    """
    stored = [
        (
            float(chapter["start"] * (chapter["time_base"] or 0)) - zero,
            float(chapter["end"] * (chapter["time_base"] or 0)) - zero,
            chapter["metadata"].get("title", "").strip() or None,
        )
        for chapter in container.chapters()
    ]
    found = sorted(stored, key=lambda chapter: chapter[0])
    notes = ["chapters were not in order of time"] if found != stored else []
    chapters = []
    for n, (start, end, title) in enumerate(found):
        following = found[n + 1][0] if n + 1 < len(found) else None
        last = following if following is not None and (end <= start or end > following) else end
        if last > 0:
            chapters.append(Chapter(max(0.0, start), max(0.0, start, last), title, kind_of(title)))
    return chapters, notes


def kind_of(title: str | None) -> str | None:
    """Return what a title says: opening, ending, recap or preview; else None."""
    words = {word.lower() for word in _WORD.findall(title or "")}
    return next((kind for kind, meaning in KINDS.items() if words & meaning), None)
