"""Facts of the database about the pictures of a folder, read once for all of them by SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from animeds_db.export.pictures.picture import Picture
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.labels.changes import Word
from animeds_db.tagtext import key


@dataclass(frozen=True)
class Box:
    """A face, head, half body or person in a picture: its position in the frame (0…1) and its current name."""

    detection_id: str
    source_id: str
    kind: str
    left: float
    top: float
    right: float
    bottom: float
    character: str | None
    appearance: str | None

    def holds(self, other: Box) -> bool:
        """Return True if the centre of another box is inside this one."""
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def word(self, frame_id: str, name: str, op: str, value: str | None) -> Word:
        """Return a label of this box."""
        place = (self.left, self.top, self.right, self.bottom)
        return Word(name, op, value, frame_id, self.source_id, self.kind, place)


@dataclass(frozen=True)
class Facts:
    """Facts about the pictures that changed, by their numbers in the export."""

    boxes: Mapping[int, Sequence[Box]]
    tags: Mapping[str, Mapping[str, tuple[str, bool]]]
    """frame_id → key of a tag → (tag, True if a person added it)."""
    vocabulary: Mapping[str, str]
    """Key → tag, for every tag in the database."""
    of_crops: frozenset[str]
    """Tags that count people or name the framing. In crops they are computed from the boxes."""


def read_facts(session: Session, pictures: Mapping[int, Picture]) -> Facts:
    """Return the facts about these pictures."""
    rows = pa.table(
        {
            "picture": pa.array(pictures, pa.int64()),
            "frame_id": pa.array([p.frame_id for p in pictures.values()], pa.string()),
            "crop": pa.array([p.crop for p in pictures.values()], pa.list_(pa.float64())),
        }
    )
    vocabulary, of_crops = _vocabulary(session)
    return Facts(_boxes(session, rows), _tags(session, rows), vocabulary, of_crops)


def frames_known(session: Session, pictures: Sequence[Picture]) -> frozenset[str]:
    """Return those of the pictures' frames that are in the database."""
    ids = pa.table({"frame_id": pa.array(sorted({p.frame_id for p in pictures}), pa.string())})
    found = session.step(
        "SELECT frame_id FROM lance_frames SEMI JOIN pictures USING (frame_id)", {"pictures": ids}
    )
    return frozenset(found["frame_id"].to_pylist())


def _boxes(session: Session, rows: pa.Table) -> dict[int, list[Box]]:
    boxes: dict[int, list[Box]] = defaultdict(list)
    for row in session.step(sql_script("steps/sync", "boxes.sql"), {"pictures": rows}).to_pylist():
        boxes[row.pop("picture")].append(Box(**row))
    return boxes


def _tags(session: Session, rows: pa.Table) -> dict[str, dict[str, tuple[str, bool]]]:
    tags: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for row in session.step(sql_script("steps/sync", "tags.sql"), {"pictures": rows}).to_pylist():
        tags[row["frame_id"]].setdefault(key(row["tag"]), (row["tag"], row["by_people"]))
    return tags


def _vocabulary(session: Session) -> tuple[dict[str, str], frozenset[str]]:
    rows = session.step(
        "SELECT tag, counts_people(tag) OR names_framing(tag) AS of_crops FROM vocabulary"
        " WHERE category <> 'rating' ORDER BY tag_id",
        {},
    ).to_pylist()
    known: dict[str, str] = {}
    for row in rows:
        known.setdefault(key(row["tag"]), row["tag"])
    return known, frozenset(row["tag"] for row in rows if row["of_crops"])
