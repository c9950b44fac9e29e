"""Who the faces of the drawn show really are: detections matched with the truth by overlap."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import sampleshow

from animeds_db.dataset import Dataset
from animeds_db.sample.truth import Person, State, Truth
from animeds_db.store import Store

FACES = """
SELECT face_id, f.frame_id, f.source_id, f.episode, time_s, f."left", f.top, f."right", f.bottom
FROM faces AS f JOIN frames AS g USING (frame_id) ORDER BY face_id
"""


@dataclass(frozen=True)
class Drawn:
    """A face that was found, what its frame shows, and whose face it is: None where nobody was drawn."""

    face_id: str
    frame_id: str
    source_id: str
    state: State
    person: Person | None

    @property
    def name(self) -> str:
        """The character's name, "extra" with the colour of the hair, or "nobody"."""
        if self.person is None:
            return "nobody"
        hair = next((tag for tag in self.person.tags if tag.endswith("_hair") and "_" in tag), "")
        return self.person.name or f"extra {hair}"


def copy_of_show(folder: Path) -> Dataset:
    """Return a database of the drawn show that a test may change."""
    path = folder / "show.animeds"
    shutil.copytree(sampleshow.database(), path)
    return Dataset(Store.open(str(path)))


def truth() -> Truth:
    return Truth.load(sampleshow.episodes())


def drawn_faces(dataset: Dataset) -> list[Drawn]:
    """Return the faces of the database in the order of their ids."""
    told = truth()
    out = []
    for row in dataset.session.arrow(FACES).to_pylist():
        state = told.at(row["episode"], row["time_s"])
        box = tuple(row[side] for side in ("left", "top", "right", "bottom"))
        shares = [(overlap(box, person.face), person) for person in state.people if person.face]
        best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
        person = best[1] if best[0] >= 0.3 else None
        out.append(Drawn(row["face_id"], row["frame_id"], row["source_id"], state, person))
    return out


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
