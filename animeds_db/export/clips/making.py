"""From the frames of a clip to the bytes of its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice

import numpy as np
from PIL import Image

from animeds_db.errors import ExportError, SourceError
from animeds_db.export.clips.following import crop_at
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.picture import Clip, Picture, Source
from animeds_db.export.render import FORMATS, Crop, encode
from animeds_db.export.sizes import Resize, Size
from animeds_db.media import VideoFrame
from animeds_db.media.clips import (
    Sound,
    SoundTrack,
    at_rate,
    deinterlaced,
    encode_clip,
    is_interlaced,
    sound_between,
    wav_of,
)
from animeds_db.remote.paths import source_path

UNEVEN = 0.5
"""Share of a frame's length by which frames of a constant rate may be early or late, because times are rounded."""


@dataclass(frozen=True)
class Made:
    """The files of a clip: part → bytes, see names.part_path; "" is the video file itself."""

    files: dict[str, bytes]
    size: Size
    shown: Crop | None


def make_clip(
    frames: Iterable[VideoFrame],
    picture: Picture,
    source: Source,
    options: ClipOptions,
    track: SoundTrack | None = None,
) -> Made:
    """Return the files of a clip. `frames` are all frames of its stretch. track: None is no sound.

    Raises SourceError if a frame is not the one that was ingested, or if the source is interlaced; ExportError if the
    frames do not come at a constant rate, and none was asked for.
    """
    clip = picture.clip
    assert clip is not None
    checked = _checked(frames, picture, source, deinterlace=options.deinterlace)
    first = next(checked, None)
    if first is None:
        raise SourceError(f"{source.uri} has no frame of the clip at {picture.path}")
    every = chain([first], checked)
    look = _Look(first, picture.crop, clip, options.resize)
    keeps = options.fps is None
    chosen = _steady(every, clip, source) if keeps else at_rate(every, clip.rate, clip.n_frames)
    sound = None if track is None else _sound(first, clip, source, track)
    return Made(_files(chosen, look, clip.rate, sound, options), look.final, look.shown)


def _checked(
    frames: Iterable[VideoFrame], picture: Picture, source: Source, *, deinterlace: bool
) -> Iterator[VideoFrame]:
    """Yield frames as they are to be shown. The one that was ingested must be the same as then."""

    def same(frame: VideoFrame) -> VideoFrame:
        if frame.pts == picture.pts and frame.content_hash() != picture.content_hash:
            raise SourceError(
                f"{source.uri}: frame {picture.frame_id} is no longer the one that was stored",
                hint="the file has changed since it was ingested: restore the original, or ingest this file again",
            )
        if is_interlaced(frame) and not deinterlace:
            raise SourceError(
                f"{source.uri} is interlaced or telecined: its frames show two moments in alternate lines",
                hint="--deinterlace makes them whole",
            )
        return frame

    as_stored = map(same, frames)
    yield from deinterlaced(as_stored) if deinterlace else as_stored


def sizes(frame: Size, crop: Crop, resize: Resize) -> tuple[Size, Size, Size]:
    """Return the sizes of a crop in pixels: in a frame of this size, scaled, and as it is written.

    Encoders need even sizes, so that a line at the edge may be cut off.
    """
    wide, high = ((crop[n + 2] - crop[n]) * frame[n] for n in (0, 1))
    window = (max(1, round(wide)), max(1, round(high)))
    size, (final_wide, final_high) = resize.sizes(*window)
    return window, size, (max(2, final_wide // 2 * 2), max(2, final_high // 2 * 2))


class _Look:
    """How the frames of a clip are cropped and scaled."""

    def __init__(self, first: VideoFrame, crop: Crop | None, clip: Clip, resize: Resize) -> None:
        self._crop: Crop = crop or (0.0, 0.0, 1.0, 1.0)
        self._path = clip.path
        self._frame_size = (first.width, first.height)
        self._window, self._size, self.final = sizes(self._frame_size, self._crop, resize)
        is_turned = first.geometry.transpose or first.geometry.flip_h or first.geometry.flip_v
        as_coded = (first.decoded.width, first.decoded.height) == self._frame_size and not is_turned
        self.is_untouched = (
            as_coded and self._frame_size == self._window == self.final and not first.colour.is_wide
        )
        """True if the picture is the decoded frame as it is."""

    @property
    def shown(self) -> Crop | None:
        """The part of the crop that is shown, 0…1, if ends were cut off."""
        if self._size == self.final:
            return None
        (wide, high), (w, h) = self._size, self.final
        left, top = (wide - w) // 2, (high - h) // 2
        return left / wide, top / high, (left + w) / wide, (top + h) / high

    def picture(self, frame: VideoFrame) -> np.ndarray:
        """Return uint8 RGB [height, width, 3] of a frame, as it is written."""
        if (frame.width, frame.height) != self._frame_size:
            raise ExportError("The size of the frames changes within a clip.", hint="leave this clip out")
        box = self._box(crop_at(self._crop, self._path, frame.time_s or 0.0))
        if self._size == self._window:
            left, top = round(box[0]), round(box[1])
            shown = frame.pixels()[top : top + self._size[1], left : left + self._size[0]]
        elif self._size[0] < self._window[0]:
            shown = self._shrunk(frame, box)
        else:
            image = Image.fromarray(frame.pixels())
            shown = np.asarray(image.resize(self._size, Image.Resampling.LANCZOS, box=box))
        left, top = (self._size[0] - self.final[0]) // 2, (self._size[1] - self.final[1]) // 2
        return shown[top : top + self.final[1], left : left + self.final[0]]

    def _shrunk(self, frame: VideoFrame, box: tuple[float, float, float, float]) -> np.ndarray:
        """Return the box, scaled down. The whole frame is scaled, so that the crop moves by pixels of the result."""
        factors = (self._size[0] / self._window[0], self._size[1] / self._window[1])
        whole = [max(round(n * f), m) for n, f, m in zip(self._frame_size, factors, self._size, strict=True)]
        start = [
            min(max(round(b * f), 0), n - m)
            for b, f, n, m in zip(box[:2], factors, whole, self._size, strict=True)
        ]
        scaled = frame.scaled(whole[0], whole[1])
        return scaled[start[1] : start[1] + self._size[1], start[0] : start[0] + self._size[0]]

    def _box(self, crop: Crop) -> tuple[float, float, float, float]:
        wide, high = self._frame_size
        return crop[0] * wide, crop[1] * high, crop[2] * wide, crop[3] * high


def _files(
    chosen: Iterable[VideoFrame], look: _Look, rate: Fraction, sound: Sound | None, options: ClipOptions
) -> dict[str, bytes]:
    """Return the files of a clip without its control."""
    files: dict[str, bytes] = {}
    suffix = FORMATS[options.image_format].suffix

    def pictures() -> Iterator[np.ndarray | VideoFrame]:
        for number, frame in enumerate(chosen):
            if options.first_frame and number == 0:
                files[suffix] = _picture(look.picture(frame), options)
            yield frame if options.lossless and look.is_untouched else look.picture(frame)

    if options.frame_folders:
        for number, picture in enumerate(pictures()):
            assert isinstance(picture, np.ndarray)
            files[f"/{number:04d}{suffix}"] = _picture(picture, options)
    else:
        inside = None if options.wav else sound
        files[""] = encode_clip(pictures(), rate, encoding=options.encoding, sound=inside)
    if options.wav and sound is not None:
        files[".wav"] = wav_of(sound)
    return files


def _picture(pixels: np.ndarray, options: ClipOptions) -> bytes:
    return encode(Image.fromarray(np.ascontiguousarray(pixels)), options.image_format, options.quality)


def _steady(frames: Iterable[VideoFrame], clip: Clip, source: Source) -> Iterator[VideoFrame]:
    """Yield the frames of a clip that keeps the rate of its source. Raises ExportError if that rate varies."""
    start: float | None = None
    number = -1
    for number, frame in enumerate(islice(frames, clip.n_frames)):
        assert frame.time_s is not None
        start = frame.time_s if start is None else start
        if abs(frame.time_s - start - number / clip.rate) * clip.rate > UNEVEN:
            break
        yield frame
    else:
        if number + 1 == clip.n_frames:
            return
    raise ExportError(
        f"{source.uri} has a variable frame rate, so that clips cannot keep it.",
        hint="Give a rate: --fps 24",
    )


def _sound(first: VideoFrame, clip: Clip, source: Source, track: SoundTrack) -> Sound:
    """Return the sound of a clip, from its first frame on."""
    assert first.decoded.time_base is not None
    start = first.pts * first.decoded.time_base
    return sound_between(source_path(source.uri), track.index, start, clip.n_frames / clip.rate)
