"""What was noticed while reading a source. The one rule: each thing is told once, with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from animeds_db.errors import SourceError
from animeds_db.media.reader import Reader, clock

JUMP_S = 1.0
"""Times that run back by more than this (seconds) mean joined recordings, not a muxer's rounding."""

SHORTFALL_S, SHORTFALL_SHARE = 0.75, 0.02
"""A stream this much shorter than its header says is told: more than both, so that rounding is not."""

GAP_S = 5.0
"""A hole longer than this (seconds) is told: damaged containers lose whole clusters without any error."""

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
        """Note that something happened at this moment; `what` is a plural: `damaged frames left out`."""
        self._events.setdefault(what, set()).add(seconds)

    @property
    def texts(self) -> list[str]:
        """All warnings as sentences."""
        counted = [f"{what}: {len(at)}, first at {clock(min(at))}" for what, at in self._events.items()]
        return [*self._facts, *counted]


class Timeline:
    """Watches the times of one pass over a stream: (stream, pts) has to name one frame."""

    def __init__(self, reader: Reader, notes: Notes) -> None:
        self._reader = reader
        self._notes = notes
        self._latest: int | None = None
        self._seen: set[int] = set()
        self._end: int | None = None

    def accept(self, pts: int) -> bool:
        """Return whether no frame before had this pts; a repeated one is noted.

        Neighbours may come the wrong way round, as in AVI with packed B-frames. Raises SourceError when
        time jumps back: two frames would then bear the same name.
        """
        now = self._reader.seconds_at(pts)
        latest = self._reader.seconds_at(self._latest) if self._latest is not None else now
        if latest - now > JUMP_S:
            raise SourceError(
                f"{self._reader.path}: time jumps back from {clock(latest)} to {clock(now)}, "
                "as in recordings that were joined",
                hint=HINT_REMUX,
            )
        if pts in self._seen:
            self._notes.count("frames left out because they repeat a time", now)
            return False
        self._seen.add(pts)
        self._latest = max(pts, self._latest if self._latest is not None else pts)
        return True

    def saw(self, pts: int | None, duration: int | None) -> None:
        """Take note of a packet, to know at the end how far the file went."""
        if pts is None:
            return
        if self._end is not None and (pts - self._end) * self._reader.time_base > GAP_S:
            self._notes.count(
                f"gaps of more than {GAP_S:.0f} s without a frame", self._reader.seconds_at(self._end)
            )
        self._end = max(self._end or pts, pts + (duration or 0))

    def ended(self) -> None:
        """Compare where the packets stopped with what the header promised: was the file cut short?"""
        promised = self._reader.duration_s()
        if promised is None or self._end is None:
            return
        seen = self._reader.seconds_at(self._end)
        if promised - seen > max(SHORTFALL_S, promised * SHORTFALL_SHARE):
            self._notes.tell(f"cut short: {clock(seen)} of {clock(promised)}")
