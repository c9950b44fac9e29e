"""Tracks: a face that stays at one position in consecutive frames of a shot is one person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.vectors import normalise

Positions = npt.NDArray[np.int64]
UNLIKE = 0.3
"""Two faces with a lower cosine are not tied, wherever they are: an unnoticed cut, or somebody who walks past."""


def find(
    session: Session,
    faces: pa.Table,
    unit: npt.NDArray[np.float32],
    apart: tuple[Positions, Positions],
    people: Positions,
) -> Positions:
    """Return the number of each face's track, -1 for faces in none; int64 [faces].

    faces: the result of sql/steps/clusters/faces.sql. unit: their vectors, float32 [faces, width], of length 1 or 0.
    A track that contradicts `apart` (pairs of rows of different people) or `people` (the known person of each row,
    or -1) is no track.
    """
    columns = faces.select(["frame_id", "left", "top", "right", "bottom"])
    boxes = columns.append_column("row", pa.array(np.arange(faces.num_rows)))
    pairs = session.step(sql_script("steps/clusters", "tracks.sql"), {"boxes": boxes})
    before, after = np.asarray(pairs["a"], np.int64), np.asarray(pairs["b"], np.int64)
    alike = np.einsum("ij,ij->i", unit[before], unit[after]) >= UNLIKE
    root = np.arange(faces.num_rows)
    for a, b in zip(before[alike].tolist(), after[alike].tolist(), strict=True):  # in the order of time
        root[b] = root[a]
    number = np.where(np.bincount(root, minlength=len(root))[root] > 1, root, -1)
    return _without_contradictions(number, apart, people)


def averaged(unit: npt.NDArray[np.float32], number: Positions) -> npt.NDArray[np.float32]:
    """Return the vectors, those of a track replaced by its mean vector of length 1; float32 [faces, width]."""
    out = unit.copy()
    rows = np.flatnonzero(number >= 0)
    if len(rows):
        _, index = np.unique(number[rows], return_inverse=True)
        sums = np.zeros((index.max() + 1, unit.shape[1]), np.float32)
        np.add.at(sums, index, unit[rows])
        out[rows] = normalise(sums).unit[index]
    return out


def _without_contradictions(
    number: Positions, apart: tuple[Positions, Positions], people: Positions
) -> Positions:
    inside = (number[apart[0]] == number[apart[1]]) & (number[apart[0]] >= 0)
    named = np.flatnonzero((people >= 0) & (number >= 0))
    pairs = np.unique(np.stack([number[named], people[named]]), axis=1)
    tracks, counts = np.unique(pairs[0], return_counts=True)
    bad = np.concatenate([number[apart[0]][inside], tracks[counts > 1]])
    return np.where(np.isin(number, bad), -1, number)
