"""One picture from a video or a file. Pixels are converted only when they are first used."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import av
import numpy as np
import xxhash
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc, Interpolation, VideoReformatter

from animeds_db.media.colour import Colour, Geometry


@dataclass(frozen=True)
class MediaInfo:
    """Properties of a source, from its header. Sizes are as displayed, in pixels."""

    kind: str
    """`video`, `images`, `archive` or `imagefolder`."""
    codec: str | None
    width: int
    height: int
    fps: float | None
    """Average frames per second; None for pictures and if the file does not say."""
    duration_s: float | None
    stream: int
    """Index of the stream that is read; 0 for pictures."""
    colour: str | None
    """Colour matrix and range in use, e.g. `bt709 limited (assumed)`; None for pictures."""


@dataclass(eq=False)
class Frame(ABC):
    """One decoded frame of a video, or one picture. Pixels are computed on first use and then kept."""

    stream: int
    pts: int
    """Presentation time in the stream's time base; for pictures the index in natural order, from 0."""
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
        """Return uint8 [height, width, 3], sRGB, full range, as displayed. Do not modify it."""

    @abstractmethod
    def scaled(self, width: int, height: int) -> np.ndarray:
        """Return uint8 RGB [height, width, 3] of exactly this size. The aspect ratio is not kept."""

    @abstractmethod
    def luma(self) -> np.ndarray:
        """Return uint8 [h, w], full range 0…255, at the coded size (neither stretched nor rotated)."""

    @abstractmethod
    def planes(self) -> list[np.ndarray]:
        """Return the decoded planes without padding, uint8 or uint16 [h, w · values per pixel]."""

    @abstractmethod
    def content_hash(self) -> str:
        """Return 32 hex digits, xxh3-128: of format, size and planes (video), or of the file (picture)."""


QUALITY = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND
"""Interpolate chroma: 20 ms at 1080p. swscale's default repeats chroma samples: 2 ms, but errors up to 22 of 255."""

MAX_CONTEXTS = 16
"""Maximum number of swscale contexts kept per thread, so that many different sizes do not fill the memory."""

_local = threading.local()


def _reformatter(purpose: tuple[object, ...]) -> VideoReformatter:
    """Return this thread's swscale context for a purpose: creating one takes up to 2 s (the table for HDR)."""
    contexts: dict[tuple[object, ...], VideoReformatter] = _local.__dict__.setdefault("contexts", {})
    if len(contexts) >= MAX_CONTEXTS and purpose not in contexts:
        contexts.pop(next(iter(contexts)))
    return contexts.setdefault(purpose, VideoReformatter())


@dataclass(eq=False)
class VideoFrame(Frame):
    """A video frame, whose planes are kept as the decoder returned them."""

    decoded: av.VideoFrame = field(repr=False)
    colour: Colour
    geometry: Geometry

    def pixels(self) -> np.ndarray:
        return self._pixels

    @cached_property
    def _pixels(self) -> np.ndarray:
        wide, high = self.geometry.stretched(self.decoded.width, self.decoded.height)
        return self.geometry.upright(_rgb_array(self._reformat(self.decoded, "rgb24", wide, high, QUALITY)))

    def scaled(self, width: int, height: int) -> np.ndarray:
        wide, high = (height, width) if self.geometry.transpose else (width, height)
        shrinks = wide <= self.decoded.width and high <= self.decoded.height
        # AREA averages every source pixel and is swscale's fastest way to shrink; enlarging, it would repeat pixels.
        interpolation = Interpolation.AREA if shrinks else Interpolation.BICUBIC
        source = self._standard_range_source if self.colour.is_wide else self.decoded
        return self.geometry.upright(_rgb_array(self._reformat(source, "rgb24", wide, high, interpolation)))

    def shrunk(self, width: int, height: int, interpolation: int) -> list[np.ndarray]:
        """Return luma, Cb and Cr, uint8, full range: [height, width], and twice [height / 2, width / 2].

        The size is even. The aspect ratio is not kept, and the picture is not turned upright.
        """
        small = self._reformat(self.decoded, "yuv420p", width, height, interpolation)
        return [plane_array(small, i) for i in range(3)]

    @cached_property
    def _standard_range_source(self) -> av.VideoFrame:
        """Return the frame with HDR converted once, at the coded size, so that one conversion table is enough."""
        wide, high = self.decoded.width, self.decoded.height
        return self._reformat(self.decoded, "rgb24", wide, high, QUALITY)

    def _reformat(
        self, source: av.VideoFrame, pix_fmt: str, wide: int, high: int, interpolation: int
    ) -> av.VideoFrame:
        # Convert to sRGB only if the source still has wide colours; otherwise leave swscale's tags alone.
        converts = self.colour.is_wide and source is self.decoded and pix_fmt == "rgb24"
        context = _reformatter((pix_fmt, wide, high, source.format.name, converts))
        return context.reformat(
            source,
            width=wide,
            height=high,
            format=pix_fmt,
            interpolation=interpolation,
            src_colorspace=self.colour.matrix,
            src_color_range=self.colour.range if source is self.decoded else ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG,
            dst_color_trc=ColorTrc.IEC61966_2_1 if converts else None,
            dst_color_primaries=ColorPrimaries.BT709 if converts else None,
            threads=1,
        )

    def luma(self) -> np.ndarray:
        return self._luma

    @cached_property
    def _luma(self) -> np.ndarray:
        wide, high, pix_fmt = self.decoded.width, self.decoded.height, self.decoded.format
        first = pix_fmt.components[0]
        is_plain = first.is_luma and len([c for c in pix_fmt.components if c.plane == 0]) == 1
        if not is_plain or pix_fmt.has_palette or pix_fmt.is_big_endian or pix_fmt.is_bit_stream:
            grey = self._reformat(self.decoded, "gray", wide, high, Interpolation.AREA)
            return np.ascontiguousarray(plane_array(grey, 0))
        return _full_range(plane_array(self.decoded, 0), first.bits, self.colour.is_full)

    def planes(self) -> list[np.ndarray]:
        return [plane_array(self.decoded, i) for i in range(len(self.decoded.planes))]

    def content_hash(self) -> str:
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        return hash_of(self.decoded)


def hash_of(decoded: av.VideoFrame) -> str:
    """Return 32 hex digits, xxh3-128 of a decoded frame's format, size and planes."""
    digest = xxhash.xxh3_128()
    digest.update(f"{decoded.format.name} {decoded.width}x{decoded.height}".encode())
    for index in range(len(decoded.planes)):
        digest.update(np.ascontiguousarray(plane_array(decoded, index)).data)
    return digest.hexdigest()


def same_size(decoded: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """Return a decoded frame in another pixel format, with its colours and times unchanged."""
    return _reformatter((pix_fmt, decoded.width, decoded.height, decoded.format.name)).reformat(
        decoded,
        format=pix_fmt,
        src_color_range=decoded.color_range,
        dst_color_range=decoded.color_range,
        threads=1,
    )


def _rgb_array(frame: av.VideoFrame) -> np.ndarray:
    return plane_array(frame, 0).reshape(frame.height, frame.width, 3)


@cache
def _luma_table(bits: int, is_full: bool) -> np.ndarray:
    """Return uint8 [2**bits]: full-range 8-bit luma of each code (16…235 · 2**(bits-8) is limited range)."""
    scale = 2.0 ** (bits - 8)
    low, high = (0.0, 2.0**bits - 1) if is_full else (16 * scale, 235 * scale)
    codes = np.arange(2**bits)
    return np.clip(np.rint((codes - low) * 255 / (high - low)), 0, 255).astype(np.uint8)


def _full_range(luma: np.ndarray, bits: int, is_full: bool) -> np.ndarray:
    """Return uint8 [h, w], full range, of a luma plane with `bits` significant bits."""
    if bits > 8:
        return np.take(_luma_table(bits, is_full), luma, mode="clip")
    if is_full:
        return luma
    # bytes.translate is three times as fast as any numpy indexing: 1.3 ms at 1080p.
    return np.frombuffer(luma.tobytes().translate(_luma_table(8, False).tobytes()), np.uint8).reshape(
        luma.shape
    )


def plane_array(frame: av.VideoFrame, index: int) -> np.ndarray:
    """Return plane `index` as uint8 or uint16 [h, w · values per pixel], a view without the row padding."""
    plane: Any = frame.planes[index]  # a buffer, which PyAV's stub declares only for Python 3.12 and newer
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
