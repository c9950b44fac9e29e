"""Renaming and merging characters. Names are mapped when rows are read, so a rename can be undone.

Stored rows keep the old name; the view `names` maps it to the current one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.session import Session
from animeds_db.steps.labels.changes import Act, Word, speak
from animeds_db.steps.labels.csv_file import read_pairs
from animeds_db.store import Store
from animeds_db.tagtext import tag_of

NOBODY = ("unknown", "ood")
"""Answers that are not characters: not recognised, and a negative."""
KNOWN = """
SELECT character FROM lance_identities UNION SELECT character FROM lance_examples
UNION SELECT value FROM labels WHERE field = 'character' UNION SELECT name FROM names UNION SELECT final FROM names
UNION SELECT written FROM tag_labels WHERE op = 'add' AND category = 'character'
"""


ACT_OF = """
SELECT max_by(act, label_id) FROM active_labels
WHERE field = 'name' AND list_contains($forms, replace(subject, '_', ' '))
"""


def known_characters(session: Session) -> set[str]:
    """Return every name of a character: from examples, answers, labels and renames."""
    return {row[0] for row in session.sql(KNOWN).fetchall() if row[0] is not None}


def rename_all(store: Store, session: Session, names: Mapping[str, str], who: str | None = None) -> Act:
    """Rename characters everywhere: old → new, as one change set.

    If a character with the new name exists, the two are merged. A rename that already holds is not written again: the
    result is then the earlier change set, with 0 labels. Raises UsageError for an empty name, an unknown name, and
    circles.
    """
    known = known_characters(session)
    pairs = [("", old.strip(), new.strip()) for old, new in names.items()]
    forms = {tag_of(name) for name in known}
    for _, old, _ in pairs:
        if old and tag_of(old) not in forms:
            raise UsageError(f'There is no character "{old}".', hint=did_you_mean(old, known))
    return _rename(store, session, pairs, known, who)


def rename_by_csv(store: Store, session: Session, path: Path, who: str | None = None) -> Act:
    """Rename by a CSV file of two columns, old and new; all lines are one change set.

    Unknown names are reported in a note; the rename applies as soon as a character gets the name. Raises UsageError
    with the line for other numbers of columns, empty names, one name with two new ones, and circles.
    """
    pairs = [(f"{path}:{line}: ", old, new) for line, old, new in read_pairs(path)]
    if not pairs:
        raise UsageError(f"{path} is empty.", hint="Each line is: old name,new name")
    return _rename(store, session, pairs, known_characters(session), who)


def _rename(
    store: Store, session: Session, pairs: Sequence[tuple[str, str, str]], known: set[str], who: str | None
) -> Act:
    wanted = _checked(pairs)
    if not wanted:
        raise UsageError("Nothing is renamed: old and new names are the same.")
    before = dict(session.sql("SELECT name, renamed_to FROM names").fetchall())
    already = sorted(old for old, new in wanted.items() if before.get(old) == new)
    if len(already) == len(wanted):
        notes = [f"{old} is already called {wanted[old]}" for old in already]
        return Act(_act_of(session, already), 0, notes)
    wanted = {old: new for old, new in wanted.items() if old not in already}
    freed = _freed(wanted, before)
    words = [Word("name", "remove", None, subject=name) for name in sorted(freed)]
    words += [Word("name", "set", new, subject=old) for old, new in wanted.items()]
    act = speak(store, words, who)
    forms = {tag_of(name) for name in known}
    strangers = sorted(name for name in wanted if tag_of(name) not in forms)
    notes = [f"there is no character {', '.join(strangers[:8])} so far"] if strangers else []
    now = {name: new for name, new in before.items() if name not in freed} | wanted
    for old, new in wanted.items():
        final = _end(new, now)
        if final != new and new not in wanted:
            notes.append(f"{new} was renamed before: {old} is now {final}")
    return Act(act.id, len(wanted), notes)


def _act_of(session: Session, names: Sequence[str]) -> str:
    """Return the id of the newest change set that renamed one of these names or its other form."""
    forms = [name.replace("_", " ") for name in names]
    return str(session.sql(ACT_OF, {"forms": forms}).fetchall()[0][0])


def _checked(pairs: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return old → new. Raises UsageError, with the line, for names that contradict each other."""
    wanted: dict[str, str] = {}
    places: dict[str, str] = {}
    for place, old, new in pairs:
        if not old or not new:
            raise UsageError(f"{place}the {'old' if not old else 'new'} name is empty.")
        if old in NOBODY or new == "unknown":
            word = old if old in NOBODY else new
            raise UsageError(
                f'{place}"{word}" is not a character.',
                hint="It is the answer for faces that are not recognised.",
            )
        if wanted.get(old, new) != new:
            raise UsageError(f'{place}"{old}" has two new names: {wanted[old]} and {new}.')
        if old != new:
            wanted[old], places[old] = new, place
    for old in wanted:
        circle = _circle(old, wanted)
        if circle:
            raise UsageError(
                f"{places[old]}these renames form a circle: {' → '.join(circle)}",
                hint="To swap two names, use a third one in between.",
            )
    return wanted


def _circle(start: str, names: Mapping[str, str]) -> list[str]:
    """Return the chain of renames from a name back to itself, or an empty list."""
    way = [start]
    while way[-1] in names and len(way) <= len(names):
        way.append(names[way[-1]])
        if way[-1] == start:
            return way
    return []


def _freed(wanted: Mapping[str, str], before: Mapping[str, str]) -> set[str]:
    """Return the names whose earlier rename must be removed, because otherwise there would be a circle.

    If B is renamed to A after A was renamed to B, both are called A.
    """
    freed: set[str] = set()
    for old in wanted:
        names = {name: new for name, new in before.items() if name not in freed} | dict(wanted)
        while circle := _circle(old, names):
            earlier = next(name for name in circle[1:] if name not in wanted)
            freed.add(earlier)
            del names[earlier]
    return freed


def _end(name: str, names: Mapping[str, str]) -> str:
    seen = {name}
    while (new := names.get(name)) and new not in seen:
        name = new
        seen.add(name)
    return name
