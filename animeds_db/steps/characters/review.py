"""Reviews of names: which faces a person should check, and the estimated accuracy of all names.

Some of the faces are chosen at random. The others are the most doubtful ones, which say nothing about the rest.

    accuracy before = (right among the doubtful + rest · share right among the random) / all
    accuracy after  = (answered + others · share right among the random) / all

`all` are the faces that had an answer when the review was drawn, `rest` those not reviewed as doubtful, `others`
those not reviewed at all. The interval is Wilson's score interval (95 %) for the share among the random faces: E. B.
Wilson, Journal of the American Statistical Association 22 (1927). This is the stratified estimator of a finite
population with one stratum counted in full (W. G. Cochran, Sampling Techniques, 1977, ch. 5).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from animeds_db.contact_sheet import Cell, Section, Sheet
from animeds_db.errors import StoreError, UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.characters.face_pictures import Images, face_pictures
from animeds_db.store import Store

BY_LOT = 0.25
"""Share of the reviewed faces that are picked at random."""
SETTLED = 0.97
"""Faces with this cosine or more to another reviewed face are skipped: one answer is an example for both."""
CANDIDATES = 8
"""Number of candidate faces examined per face shown."""
_Z = 1.959964  # 95 % of a normal distribution are within this many standard deviations
COLUMNS = ("face_id", "character", "guess", "score", "margin", "second", "reason", "seen", "drawn", "total")
_HEADINGS = {"worth": "Most doubtful", "lot": "Picked at random, to estimate the accuracy of all others"}
_REASONS = {
    "shot": "differs within the shot",
    "margin": "small margin",
    "sight": "dark or cut off",
    "score": "near the threshold",
    "cluster": "many similar faces",
    "lot": "",
}


@dataclass(frozen=True)
class Estimate:
    """Estimated accuracy of all names, 0…1, before and after a review, with 95 % bounds.

    faces: all classified faces; reviewed: those with a person's answer; right: those of them that the model named
    correctly.
    """

    faces: int
    reviewed: int
    right: int
    before: float
    before_low: float
    before_high: float
    after: float
    after_low: float
    after_high: float


def review_faces(session: Session, n: int = 20, *, seed: int = 0) -> list[dict[str, Any]]:
    """Return n faces to review, a quarter of them picked at random, without faces that a person has named.

    Raises UsageError for n below 1, StoreError if no face has been classified.
    """
    if n < 1:
        raise UsageError(f"The number of faces is {n}. It must be at least 1.", hint="20 is a good number.")
    lot = round(BY_LOT * n)
    parameters = {"n": CANDIDATES * n, "n_random": n, "seed": seed}
    found: list[dict[str, Any]] = session.step(
        sql_script("steps/classify", "review_faces.sql"), {}, parameters
    ).to_pylist()
    if not found and not session.sql("SELECT 1 FROM characters LIMIT 1").fetchall():
        raise StoreError(
            "No face has been classified, so there is nothing to review.",
            hint="Run `animeds characters classify` first.",
        )
    doubtful = _unlike([row for row in found if row["drawn"] == "worth"], n - lot)
    asked = {row["face_id"] for row in doubtful}
    by_lot = [row for row in found if row["drawn"] == "lot" and row["face_id"] not in asked]
    return [{k: v for k, v in row.items() if k != "vector"} for row in doubtful + by_lot[:lot]]


def _unlike(rows: Sequence[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    """Return the first n rows that are not too similar to each other, filled up with the next rows if there are too
    few."""
    chosen: list[dict[str, Any]] = []
    vectors: list[np.ndarray] = []
    for row in rows:
        vector = np.asarray(row["vector"] if row["vector"] is not None else (), np.float32)
        length = float(np.linalg.norm(vector))
        if length and len(chosen) < n and all(vector @ other < SETTLED * length for other in vectors):
            chosen.append(row)
            vectors.append(vector / length)
    rest = [row for row in rows if row not in chosen]
    return (chosen + rest)[:n]


def write_answers(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the CSV in which a person corrects `character`; `animeds label csv` reads it back.

    Raises UsageError if the file exists (it may contain answers) or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row | {"guess": row["character"]} for row in rows)
    except FileExistsError:
        raise UsageError(
            f"{path} already exists and may contain answers.", hint="Choose another name, or delete the file."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from error


def review_sheet(
    store: Store,
    images: Images,
    rows: Sequence[dict[str, Any]],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Sheet:
    """Return a contact sheet of the faces, with the answers to check."""
    pictures = face_pictures(store, images, rows, progress=progress)
    sections = []
    for drawn, heading in _HEADINGS.items():
        cells = [
            Cell(row["face_id"], pictures.get(row["face_id"]), _lines(row))
            for row in rows
            if row["drawn"] == drawn
        ]
        if cells:
            sections.append(Section(heading, cells))
    note = "Correct the column character in the CSV file, then: animeds label csv FILE"
    return Sheet("Are these right?", sections, note)


def _lines(row: dict[str, Any]) -> tuple[str, ...]:
    second = f", or {row['second']}" if row["second"] else ""
    return f"{row['character']} {row['score']:.2f}{second}", row["seen"], _REASONS[row["reason"]]


def estimate(path: Path) -> Estimate:
    """Return the estimated accuracy, from the CSV of a review with people's answers in `character`.

    Rows without an answer count as not reviewed. Raises UsageError for a file that is not a review, and for one
    without answers for random faces.
    """
    rows = _answers(path)
    faces = int(rows[0]["total"])
    doubtful = [row for row in rows if row["drawn"] == "worth"]
    lot = [row for row in rows if row["drawn"] == "lot"]
    if not lot and len(rows) < faces:
        raise UsageError(
            f"{path} has no answers for the faces that were picked at random.",
            hint="They are needed to estimate the accuracy of the others.",
        )
    right = _right(doubtful)
    share, low, high = _wilson(_right(lot), len(lot))
    rest, others = faces - len(doubtful), faces - len(rows)
    before = [(right + rest * p) / faces for p in (share, low, high)]
    after = [(len(rows) + others * p) / faces for p in (share, low, high)]
    return Estimate(faces, len(rows), right + _right(lot), *before, *after)


def _right(rows: Sequence[dict[str, str]]) -> int:
    return sum(row["character"].strip() == row["guess"].strip() for row in rows)


def _answers(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [row for row in reader if (row.get("character") or "").strip()]
            missing = {"face_id", "character", "guess", "drawn", "total"} - set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if missing:
        raise UsageError(
            f"{path} is not a review: it has no column {min(missing)}.",
            hint="`animeds characters review --csv FILE` writes a review.",
        )
    if not rows:
        raise UsageError(f"{path} has no answers: the column character is empty.")
    if not all(row["total"].isdecimal() and int(row["total"]) >= len(rows) for row in rows):
        raise UsageError(f"{path}: the column total was changed. It must be the number of all faces.")
    return rows


def _wilson(right: int, n: int) -> tuple[float, float, float]:
    """Return the share right/n with Wilson's 95 % interval; 0…1 around one half if n is 0."""
    if n == 0:
        return 0.5, 0.0, 1.0
    share, z2 = right / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    width = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return share, max(0.0, middle - width), min(1.0, middle + width)
