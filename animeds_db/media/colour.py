"""Matrix, range and orientation that turn decoded planes into the picture as it should look.

Nothing is left to swscale's defaults. FFmpeg and PyAV show untagged HD as BT.601, which shifts skin and
hair by up to 23 of 255; here the matrix and range are always given explicitly.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

UNSPECIFIED = frozenset({2, 3})
"""`unspecified` and `reserved` in ITU-T H.273, the same for matrix, transfer and primaries."""

BT2020_PRIMARIES = 9
SDR_TRANSFERS = frozenset({1, 6, 13, 14, 15})
"""Transfers of BT.709, BT.601, sRGB and BT.2020, which swscale can turn into sRGB without a tone curve."""

MATRICES: dict[int, tuple[Colorspace, str]] = {
    1: (Colorspace.ITU709, "bt709"),
    4: (Colorspace.FCC, "fcc"),
    5: (Colorspace.ITU601, "bt601"),
    6: (Colorspace.ITU601, "bt601"),
    7: (Colorspace.SMPTE240M, "smpte240m"),
    9: (Colorspace.BT2020, "bt2020"),
    10: (Colorspace.BT2020, "bt2020"),
}
"""Matrix coefficients of ITU-T H.273 → swscale's constant and the name shown to users."""

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of ITU-T H.273 that need tone mapping on an SDR screen."""

HD_WIDTH, HD_HEIGHT = 1280, 720
"""Minimum width or height at which untagged video is taken to be BT.709, as players do."""


@dataclass(frozen=True)
class Colour:
    """How planes are converted to sRGB: swscale's matrix and range, and a description."""

    matrix: int
    range: int
    text: str
    """E.g. `bt709 limited (assumed)`, `bt2020 limited PQ`."""
    hdr: str | None = None
    """`PQ` or `HLG` if the video is HDR, which is brighter than sRGB can show."""
    is_wide: bool = False
    """True if transfer and primaries must be converted too: HDR, or BT.2020 colours."""
    is_odd: bool = False
    """True if the file names a matrix that swscale does not support (YCgCo, ICtCp). Colours will be wrong."""

    @property
    def is_full(self) -> bool:
        """True if luma uses 0…255 rather than 16…235."""
        return self.range == ColorRange.JPEG


@dataclass(frozen=True)
class Tags:
    """Colour tags of a stream or frame, as H.273 numbers; 2 (range: 0) where it is untagged."""

    matrix: int
    range: int
    transfer: int
    primaries: int

    @classmethod
    def of(cls, source: Any) -> Tags:
        """Return the colour tags of a PyAV codec context or frame."""
        return cls(
            int(source.colorspace),
            int(source.color_range),
            int(source.color_trc),
            int(source.color_primaries),
        )

    def or_else(self, fallback: Tags) -> Tags:
        """Return these tags, with unspecified ones taken from `fallback`."""
        return Tags(
            fallback.matrix if self.matrix in UNSPECIFIED else self.matrix,
            self.range or fallback.range,
            fallback.transfer if self.transfer in UNSPECIFIED else self.transfer,
            fallback.primaries if self.primaries in UNSPECIFIED else self.primaries,
        )


def resolve(tags: Tags, pix_fmt: av.VideoFormat, width: int, height: int) -> Colour:
    """Return the matrix and range for a picture of this format and coded size (pixels)."""
    if pix_fmt.is_rgb or pix_fmt.has_palette:
        return Colour(Colorspace.ITU709, ColorRange.JPEG, "rgb")
    tagged = tags.matrix in MATRICES
    is_hd = width >= HD_WIDTH or height >= HD_HEIGHT
    matrix, name = MATRICES[tags.matrix if tagged else 1 if is_hd else 6]
    # JPEG-family formats and grey are full range unless tagged otherwise.
    implied_full = pix_fmt.name.startswith(("yuvj", "gray"))
    is_full = tags.range == ColorRange.JPEG or (tags.range == ColorRange.UNSPECIFIED and implied_full)
    range_ = ColorRange.JPEG if is_full else ColorRange.MPEG
    hdr = HDR_TRANSFERS.get(tags.transfer)
    is_wide = hdr is not None or (tags.primaries == BT2020_PRIMARIES and tags.transfer in SDR_TRANSFERS)
    words = [
        name,
        "full" if is_full else "limited",
        *([hdr] if hdr else []),
        *([] if tagged else ["(assumed)"]),
    ]
    is_odd = not tagged and tags.matrix not in UNSPECIFIED
    return Colour(matrix, range_, " ".join(words), hdr, is_wide, is_odd)


@dataclass(frozen=True)
class Geometry:
    """How a coded picture is laid out for display: stretched to square pixels, then turned or mirrored."""

    sar: Fraction = Fraction(1)
    transpose: bool = False
    flip_h: bool = False
    flip_v: bool = False

    def stretched(self, width: int, height: int) -> tuple[int, int]:
        """Return the size in square pixels, before rotation. Only the width is stretched, as players do."""
        return max(1, round(width * self.sar)), height

    def displayed(self, width: int, height: int) -> tuple[int, int]:
        """Return the displayed (width, height) in pixels for a picture of this coded size."""
        wide, high = self.stretched(width, height)
        return (high, wide) if self.transpose else (wide, high)

    def upright(self, picture: np.ndarray) -> np.ndarray:
        """Return [h, w, …] rotated and mirrored as the display matrix says, C-contiguous."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.flip_v:
            picture = picture[::-1]
        if self.flip_h:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(picture)


def geometry(sar: Fraction | None, display_matrix: bytes | None) -> Geometry:
    """Return the geometry for a sample aspect ratio (None or 0 = square) and a 36-byte display matrix.

    The matrix maps (x, y) to (a·x + c·y, b·x + d·y) in 16.16 fixed point (libavutil/display.h); only
    quarter turns and mirrors are applied; other angles are rounded to the nearest quarter turn.
    """
    ratio = sar if sar else Fraction(1)
    if not display_matrix or len(display_matrix) < 36:
        return Geometry(ratio)
    a, b, _, c, d = struct.unpack("=5i", display_matrix[:20])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Geometry(ratio, transpose=True, flip_h=c < 0, flip_v=b < 0)
    return Geometry(ratio, flip_h=a < 0, flip_v=d < 0)
