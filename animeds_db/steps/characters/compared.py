"""Compares the faces of a database with the references: in batches in this process, or in pieces on workers.

Each face is compared once, and its result does not depend on where it is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session import Session
from animeds_db.steps.characters.neighbours import References, neighbours
from animeds_db.steps.characters.vote import VOTES, vote
from animeds_db.store.store import Store, quoted

if TYPE_CHECKING:
    from animeds_db.workers import Ray

BATCH = 8192
"""Maximum number of face vectors in memory at once."""
PIECES = 32
"""Approximate number of pieces into which the sources are divided: enough to keep several workers busy to the end."""

Part = tuple[pa.Array, pa.Table]
"""Detection ids of some faces, and the result of their vote, in which `face` is the position of the id here."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The faces, and boxes of people without a face, with vectors of a model, of all frames or some (`where`)."""

    model: str
    where: str | None
    bodies: bool = False
    """Also heads and persons without a face."""

    def count(self, session: Session) -> dict[str, int]:
        """Return how many faces each source has. Raises QueryError for a bad condition."""
        file = "--where" if self.where is not None else None
        sql = f"SELECT source_id, count(*) AS faces {self.sql()} GROUP BY source_id ORDER BY source_id"
        rows = session.arrow(sql, file=file)
        return dict(zip(rows["source_id"].to_pylist(), rows["faces"].to_pylist(), strict=True))

    def sql(self, sources: Sequence[str] | None = None) -> str:
        """Return FROM and WHERE of these faces; only of `sources`, if they are given."""
        inside = (
            ""
            if self.where is None
            else f"AND frame_id IN (SELECT frame_id FROM frames WHERE (\n{self.where}\n))"
        )
        among = "" if sources is None else f"AND source_id IN ({', '.join(map(quoted, sources))})"
        faceless = "OR detection_id IN (SELECT detection_id FROM faceless_boxes)" if self.bodies else ""
        return (
            f"FROM newest_detections WHERE (kind = 'face' {faceless})"
            f" AND vector_model = {quoted(self.model)} AND vector IS NOT NULL {among} {inside}"
        )


class Comparison:
    """Compares faces that a session reads with the references. The `k` nearest ones of each face vote on its name."""

    def __init__(self, session: Session, chosen: Chosen, references: References, k: int) -> None:
        self._session, self._chosen, self._references, self._k = session, chosen, references, k

    def parts(self, sources: Sequence[str] | None = None) -> Iterator[Part]:
        """Yield the faces of some sources (None: all), BATCH at a time, in no particular order."""
        relation = self._session.sql(f"SELECT detection_id, vector {self._chosen.sql(sources)}")
        with self._session.errors():
            for batch in relation.to_arrow_reader(BATCH):
                if batch.num_rows:
                    vectors = np.asarray(batch["vector"].flatten(), np.float32)
                    found = neighbours(vectors.reshape(batch.num_rows, -1), self._references, self._k)
                    yield batch["detection_id"], vote(found, self._references)


@dataclass(frozen=True)
class FacesOf:
    """The faces of some sources: one piece of work."""

    sources: tuple[str, ...]

    def by(self, comparison: Comparison) -> Part:
        """Return all of them as one part."""
        return together(comparison.parts(self.sources))


def compared(
    store: Store, session: Session, chosen: Chosen, references: References, k: int, on: Ray | None
) -> Iterator[Part]:
    """Yield all chosen faces in parts, compared in this process or on Ray workers."""
    if on is None:
        yield from Comparison(session, chosen, references, k).parts()
        return
    from animeds_db.workers import spread

    make = partial(Comparison, chosen=chosen, references=references, k=k)
    with spread(store, session, make, on) as work:
        for _, part in work(pieces(chosen.count(session))):
            yield part


def together(parts: Iterator[Part]) -> Part:
    """Return several parts as one, with new numbers for the faces."""
    ids, votes, done = [pa.array([], pa.string())], [VOTES.empty_table()], 0
    for names, table in parts:
        ids.append(names)
        votes.append(table.set_column(0, "face", pc.add(table["face"], done)))
        done += len(names)
    return pa.concat_arrays(ids), pa.concat_tables(votes)


def pieces(faces: dict[str, int]) -> list[FacesOf]:
    """Return the sources, with these numbers of faces, as about PIECES pieces. Every piece has a face."""
    most = max(1, -(-sum(faces.values()) // PIECES))
    found: list[list[str]] = []
    room = 0
    for source, count in faces.items():
        if count > room or not found:
            found.append([])
            room = most
        found[-1].append(source)
        room -= count
    return [FacesOf(tuple(sources)) for sources in found]
