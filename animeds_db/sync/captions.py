"""Labels from edited captions. Changes of order, spelling and sentences do not become labels.

Tags that were added or removed become labels of the frame. Parts that the export itself writes (activation tag,
names, "by artist") and sentences are not tags.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from animeds_db.export.pictures.picture import Picture
from animeds_db.steps.labels.changes import Word
from animeds_db.sync.facts import Facts
from animeds_db.sync.places import Change, left_alone
from animeds_db.tagtext import is_prose, key, keyed, tag_of

_MADE = re.compile(r"(?:\d+\+?|many)_?(?:person|people)|(?:fh(?:ll|ml|md|mr|ri)_fv(?:tp|mt|md|mb|bt)_?)+")
"""Parts that give the number of people or the position of faces, in the words of the anime screenshot pipeline."""


@dataclass(frozen=True)
class Diff:
    """Parts of a caption that were added and removed, as they are written."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_prose: bool = False
    """True if some part, old or new, is a sentence."""


def diff(before: str, now: str, vocabulary: Collection[str] = ()) -> Diff:
    """Compare two captions part by part. `vocabulary`: keys of all known tags, which are never sentences."""
    old, new = keyed(before), keyed(now)
    every = {**old, **new}
    return Diff(
        tuple(part for k, part in new.items() if k not in old),
        tuple(part for k, part in old.items() if k not in new),
        any(is_prose(part) for k, part in every.items() if k not in vocabulary),
    )


@dataclass(frozen=True)
class Ours:
    """Keys of caption parts that the export writes and that are not tags of a picture."""

    put_in: frozenset[str] = frozenset()
    """In every caption: activation tag, general text."""
    names: frozenset[str] = frozenset()
    """Names of characters."""

    def why_not(self, part: str) -> str | None:
        """Return the reason why a part is not a tag, or None if it may be one."""
        if key(part) in self.put_in:
            return "the export writes it into every caption"
        if key(part) in self.names:
            return "it is the name of a character. Move the picture to the folder of that character"
        if _MADE.fullmatch(key(part)):
            return "the export computes it from the boxes"
        return None


def edited(
    picture: Picture, before: str | None, now: str | None, facts: Facts, ours: Ours
) -> Iterator[Change]:
    """Yield the changes in an edited caption."""
    if now is None:
        if before is not None:
            yield left_alone(picture, "caption deleted", "a deleted caption does not change tags")
        return
    change = diff(before or "", now, facts.vocabulary)
    for part in change.removed:
        yield from _removed(picture, part, facts, ours)
    for part in change.added:
        yield from _added(picture, part, facts, ours, in_prose=change.is_prose)


def _removed(picture: Picture, part: str, facts: Facts, ours: Ours) -> Iterator[Change]:
    existing = facts.tags.get(picture.frame_id, {}).get(key(part))
    if existing is not None and key(part) not in ours.put_in:
        yield from _said(picture, part, existing[0], "remove", facts)
    elif key(part) not in facts.vocabulary or key(part) in ours.put_in:
        yield left_alone(picture, f"- {part}", ours.why_not(part) or "it is not a tag")


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
        yield left_alone(picture, f"+ {part}", "it is a sentence, not a tag")
        return
    yield from _said(picture, part, tag or tag_of(part), "add", facts)


def _said(picture: Picture, part: str, tag: str, op: str, facts: Facts) -> Iterator[Change]:
    sign = "+" if op == "add" else "-"
    if picture.crop is not None and tag in facts.of_crops:
        yield left_alone(picture, f"{sign} {part}", "in crops it is computed from the boxes")
        return
    word = Word("tag", op, tag, picture.frame_id, picture.source_id)
    before, after = ("", part) if op == "add" else (part, "")
    yield Change(picture.path, "tag added" if op == "add" else "tag removed", before, after, (word,))
