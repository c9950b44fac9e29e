"""One picture, however it was come by. The one rule: no pixel is converted before somebody asks for it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import av
import numpy as np
import xxhash
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from animeds_db.media.colour import Colour, Geometry


@dataclass(frozen=True)
class MediaInfo:
    """What a source is, as far as its header tells. Sizes are as displayed, in pixels."""

    kind: str
    """`video`, `images`, `archive` or `imagefolder`."""
    codec: str | None
    width: int
    height: int
    fps: float | None
    """Average frames per second; None for pictures and where the file does not say."""
    duration_s: float | None
    stream: int
    """Index of the stream that is read; 0 for pictures."""
    colour: str | None
    """Matrix and range in use, e.g. `bt709 limited (assumed)`; None for pictures."""


@dataclass(eq=False)
class Frame(ABC):
    """One decoded frame of a video, or one picture. Pixels are computed when asked for, and once."""

    stream: int
    pts: int
    """Presentation time in the stream's time base; for pictures the place in natural order, from 0."""
    key_pts: int
    """pts of the key frame from which this frame can be decoded; for pictures the same as `pts`."""
    time_s: float | None
    """Seconds from the stream's start; None for pictures."""
    is_keyframe: bool
    member: str | None
    """Path inside the folder or archive, with forward slashes; None for videos."""
    width: int
    height: int
    text: str | None
    """A caption that came with the picture (`text` in an imagefolder's metadata)."""

    @abstractmethod
    def pixels(self) -> np.ndarray:
        """Return uint8 [height, width, 3], sRGB, full range, as displayed. Do not write into it."""

    @abstractmethod
    def scaled(self, width: int, height: int) -> np.ndarray:
        """Return uint8 RGB [height, width, 3] of exactly this size in pixels; the ratio is the caller's business."""

    @abstractmethod
    def luma(self) -> np.ndarray:
        """Return uint8 [h, w], full range 0…255, at the coded size (neither stretched nor turned)."""

    @abstractmethod
    def planes(self) -> list[np.ndarray]:
        """Return the decoded planes without padding, uint8 or uint16 [h, w · values per pixel]."""

    @abstractmethod
    def content_hash(self) -> str:
        """Return 32 hex digits, xxh3-128: of format, size and planes (video), or of the file's bytes (picture)."""


_local = threading.local()


def _reformatter(purpose: str) -> VideoReformatter:
    """Return this thread's swscale context for a purpose: setting one up costs more than a small conversion."""
    contexts: dict[str, VideoReformatter] = _local.__dict__.setdefault("contexts", {})
    return contexts.setdefault(purpose, VideoReformatter())


@dataclass(eq=False)
class VideoFrame(Frame):
    """A frame whose planes are still as the decoder gave them."""

    decoded: av.VideoFrame = field(repr=False)
    colour: Colour
    geometry: Geometry

    def pixels(self) -> np.ndarray:
        return self._pixels

    @cached_property
    def _pixels(self) -> np.ndarray:
        wide, high = self.geometry.stretched(self.decoded.width, self.decoded.height)
        return self._convert(wide, high, Interpolation.BICUBIC)

    def scaled(self, width: int, height: int) -> np.ndarray:
        wide, high = (height, width) if self.geometry.transpose else (width, height)
        return self._convert(wide, high, Interpolation.BILINEAR)

    def _convert(self, wide: int, high: int, interpolation: int) -> np.ndarray:
        rgb = self._reformat("rgb24", wide, high, interpolation)
        return self.geometry.upright(plane_array(rgb, 0).reshape(high, wide, 3))

    def _reformat(self, pix_fmt: str, wide: int, high: int, interpolation: int) -> av.VideoFrame:
        return _reformatter(f"{pix_fmt} {wide}x{high}").reformat(
            self.decoded,
            width=wide,
            height=high,
            format=pix_fmt,
            interpolation=interpolation,
            src_colorspace=self.colour.matrix,
            src_color_range=self.colour.range,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )

    def luma(self) -> np.ndarray:
        return self._luma

    @cached_property
    def _luma(self) -> np.ndarray:
        wide, high = self.decoded.width, self.decoded.height
        return plane_array(self._reformat("gray", wide, high, Interpolation.POINT), 0)

    def planes(self) -> list[np.ndarray]:
        return [plane_array(self.decoded, i) for i in range(len(self.decoded.planes))]

    def content_hash(self) -> str:
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        digest = xxhash.xxh3_128()
        digest.update(f"{self.decoded.format.name} {self.decoded.width}x{self.decoded.height}".encode())
        for plane in self.planes():
            digest.update(np.ascontiguousarray(plane))
        return digest.hexdigest()


def plane_array(frame: av.VideoFrame, index: int) -> np.ndarray:
    """Return plane `index` as uint8 or uint16 [h, w · values per pixel], a view without the row padding."""
    plane = frame.planes[index]
    parts = [c for c in frame.format.components if c.plane == index]
    deep = any(c.bits > 8 for c in parts)
    dtype = np.dtype(np.uint8 if not deep else ">u2" if frame.format.is_big_endian else "<u2")
    if frame.format.has_palette and index == 1:
        return np.frombuffer(plane, np.uint8).reshape(1, -1)
    if len(frame.planes) == 1 or frame.format.has_palette:
        row_bytes = -(-plane.width * frame.format.padded_bits_per_pixel // 8)
    else:
        row_bytes = plane.width * len(parts) * dtype.itemsize  # NV12 has two values per chroma sample
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
    if plane.line_size < 0:
        rows = rows[::-1]  # bottom-up, as uncompressed AVI stores them
    return rows[:, :row_bytes].view(dtype)
