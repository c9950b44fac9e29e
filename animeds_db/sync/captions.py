"""What it means that a caption was edited. The one rule: order, spelling and sentences are no labels.

Of the parts that came or went, those that are tags become labels of the frame. What the export itself put in
(activation tag, names, "by artist") is no tag of the picture, and a sentence cannot be one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from animeds_db.export.picture import Picture
from animeds_db.steps.labels.changes import Word
from animeds_db.sync.facts import Facts
from animeds_db.sync.places import Change, left_alone
from animeds_db.tagtext import is_prose, key, keyed, tag_of

_MADE = re.compile(r"(?:\d+\+?|many)_?(?:person|people)|(?:fh(?:ll|ml|md|mr|ri)_fv(?:tp|mt|md|mb|bt)_?)+")
"""Parts that count people or say where faces are, as the anime screenshot pipeline words them."""


@dataclass(frozen=True)
class Diff:
    """Parts of a caption that came and went, as they are written."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_prose: bool = False
    """Some part, old or new, reads as a sentence."""


def diff(before: str, now: str, vocabulary: Collection[str] = ()) -> Diff:
    """Compare two captions part by part. `vocabulary` holds keys of tags, which are never prose."""
    old, new = keyed(before), keyed(now)
    every = {**old, **new}
    return Diff(
        tuple(part for k, part in new.items() if k not in old),
        tuple(part for k, part in old.items() if k not in new),
        any(is_prose(part) for k, part in every.items() if k not in vocabulary),
    )


@dataclass(frozen=True)
class Ours:
    """Parts of captions that an export makes, by their keys: they are no tags of a picture."""

    put_in: frozenset[str] = frozenset()
    """Of every caption: activation tag, general text."""
    names: frozenset[str] = frozenset()
    """Characters."""

    def why_not(self, part: str) -> str | None:
        """Return why a part is no tag; None where nothing speaks against it."""
        if key(part) in self.put_in:
            return "the export puts it into every caption"
        if key(part) in self.names:
            return "it names a character: move the picture to the folder of that one"
        if _MADE.fullmatch(key(part)):
            return "the export makes it of the boxes"
        return None


def edited(
    picture: Picture, before: str | None, now: str | None, facts: Facts, ours: Ours
) -> Iterator[Change]:
    """Yield what an edited caption says."""
    if now is None:
        if before is not None:
            yield left_alone(picture, "caption deleted", "a caption that is gone says nothing about tags")
        return
    change = diff(before or "", now, facts.vocabulary)
    for part in change.removed:
        yield from _removed(picture, part, facts, ours)
    for part in change.added:
        yield from _added(picture, part, facts, ours, in_prose=change.is_prose)


def _removed(picture: Picture, part: str, facts: Facts, ours: Ours) -> Iterator[Change]:
    borne = facts.tags.get(picture.frame_id, {}).get(key(part))
    if borne is not None and key(part) not in ours.put_in:
        yield from _said(picture, part, borne[0], "remove", facts)
    elif key(part) not in facts.vocabulary or key(part) in ours.put_in:
        yield left_alone(picture, f"- {part}", ours.why_not(part) or "it is no tag")


def _added(picture: Picture, part: str, facts: Facts, ours: Ours, *, in_prose: bool) -> Iterator[Change]:
    tag, by_people = facts.tags.get(picture.frame_id, {}).get(key(part), (None, False))
    if by_people:
        return
    tag = tag or facts.vocabulary.get(key(part))
    reason = ours.why_not(part)
    if reason and (tag is None or key(part) in ours.put_in):
        yield left_alone(picture, f"+ {part}", reason)
        return
    if tag is None and in_prose:
        yield left_alone(picture, f"+ {part}", "it reads as a sentence, not as a tag")
        return
    yield from _said(picture, part, tag or tag_of(part), "add", facts)


def _said(picture: Picture, part: str, tag: str, op: str, facts: Facts) -> Iterator[Change]:
    sign = "+" if op == "add" else "-"
    if picture.crop is not None and tag in facts.of_crops:
        yield left_alone(picture, f"{sign} {part}", "of a crop it is computed from the boxes")
        return
    word = Word("tag", op, tag, picture.frame_id, picture.source_id)
    before, after = ("", part) if op == "add" else (part, "")
    yield Change(picture.path, "tag added" if op == "add" else "tag removed", before, after, (word,))
