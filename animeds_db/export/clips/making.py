"""From the frames of a clip to the bytes of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import chain, islice

import numpy as np
from PIL import Image

from animeds_db.errors import ExportError, SourceError
from animeds_db.export.clips.following import crop_at
from animeds_db.export.clips.options import ClipOptions
from animeds_db.export.names import FRAMES_SUFFIX
from animeds_db.export.pictures.masks import MOVING_SUFFIX, learnt, painted, subject
from animeds_db.export.pictures.picture import Clip, Picture, Source
from animeds_db.export.pictures.render import FORMATS, Crop, encode
from animeds_db.export.pictures.sizes import Resize, Size
from animeds_db.media import VideoFrame
from animeds_db.media.clips import (
    Encoding,
    Sound,
    SoundTrack,
    at_rate,
    deinterlaced,
    encode_clip,
    is_interlaced,
    sound_between,
    wav_of,
)
from animeds_db.media.masks import read_png
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
    look = _Look(first, picture, clip, options)
    keeps = options.fps is None
    chosen = _steady(every, clip, source) if keeps else at_rate(every, clip.rate, clip.n_frames)
    sound = None if track is None else _sound(first, clip, source, track)
    mask = next((part.name for part in picture.beside if part.look == "mask"), "")
    return Made(_files(chosen, look, clip.rate, sound, options, mask), look.final, look.shown)


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
    """How the frames of a clip are cropped, scaled and masked."""

    def __init__(self, first: VideoFrame, picture: Picture, clip: Clip, options: ClipOptions) -> None:
        self._crop: Crop = picture.crop or (0.0, 0.0, 1.0, 1.0)
        self._path = clip.path
        self._masks, self._background = picture.masks, options.masks.background
        paints = bool(picture.masks) and options.masks.paints
        self._frame_size = (first.width, first.height)
        self._window, self._size, self.final = sizes(self._frame_size, self._crop, options.resize)
        is_turned = first.geometry.transpose or first.geometry.flip_h or first.geometry.flip_v
        as_coded = (first.decoded.width, first.decoded.height) == self._frame_size and not is_turned
        self.is_untouched = (
            not paints
            and as_coded
            and self._frame_size == self._window == self.final
            and not first.colour.is_wide
        )
        """True if the picture is the decoded frame as it is."""
        self._paints = paints

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
        shown = self._fitted(frame.time_s or 0.0, frame.pixels, frame.scaled, Image.Resampling.LANCZOS)
        if not self._paints:
            return shown
        image = Image.fromarray(np.ascontiguousarray(shown))
        return np.asarray(painted(image, Image.fromarray(self.mask(frame, subject)), self._background))

    def mask(self, frame: VideoFrame, drawn: Callable[..., np.ndarray] = learnt) -> np.ndarray:
        """Return a mask of a frame, cut and scaled as its picture: uint8 [height, width]. drawn: see export.masks."""
        seconds = frame.time_s or 0.0
        whole = Image.fromarray(drawn(self._masks, *self._frame_size, seconds=seconds))
        linear = Image.Resampling.BILINEAR
        fitted = self._fitted(
            seconds,
            lambda: np.asarray(whole),
            lambda width, height: np.asarray(whole.resize((width, height), linear)),
            linear,
        )
        return np.ascontiguousarray(fitted)

    def _fitted(
        self,
        seconds: float,
        pixels: Callable[[], np.ndarray],
        scaled: Callable[[int, int], np.ndarray],
        resampling: Image.Resampling,
    ) -> np.ndarray:
        """Return the crop of a frame at this time, in the size that is written.

        pixels, scaled: return the whole frame, as it is and in another size.
        """
        box = self._box(crop_at(self._crop, self._path, seconds))
        if self._size == self._window:
            left, top = round(box[0]), round(box[1])
            shown = pixels()[top : top + self._size[1], left : left + self._size[0]]
        elif self._size[0] < self._window[0]:
            shown = self._shrunk(scaled, box)
        else:
            shown = np.asarray(Image.fromarray(pixels()).resize(self._size, resampling, box=box))
        left, top = (self._size[0] - self.final[0]) // 2, (self._size[1] - self.final[1]) // 2
        return shown[top : top + self.final[1], left : left + self.final[0]]

    def _shrunk(
        self, scaled: Callable[[int, int], np.ndarray], box: tuple[float, float, float, float]
    ) -> np.ndarray:
        """Return the box, scaled down. The whole frame is scaled, so that the crop moves by pixels of the result."""
        factors = (self._size[0] / self._window[0], self._size[1] / self._window[1])
        whole = [max(round(n * f), m) for n, f, m in zip(self._frame_size, factors, self._size, strict=True)]
        start = [
            min(max(round(b * f), 0), n - m)
            for b, f, n, m in zip(box[:2], factors, whole, self._size, strict=True)
        ]
        return scaled(whole[0], whole[1])[
            start[1] : start[1] + self._size[1], start[0] : start[0] + self._size[0]
        ]

    def _box(self, crop: Crop) -> tuple[float, float, float, float]:
        wide, high = self._frame_size
        return crop[0] * wide, crop[1] * high, crop[2] * wide, crop[3] * high


def _files(
    chosen: Iterable[VideoFrame],
    look: _Look,
    rate: Fraction,
    sound: Sound | None,
    options: ClipOptions,
    mask: str,
) -> dict[str, bytes]:
    """Return the files of a clip without its control. mask: the part that has its mask; "": none."""
    files: dict[str, bytes] = {}
    masks: list[bytes] = []  # as PNG, since those of a long clip would fill the memory
    suffix = FORMATS[options.image_format].suffix

    def pictures() -> Iterator[np.ndarray | VideoFrame]:
        for number, frame in enumerate(chosen):
            if mask:
                masks.append(encode(Image.fromarray(look.mask(frame)), "png", options.quality))
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
    return files | (_mask_files(mask, masks, rate) if mask else {})


def _mask_files(part: str, masks: Sequence[bytes], rate: Fraction) -> dict[str, bytes]:
    """Return the files of the mask of a clip: a folder of pictures, a clip, or one picture of all masks together."""
    if part.endswith(FRAMES_SUFFIX):
        return {f"{part}/{number:04d}.png": png for number, png in enumerate(masks)}
    if part.endswith(MOVING_SUFFIX):
        colours = (np.repeat(read_png(png)[..., None], 3, axis=2) for png in masks)
        return {part: encode_clip(colours, rate, encoding=Encoding(lossless=True))}
    union = reduce(np.maximum, map(read_png, masks))
    return {part: encode(Image.fromarray(union), "png", 100)}


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
