"""The two small pictures of a frame that all measures use. A frame is reduced to each of them only once.

Text, perceptual hash, sharpness and light are measured on the grey one, colours and shots on the coloured one, which is
also the thumbnail. Only borders are measured at full size, because they are exact to the pixel; they read every seventh
pixel of a line at 1080p and reduce nothing.

Both are as displayed: stretched by the sample aspect ratio and rotated.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image

from animeds_db.media import Frame
from animeds_db.media.frame import VideoFrame

SMALL_EDGE = 256
"""Longer edge of the small colour picture, which is also the thumbnail, in pixels."""

GREY_EDGE = 360
"""Shorter edge of the grey picture, in pixels, whatever the frame's size: 1080 / 3, 720 / 2, 2160 / 6."""

GREY_LONGEST = 4 * GREY_EDGE
"""Maximum longer edge of the grey picture in pixels, so that a strip of 1 × 5000 does not become huge."""

_small: WeakKeyDictionary[Frame, np.ndarray] = WeakKeyDictionary()
_grey: WeakKeyDictionary[Frame, np.ndarray] = WeakKeyDictionary()


def small(frame: Frame) -> np.ndarray:
    """Return uint8 RGB [h, w, 3], longer edge at most SMALL_EDGE (smaller frames keep their size)."""
    picture = _small.get(frame)
    if picture is None:
        scale = min(1.0, SMALL_EDGE / max(frame.width, frame.height))
        picture = frame.scaled(max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
        _small[frame] = picture
    return picture


def grey(frame: Frame) -> np.ndarray:
    """Return full-range luma, uint8 [h, w], shorter edge GREY_EDGE: smaller frames are enlarged."""
    picture = _grey.get(frame)
    if picture is None:
        picture = _grey[frame] = _reduced_luma(frame)
    return picture


def _reduced_luma(frame: Frame) -> np.ndarray:
    scale = min(GREY_EDGE / min(frame.width, frame.height), GREY_LONGEST / max(frame.width, frame.height))
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    luma = full_luma(frame)
    picture = Image.fromarray(luma)
    if picture.size != size:
        shrinks = size[0] <= picture.width and size[1] <= picture.height
        method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        # With reducing_gap=1, Pillow's fast path averages integer factors (1080 / 3): 1 ms instead of 4.
        picture = picture.resize(size, method, reducing_gap=1.0)
    return np.asarray(picture.point(_FULL_RANGE) if _is_limited(frame) else picture)


def full_luma(frame: Frame) -> np.ndarray:
    """Return luma as decoded, uint8 [h, w], rotated as displayed but not stretched. Black may be 0 or 16.

    For 8-bit video this is a view: converting two million pixels to full range would take longer than all
    measurements on them.
    """
    if not isinstance(frame, VideoFrame):
        return frame.luma()
    return frame.geometry.upright(frame.planes()[0] if _is_plain(frame) else frame.luma())


_FULL_RANGE = [min(255, max(0, round((code - 16) * 255 / 219))) for code in range(256)]
"""Full-range luma for each value of limited range (16…235)."""


def _is_plain(frame: VideoFrame) -> bool:
    """Return True if the first plane is 8-bit luma and nothing else."""
    pix_fmt = frame.decoded.format
    return pix_fmt.name.startswith(("yuv4", "yuvj4", "nv12", "gray")) and pix_fmt.components[0].bits == 8


def _is_limited(frame: Frame) -> bool:
    """Return True if `full_luma` of this frame must still be converted to full range."""
    return isinstance(frame, VideoFrame) and _is_plain(frame) and not frame.colour.is_full
