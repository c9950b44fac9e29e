"""Finds what stays still while everything else changes: the logo of a broadcaster, a watermark.

Its outlines are at the same pixels in every shot, and point the same way. Outlines of the scene are not.
"""

from __future__ import annotations

import numpy as np

SHOTS = 12
"""Minimum number of shots: in fewer, a part of the scene may stay where it is by chance."""
STAYS = 0.8
"""Minimum share of the shots in which an outline must be there: openings and endings often have no logo."""
EDGE = 6.0
"""Minimum step of grey between two pixels of a thumbnail at an outline, of 255: also that of a faint watermark."""
ALIKE = 0.6
"""Minimum length of the mean of an outline's directions, 0…1 (1: the same in all shots)."""
REACH = 3
"""Pixels of a thumbnail around an outline that belong to the logo: letters become one shape."""
SMALLEST, LARGEST = 0.0003, 0.06
"""Share of the frame's area. What is smaller is noise, and what is larger a frame or a panel, not a logo."""


def find_logos(pictures: np.ndarray, *, top: float = 0.0, bottom: float = 0.0) -> list[np.ndarray]:
    """Return the mask of each logo, bool [h,w], largest first; none if there are too few pictures.

    pictures: grey, uint8 [n,h,w], one per shot. top and bottom: heights of the black bars, 0…1, whose edges are not
    a logo.
    """
    if len(pictures) < SHOTS:
        return []
    down = np.zeros(pictures.shape, np.float32)
    across = np.zeros(pictures.shape, np.float32)
    grey = pictures.astype(np.float32)
    down[:, 1:-1] = (grey[:, 2:] - grey[:, :-2]) / 2
    across[:, :, 1:-1] = (grey[:, :, 2:] - grey[:, :, :-2]) / 2
    height = pictures.shape[1]
    first, last = (
        round(top * height) + 2 if top else 1,
        height - (round(bottom * height) + 2 if bottom else 1),
    )
    steps = np.hypot(across, down)
    steps[:, :first] = steps[:, last:] = 0
    steps[:, :, [0, -1]] = 0
    stays = np.quantile(steps, 1 - STAYS, axis=0) >= EDGE
    lengths = np.maximum(steps, 1e-6)
    alike = np.hypot((across / lengths).mean(axis=0), (down / lengths).mean(axis=0)) >= ALIKE
    near = _grown(stays & alike, REACH)
    found = [
        near & (labels == number) for labels in [components(near)] for number in range(1, labels.max() + 1)
    ]
    sized = [logo for logo in found if SMALLEST <= logo.mean() <= LARGEST]
    return sorted(sized, key=lambda logo: -int(logo.sum()))


def components(mask: np.ndarray) -> np.ndarray:
    """Return the number of the connected part that each pixel of a mask [h,w] is in: 1, 2, …; 0 outside of it."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        spread = np.where(mask, _around(labels), 0)
        if np.array_equal(spread, labels):
            break
        labels = spread
    numbers: np.ndarray = np.searchsorted(np.unique(labels[mask]), labels) + 1
    return np.where(mask, numbers, 0)


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    for _ in range(pixels):
        mask = _around(mask)
    return mask


def _around(values: np.ndarray) -> np.ndarray:
    """Return the largest value among each pixel of [h,w] and its eight neighbours."""
    padded = np.pad(values, 1)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    largest: np.ndarray = np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return largest
