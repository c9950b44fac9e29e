"""What was noticed while reading a source. The one rule: each thing is told once, with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from animeds_db.errors import SourceError
from animeds_db.media.reader import Reader, clock

JUMP_S = 1.0
"""Times that run back by more than this (seconds) mean joined recordings, not a muxer's rounding."""

SHORTFALL_S, SHORTFALL_SHARE = 0.75, 0.02
"""A stream this much shorter than its header says is told: more than both, so that rounding is not."""

HINT_REMUX = "give the file new times: ffmpeg -i in.ts -c copy out.mkv"
HINT_RAW = "put it into a container that has times: mkvmerge -o out.mkv in.h264"


@dataclass
class Notes:
    """Warnings of one source, in the order in which they came up."""

    _facts: dict[str, None] = field(default_factory=dict)
    _events: dict[str, set[float]] = field(default_factory=dict)

    def tell(self, text: str) -> None:
        """Note a fact; the same fact is told once however often it is noticed."""
        self._facts[text] = None

    def count(self, what: str, seconds: float) -> None:
        """Note that something happened at this moment; `what` reads on after a number: `frames were lost`."""
        self._events.setdefault(what, set()).add(seconds)

    @property
    def texts(self) -> list[str]:
        """All warnings as sentences."""
        counted = [f"{len(at)} {what}, first at {clock(min(at))}" for what, at in self._events.items()]
        return [*self._facts, *counted]


class Timeline:
    """Watches the times of one pass over a stream: (stream, pts) has to name one frame."""

    def __init__(self, reader: Reader, notes: Notes) -> None:
        self._reader = reader
        self._notes = notes
        self._latest: int | None = None
        self._end: int | None = None

    def accept(self, pts: int) -> bool:
        """Return whether a frame with this pts comes after all before it; a repeated time is noted.

        Raises SourceError when time jumps back: two frames would then bear the same name.
        """
        if self._latest is None or pts > self._latest:
            self._latest = pts
            return True
        now, latest = self._reader.seconds_at(pts), self._reader.seconds_at(self._latest)
        if latest - now > JUMP_S:
            raise SourceError(
                f"{self._reader.path}: time jumps back from {clock(latest)} to {clock(now)}, "
                "as in recordings that were joined",
                hint=HINT_REMUX,
            )
        self._notes.count("frames repeat an earlier frame's time and were left out", now)
        return False

    def saw(self, pts: int | None, duration: int | None) -> None:
        """Take note of a packet, to know at the end how far the file went."""
        if pts is not None:
            self._end = max(self._end or pts, pts + (duration or 0))

    def ended(self) -> None:
        """Compare where the packets stopped with what the header promised: was the file cut short?"""
        promised = self._reader.duration_s()
        if promised is None or self._end is None:
            return
        seen = self._reader.seconds_at(self._end)
        if promised - seen > max(SHORTFALL_S, promised * SHORTFALL_SHARE):
            self._notes.tell(f"cut short: {clock(seen)} of {clock(promised)}")
