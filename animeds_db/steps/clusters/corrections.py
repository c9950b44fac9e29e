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
ClusterLabel = tuple[str, str, str]
"""change set, value, face id."""


@dataclass(frozen=True)
class ClusterCorrections:
    """The corrections in force. groups: ids of faces that are the same person, each face in at most one group; apart:
    pairs of indexes of groups that are different people."""

    groups: tuple[frozenset[str], ...] = ()
    apart: frozenset[frozenset[int]] = frozenset()

    def group_of(self, faces: Sequence[str]) -> Positions:
        """Return the group of each face, -1 for faces in none; int64 [faces]."""
        indexes = {face: index for index, group in enumerate(self.groups) for face in group}
        return np.array([indexes.get(face, -1) for face in faces], np.int64)

    def pairs(self, group: Positions) -> tuple[Positions, Positions]:
        """Return the pairs of rows that are different people; `group` is the group of each row."""
        rows = {index: np.flatnonzero(group == index) for pair in self.apart for index in pair}
        first = [np.repeat(rows[a], len(rows[b])) for a, b in map(sorted, self.apart)]
        second = [np.tile(rows[b], len(rows[a])) for a, b in map(sorted, self.apart)]
        none = np.zeros(0, np.int64)
        return np.concatenate([none, *first]), np.concatenate([none, *second])


def read(session: Session) -> ClusterCorrections:
    """Return the corrections of clusters that are in force, for the current faces."""
    rows = session.sql(sql_script("steps/clusters", "words.sql")).fetchall()
    return combined(rows)


def combined(labels: Iterable[ClusterLabel]) -> ClusterCorrections:
    """Return the combined corrections of change sets, in their order: a later one wins over earlier ones.

    A merge joins all groups that it touches. A split removes its faces from their groups; the parts stay apart from
    the same groups as before.
    """
    groups: dict[int, set[str]] = {}
    apart: set[frozenset[int]] = set()
    number = 0
    for _, change_set in groupby(labels, key=lambda label: label[0]):
        parts: dict[str, set[str]] = {}
        for _, value, face in change_set:
            parts.setdefault(value, set()).add(face)
        made: list[int] = []
        for value, faces in parts.items():
            touched = [index for index, group in groups.items() if group & faces]
            if value == ONE_PERSON:
                faces = faces.union(*(groups[index] for index in touched))
            for index in touched:
                groups[index] -= faces
            groups[number] = faces
            apart |= {(pair - {index}) | {number} for pair in apart for index in touched if index in pair}
            made.append(number)
            number += 1
        apart = {pair for pair in apart if len(pair) == 2 and all(groups[index] for index in pair)}
        apart |= {frozenset(pair) for pair in combinations(made, 2)}
    kept = [index for index, group in groups.items() if group]
    indexes = {index: new for new, index in enumerate(kept)}
    return ClusterCorrections(
        tuple(frozenset(groups[index]) for index in kept),
        frozenset(frozenset(indexes[index] for index in pair) for pair in apart),
    )


def joined(
    labels: Positions, people: Positions, group: Positions, corrections: ClusterCorrections
) -> Positions:
    """Return the labels, with the clusters joined that hold faces of one group; int64 [faces], -1 for none.

    Clusters are not joined if that would join two known people (`people` [faces], -1 if not known), or two groups
    that are apart.
    """
    out = labels.copy()
    for index in range(len(corrections.groups)):
        clusters = np.unique(out[(group == index) & (out >= 0)])
        for other in clusters[1:]:
            both = np.isin(out, (clusters[0], other))
            strangers = len(np.unique(people[both & (people >= 0)])) > 1
            if not strangers and not _apart(np.unique(group[both]).tolist(), corrections):
                out[out == other] = clusters[0]
    return out


def _apart(groups: Sequence[int], corrections: ClusterCorrections) -> bool:
    return any(frozenset(pair) in corrections.apart for pair in combinations(groups, 2))


def write(store: Store, parts: Sequence[Sequence[str]], who: str | None = None) -> Act:
    """Write one change set: the faces of each part are the same person, and faces of two parts are different
    people."""
    wanted = [face for part in parts for face in part]
    rows = store.take("detections", wanted, ["detection_id", "frame_id", "source_id", "kind", *EDGES])
    boxes = {row["detection_id"]: row for row in rows.to_pylist()}
    words = []
    for number, part in enumerate(parts, start=1):
        value = ONE_PERSON if len(parts) == 1 else f"person {number}"
        for row in (boxes[face] for face in part):
            box = (row["left"], row["top"], row["right"], row["bottom"])
            words.append(Word(FIELD, "set", value, row["frame_id"], row["source_id"], row["kind"], box))
    return speak(store, words, who)
