"""Crops the pictures that models get: a square around the head for character embedders, a box for taggers.

Hair distinguishes anime characters better than the face alone, so the square is larger than the face
box and moved up. Its side is 1.6 × the longer side of the face, and its centre is 0.15 face heights
above the centre of the face (the chin is near the box's lower edge, the hair extends above the box).
The square is shrunk if it does not fit the picture, and moved if it extends beyond an edge.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from animeds_db.models.runners.detector import Box

SIDE = 1.6  # × the longer side of the face box
RAISED = 0.15  # × the height of the face box
FACE_MARGIN, MARGIN = 0.5, 0.1
"""Share of a box that its tags' crop has on each side: a face with the hair around it, and other boxes."""


def head_square(width: int, height: int, box: Box) -> tuple[int, int, int, int]:
    """Return the square around a face's head as left, top, right, bottom in pixels, within a picture of this size."""
    face_width, face_height = (box.right - box.left) * width, (box.bottom - box.top) * height
    side = max(1, min(round(SIDE * max(face_width, face_height)), width, height))
    centre_x = (box.left + box.right) / 2 * width
    centre_y = (box.top + box.bottom) / 2 * height - RAISED * face_height
    left = min(max(0, round(centre_x - side / 2)), width - side)
    top = min(max(0, round(centre_y - side / 2)), height - side)
    return left, top, left + side, top + side


def head_crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Return the square around a face's head, uint8 RGB [side,side,3]: a view of `image` (uint8 [h,w,3])."""
    left, top, right, bottom = head_square(image.shape[1], image.shape[0], box)
    return image[top:bottom, left:right]


HEAD_SIDE = 1.1
"""× the longer side of a head box: as much of the hair as around a face."""


def character_crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Return what a character embedder gets of a box, uint8 RGB [h,w,3], a view of `image`: the square around a face's
    head, a square around a head, or a person with a margin."""
    if box.kind == "face":
        return head_crop(image, box)
    if box.kind != "head":
        return tag_crop(image, box)
    height, width = image.shape[:2]
    x, y = (box.left + box.right) / 2 * width, (box.top + box.bottom) / 2 * height
    longer = max((box.right - box.left) * width, (box.bottom - box.top) * height)
    side = max(1, min(round(HEAD_SIDE * longer), width, height))
    left = min(max(0, round(x - side / 2)), width - side)
    top = min(max(0, round(y - side / 2)), height - side)
    return image[top : top + side, left : left + side]


def to_embed(boxes: Sequence[Box], kinds: Collection[str], faces: Sequence[Box] = ()) -> list[bool]:
    """Return which boxes of a frame get a character vector: of each person, the face, else the head, else all of it.

    kinds: those that the embedder can tell apart. faces: further faces of the frame, found by other detectors.
    """
    order = ("face", "head", "person")
    seen = [*boxes, *faces]
    return [
        box.kind in kinds
        and not any(
            order.index(other.kind) < order.index(box.kind) and _holds(box, other)
            for other in seen
            if other.kind in order
        )
        for box in boxes
    ]


def _holds(box: Box, other: Box) -> bool:
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    return box.left <= x <= box.right and box.top <= y <= box.bottom


def tag_crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Return the box with its margin, uint8 RGB [h,w,3], within the picture: a view of `image` (uint8 [h,w,3])."""
    height, width = image.shape[:2]
    margin = FACE_MARGIN if box.kind == "face" else MARGIN
    dx, dy = margin * (box.right - box.left), margin * (box.bottom - box.top)
    left, top = max(0, round((box.left - dx) * width)), max(0, round((box.top - dy) * height))
    right, bottom = round((box.right + dx) * width), round((box.bottom + dy) * height)
    left, top = min(left, width - 1), min(top, height - 1)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]
