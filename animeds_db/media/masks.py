"""The shapes of masks: small grey pictures of a region of a frame, and how they are drawn in any size.

A shape is stored cut to what it shows, so that a mask of a person takes a few kilobytes. Nothing here knows a table.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from animeds_db.errors import UsageError

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, 0…1 of the displayed frame."""
Mask: TypeAlias = npt.NDArray[np.uint8]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
LONGEST = 512
"""Longer edge of a stored shape, pixels: an edge is then right to about two pixels of a frame of 1080 lines."""
STEP = 15
"""Stored values are multiples of it: 0, 15, … 255. Networks are never quite sure, and noise makes a PNG large."""
_LEVELS = ((np.arange(256) + STEP // 2) // STEP * STEP).astype(np.uint8)
LARGEST_PNG = 8192
"""Maximum width and height of a PNG that is read, pixels. A larger one is not a mask, but an attempt to fill memory."""


@dataclass(frozen=True)
class Shape:
    """What a mask covers: a region of the frame, and a grey PNG stretched over it (white = in the part).

    `png` is None if all of the region is in the part. A region without width is an empty mask.
    """

    left: float
    top: float
    right: float
    bottom: float
    png: bytes | None

    @property
    def coverage(self) -> float:
        """The share of the frame's area that is in the part, 0…1."""
        area = (self.right - self.left) * (self.bottom - self.top)
        return area if self.png is None else area * float(read_png(self.png).mean()) / 255


def shape_of(values: npt.NDArray[Any], region: Region = WHOLE) -> Shape:
    """Return the shape of a mask that covers a region of a frame, cut to what it shows.

    values: [height, width], any size; uint8 0…255, bool, or float 0…1 (values outside are clipped). The same values
    always give the same bytes. Raises UsageError for another form, and for values that are not numbers.
    """
    grey = _LEVELS[shrunk(as_grey(values))]
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    left, top, right, bottom = region
    if not len(rows):
        return Shape(left, top, left, top, None)
    height, width = grey.shape
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    cut = grey[y0:y1, x0:x1]
    return Shape(
        left + (right - left) * x0 / width,
        top + (bottom - top) * y0 / height,
        left + (right - left) * x1 / width,
        top + (bottom - top) * y1 / height,
        None if (cut == 255).all() else as_png(cut),
    )


def drawn(shapes: Sequence[Shape], width: int, height: int) -> Mask:
    """Return the union of shapes in a frame of this size in pixels: uint8 [height, width], 0…255.

    Shapes are resized bilinearly, and smoothed if they become smaller. Where several overlap, the largest value
    counts. Raises UsageError for a shape that is not a PNG.
    """
    union = np.zeros((height, width), np.uint8)
    for shape in shapes:
        x0, x1 = int(np.floor(shape.left * width)), int(np.ceil(shape.right * width))
        y0, y1 = int(np.floor(shape.top * height)), int(np.ceil(shape.bottom * height))
        x0, x1, y0, y1 = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
        if x1 > x0 and y1 > y0 and shape.right > shape.left and shape.bottom > shape.top:
            window = (x0 / width, y0 / height, x1 / width, y1 / height)
            part = union[y0:y1, x0:x1]
            np.maximum(part, _seen(shape, window, x1 - x0, y1 - y0), out=part)
    return union


def as_grey(values: npt.NDArray[Any]) -> Mask:
    """Return a mask as uint8 [height, width], 0…255. Raises UsageError for another form."""
    if values.ndim != 2 or not values.size:
        raise UsageError(
            f"This mask has the shape {list(values.shape)}.",
            hint="Give [height, width]: uint8 0…255, bool, or float 0…1.",
        )
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(values.dtype, np.floating):
        raise UsageError(f"This mask has values of {values.dtype}.", hint="Give uint8, bool or float.")
    if not np.isfinite(values).all():
        raise UsageError("This mask has values that are not numbers.")
    grey: Mask = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return grey


def as_png(values: npt.NDArray[Any]) -> bytes:
    """Return a mask [height, width] as a grey PNG. The same values always give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(as_grey(values)).save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def read_png(png: bytes) -> Mask:
    """Return a PNG as uint8 [height, width], 0…255; colours become grey, and what is transparent 0.

    Raises UsageError if it is not a PNG, or larger than LARGEST_PNG.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if max(picture.size) > LARGEST_PNG:
                raise UsageError(
                    f"This mask has {picture.width}×{picture.height} pixels.",
                    hint=f"Give at most {LARGEST_PNG} pixels per side.",
                )
            if picture.mode.startswith("I"):  # 16 bits: Pillow would make everything above 255 white
                grey: Mask = (np.asarray(picture) >> 8).astype(np.uint8)
                return grey
            if picture.has_transparency_data:
                black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
                return np.asarray(Image.alpha_composite(black, picture.convert("RGBA")).convert("L"))
            return np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageError(f"This mask is not a PNG: {error}") from error


def shrunk(grey: Mask) -> Mask:
    """Return a mask with a longer edge of at most LONGEST pixels."""
    height, width = grey.shape
    factor = LONGEST / max(height, width)
    if factor >= 1:
        return grey
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _seen(shape: Shape, window: Region, width: int, height: int) -> Mask:
    """Return what a shape shows in a window of the frame, of this size in pixels."""
    if shape.png is None:
        across = _covered(shape.left, shape.right, window[0], window[2], width)
        down = _covered(shape.top, shape.bottom, window[1], window[3], height)
        return np.round(np.outer(down, across) * 255).astype(np.uint8)
    grey = read_png(shape.png)
    x0, x1, before, after = _span(shape.left, shape.right, window[0], window[2], grey.shape[1])
    y0, y1, above, below = _span(shape.top, shape.bottom, window[1], window[3], grey.shape[0])
    padded = Image.fromarray(np.pad(grey, ((above, below), (before, after))))
    return np.asarray(padded.resize((width, height), Image.Resampling.BILINEAR, box=(x0, y0, x1, y1)))


def _covered(low: float, high: float, start: float, end: float, pixels: int) -> npt.NDArray[np.float64]:
    """Return the share (0…1) of each of the pixels between start and end that lies between low and high."""
    edges = np.linspace(start, end, pixels + 1)
    shared = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.clip(shared / (end - start) * pixels, 0, 1)


def _span(low: float, high: float, start: float, end: float, pixels: int) -> tuple[float, float, int, int]:
    """Return start and end in pixels of a shape that is padded by the last two values before and after it.

    `low` and `high` are the shape's edges. Beyond an edge there is nothing, so the shape is padded with zeros; but an
    edge of the frame is not an edge of what is drawn there.
    """
    scale = pixels / (high - low)
    before = 0 if low <= 0 else int(np.ceil(max(0.0, (low - start) * scale))) + 1
    after = 0 if high >= 1 else int(np.ceil(max(0.0, (end - high) * scale))) + 1
    first = (start - low) * scale + before
    last = (end - low) * scale + before
    return max(0.0, first), min(float(pixels + before + after), last), before, after
