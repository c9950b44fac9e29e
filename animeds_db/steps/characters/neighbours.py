"""Finds the examples that are most similar to a face. They vote on its name (see vote.py).

The result for a face depends on that face and the references only, never on the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from animeds_db.vectors.parallel import run_blocks, spans, thread_count

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]

NEGATIVE = "ood"
STEP = 2.0**-14
"""Similarities are rounded to this step, so that the last bits of a matrix product do not change the result."""
PROTOTYPE_OF = 3
"""Minimum number of examples of an appearance for a prototype, which is their mean."""
_BLOCK = 1024
_NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class References:
    """The vectors with which faces are compared, sorted by character: examples, and possibly prototypes of
    appearances.

    ids: ids of the examples; a prototype has the id of its most typical example. shots: source and shot of an example
    (None: not from this database). vectors: float32 [references, width], of length 1.
    """

    ids: tuple[str, ...]
    characters: tuple[str, ...]
    appearances: tuple[str | None, ...]
    shots: tuple[str | None, ...]
    vectors: Floats
    is_prototype: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pa.Table) -> References:
        """Return the examples of a table: example_id, character, appearance, shot, vector."""
        rows = rows.sort_by([(name, "ascending") for name in ("character", "appearance", "example_id")])
        vectors = np.asarray(rows["vector"].combine_chunks().flatten(), np.float32)
        vectors = vectors.reshape(rows.num_rows, -1)
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return cls(
            ids=tuple(rows["example_id"].to_pylist()),
            characters=tuple(rows["character"].to_pylist()),
            appearances=tuple(rows["appearance"].to_pylist()),
            shots=tuple(rows["shot"].to_pylist()),
            vectors=vectors,
            is_prototype=np.zeros(rows.num_rows, bool),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def names(self) -> list[str]:
        """The characters, each once, in the order of their codes."""
        return sorted(set(self.characters))

    @cached_property
    def codes(self) -> npt.NDArray[np.int32]:
        """int32 [references]: index of each reference's character in `names`."""
        place = {name: code for code, name in enumerate(self.names)}
        return np.array([place[name] for name in self.characters], np.int32)

    @cached_property
    def groups(self) -> list[Positions]:
        """The rows of each appearance that gets a prototype. Negatives have no appearance."""
        members: dict[tuple[str, str | None], list[int]] = {}
        for row, key in enumerate(zip(self.characters, self.appearances, strict=True)):
            if key[0] != NEGATIVE and not self.is_prototype[row]:
                members.setdefault(key, []).append(row)
        return [np.array(rows) for rows in members.values() if len(rows) >= PROTOTYPE_OF]

    def with_prototypes(self) -> References:
        """Return these references with an additional prototype for each of `groups`."""
        means = [self.vectors[rows].mean(0) for rows in self.groups]
        units = [mean / max(float(np.linalg.norm(mean)), 1e-6) for mean in means]
        typical = [
            int(rows[(self.vectors[rows] @ unit).argmax()])
            for rows, unit in zip(self.groups, units, strict=True)
        ]
        every = [*range(len(self)), *typical]
        order = sorted(range(len(every)), key=lambda place: (self.characters[every[place]], place))
        rows = [every[place] for place in order]
        return References(
            tuple(self.ids[row] for row in rows),
            tuple(self.characters[row] for row in rows),
            tuple(self.appearances[row] for row in rows),
            tuple(self.shots[row] for row in rows),
            np.vstack([self.vectors, *units])[order].astype(np.float32),
            np.array(order) >= len(self),
        )


def neighbours(faces: Floats, references: References, k: int, threads: int | None = None) -> pa.Table:
    """Return, for each of faces float32 [n, width] (of length 1), its k nearest references, one row each.

    If all k are of one character, the nearest reference of another character is added, so that the vote has a second.
    Columns: face (int64, the row in `faces`), reference, code, similarity (cosine), nearest (that of the face's
    nearest reference).
    """
    parts: dict[int, pa.Table] = {}

    def work(block: slice) -> tuple[int, pa.Table]:
        return block.start, nearest_of(faces[block] @ references.vectors.T, references, k, block.start)

    def take(part: tuple[int, pa.Table]) -> None:
        parts[part[0]] = part[1]

    run_blocks(work, list(spans(0, len(faces), _BLOCK)), thread_count(threads), take)
    return joined([parts[start] for start in sorted(parts)])


def nearest_of(similarity: Floats, references: References, k: int, first: int = 0) -> pa.Table:
    """Return `neighbours` of a block from its similarities [faces, references], which are overwritten.

    -inf marks a reference to ignore. A face for which all references are ignored has no rows.
    """
    rows = np.arange(len(similarity))
    k = min(k, len(references))
    place = np.empty((len(rows), k + 1), np.int64)
    cosine = np.empty((len(rows), k + 1), np.float32)
    for rank in range(k):  # k passes of argmax: several times faster than a partition for small k
        _take_best(similarity, rows, place, cosine, rank)
    cosine[:, k] = _NEVER
    place[:, k] = 0
    codes = references.codes[place]
    same = rows[(codes[:, :k] == codes[:, :1]).all(axis=1)]
    if len(same):
        first_code = codes[same, 0]
        for code in set(first_code.tolist()):  # its references are adjacent
            low, high = np.searchsorted(references.codes, [code, code + 1])
            similarity[same[first_code == code], low:high] = _NEVER
        best = similarity.argmax(axis=1)  # computed for all rows, which is cheaper than copying some
        place[same, k] = best[same]
        cosine[same, k] = similarity[same, best[same]]
    return _rows(place, cosine, references, first)


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """Return tables of neighbours as one table."""
    empty = _rows(np.zeros((0, 1), np.int64), np.zeros((0, 1), np.float32), None, 0)
    return pa.concat_tables([empty, *parts]).combine_chunks()


def _take_best(similarity: Floats, rows: Positions, place: Positions, cosine: Floats, rank: int) -> None:
    """Write each row's best reference into column `rank`, and remove it from the similarities."""
    best = similarity.argmax(axis=1)
    place[:, rank] = best
    cosine[:, rank] = similarity[rows, best]
    similarity[rows, best] = _NEVER


def _rows(place: Positions, cosine: Floats, references: References | None, first: int) -> pa.Table:
    found = np.isfinite(cosine)
    rounded = np.where(found, np.clip(np.rint(cosine / STEP) * STEP, -1, 1), 0).astype(np.float32)
    face = np.broadcast_to(np.arange(first, first + len(place))[:, None], place.shape)
    nearest = np.broadcast_to(rounded[:, :1], place.shape)
    rows = place[found]
    codes = references.codes[rows] if references is not None else np.zeros(0, np.int32)
    return pa.table(
        {
            "face": face[found],
            "reference": rows,
            "code": codes,
            "similarity": rounded[found],
            "nearest": nearest[found],
        }
    )
