"""The perceptual hash for finding near-duplicates. It uses only integers, so it is the same on every machine.

The 64-bit DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
laid out as the ImageHash library's `phash`: 32×32 pixels, the 8×8 lowest frequencies, one bit per
coefficient above their median, first bit highest.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 32
KEPT = 8
SCALE = 1 << 12

_COSINES = np.rint(SCALE * np.cos(np.pi / SIDE * np.outer(np.arange(KEPT), np.arange(SIDE) + 0.5))).astype(
    np.int64
)
"""DCT-II, the KEPT lowest frequencies, in fixed point."""


def phash(grey: np.ndarray) -> int:
    """Return the hash of a picture, uint8 [h, w], as a signed 64-bit integer.

    The distance of two pictures is the number of bits set in `a ^ b`: 0 for the same, about 32 for others.
    """
    picture = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BOX), np.int64)
    waves = (_COSINES @ picture @ _COSINES.T).ravel()
    ordered = np.sort(waves)
    twice_median = ordered[KEPT * KEPT // 2 - 1] + ordered[KEPT * KEPT // 2]
    bits = np.packbits(2 * waves > twice_median)
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def distance(a: int, b: int) -> int:
    """Return the number of bits (0…64) in which two hashes differ."""
    return ((a ^ b) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
