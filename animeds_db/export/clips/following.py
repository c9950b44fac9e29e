"""A crop that follows somebody through a clip.

Boxes exist on ingested frames only. Between them the crop moves evenly, and the whole movement is smoothed. Its size
stays the same, so that nothing seems to grow or shrink.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from animeds_db.export.pictures.render import Crop

SMOOTHED_S = 1.0
"""Seconds over which the movement is smoothed, by a Hann window."""

STEP_S = 0.05
"""Distance of the points that are averaged."""

Path = tuple[tuple[float, float, float], ...]
"""(seconds from the source's start, right, down), in shares of the frame, from the crop's place on the frame that
represents the clip."""


def followed(crop: Crop, at_s: float, boxes: Sequence[tuple[float, Crop]]) -> tuple[Crop, Path]:
    """Return the crop, large enough for the largest box, and its path.

    crop: on the frame at `at_s` seconds. boxes: (seconds, box of the one to follow), one of them on that frame.
    """
    own = next((box for seconds, box in boxes if seconds == at_s), None)
    if own is None or len(boxes) < 2:
        return crop, ()
    table = np.array([[seconds, *box] for seconds, box in sorted(boxes)])
    sizes = table[:, 3:5] - table[:, 1:3]
    growth = np.maximum(sizes.max(axis=0) / (np.array(own[2:]) - own[:2]), 1)
    middles = (table[:, 1:3] + table[:, 3:5]) / 2
    moves = middles - (np.array(own[:2]) + own[2:]) / 2
    path = tuple(
        (round(s, 4), round(x, 5), round(y, 5)) for s, (x, y) in zip(table[:, 0], moves, strict=True)
    )
    return _grown(crop, growth), path


def _grown(crop: Crop, growth: np.ndarray) -> Crop:
    """Return a crop that is larger by these factors, at most as large as the frame, and moved into it."""
    first, last = np.array(crop[:2]), np.array(crop[2:])
    size = np.minimum((last - first) * growth, 1)
    start = np.clip((first + last - size) / 2, 0, 1 - size)
    left, top = (float(round(v, 6)) for v in start)
    right, bottom = (float(round(v, 6)) for v in start + size)
    return left, top, right, bottom


def crop_at(crop: Crop, path: Path, seconds: float) -> Crop:
    """Return the crop at a time of the clip. It has the size of `crop`, and stays within the frame."""
    if not path:
        return crop
    table = np.array(path)
    offsets = np.arange(-SMOOTHED_S / 2, SMOOTHED_S / 2 + STEP_S / 2, STEP_S)
    weights = 0.5 + 0.5 * np.cos(2 * np.pi * offsets / SMOOTHED_S)
    weights /= weights.sum()
    right, down = (float(weights @ np.interp(seconds + offsets, table[:, 0], table[:, n])) for n in (1, 2))
    left = min(max(crop[0] + right, 0.0), 1 - (crop[2] - crop[0]))
    top = min(max(crop[1] + down, 0.0), 1 - (crop[3] - crop[1]))
    return left, top, left + crop[2] - crop[0], top + crop[3] - crop[1]
