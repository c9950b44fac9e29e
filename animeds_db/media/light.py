"""Writes light videos of a few seconds, for people to look at: small, soon ready, and played by browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import chain

import numpy as np

from animeds_db.errors import SourceError
from animeds_db.media.clips import Encoding, Sound, choose_track, encode_clip, sound_between, sound_tracks
from animeds_db.media.frame import VideoFrame
from animeds_db.media.reader import Reader
from animeds_db.media.video import Video
from animeds_db.remote.paths import SourcePath

LONGEST_S = 10.0
"""Maximum seconds of a light video. It is made while somebody waits for it."""
HIGHEST = 480
"""Maximum height of its pictures in pixels."""
MOST_FPS = 30
"""Maximum frames per second. Of a video with more, some frames are left out."""
LIGHT = Encoding(crf=30, preset="veryfast")
"""7 ms per picture of 640×480. Ten seconds of a grainy video are 2 MB."""


def light_video(
    path: SourcePath, first_s: float, last_s: float, *, step: Callable[[], None] = lambda: None
) -> bytes:
    """Return an mp4 (H.264, AAC) of the frames from `first_s` to `last_s` (seconds, inclusive), and their sound.

    It has at most LONGEST_S seconds and a steady rate. `step` is called before each frame, and may raise to stop.
    Raises SourceError if the file cannot be read or has no frame there.
    """
    end_s = min(last_s, first_s + LONGEST_S)
    video = Video(path)
    fps = Fraction(min(video.info.fps or MOST_FPS, MOST_FPS)).limit_denominator(1001)
    frames = video.frames(first_s, end_s)
    first = next(frames, None)
    if first is None or first.time_s is None:
        raise SourceError(f"{path} has no frame between {first_s:.2f} s and {end_s:.2f} s")
    size = small_size(first.width, first.height)
    sound = _sound(path, first.time_s, max(end_s - first.time_s, 0.0) + 1 / fps)
    pictures = _steady(chain([first], frames), first.time_s, fps, size, step)
    return encode_clip(pictures, fps, encoding=LIGHT, sound=sound)


def times_of(path: SourcePath, first_pts: int, last_pts: int) -> tuple[float, float]:
    """Return two pts of a video's stream as seconds from its start. Raises SourceError."""
    with closing(Reader(path)) as reader:
        return reader.seconds_at(first_pts), reader.seconds_at(last_pts)


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of a light video for pictures of this size: even numbers, at most HIGHEST pixels high."""
    high = min(HIGHEST, height)
    return max(2, round(width * high / height / 2) * 2), max(2, high // 2 * 2)


def _steady(
    frames: Iterator[VideoFrame],
    start_s: float,
    fps: Fraction,
    size: tuple[int, int],
    step: Callable[[], None],
) -> Iterator[np.ndarray]:
    """Yield what is seen every 1/fps seconds: a picture again while no new one comes, without those in between."""
    due = 0
    shown: np.ndarray | None = None
    for frame in frames:
        step()
        assert frame.time_s is not None
        until = round((frame.time_s - start_s) * fps)
        while shown is not None and due < until:
            yield shown
            due += 1
        shown = frame.scaled(*size)
    if shown is not None:
        yield shown


def _sound(path: SourcePath, start_s: float, seconds: float) -> Sound | None:
    """Return the sound of the default track; None: the video has none, or it cannot be decoded."""
    track = choose_track(sound_tracks(path), "default", path)
    if track is None:
        return None
    with closing(Reader(path)) as reader:
        start = (reader.start_pts * reader.time_base) + Fraction(start_s).limit_denominator(1_000_000)
    return sound_between(path, track.index, start, Fraction(seconds).limit_denominator(1_000_000))
