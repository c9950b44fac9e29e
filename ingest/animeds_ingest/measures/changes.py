"""FFmpeg's filter `mpdecimate` in NumPy, because PyAV's builds lack it. It selects the same frames as the filter.

Follows libavfilter/vf_mpdecimate.c (FFmpeg 5.1 to 8): on every plane, sums of absolute differences of 8×8
blocks on a grid of 4 pixels, against the last frame that was *kept*. The first eight columns are ignored, as in the
original.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import numpy as np

from animeds_db.media import Frame
from animeds_db.media.frame import VideoFrame, plane_array

HI = 64 * 200
LO = 64 * 50
FRACTION = 0.33
"""The thresholds that anime dataset scripts pass to the filter: one block changed by more than HI, or more
than FRACTION of the blocks by more than LO (sums over the 64 pixels of a block)."""

BLOCK, STEP = 8, 4

FILTER_FORMATS = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "gbrp"}
    | {"yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuva420p", "yuva422p", "yuva444p"}
)
"""Pixel formats that the filter supports. FFmpeg converts all others to one of them first."""


@dataclass
class ChangeFilter:
    """Decides for one frame after the other whether to keep it. The first frame and those of a new size are kept."""

    hi: int = HI
    lo: int = LO
    fraction: float = FRACTION
    _kept: list[np.ndarray] | None = field(default=None, repr=False)

    def __call__(self, frame: Frame) -> bool:
        """Return True if this frame differs enough from the last one that was kept."""
        planes = filter_planes(frame)
        if self._kept is not None and not self._has_changed(planes, self._kept):
            return False
        self._kept = planes
        return True

    def _has_changed(self, planes: list[np.ndarray], kept: list[np.ndarray]) -> bool:
        if [plane.shape for plane in planes] != [plane.shape for plane in kept]:
            return True
        return any(
            plane_changed(a, b, self.hi, self.lo, self.fraction) for a, b in zip(planes, kept, strict=True)
        )


def filter_planes(frame: Frame) -> list[np.ndarray]:
    """Return a frame's planes as the filter gets them, uint8 [h, w] each.

    10-bit video is reduced to 8 bits by swscale, with the same ordered dither as in FFmpeg's filter graph.
    """
    if not isinstance(frame, VideoFrame):
        return frame.planes()
    decoded = frame.decoded
    wanted = _filter_format(decoded.format)
    if decoded.format.name != wanted:
        decoded = decoded.reformat(format=wanted)
    return [plane_array(decoded, i) for i in range(len(decoded.planes))]


def _filter_format(pix_fmt: av.VideoFormat) -> str:
    """Return the format that FFmpeg would choose: the same subsampling with 8 bits, RGB as planes."""
    if pix_fmt.name in FILTER_FORMATS:
        return pix_fmt.name
    if pix_fmt.is_rgb or pix_fmt.has_palette:
        return "gbrp"
    across = 0 if len(pix_fmt.components) < 2 else pix_fmt.chroma_width(64)
    down = 0 if len(pix_fmt.components) < 2 else pix_fmt.chroma_height(64)
    return {(32, 32): "yuv420p", (32, 64): "yuv422p", (64, 32): "yuv440p"}.get((across, down), "yuv444p")


def plane_changed(
    plane: np.ndarray, kept: np.ndarray, hi: int = HI, lo: int = LO, fraction: float = FRACTION
) -> bool:
    """Return True if any block differs by more than `hi`, or more than `fraction` of the blocks by more than `lo`.

    Both planes are uint8 [h, w]. As in the filter, the share is of blocks of 16×16, in single precision.
    """
    height, width = plane.shape
    sums = block_sums(plane, kept)
    if not sums.size:
        return False
    most = int(np.float32((width // 16) * (height // 16)) * np.float32(fraction))
    return bool(sums.max() > hi or np.count_nonzero(sums > lo) > most)


def block_sums(plane: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return uint32 [rows, columns]: sums of absolute differences of the 8×8 blocks (0 … 16320).

    The block at [i, j] starts at y = 4·i, x = 8 + 4·j. Empty if the planes (uint8 [h, w]) are too small.
    """
    height, width = plane.shape
    rows = len(range(0, height - BLOCK + 1, STEP))
    columns = len(range(BLOCK, width - BLOCK + 1, STEP))
    if not rows or not columns:
        return np.zeros((0, 0), np.uint32)
    window = np.s_[: STEP * (rows + 1), BLOCK : BLOCK + STEP * (columns + 1)]
    a, b = plane[window], kept[window]
    difference = np.maximum(a, b) - np.minimum(a, b)
    cells = _cell_sums(difference)
    tall = cells[:-1] + cells[1:]
    sums: np.ndarray = tall[:, :-1] + tall[:, 1:]
    return sums


def _cell_sums(values: np.ndarray) -> np.ndarray:
    """Return uint32 [h/4, w/4], the sums of 4×4 cells of a C-contiguous uint8 [h, w].

    Four bytes are added as two 16-bit halves of one word, and rows before columns: 4 · 2 · 255 fits a half.
    """
    words = values.view(np.uint32)
    halves = (words & 0x00FF00FF) + ((words >> 8) & 0x00FF00FF)
    strips = halves[0::4] + halves[1::4] + halves[2::4] + halves[3::4]
    sums: np.ndarray = (strips & 0xFFFF) + (strips >> 16)
    return sums
