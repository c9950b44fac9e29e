"""Reads captions as tags, and decides which names are valid. Tags that an export wrote are read back as the same tags.

Spaces or underscores, `\\(` or `(`, upper or lower case: to a person, all of these are the same tag. So tags are
compared by their `key`. Their order has no meaning.
"""

from __future__ import annotations

import re

from animeds_db.errors import UsageError
from animeds_db.printable import printable

_SEPARATORS = re.compile(r"\|\|\||;;;|[,\n\r]")
"""Separators between tags: commas, and the `keep_tokens_separator` and `secondary_separator` of kohya's sd-scripts.
For trainers that read several captions from one file, each line is a caption."""

_ESCAPED = re.compile(r"\\([()\[\]{}\\])")
_BLANKS = re.compile(r"[\s_]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

MAX_NAME = 200
"""Maximum number of characters of a tag or a name. The longest tags of boorus have fewer than that."""

LONGEST_TAG = 6
"""Maximum number of words in a tag. Longer booru tags are names of shows, which callers look up first."""

_ARTICLES = frozenset({"a", "an", "the"})


def parts(text: str) -> list[str]:
    """Return the parts of a caption between separators, stripped and without escapes, otherwise unchanged.

    Control characters become blanks.
    """
    split = (_CONTROL.sub(" ", part) for part in _SEPARATORS.split(text.removeprefix("\ufeff")))
    found = (_ESCAPED.sub(r"\1", part).strip() for part in split)
    return [part for part in found if part]


def name_problem(name: str) -> str | None:
    """Return why a text cannot be a tag or a name, as the end of a sentence. None if it can."""
    if len(name) > MAX_NAME:
        return f"has {len(name):,} characters; at most {MAX_NAME} are possible"
    if printable(name) != name:
        return "contains control characters"
    return None


def expect_name(what: str, name: str) -> None:
    """Raise UsageError if a text cannot be a tag or a name. `what`: its kind in the message, such as `tag`."""
    problem = name_problem(name)
    if problem:
        raise UsageError(f'The {what} "{printable(name[:60])}" {problem}.', hint=f"Use another {what}.")


def key(tag: str) -> str:
    """Return a tag in the form used for comparison: case-folded, single underscores for blanks, none at the ends."""
    folded = _BLANKS.sub("_", tag).casefold()
    return folded.strip("_") or folded


def tag_of(part: str) -> str:
    """Return a part of a caption in the form stored as a new tag: underscores for blanks, nothing else changed."""
    return _BLANKS.sub("_", part).strip("_") or part


def keyed(text: str) -> dict[str, str]:
    """Return a dict from key to part of a caption. Each key appears once, in the caption's order."""
    found: dict[str, str] = {}
    for part in parts(text):
        found.setdefault(key(part), part)
    return found


def is_prose(part: str) -> bool:
    """Return True if a part reads as a sentence or a piece of one: many words, an article first, or a full stop.

    Exclamation and question marks do not count, because names of shows contain them.
    """
    words = _BLANKS.sub(" ", part).split()
    if len(words) > LONGEST_TAG:
        return True
    return len(words) >= 3 and (_has_full_stop(part) or words[0].casefold() in _ARTICLES)


def reads_as_prose(text: str) -> bool:
    """Return True if a caption is sentences rather than tags, judged by its first part, its end and the rest."""
    found = parts(text)
    n_prose = sum(is_prose(part) for part in found)
    return bool(found) and (is_prose(found[0]) or _has_full_stop(found[-1]) or 2 * n_prose > len(found))


def _has_full_stop(part: str) -> bool:
    return part.endswith(".") and part[-2:-1].isalpha()
