"""Captions read as tags. The one rule: what an export wrote as tags is read back as those tags.

Spaces or underscores, `\\(` or `(`, upper or lower case: to a person all of these are one tag. So tags are
compared by their `key`, and the order in which they stand means nothing.
"""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"\|\|\||;;;|[,\n\r]")
"""Commas, and what kohya's sd-scripts take for borders: `keep_tokens_separator`, `secondary_separator`.
Trainers that read several captions have one on each line."""

_ESCAPED = re.compile(r"\\([()\[\]{}\\])")
_BLANKS = re.compile(r"[\s_]+")

LONGEST_TAG = 6
"""Words. Booru tags with more are names of shows; whoever knows the vocabulary asks that first."""

_ARTICLES = frozenset({"a", "an", "the"})


def parts(text: str) -> list[str]:
    """Return what stands between the separators of a caption, stripped and without escapes, as it is written."""
    found = (_ESCAPED.sub(r"\1", part).strip() for part in _SEPARATORS.split(text.removeprefix("\ufeff")))
    return [part for part in found if part]


def key(tag: str) -> str:
    """Return the form in which a tag is compared: underscores, one at a time, none at the ends, case folded."""
    folded = _BLANKS.sub("_", tag).casefold()
    return folded.strip("_") or folded


def tag_of(part: str) -> str:
    """Return a part of a caption as a new tag is stored: underscores for blanks, nothing else changed."""
    return _BLANKS.sub("_", part).strip("_") or part


def keyed(text: str) -> dict[str, str]:
    """Return key → part of a caption, each key once, in the order of the caption."""
    found: dict[str, str] = {}
    for part in parts(text):
        found.setdefault(key(part), part)
    return found


def is_prose(part: str) -> bool:
    """Return whether a part reads as (a piece of) a sentence: many words, an article first, a full stop.

    Exclamation and question marks are no sign: shows have them in their names.
    """
    words = _BLANKS.sub(" ", part).split()
    if len(words) > LONGEST_TAG:
        return True
    return len(words) >= 3 and (_has_full_stop(part) or words[0].casefold() in _ARTICLES)


def reads_as_prose(text: str) -> bool:
    """Return whether a caption is sentences rather than a list of tags, by its first part, its end, and the rest."""
    found = parts(text)
    n_prose = sum(is_prose(part) for part in found)
    return bool(found) and (is_prose(found[0]) or _has_full_stop(found[-1]) or 2 * n_prose > len(found))


def _has_full_stop(part: str) -> bool:
    return part.endswith(".") and part[-2:-1].isalpha()
