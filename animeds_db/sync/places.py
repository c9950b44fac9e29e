"""Labels from pictures that were deleted, restored or moved to another folder.

A deleted crop does not drop the rest of its frame. If a name could belong to several faces, none is labelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from animeds_db.export.pictures.picture import Picture
from animeds_db.steps.labels.changes import Word
from animeds_db.sync.facts import Box, Facts
from animeds_db.sync.folder import Status
from animeds_db.sync.grammar import Grammar, Person, Reading

_PEOPLE = {"face": 0, "head": 1, "halfbody": 2, "person": 3}
"""Kinds of boxes. The first ones show best who it is."""
_NOBODY = frozenset({"unknown", "ood"})


@dataclass(frozen=True)
class Change:
    """A change to one picture, described for the user, and the labels for the database."""

    file: str
    """Path in the export, relative, parts joined by `/`."""
    what: str
    """dropped | restored | character | appearance | tag added | tag removed | left alone"""
    before: str
    after: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Export:
    """The pictures of an export, with their status at the last sync and now."""

    pictures: Sequence[Picture]
    before: Sequence[Status]
    now: Sequence[Status]

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the pictures that were deleted, restored, moved or renamed."""
        for number, (before, now) in enumerate(zip(self.before, self.now, strict=True)):
            if before.path != now.path:
                yield number


def left_alone(picture: Picture, before: str, why: str) -> Change:
    """Return a change that is reported but does not become a label."""
    return Change(picture.path, "left alone", before, why)


def gone_or_back(export: Export, facts: Facts, known: frozenset[str]) -> Iterator[tuple[int, Change]]:
    """Yield (number, change) for pictures that were deleted or came back.

    A frame is dropped if none of its pictures is left, and the box of a crop if no picture of that box is left. While
    another one is left, nothing is dropped: it would be missing from the next export as well.
    """
    subjects = [subject(picture, facts.boxes.get(n, ())) for n, picture in enumerate(export.pictures)]
    alive_frames: Counter[str] = Counter()
    alive_boxes: Counter[tuple[str, str]] = Counter()
    for picture, box, now in zip(export.pictures, subjects, export.now, strict=True):
        if now.path is not None:
            alive_frames[picture.frame_id] += 1
            if box is not None:
                alive_boxes[picture.frame_id, box.detection_id] += 1
    for number in export.numbers():
        picture, box, now = export.pictures[number], subjects[number], export.now[number]
        if picture.frame_id not in known:
            yield number, left_alone(picture, "", "its frame is no longer in the database")
        elif now.path is None:
            siblings = (
                alive_boxes[picture.frame_id, box.detection_id] if box else alive_frames[picture.frame_id]
            )
            yield number, _dropped(picture, box, siblings, export.before[number])
        elif export.before[number].path is None:
            word = _frame_word(picture, box, "remove", None)
            yield number, Change(picture.path, "restored", "", now.path, (word,))


def _dropped(picture: Picture, box: Box | None, siblings: int, before: Status) -> Change:
    if siblings:
        whose = "its face" if box else "its frame"
        return left_alone(picture, "deleted", f"another picture of {whose} is still there")
    return Change(picture.path, "dropped", before.path or "", "", (_frame_word(picture, box, "set", "drop"),))


def _frame_word(picture: Picture, box: Box | None, op: str, value: str | None) -> Word:
    if box is not None:
        return box.word(picture.frame_id, "frame", op, value)
    return Word("frame", op, value, picture.frame_id, picture.source_id)


def subject(picture: Picture, boxes: Iterable[Box]) -> Box | None:
    """Return the box that was cropped, or None for a whole frame or a crop without a box."""
    return next((box for box in boxes if box.detection_id == picture.face_id), None)


def moved(
    export: Export, facts: Facts, grammar: Grammar, known: frozenset[str]
) -> Iterator[tuple[int, Change]]:
    """Yield (number, change) for pictures that were moved to a folder of other characters."""
    for number in export.numbers():
        picture, now = export.pictures[number], export.now[number]
        if now.path is None or picture.frame_id not in known:
            continue
        then = export.before[number].folder if export.before[number].path else picture.folder
        if then != now.folder:
            before, after = grammar.read(then), grammar.read(now.folder)
            boxes = facts.boxes.get(number, ())
            one = subject(picture, boxes)
            what = f"moved to {now.folder}"
            for change in _named(picture, what, before, after, [one] if one else list(boxes)):
                yield number, change


def renamed(
    picture: Picture,
    what: str,
    names: tuple[str, str],
    boxes: Sequence[Box],
    grammar: Grammar,
    *,
    by_face: bool,
) -> Iterator[Change]:
    """Yield changes for a file beside a picture that lists other characters now. `names`: before and now, by commas.

    by_face: the file lists one name per face, in their order, as the screenshot pipeline does.
    """
    old, new = ([name.strip() for name in text.split(",")] for text in names)
    faces = sorted((box for box in boxes if box.kind == "face"), key=lambda box: box.detection_id)
    if not (by_face and len(old) == len(new) == len(faces)):
        one = subject(picture, boxes)
        readings = grammar.names_in("+".join(old)), grammar.names_in("+".join(new))
        yield from _named(picture, what, *readings, [one] if one else list(boxes))
        return
    for face, was, name in zip(faces, old, new, strict=True):
        if name == was:
            continue
        if name in _NOBODY:
            word = face.word(picture.frame_id, "character", "set", name)
            yield Change(picture.path, "character", was, name, (word,))
        else:
            yield from _named(picture, what, grammar.names_in(was), grammar.names_in(name), [face])


def _named(
    picture: Picture, where: str, before: Reading, after: Reading, boxes: list[Box]
) -> Iterator[Change]:
    if after.people is None:
        if after.why is not None:
            yield left_alone(picture, where, after.why)
        elif before.people:
            yield left_alone(
                picture, where, f"this folder does not say who it is. Move it to ood if it is not {before}"
            )
        return
    if after.people == before.people:
        return
    people = _who(boxes, after.people)
    if isinstance(people, str):
        yield left_alone(picture, where, people)
        return
    words = [
        box.word(picture.frame_id, "character", "set", person.character)
        for box, person in people
        if person.character != box.character
    ]
    if words:
        yield Change(picture.path, "character", str(before), str(after), tuple(words))
    looks = [
        box.word(picture.frame_id, "appearance", "set", person.appearance)
        for box, person in people
        if person.appearance is not None and person.appearance != box.appearance
    ]
    if looks:
        yield Change(picture.path, "appearance", str(before), str(after), tuple(looks))


def _who(boxes: list[Box], wanted: frozenset[Person]) -> list[tuple[Box, Person]] | str:
    """Return the person of each box, or a message if that is ambiguous. `unknown`: nobody that is known."""
    people = _people(boxes)
    if not wanted:
        return [(box, Person("ood")) for box in people] or "no face was detected in it"
    if len(people) == 1 and len(wanted) == 1:
        return [(people[0], next(iter(wanted)))]
    names = {person.character: person for person in wanted}
    stay = [(box, names[box.character]) for box in people if box.character in names]
    missing = [
        person for name, person in sorted(names.items()) if all(box.character != name for box, _ in stay)
    ]
    leaving = [box for box in people if box.character is not None and box.character not in names]
    nameless = [box for box in people if box.character is None]
    if not missing:
        return stay + [(box, Person("unknown")) for box in leaving]
    takers = leaving or nameless
    if len(missing) == 1 and len(takers) == 1:
        return [*stay, (takers[0], missing[0])]
    listed = " and ".join(person.character for person in missing)
    if not takers:
        return f"it has no unnamed face or person left that could be {listed}"
    ids = ", ".join(box.detection_id for box in takers[:4])
    return f"any of {ids} could be {listed}. Label the right one: animeds label character NAME --face ID"


def _people(boxes: Iterable[Box]) -> list[Box]:
    """Return one box per person: faces, then heads, then other boxes that contain none of those."""
    people: list[Box] = []
    for box in sorted(boxes, key=lambda b: _PEOPLE[b.kind]):
        if not any(box.kind != other.kind and box.holds(other) for other in people):
            people.append(box)
    return people


def summary(changes: Iterable[Change]) -> Mapping[str, int]:
    """Return the number of changes of each kind."""
    return Counter(change.what for change in changes)
