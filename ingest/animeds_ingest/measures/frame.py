"""Measures a frame and makes its thumbnail, from a single decode and two small pictures.

Measured on the grey picture (shorter edge 360 whatever the frame's size, see `views`) inside the borders:

    sharpness    variance of the 4-neighbour Laplacian of 8-bit luma. At one size, so 480p and 1080p compare:
                 a television clip has 460 … 1440, blurred by 1 pixel about 100, by 2 pixels 12; flat 0
    brightness   mean luma, 0…1
    contrast     standard deviation of luma, 0…0.5
    saturation   mean HSV saturation, 0…1, on the small colour picture; nearly black pixels count as 0

The hash, the text and `is_blank` are of the whole frame. All sums are of integers: the same bytes in give
the same numbers out.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from animeds_db.media import Frame
from animeds_ingest.measures.borders import find_borders
from animeds_ingest.measures.burned_text import text_shares
from animeds_ingest.measures.phash import phash
from animeds_ingest.measures.views import full_luma, grey, small

BLANK_TOLERANCE = 10
"""Maximum difference (8-bit levels, in each of R, G and B) of a blank frame's pixels from their median."""

BLANK_OUTLIERS = 0.002
"""Maximum share (0…1) of a blank frame's pixels that differ more. A word on black is not blank."""

DARK = 8
"""Minimum level (8 bits) of the greatest channel of a pixel. The saturation of darker pixels is noise."""

THUMBNAIL_QUALITY = 75
THUMBNAIL_EFFORT = 0
"""WebP's quality, and effort (0 fastest … 6). More effort saves a fifth of 5 KB but takes three times as long."""


@dataclass
class Measures:
    """Columns of `frames`; units and ranges as in `animeds_db.schema`."""

    phash: int
    sharpness: float
    brightness: float
    contrast: float
    saturation: float
    border_left: float
    border_top: float
    border_right: float
    border_bottom: float
    is_blank: bool
    text_upper: float
    text_lower: float


def measure(frame: Frame) -> Measures:
    """Return a frame's measures. About 6 ms of processor time at 1080p."""
    whole, colours = grey(frame), small(frame)
    borders = find_borders(full_luma(frame))
    picture = borders.inside(whole)
    brightness, contrast = brightness_and_contrast(picture)
    text_upper, text_lower = text_shares(whole)
    return Measures(
        phash=phash(whole),
        sharpness=sharpness_of(picture),
        brightness=brightness,
        contrast=contrast,
        saturation=saturation_of(borders.inside(colours)),
        border_left=borders.left,
        border_top=borders.top,
        border_right=borders.right,
        border_bottom=borders.bottom,
        is_blank=is_blank(colours),
        text_upper=text_upper,
        text_lower=text_lower,
    )


def thumbnail(frame: Frame) -> bytes:
    """Return the frame as WebP, as displayed, longer edge 256 pixels (smaller frames keep their size)."""
    file = io.BytesIO()
    picture = Image.fromarray(small(frame))
    picture.save(file, "WEBP", quality=THUMBNAIL_QUALITY, method=THUMBNAIL_EFFORT)
    return file.getvalue()


def sharpness_of(luma: np.ndarray) -> float:
    """Return the variance of the Laplacian (0 1 0, 1 -4 1, 0 1 0) of uint8 [h, w], without its outermost pixels."""
    if min(luma.shape) < 3:
        return 0.0
    values = luma.astype(np.int16)
    edges = values[1:-1, :-2] + values[1:-1, 2:]
    edges += values[:-2, 1:-1]
    edges += values[2:, 1:-1]
    edges -= values[1:-1, 1:-1] * np.int16(4)
    mean = int(edges.sum(dtype=np.int64)) / edges.size
    squares = edges.astype(np.int32)
    squares *= squares
    return max(0.0, int(squares.sum(dtype=np.int64)) / edges.size - mean**2)


def brightness_and_contrast(luma: np.ndarray) -> tuple[float, float]:
    """Return mean (0…1) and standard deviation (0…0.5) of uint8 [h, w]."""
    counts = np.array(Image.fromarray(luma).histogram())
    levels = np.arange(256)
    total, squares = int(counts @ levels), int(counts @ (levels * levels))
    mean = total / luma.size
    return mean / 255, math.sqrt(max(0.0, squares / luma.size - mean**2)) / 255


def saturation_of(picture: np.ndarray) -> float:
    """Return the mean HSV saturation (0…1) of RGB uint8 [h, w, 3]."""
    red, green, blue = picture[:, :, 0], picture[:, :, 1], picture[:, :, 2]
    most = np.maximum(np.maximum(red, green), blue)
    spread = most - np.minimum(np.minimum(red, green), blue)
    # Summed per brightness: 256 divisions instead of one per pixel, and integer sums before them.
    spreads = np.bincount(most.ravel(), weights=spread.ravel(), minlength=256)
    return float((spreads[DARK:] / np.arange(DARK, 256)).sum() / most.size)


def is_blank(picture: np.ndarray) -> bool:
    """Return True if RGB uint8 [h, w, 3] has only one colour: black, white, the end of a fade."""
    n = picture.shape[0] * picture.shape[1]
    for counts in np.array(Image.fromarray(picture).histogram()).reshape(3, 256):
        median = int(np.searchsorted(np.cumsum(counts), n / 2))
        near = counts[max(0, median - BLANK_TOLERANCE) : median + BLANK_TOLERANCE + 1].sum()
        if n - near > BLANK_OUTLIERS * n:
            return False
    return True
