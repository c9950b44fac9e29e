"""Selects the frames of a source that become rows. The same file and sampling always give the same frames.

keyframes   key frames only; the decoder skips everything else (the default)
iframes     all I-frames, also those that are not key frames
changes     frames that differ from the last one taken, as FFmpeg's mpdecimate chooses them
scenes      one frame per shot: the first still frame after the cut
shots       the best frame of each shot: the sharpest drawing that stands still; shots=3: up to three of each
every=2s    the first frame at or after each multiple of two seconds
all         every frame
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.media import Frame, Pictures, Video
from animeds_ingest.measures.best_frames import best_frames
from animeds_ingest.measures.changes import ChangeFilter
from animeds_ingest.measures.shots import scene_frames
from animeds_ingest.modes import EXAMPLES, MODES

TICK_TOLERANCE_S = 1e-6
"""Maximum seconds by which a frame may be before a tick and still belong to it: containers round times."""

LONGEST_S = 1e6
"""Maximum time in seconds, eleven days. Larger values are typing errors."""

MOST_PER_SHOT = 100
"""Maximum number of frames per shot. Whoever wants more is better served by every=0.5s."""

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_AMOUNT = re.compile(r"([0-9]+(?:[.][0-9]*)?|[.][0-9]+)\s*(ms|s|min|m|h|)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{1,2}(?:[.][0-9]*)?)")


@dataclass(frozen=True)
class Sampling:
    """How frames are selected. Times are seconds from the stream's start, inclusive; None means no limit."""

    mode: str = "keyframes"
    every_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    per_shot: int | None = None

    @classmethod
    def parse(cls, text: str, start: float | str | None = None, end: float | str | None = None) -> Self:
        """Return the sampling for `--sample`, `--start` and `--end`, or for the result of `str()`.

        Times are seconds (`90`, `1.5s`, `500ms`, `2m`) or a clock (`1:30`, `0:01:30.5`). Raises UsageError
        for an unknown mode, an invalid time, or an end that is not after the start.
        """
        how, _, span = text.strip().partition(" ")
        mode, separator, amount = how.partition("=")
        mode = mode.lower()
        if mode not in MODES:
            raise UsageError(f'unknown sampling "{text}"', hint=did_you_mean(mode, EXAMPLES))
        every = per_shot = None
        if mode == "every":
            every = _interval(amount, text)
        elif mode == "shots" and separator:
            per_shot = _per_shot(amount, text)
        elif separator:
            raise UsageError(
                f'sampling "{mode}" takes no value, not "{amount}"', hint=f"write {mode}, or every=2s"
            )
        first, last = _span(span, text) if span else (None, None)
        return cls(mode, every, *_ordered(_time(start, "start", first), _time(end, "end", last)), per_shot)

    def __str__(self) -> str:
        """Return the canonical text that is stored with a source: `keyframes`, `every=2s 60..120`, `all 60..`."""
        how = self.mode
        if self.every_s is not None:
            how += f"={_plain(self.every_s)}s"
        elif self.per_shot is not None:
            how += f"={self.per_shot}"
        if self.start_s is None and self.end_s is None:
            return how
        return f"{how} {_plain(self.start_s)}..{_plain(self.end_s)}"


def sample(media: Video | Pictures, how: Sampling) -> Iterator[Frame]:
    """Yield the selected frames of a video in time order. All pictures are taken: someone has chosen them."""
    if isinstance(media, Pictures):
        yield from media.frames()
        return
    span = (how.start_s, how.end_s)
    match how.mode:
        case "keyframes":
            yield from media.keyframes(*span)
        case "iframes":
            yield from media.intra_frames(*span)
        case "changes":
            yield from filter(ChangeFilter(), media.frames(*span))
        case "scenes":
            yield from scene_frames(media.frames(*span))
        case "shots":
            yield from best_frames(media, how.per_shot or 1, *span)
        case "every":
            yield from _at_ticks(media.frames(*span), how.every_s or 1.0, how.start_s or 0.0)
        case _:
            yield from media.frames(*span)


def _at_ticks(frames: Iterator[Frame], every: float, start: float) -> Iterator[Frame]:
    """Yield the first frame at or after start, start + every, …; one frame may serve several ticks."""
    tick = 0
    for frame in frames:
        since = (frame.time_s or 0.0) - start + TICK_TOLERANCE_S
        if since >= tick * every:
            yield frame
            tick = math.floor(since / every) + 1


def _interval(text: str, whole: str) -> float:
    if not text:
        raise UsageError(f'sampling "{whole}" needs a time', hint="e.g. every=2s")
    every = _seconds(text, "the time between two frames")
    if every <= 0:
        raise UsageError(
            f'sampling "{whole}" needs a time above 0', hint="e.g. every=2s; all takes every frame"
        )
    return every


def _per_shot(text: str, whole: str) -> int | None:
    """Return a number of frames per shot; None for 1, which is the default."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PER_SHOT:
        raise UsageError(
            f'sampling "{whole}" needs a number from 1 to {MOST_PER_SHOT}',
            hint="e.g. shots=3: three of each shot",
        )
    return int(text) if int(text) > 1 else None


def _seconds(text: str, what: str) -> float:
    """Return a time in seconds, rounded to the microsecond."""
    amount, clock = _AMOUNT.fullmatch(text.strip()), _CLOCK.fullmatch(text.strip())
    seconds = math.inf
    if amount:
        seconds = float(amount[1]) * _UNITS[amount[2].lower()]
    elif clock:
        seconds = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    if seconds <= LONGEST_S:
        return round(seconds, 6)
    raise UsageError(
        f'{what} is not a valid time: "{text}"',
        hint="write seconds (90, 1.5s, 500ms) or a clock (1:30, 0:01:30)",
    )


def _time(value: float | str | None, what: str, default: float | None) -> float | None:
    if value is None or value == "":
        return default
    if isinstance(value, str):
        return _seconds(value, what)
    if not 0 <= value <= LONGEST_S:
        raise UsageError(f"{what} is not a valid time: {value}", hint="give seconds from 0 on")
    return round(float(value), 6)


def _span(text: str, whole: str) -> tuple[float | None, float | None]:
    first, separator, last = text.strip().partition("..")
    if not separator:
        raise UsageError(f'unknown sampling "{whole}"', hint="a stretch of time is written 60..120")
    return _time(first, "start", None), _time(last, "end", None)


def _ordered(start: float | None, end: float | None) -> tuple[float | None, float | None]:
    if end is not None and end <= (start or 0.0):
        raise UsageError(
            f"end ({_plain(end)} s) must be after start ({_plain(start or 0.0)} s)",
            hint="swap --start and --end",
        )
    return start, end


def _plain(seconds: float | None) -> str:
    """Return seconds without exponent and trailing zeros, or an empty text for None."""
    if seconds is None:
        return ""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
