"""Encodes clips. The same pictures give the same bytes on the same build of the encoder."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from animeds_db.errors import ExportError
from animeds_db.media.clips.sound import Sound
from animeds_db.media.frame import QUALITY, VideoFrame, plane_array

BT601, BT709 = 6, 1
"""Matrix SMPTE 170M (BT.601), and primaries and transfer of BT.709, in ITU-T H.273.

Pictures that were converted to RGB are stored with the matrix of BT.601 at every size, and say so. Readers that ignore
the tags, of which trainers use several, take every video for BT.601, so that all of them show the right colours.
"""

X264_FORMATS = frozenset(
    f"{name}{depth}"
    for names, depth in (
        (("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "gray"), ""),
        (("yuv420p", "yuv422p", "yuv444p", "gray"), "10le"),
    )
    for name in names
)
"""Pixel formats that H.264 stores without a loss. Others are stored as FFV1."""

PLAIN_CODE = "cpu-independent=1"
"""x264's faster code reads past the edge of a picture, so that two runs could give different bytes."""

SOUND_STEP = 1024
"""Samples that are encoded at once: the length of a packet of AAC."""

SOUND_RATE = 192_000
"""Bits per second of AAC."""


@dataclass(frozen=True)
class Encoding:
    """How a clip is encoded."""

    lossless: bool = False
    """Store every picture without a loss: H.264, or FFV1 for formats that H.264 does not have."""
    crf: int = 12
    """Quality of H.264, 0 (best) … 51. 12 cannot be told from the source by eye."""
    preset: str = "ultrafast"
    """Speed of H.264. At this crf, a grainy drawing and a real clip (640 × 360) have a PSNR of 43.8 and 46.2 dB with
    ultrafast, 43.4 and 44.9 dB with medium. medium takes 9 and 4 times as long, for 0.6 and 0.3 times the bytes."""


def lossless_suffix(pix_fmt: str | None) -> str:
    """Return the suffix of a lossless clip of frames in this pixel format; None: pictures in RGB."""
    return ".mp4" if pix_fmt is None or pix_fmt in X264_FORMATS else ".mkv"


def encode_clip(
    pictures: Iterable[np.ndarray | VideoFrame],
    fps: Fraction,
    *,
    encoding: Encoding | None = None,
    sound: Sound | None = None,
) -> bytes:
    """Return a video file: mp4, or Matroska if it must be FFV1 (see `lossless_suffix`).

    pictures: all uint8 RGB [height, width, 3] with even sides, or all frames of one video, whose planes are encoded as
    they are. Sound starts with the first picture; it is AAC, and FLAC in a lossless clip.
    Raises ExportError if this build of FFmpeg has no encoder for it, or if there are no pictures.
    """
    encoding = encoding or Encoding()
    rest = iter(pictures)
    first = next(rest, None)
    if first is None:
        raise ExportError("A clip needs at least one picture.")
    codec, pix_fmt = _codec(first, lossless=encoding.lossless)
    convert = _Converter(pix_fmt)
    buffer = io.BytesIO()
    kind = "matroska" if codec == "ffv1" else "mp4"
    with av.open(buffer, "w", format=kind, options={"fflags": "+bitexact"}) as container:
        stream: Any = _stream(container, codec, rate=fps, options=_options(codec, encoding))
        context = stream.codec_context
        context.thread_count = 1
        context.flags |= int(av.codec.context.Flags.bitexact)
        context.time_base = 1 / fps
        frame = convert(first)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pix_fmt
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(context, name, int(getattr(frame, name)))
        add_sound = _sound(container, sound, lossless=encoding.lossless) if sound is not None else iter(())
        context.open(strict=False)
        container.start_encoding()
        for packet in add_sound:  # before the pictures: the muxer keeps it, and puts both in order
            container.mux(packet)
        for number, picture in enumerate(chain([first], rest)):
            frame = convert(picture)
            frame.pts, frame.time_base, frame.pict_type = number, 1 / fps, PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _codec(first: np.ndarray | VideoFrame, *, lossless: bool) -> tuple[str, str]:
    """Return the encoder and its pixel format."""
    if isinstance(first, np.ndarray):
        return ("libx264rgb", "rgb24") if lossless else ("libx264", "yuv420p")
    pix_fmt = first.decoded.format.name
    if not lossless or pix_fmt in X264_FORMATS:
        return "libx264", pix_fmt
    if pix_fmt in {known.name for known in av.Codec("ffv1", "w").video_formats or ()}:
        return "ffv1", pix_fmt
    raise ExportError(
        f"No lossless encoder stores the pixel format {pix_fmt}.",
        hint="Omit --lossless, or write frame folders.",
    )


def _stream(container: Any, codec: str, **arguments: Any) -> Any:
    if codec not in av.codecs_available:
        raise ExportError(
            f"This build of FFmpeg has no encoder {codec}.",
            hint="Install the package `av` from PyPI, which has it: pip install --force-reinstall av",
        )
    return container.add_stream(codec, **arguments)


def _options(codec: str, encoding: Encoding) -> dict[str, str]:
    if codec == "ffv1":
        return {"level": "3", "slicecrc": "1", "g": "1"}
    quality = {"qp": "0"} if encoding.lossless else {"crf": str(encoding.crf)}
    return {"preset": encoding.preset, **quality, "x264-params": PLAIN_CODE}


class _Converter:
    """Makes frames for the encoder, each an object of its own: several clips may share a decoded one."""

    def __init__(self, pix_fmt: str) -> None:
        self._pix_fmt = pix_fmt
        self._reformatter = (
            VideoReformatter()
        )  # one per clip: creating its tables takes longer than using them

    def __call__(self, picture: np.ndarray | VideoFrame) -> av.VideoFrame:
        if isinstance(picture, VideoFrame):
            return _copy(picture)
        made = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        if self._pix_fmt == "rgb24":
            made.colorspace, made.color_range = 0, ColorRange.JPEG
        else:
            made = self._reformatter.reformat(
                made,
                format=self._pix_fmt,
                interpolation=QUALITY,
                src_color_range=ColorRange.JPEG,
                dst_colorspace=Colorspace.ITU601,
                dst_color_range=ColorRange.MPEG,
                threads=1,
            )
            made.colorspace, made.color_range = BT601, ColorRange.MPEG
        made.color_primaries = made.color_trc = BT709
        return made


def _copy(picture: VideoFrame) -> av.VideoFrame:
    """Return a copy of a decoded frame with the matrix and range in which it is shown."""
    source, colour = picture.decoded, picture.colour
    copy = av.VideoFrame(source.width, source.height, source.format.name)
    for place in range(len(source.planes)):
        plane_array(copy, place)[:] = plane_array(source, place)
    copy.colorspace, copy.color_range = colour.matrix, colour.range
    copy.color_primaries, copy.color_trc = source.color_primaries, source.color_trc
    return copy


def _sound(container: Any, sound: Sound, *, lossless: bool) -> Iterator[Any]:
    """Add a stream of sound; yield its packets."""
    channels = sound.samples.shape[1]
    layout = "stereo" if channels == 2 else "mono"
    codec, kind = ("flac", "s16") if lossless else ("aac", "fltp")
    stream = _stream(container, codec, rate=sound.rate, layout=layout)
    stream.codec_context.flags |= int(av.codec.context.Flags.bitexact)
    if not lossless:
        stream.codec_context.bit_rate = SOUND_RATE
    stream.codec_context.format = kind
    return _packets(stream, sound, layout, kind)


def _packets(stream: Any, sound: Sound, layout: str, kind: str) -> Iterator[Any]:
    for first in range(0, len(sound.samples), SOUND_STEP):
        piece = sound.samples[first : first + SOUND_STEP]
        if kind == "s16":
            values = piece.reshape(1, -1)
        else:
            values = piece.T.astype(np.float32) / 32768
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), format=kind, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, first, Fraction(1, sound.rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
