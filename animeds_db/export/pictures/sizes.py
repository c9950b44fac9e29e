"""The size of an exported picture. It is never enlarged without `upscale`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from animeds_db.errors import ExportError, UsageError

BUCKET_STEP = 64
"""Edges of buckets are multiples of this, in pixels: `bucket_reso_steps` of kohya's sd-scripts."""

MAX_RATIO = 4
"""A bucket is at most this many times as long as wide; the ends of longer pictures are cut off."""

MAX_EDGE = 16384
"""Maximum size that can be requested, in pixels. Trainers accept less than a quarter of it."""

MAX_PIXELS = 64 << 20
"""Maximum pixels of a picture that is enlarged: 8192 × 8192, which takes 200 MB as RGB."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Resize:
    """The requested size: at most one of the three. Raises UsageError for two, or for a value out of range."""

    max_size: int | None = None
    """Maximum longer edge in pixels."""
    short_edge: int | None = None
    """Maximum shorter edge in pixels."""
    bucket: int | None = None
    """Side of a square in pixels. Edges become multiples of 64, with about its area; the ends are cut off to fit."""
    upscale: bool = False
    """Enlarge smaller pictures as well."""

    def __post_init__(self) -> None:
        given = {"max-size": self.max_size, "short-edge": self.short_edge, "bucket": self.bucket}
        chosen = {name: value for name, value in given.items() if value is not None}
        for name, value in chosen.items():
            low = BUCKET_STEP if name == "bucket" else 1
            if not low <= value <= MAX_EDGE:
                raise UsageError(f"{name} is {value}. It must be between {low} and {MAX_EDGE}.")
        if len(chosen) > 1:
            raise UsageError(
                f"{' and '.join('--' + name for name in chosen)} cannot be combined.",
                hint="Choose one of them.",
            )
        if self.upscale and not chosen:
            raise UsageError(
                "--upscale needs a size.", hint="Add --short-edge 768, --max-size 1024 or --bucket 1024."
            )

    def sizes(self, width: int, height: int) -> tuple[Size, Size]:
        """Return the size to scale to, and the size to crop from its middle (the same size: no crop).

        Raises ExportError for a picture that would be enlarged to more than MAX_PIXELS.
        """
        size, final = self._sizes(width, height)
        if size[0] * size[1] > max(MAX_PIXELS, width * height):
            raise ExportError(
                f"A picture of {width} × {height} would become {size[0]} × {size[1]}, more than "
                f"{MAX_PIXELS >> 20} million pixels.",
                hint="Choose a smaller size, or omit --upscale.",
            )
        return size, final

    def _sizes(self, width: int, height: int) -> tuple[Size, Size]:
        if self.bucket is not None:
            return _in_bucket(width, height, self.bucket, upscale=self.upscale)
        wanted = self.max_size or self.short_edge
        if wanted is None:
            return (width, height), (width, height)
        edge = max(width, height) if self.max_size else min(width, height)
        size = scaled(width, height, wanted, edge) if self.upscale or edge > wanted else (width, height)
        return size, size


def scaled(width: int, height: int, wanted: int, edge: int) -> Size:
    """Return the size at which an edge of `edge` pixels becomes `wanted` pixels, with the same ratio."""
    return max(1, round(width * wanted / edge)), max(1, round(height * wanted / edge))


def bucket_size(width: int, height: int, side: int, *, upscale: bool) -> Size | None:
    """Return the bucket nearest in ratio, of at most side² pixels; the larger one of two equally near.

    Without `upscale` also of at most the picture's own size. None for a picture smaller than any bucket.
    """
    best: tuple[float, int, Size] | None = None
    for wide in range(BUCKET_STEP, side * 2 + 1, BUCKET_STEP):
        high = min(side * side // wide, wide * MAX_RATIO)
        if not upscale:  # the picture must cover the bucket as it is
            high = min(high, height) if wide <= width else 0
        high = high // BUCKET_STEP * BUCKET_STEP
        if high < BUCKET_STEP or wide > high * MAX_RATIO:
            continue
        error = abs(math.log(wide / high) - math.log(width / height))
        rank = (round(error, 3), -wide * high, (wide, high))
        best = rank if best is None else min(best, rank)
    return None if best is None else best[2]


def _in_bucket(width: int, height: int, side: int, *, upscale: bool) -> tuple[Size, Size]:
    bucket = bucket_size(width, height, side, upscale=upscale)
    if bucket is None:
        return (width, height), (width, height)
    factor = max(bucket[0] / width, bucket[1] / height)
    cover = max(bucket[0], round(width * factor)), max(bucket[1], round(height * factor))
    return cover, bucket
