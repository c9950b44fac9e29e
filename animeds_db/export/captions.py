"""The text beside a picture. The one rule: the same tags and style give the same caption.

A caption has no newline at its end: trainers read the file as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_FACES = "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_| ||_||"
KAOMOJI = frozenset(_FACES.split())
"""Tags that are little faces, their underscore a mouth (the list of SmilingWolf's wd-tagger)."""

SHORT_TAG = 3
"""Tags of at most this many characters keep their underscores (kohya's tagger: `^_^`, `:_;`)."""

DEFAULT_THRESHOLD = 0.35
"""Lowest score of a tag in a caption (0…1), as in the WD taggers' own demo."""


class Tag(NamedTuple):
    """A tag as the tagger gave it: danbooru name, category (schema.CATEGORIES), score 0…1."""

    tag: str
    category: str
    score: float


@dataclass(frozen=True)
class CaptionStyle:
    """How tags become a caption."""

    activation_tag: str | None = None
    """Stands first, before any tag of the picture; several are parted by commas."""
    threshold: float = DEFAULT_THRESHOLD
    keep_character_tags: bool = False
    """Character tags teach a trainer two names for one character, so they are left out unless asked for."""
    keep_underscores: bool = False
    separator: str = ", "


def caption(tags: Sequence[Tag], style: CaptionStyle) -> str:
    """Return activation tag, then general tags (and character tags if kept) from the best score down."""
    categories = {"general", "character"} if style.keep_character_tags else {"general"}
    # Scores are stored in whole per cent and may come back as float32: 0.35 must not fall below 0.35.
    chosen = [t for t in tags if t.category in categories and round(t.score, 4) >= style.threshold]
    chosen.sort(key=lambda t: (-round(t.score, 4), t.tag))
    first = [part.strip() for part in (style.activation_tag or "").split(",") if part.strip()]
    words = [spoken(text, style) for text in (*first, *(t.tag for t in chosen))]
    return style.separator.join(dict.fromkeys(words))


def spoken(tag: str, style: CaptionStyle) -> str:
    """Return a tag with spaces for underscores, except in short tags and little faces."""
    is_face = tag in KAOMOJI or len(tag) <= SHORT_TAG
    return tag if style.keep_underscores or is_face else tag.replace("_", " ")
