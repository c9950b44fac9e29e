"""The vote of the nearest references of each face: the winning character, and the second.

The nearest reference has a vote of 1. The vote drops by a factor of e for each 0.05 of similarity below it, so that
many examples of one character do not outvote a single better example of another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from animeds_db.steps.characters.neighbours import References

SLOPE = 0.05
"""Similarity below the nearest reference at which a vote is 1/e."""

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

VOTES = pa.schema(
    {
        "face": pa.int64(),
        "character": pa.string(),
        "appearance": pa.string(),
        "example_id": pa.string(),
        "similarity": pa.float32(),
        "share": pa.float32(),
        "second": pa.string(),
        "margin": pa.float32(),
    }
)
"""The columns of the result of `vote`."""


def vote(neighbours: pa.Table, references: References) -> pa.Table:
    """Return one row per face of `neighbours`, which has the neighbours of a face one after another, best first.

    Columns: face; character and appearance; example_id (the one that decided); similarity, 0…1; share of the votes,
    0…1; second: the character with the next most votes, or null; margin: similarity minus that of the second, or
    similarity if there is no second. Among characters with equal votes, the first by name wins.
    """
    ballots = _Ballots.of(neighbours)
    votes = ballots.votes()
    first = _most(votes, ballots.codes)
    others = np.where(ballots.codes == _of(ballots.codes, first), 0, votes)
    second = _most(others, ballots.codes)
    has_second = _of(others, second) > 0
    similarity = _of(ballots.similarity, first)
    next_similarity = np.where(has_second, _of(ballots.similarity, second), 0)
    reference = pa.array(_of(ballots.references, first))
    columns = [
        ballots.faces,
        pa.array(references.characters, pa.string()).take(reference),
        pa.array(references.appearances, pa.string()).take(reference),
        pa.array(references.ids, pa.string()).take(reference),
        np.maximum(similarity, 0).astype(np.float32),
        (_of(votes, first) / ballots.weights.sum(axis=0)).astype(np.float32),
        pa.array(references.names, pa.string()).take(pa.array(_of(ballots.codes, second), mask=~has_second)),
        np.maximum(similarity - next_similarity, 0).astype(np.float32),
    ]
    return pa.table(columns, schema=VOTES)


@dataclass(frozen=True)
class _Ballots:
    """The neighbours of faces, int64 and float64 [rank, faces]. Where a face has fewer: code -1 and weight 0."""

    faces: Numbers
    codes: Numbers
    references: Numbers
    similarity: Doubles
    weights: Doubles

    @classmethod
    def of(cls, neighbours: pa.Table) -> _Ballots:
        face = neighbours["face"].to_numpy()
        begins = np.flatnonzero(np.diff(face, prepend=-1))
        column = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(face)))
        rank = np.arange(len(face)) - begins[column]

        def table(values: npt.NDArray[Any], missing: int, kind: type) -> npt.NDArray[Any]:
            filled: npt.NDArray[Any] = np.full((int(rank.max(initial=0)) + 1, len(begins)), missing, kind)
            filled[rank, column] = values
            return filled

        similarity = neighbours["similarity"].to_numpy().astype(np.float64)
        weights = np.exp((similarity - neighbours["nearest"].to_numpy()) / SLOPE)
        return cls(
            face[begins],
            table(neighbours["code"].to_numpy(), -1, np.int64),
            table(neighbours["reference"].to_numpy(), 0, np.int64),
            table(similarity, 0, np.float64),
            table(weights, 0, np.float64),
        )

    def votes(self) -> Doubles:
        """Return the votes of each character, where it occurs first, and 0 elsewhere, [rank, faces]."""
        votes = np.zeros_like(self.weights)
        counted = np.zeros(self.codes.shape, bool)
        for rank, code in enumerate(self.codes):
            same = (self.codes == code) & ~counted
            votes[rank] = np.where(same, self.weights, 0).sum(axis=0)
            counted |= same
        return votes


def _most(votes: Doubles, codes: Numbers) -> Numbers:
    """Return the rank with the most votes of each face, int64 [faces]. Among equal ones, the lowest code counts."""
    most = votes == votes.max(axis=0, initial=0)
    return np.asarray(np.where(most, codes, np.iinfo(np.int64).max).argmin(axis=0))


def _of(table: npt.NDArray[Any], rank: Numbers) -> npt.NDArray[Any]:
    """Return the value of each face at a rank."""
    return table[rank, np.arange(table.shape[1])]
