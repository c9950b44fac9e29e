"""Shrinks every frame of a video to the same small size, on which shots are found and measured.

Decoding takes most of the time. Shrinking a 1080p frame takes about a third of a millisecond, because luma and
chroma stay apart and no frame is turned into RGB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av.video.reformatter import Interpolation

from animeds_db.media.frame import VideoFrame
from animeds_db.media.video import Video

WIDTH, HEIGHT = 192, 108
"""Size of the small luma, whatever the frame's shape. A mouth that is 20 pixels wide at 1080p covers two cells."""

COARSE = 4
"""Each coarse cell is the mean of 4 × 4 cells of luma, and of 2 × 2 of chroma."""


@dataclass(frozen=True, eq=False)
class SmallFrame:
    """A frame at the small size: uint8, full range."""

    pts: int
    time_s: float
    luma: np.ndarray
    """[108, 192]."""
    chroma: np.ndarray
    """[2, 54, 96]: Cb and Cr."""

    def coarse(self) -> np.ndarray:
        """Return uint8 [3, 27, 48]: luma, Cb and Cr of the coarse cells."""
        out = np.empty((3, HEIGHT // COARSE, WIDTH // COARSE), np.uint8)
        out[0] = _means(self.luma, COARSE)
        out[1] = _means(self.chroma[0], COARSE // 2)
        out[2] = _means(self.chroma[1], COARSE // 2)
        return out


def small_frames(video: Video, start: float | None = None, end: float | None = None) -> Iterator[SmallFrame]:
    """Yield every frame from `start` to `end` (seconds, inclusive) at the small size, in presentation order."""
    for frame in video.frames(start, end):
        yield small_frame(frame)


def small_frame(frame: VideoFrame) -> SmallFrame:
    """Return a frame of a video at the small size."""
    assert frame.time_s is not None
    luma, *chroma = frame.shrunk(WIDTH, HEIGHT, Interpolation.FAST_BILINEAR)
    return SmallFrame(frame.pts, frame.time_s, luma, np.stack(chroma))


def _means(plane: np.ndarray, side: int) -> np.ndarray:
    """Return the means of cells of `side` × `side`, rounded down."""
    rows = plane[::side].astype(np.uint16)
    for i in range(1, side):
        rows += plane[i::side]
    total = rows[:, ::side].copy()
    for i in range(1, side):
        total += rows[:, i::side]
    means: np.ndarray = total // (side * side)
    return means
