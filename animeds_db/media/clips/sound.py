"""The sound of a stretch of a video, cut to the sample."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from animeds_db.errors import SourceError
from animeds_db.media.opening import OpenVideo
from animeds_db.remote.paths import SourcePath

STEPS_BACK = (Fraction(1), Fraction(12))
"""Seconds before the stretch at which decoding starts: a decoder needs some packets before it is exact. If a seek lands
too late, it goes back more, at last to the start of the file."""

JOINT_S = 0.002
"""Maximum gap or overlap in seconds between two packets that is a rounded time, and not a gap."""


@dataclass(frozen=True)
class SoundTrack:
    """A track of sound in a video."""

    index: int
    """Index of the stream in the file."""
    language: str
    """As the file has it, such as `jpn`; "" if it does not say."""
    title: str
    codec: str
    channels: int
    rate: int
    """Samples per second."""
    is_default: bool


@dataclass(frozen=True, eq=False)
class Sound:
    """Sound with a start and an end."""

    samples: np.ndarray
    """int16 [samples, channels]; one channel or two."""
    rate: int
    """Samples per second."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


def sound_tracks(path: SourcePath) -> list[SoundTrack]:
    """Return the tracks of sound in a video that can be decoded. Raises SourceError as opening it does."""
    with closing(OpenVideo(path)) as file:
        return [
            SoundTrack(
                index=stream.index,
                language=stream.metadata.get("language", "").replace("und", ""),
                title=stream.metadata.get("title", ""),
                codec=stream.codec_context.name,
                channels=stream.codec_context.channels,
                rate=stream.codec_context.sample_rate,
                is_default=bool(stream.disposition & Disposition.default),
            )
            for stream in file.container.streams.audio
            if stream.codec_context is not None and stream.codec_context.sample_rate
        ]


def choose_track(tracks: Sequence[SoundTrack], wanted: str, path: SourcePath) -> SoundTrack | None:
    """Return the track that `wanted` names. None: the video has no sound.

    wanted: "default", a number from 1, a language such as `jpn`, or a part of the title. Raises SourceError if the
    video has sound, but no such track.
    """
    if not tracks:
        return None
    if wanted == "default":
        return next((track for track in tracks if track.is_default), tracks[0])
    if wanted.isdecimal():
        found = tracks[int(wanted) - 1 : int(wanted)] if int(wanted) else []
    else:
        word = wanted.casefold()
        found = [track for track in tracks if track.language.casefold() == word] or [
            track for track in tracks if word in track.title.casefold()
        ]
    if found:
        return found[0]
    names = "; ".join(f"{n}: {_described(track)}" for n, track in enumerate(tracks, 1))
    raise SourceError(f'{path} has no track of sound "{wanted}"', hint=f"its tracks are {names}")


def _described(track: SoundTrack) -> str:
    return " ".join(filter(None, (track.language, track.title, track.codec, f"{track.channels} channels")))


def sound_between(path: SourcePath, track: int, start: Fraction, seconds: Fraction) -> Sound:
    """Return the sound of a stretch: round(seconds × rate) samples from the sample nearest to `start` on.

    start: seconds in the clock of the file, as pts × time base of a video frame. Parts in which the track has no sound
    are silent. More than two channels are mixed to two. Raises SourceError if the track does not exist.
    """
    for back in (*STEPS_BACK, None):
        with closing(OpenVideo(path)) as file:
            stream: Any = next((s for s in file.container.streams.audio if s.index == track), None)
            if stream is None:
                raise SourceError(
                    f"{path} no longer has the track of sound {track}",
                    hint="the file has changed: ingest it again",
                )
            if back is not None and not _sought(file, stream, start - back):
                continue
            found = _cut(file, stream, start, seconds, any_start=back is None)
        if found is not None:
            return found
    raise AssertionError("from the start of the file, any start is accepted")


def _sought(file: OpenVideo, stream: Any, at: Fraction) -> bool:
    """Go to a time in seconds. False if the file cannot be sought, or if the time is before its start."""
    earliest = (stream.start_time or 0) * stream.time_base
    if at <= earliest:
        return False
    try:
        file.container.seek(int(at / stream.time_base), stream=stream, backward=True)
    except av.FFmpegError:
        file.raise_failure()
        return False
    return True


def _cut(
    file: OpenVideo, stream: Any, start: Fraction, seconds: Fraction, *, any_start: bool
) -> Sound | None:
    """Return the stretch from the packets that follow. None: they begin after its start."""
    rate, channels = stream.codec_context.sample_rate, min(stream.codec_context.channels, 2)
    samples = np.zeros((round(seconds * rate), channels), np.int16)
    as_wanted = av.AudioResampler(format="s16", layout="stereo" if channels == 2 else "mono", rate=rate)
    at: int | None = None  # where the next frame begins, in samples from the start
    for frame in _decoded(file, stream):
        begins = round((frame.pts * frame.time_base - start) * rate)
        if at is None and begins > 0 and not any_start:
            return None
        if at is None or abs(begins - at) > JOINT_S * rate:
            at = begins
        if at >= len(samples):
            break
        for part in as_wanted.resample(frame):
            piece = part.to_ndarray().reshape(-1, channels)
            _put(samples, piece, at)
            at += len(piece)
    return Sound(samples, rate)


def _decoded(file: OpenVideo, stream: Any) -> Iterator[Any]:
    """Yield the frames of sound that have a time. Damaged packets are left out."""
    packets = file.container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, IndexError):
            packet = None
        if packet is None:
            file.raise_failure()
            return
        try:
            frames = stream.codec_context.decode(packet if packet.size else None)
        except av.FFmpegError:
            continue
        yield from (frame for frame in frames if frame.pts is not None)


def _put(samples: np.ndarray, piece: np.ndarray, at: int) -> None:
    """Copy the part of `piece` that lies inside, if its first sample is number `at`."""
    first, last = max(at, 0), min(at + len(piece), len(samples))
    if last > first:
        samples[first:last] = piece[first - at : last - at]


def wav_of(sound: Sound) -> bytes:
    """Return the sound as a WAV file, 16 bits."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(sound.samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(np.ascontiguousarray(sound.samples, "<i2").tobytes())
    return buffer.getvalue()
