"""The picture a character embedder sees: a square around the head.

Hair tells anime characters apart better than the face alone, so the square is larger than the face
box and moved up: its side is 1.6 × the longer side of the face, its centre lies 0.15 face heights
above the face's (chins end near the box's lower edge, hair goes on above it). The square is made
smaller where it would not fit the picture, and moved inside where it would stick out.
"""

from __future__ import annotations

import numpy as np

from animeds_db.models.detector import Box

SIDE = 1.6  # × the longer side of the face box
RAISED = 0.15  # × the height of the face box


def head_square(width: int, height: int, box: Box) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom in pixels of the square for a face in a picture of this size."""
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
