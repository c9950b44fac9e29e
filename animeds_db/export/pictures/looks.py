"""What the pictures beside a picture show: functions from the pixels of a frame to pixels of the same size.

They are cropped and scaled as their picture is, so that both agree to the pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from animeds_db.export.pictures.drawings import flat_colours, line_art, regraded
from animeds_db.export.pictures.masks import learnt
from animeds_db.export.pictures.picture import Picture

Look = Callable[[np.ndarray, Picture], np.ndarray]
"""(uint8 RGB [height, width, 3] of the frame, the picture that it belongs to) → uint8 RGB, or grey [height, width]"""


def as_it_is(pixels: np.ndarray, _picture: Picture) -> np.ndarray:
    """Return the frame unchanged."""
    return pixels


def mask(pixels: np.ndarray, picture: Picture) -> np.ndarray:
    """Return the picture's mask: white is learnt. Without a mask, everything is white."""
    height, width = pixels.shape[:2]
    return learnt(picture.masks, width, height)


LOOKS: dict[str, Look] = {
    "frame": as_it_is,
    "mask": mask,
    "lines": lambda pixels, _picture: line_art(pixels),
    "flat": lambda pixels, _picture: flat_colours(pixels),
    "grade": lambda pixels, picture: regraded(pixels, picture.frame_id),
}
"""Every look by name, see picture.Part."""
