"""Warnings about a source that is being read. Each one is given once, with its position."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from animeds_db.errors import SourceError
from animeds_db.media.reader import Reader, clock

JUMP_S = 1.0
"""Seconds. If times jump back by more than this, recordings were joined; smaller jumps are a muxer's rounding."""

SHORTFALL_S, SHORTFALL_SHARE = 0.75, 0.02
"""A stream is reported as cut short if it is shorter than its header says by more than both: an absolute and
a relative limit. Rounding is then not reported."""

GAP_S = 5.0
"""Seconds without a frame that are reported as a gap in every video. Damaged containers lose whole clusters without
an error."""

REGULAR_GAP_S, REGULAR_GAP_FRAMES = 0.2, 3.0
"""Minimum gap, in seconds and in frame lengths, that is reported in a video of constant frame rate."""

REGULAR_SHARE = 0.9
"""The frame rate is constant if this share (0…1) of the intervals between frames has the usual length."""

HINT_REMUX = "write new timestamps: ffmpeg -i in.ts -c copy out.mkv"
HINT_RAW = "put it into a container that has timestamps: mkvmerge -o out.mkv in.h264"


@dataclass(frozen=True)
class Damage:
    """The losses of a source: times at which a packet, frame or picture was lost to damage, and gaps."""

    damaged: int = 0
    gaps: int = 0


@dataclass
class Notes:
    """Warnings about one source, in the order in which they occurred."""

    _facts: dict[str, None] = field(default_factory=dict)
    _events: dict[str, set[float]] = field(default_factory=dict)
    _damage: dict[str, set[float | str]] = field(default_factory=dict)
    _gaps: dict[float, float] = field(default_factory=dict)
    _missing: int = 0

    def tell(self, text: str) -> None:
        """Add a warning. The same text is added only once."""
        self._facts[text] = None

    def count(self, what: str, seconds: float) -> None:
        """Count an event at this time. `what` is a plural, such as `damaged frames left out`."""
        self._events.setdefault(what, set()).add(seconds)

    def damage(self, what: str, seconds: float) -> None:
        """Count an event as `count` does, and record it as a loss by damage."""
        self.count(what, seconds)
        self._damage.setdefault(what, set()).add(seconds)

    def leave_out(self, member: str, reason: object) -> None:
        """Add a warning that a picture was left out."""
        self.tell(f"{member} was left out: {reason}")
        self._damage.setdefault("pictures", set()).add(member)

    def miss(self, packets: int) -> None:
        """Add a warning that this many packets are missing at unknown times."""
        self.tell(
            f"{packets} packets fewer than the header says: frames are missing, and later ones are too early"
        )
        self._missing = packets

    def gap(self, start: float, length: float) -> None:
        """Record a gap: no frame for `length` seconds from `start` (seconds)."""
        self._gaps[start] = length

    def is_damaged_within(self, start: float, end: float) -> bool:
        """Return True if a loss by damage was recorded between two times in seconds, both included."""
        times = (at for at in chain.from_iterable(self._damage.values()) if not isinstance(at, str))
        return any(start <= at <= end for at in times)

    @property
    def found(self) -> Damage:
        """The losses in the part of the source that was read. A loss seen in two ways counts once."""
        noticed = max(map(len, self._damage.values()), default=0)
        return Damage(noticed + self._missing, len(self._gaps))

    @property
    def texts(self) -> list[str]:
        """Return all warnings as texts for users."""
        counted = [f"{what}: {len(at)}, first at {clock(min(at))}" for what, at in self._events.items()]
        if self._gaps:
            whole, first = sum(self._gaps.values()), clock(min(self._gaps))
            counted.append(f"gaps without a frame: {len(self._gaps)}, {whole:.1f} s in all, first at {first}")
        return [*self._facts, *counted]


class Timeline:
    """Checks the times of one pass over a stream, so that (stream, pts) identifies one frame."""

    def __init__(self, reader: Reader, notes: Notes) -> None:
        self._reader = reader
        self._notes = notes
        self._latest: int | None = None
        self._seen: set[int] = set()
        self._end: int | None = None
        self._pts: list[int] = []
        self._file_jumps = False
        self._jump = JUMP_S / reader.time_base

    def accept(self, pts: int) -> bool:
        """Return True if no earlier frame has this pts. A repeated pts adds a warning.

        Neighbouring frames may be swapped, as in AVI with packed B-frames. A frame that the decoder returns late,
        after a damaged stretch, is left out. Raises SourceError if the file's time jumps back, because two frames
        would then have the same id.
        """
        now = self._reader.seconds_at(pts)
        latest = self._reader.seconds_at(self._latest) if self._latest is not None else now
        if latest - now > JUMP_S:
            if not self._file_jumps:
                self._notes.damage("frames left out because they came too late", now)
                return False
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
        """Record a packet, to know at the end how far the file goes."""
        if pts is None:
            return
        self._pts.append(pts)
        if self._end is not None and self._end - pts > self._jump:
            self._file_jumps = True
        self._end = max(self._end or pts, pts + (duration or 0))

    def note_gaps(self) -> None:
        """Record the gaps between the packets that were read."""
        times = np.unique(np.array(self._pts, np.int64))
        steps = np.diff(times) * float(self._reader.time_base)
        if not len(steps):
            return
        usual = float(np.median(steps))
        is_regular = np.mean(np.abs(steps - usual) <= 0.1 * usual + 0.002) >= REGULAR_SHARE
        most = max(REGULAR_GAP_S, REGULAR_GAP_FRAMES * usual) if is_regular else GAP_S
        for place in np.flatnonzero(steps > most):
            start = self._reader.seconds_at(int(times[place]))
            self._notes.gap(round(start + usual, 3), float(steps[place]) - usual)

    def ended(self) -> None:
        """Add a warning if the packets end earlier than the header says, because the file was cut short."""
        promised = self._reader.duration_s()
        if promised is None or self._end is None:
            return
        seen = self._reader.seconds_at(self._end)
        if promised - seen > max(SHORTFALL_S, promised * SHORTFALL_SHARE):
            self._notes.tell(f"cut short: {clock(seen)} of {clock(promised)}")
            self._notes.gap(round(seen, 3), promised - seen)
        elif missing := self._reader.missing_packets():
            self._notes.miss(missing)
