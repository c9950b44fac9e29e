"""Example pictures from files: find the face and crop the head. Each unclear picture gets a note."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from animeds_db.errors import ModelError, StoreError
from animeds_db.media.picture_files import open_picture
from animeds_db.models import Box, Detector, Embedder, load_profile
from animeds_db.models.runners.crops import head_crop
from animeds_db.session import Session
from animeds_db.steps.characters.classify import vector_model

WEBP_EDGE = 256
HEAD_EDGE, HEAD_SHAPE = 512, 1.3
"""A picture without a face is used as a head crop itself if its longer edge (pixels) and aspect ratio are at most
these."""
FAINT = 0.6
"""Minimum score of a face, as a share of the highest score in the picture. Others are ignored."""
CLEARLY = 2.0
"""The largest of several faces is used if its area is at least this many times that of the next."""


@dataclass(frozen=True)
class Looks:
    """The models that made this database's faces and their vectors."""

    detector: Detector
    embedder: Embedder


def load_looks(session: Session, device: str = "auto") -> Looks:
    """Load the detector and the character model of this database's faces.

    Raises StoreError if no face has a vector, ModelError if an installed model has another revision.
    """
    vectors = vector_model(session)
    detector = session.sql(
        "SELECT model FROM newest_detections WHERE kind = 'face' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()[0][0]
    if detector is None:
        raise StoreError("The detector of the faces in this database is unknown.")
    names = {"detector": detector.partition("@")[0], "character": vectors.partition("@")[0]}
    models = load_profile("none", overrides=names, device=device, named_by_database=True)
    assert models.character is not None
    for there, here in ((detector, models.detectors[0].id), (vectors, models.character.id)):
        if there != here:
            raise ModelError(
                f"The faces of this database were found by {there}, but the installed model is {here}.",
                hint=f"Pull that revision, or run: animeds detect --model {here.partition('@')[0]}",
            )
    return Looks(models.detectors[0], models.character)


def heads(
    picture: np.ndarray, faces: Sequence[Box], *, every: bool = False
) -> tuple[list[np.ndarray], str | None]:
    """Return the head crops to use as examples, uint8 RGB [s,s,3], and a note for the user or None.

    One crop, or one per face if `every` is true (negatives). No crop if the picture is not clear.
    """
    surest = max((face.score for face in faces), default=0.0)
    faces = [face for face in faces if face.score >= FAINT * surest]
    if every and faces:
        return [head_crop(picture, face) for face in faces], None
    largest = sorted(faces, key=_area, reverse=True)
    if not largest:
        height, width = picture.shape[:2]
        if max(height, width) <= min(HEAD_EDGE, HEAD_SHAPE * min(height, width)):
            return [picture], "no face found, so the whole picture is used as a head crop"
        return [], "no face found; left out. Crop the head, or choose another picture"
    if len(largest) == 1:
        return [head_crop(picture, largest[0])], None
    if _area(largest[0]) >= CLEARLY * _area(largest[1]):
        return [head_crop(picture, largest[0])], f"{len(largest)} faces found; the largest is used"
    return [], f"{len(largest)} faces of similar size; left out. Crop the right one"


def as_webp(picture: np.ndarray) -> bytes:
    """Return a picture as WebP, longer edge at most WEBP_EDGE."""
    image = Image.fromarray(picture)
    image.thumbnail((WEBP_EDGE, WEBP_EDGE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "webp", quality=90, method=4)
    return written.getvalue()


def of_webp(data: bytes) -> np.ndarray:
    """Return the pixels of a stored head crop, uint8 RGB [h,w,3]."""
    with open_picture(data) as image:
        return np.asarray(image.convert("RGB"))


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)
