"""Corrections of clusters without a name: which faces are the same person, and which are different people.

A merge or split is a change set in `labels` about faces, not about cluster numbers. So it applies to every later run,
survives a change of the detector (by overlap), and can be undone like any other change set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
import numpy.typing as npt

from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.labels.changes import Act, Word, speak
from animeds_db.steps.labels.targets import EDGES
from animeds_db.store import Store

Positions = npt.NDArray[np.int64]
FIELD = "cluster"
ONE_PERSON = "one person"
Said = tuple[str, str, str]
"""change set, value, face id."""


@dataclass(frozen=True)
class Told:
    """The corrections in force. groups: ids of faces that are the same person, each face in at most one group; apart:
    pairs of indexes of groups that are different people."""

    groups: tuple[frozenset[str], ...] = ()
    apart: frozenset[frozenset[int]] = frozenset()

    def group_of(self, faces: Sequence[str]) -> Positions:
        """Return the group of each face, -1 for faces in none; int64 [faces]."""
        places = {face: place for place, group in enumerate(self.groups) for face in group}
        return np.array([places.get(face, -1) for face in faces], np.int64)

    def pairs(self, group: Positions) -> tuple[Positions, Positions]:
        """Return the pairs of rows that are different people; `group` is the group of each row."""
        rows = {place: np.flatnonzero(group == place) for pair in self.apart for place in pair}
        first = [np.repeat(rows[a], len(rows[b])) for a, b in map(sorted, self.apart)]
        second = [np.tile(rows[b], len(rows[a])) for a, b in map(sorted, self.apart)]
        none = np.zeros(0, np.int64)
        return np.concatenate([none, *first]), np.concatenate([none, *second])


def told(session: Session) -> Told:
    """Return the corrections of clusters that are in force, for the current faces."""
    rows = session.sql(sql_script("steps/clusters", "words.sql")).fetchall()
    return understood(rows)


def understood(said: Iterable[Said]) -> Told:
    """Return the combined corrections of change sets, in their order: a later one wins over earlier ones.

    A merge joins all groups that it touches. A split removes its faces from their groups; the parts stay apart from
    the same groups as before.
    """
    groups: dict[int, set[str]] = {}
    apart: set[frozenset[int]] = set()
    number = 0
    for _, words in groupby(said, key=lambda word: word[0]):
        parts: dict[str, set[str]] = {}
        for _, value, face in words:
            parts.setdefault(value, set()).add(face)
        made: list[int] = []
        for value, faces in parts.items():
            touched = [place for place, group in groups.items() if group & faces]
            if value == ONE_PERSON:
                faces = faces.union(*(groups[place] for place in touched))
            for place in touched:
                groups[place] -= faces
            groups[number] = faces
            apart |= {(pair - {place}) | {number} for pair in apart for place in touched if place in pair}
            made.append(number)
            number += 1
        apart = {pair for pair in apart if len(pair) == 2 and all(groups[place] for place in pair)}
        apart |= {frozenset(pair) for pair in combinations(made, 2)}
    kept = [place for place, group in groups.items() if group]
    places = {place: new for new, place in enumerate(kept)}
    return Told(
        tuple(frozenset(groups[place]) for place in kept),
        frozenset(frozenset(places[place] for place in pair) for pair in apart),
    )


def joined(labels: Positions, people: Positions, group: Positions, said: Told) -> Positions:
    """Return the labels, with the clusters joined that hold faces of one group; int64 [faces], -1 for none.

    Clusters are not joined if that would join two known people (`people` [faces], -1 if not known), or two groups
    that are apart.
    """
    out = labels.copy()
    for place in range(len(said.groups)):
        clusters = np.unique(out[(group == place) & (out >= 0)])
        for other in clusters[1:]:
            both = np.isin(out, (clusters[0], other))
            strangers = len(np.unique(people[both & (people >= 0)])) > 1
            if not strangers and not _apart(np.unique(group[both]).tolist(), said):
                out[out == other] = clusters[0]
    return out


def _apart(groups: Sequence[int], said: Told) -> bool:
    return any(frozenset(pair) in said.apart for pair in combinations(groups, 2))


def say(store: Store, parts: Sequence[Sequence[str]], who: str | None = None) -> Act:
    """Write one change set: the faces of each part are the same person, and faces of two parts are different
    people."""
    wanted = [face for part in parts for face in part]
    rows = store.take("detections", wanted, ["detection_id", "frame_id", "source_id", "kind", *EDGES])
    places = {row["detection_id"]: row for row in rows.to_pylist()}
    words = []
    for number, part in enumerate(parts, start=1):
        value = ONE_PERSON if len(parts) == 1 else f"person {number}"
        for row in (places[face] for face in part):
            box = (row["left"], row["top"], row["right"], row["bottom"])
            words.append(Word(FIELD, "set", value, row["frame_id"], row["source_id"], row["kind"], box))
    return speak(store, words, who)
