"""Encodes pictures into an H.264 file with the same bytes every time.

Nothing that differs between runs or machines with the same encoder gets into the file: one thread, fixed
settings, no dates and no random ids.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

Pixels: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

_BT709 = 1  # the same number for primaries, transfer and matrix (ITU-T H.273)
_LIMITED = 1
_KEYFRAME_EVERY_S = 4


class Writer:
    """A video being written: H.264 in Matroska, BT.709 limited range, key frames at cuts and every 4 s."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int) -> None:
        self._container = av.open(path, "w", format="matroska", options={"fflags": "+bitexact"})
        # mbtree=0: with it, x264 (164, one thread) gave several different streams for the same pictures.
        params = f"keyint={_KEYFRAME_EVERY_S * fps}:min-keyint=1:scenecut=0:forced-idr=1:mbtree=0"
        options = {"preset": "veryfast", "crf": "20", "threads": "1", "x264-params": params}
        self._stream = self._container.add_stream("libx264", rate=Fraction(fps), options=options)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.flags |= Flags.bitexact
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._time_base = Fraction(1, fps)
        self._count = 0
        self._reformatter = VideoReformatter()
        self._held: tuple[Pixels, av.VideoFrame] | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def write(self, pixels: Pixels, *, cut: bool) -> None:
        """Append one uint8 [height, width, 3] RGB picture; `cut` makes it a key frame.

        The same array given again is a held picture: it is not converted again.
        """
        if self._held is None or self._held[0] is not pixels:
            self._held = (pixels, self._converted(pixels))
        frame = self._held[1]
        frame.pict_type = PictureType.I if cut else PictureType.NONE
        frame.pts, frame.time_base = self._count, self._time_base
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def _converted(self, pixels: Pixels) -> av.VideoFrame:
        frame = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(pixels, "rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        frame.colorspace = _BT709
        return frame
