"""What was noticed while reading a source. The one rule: each thing is told once, with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from animeds_db.errors import SourceError
from animeds_db.media.reader import Reader, clock

JUMP_S = 1.0
"""Times that run back by more than this (seconds) mean joined recordings, not a muxer's rounding."""

SHORTFALL_S, SHORTFALL_SHARE = 0.75, 0.02
"""A stream this much shorter than its header says is told: more than both, so that rounding is not."""

GAP_S = 5.0
"""A time without a frame that is longer than this (seconds) is noted in every video: damaged containers lose whole
clusters without any error."""

REGULAR_GAP_S, REGULAR_GAP_FRAMES = 0.2, 3.0
"""In a video of constant frame rate, a time without a frame is noted from this many seconds and frame lengths on."""

REGULAR_SHARE = 0.9
"""The frame rate counts as constant when this share (0…1) of the times between frames is the usual one."""

HINT_REMUX = "give the file new times: ffmpeg -i in.ts -c copy out.mkv"
HINT_RAW = "put it into a container that has times: mkvmerge -o out.mkv in.h264"


@dataclass(frozen=True)
class Damage:
    """What is missing of a source: moments at which damage cost a packet, frame or picture, and gaps in time."""

    damaged: int = 0
    gaps: int = 0


@dataclass
class Notes:
    """Warnings of one source, in the order in which they came up."""

    _facts: dict[str, None] = field(default_factory=dict)
    _events: dict[str, set[float]] = field(default_factory=dict)
    _damage: dict[str, set[float | str]] = field(default_factory=dict)
    _gaps: dict[float, float] = field(default_factory=dict)
    _missing: int = 0

    def tell(self, text: str) -> None:
        """Note a fact; the same fact is told once however often it is noticed."""
        self._facts[text] = None

    def count(self, what: str, seconds: float) -> None:
        """Note that something happened at this moment; `what` is a plural: `damaged frames left out`."""
        self._events.setdefault(what, set()).add(seconds)

    def damage(self, what: str, seconds: float) -> None:
        """Note that damage cost something at this moment, as `count` does."""
        self.count(what, seconds)
        self._damage.setdefault(what, set()).add(seconds)

    def leave_out(self, member: str, reason: object) -> None:
        """Note that a picture cannot be used."""
        self.tell(f"{member} was left out: {reason}")
        self._damage.setdefault("pictures", set()).add(member)

    def miss(self, packets: int) -> None:
        """Note that this many packets are missing, nobody knows where."""
        self.tell(
            f"{packets} packets fewer than the header says: frames are missing, and later ones come too early"
        )
        self._missing = packets

    def gap(self, start: float, length: float) -> None:
        """Note that from `start` on no frame is there for `length`, both in seconds."""
        self._gaps[start] = length

    @property
    def found(self) -> Damage:
        """How much is missing, as far as the source was read. One loss may show in two ways and counts once."""
        noticed = max(map(len, self._damage.values()), default=0)
        return Damage(noticed + self._missing, len(self._gaps))

    @property
    def texts(self) -> list[str]:
        """All warnings as sentences."""
        counted = [f"{what}: {len(at)}, first at {clock(min(at))}" for what, at in self._events.items()]
        if self._gaps:
            whole, first = sum(self._gaps.values()), clock(min(self._gaps))
            counted.append(f"gaps without a frame: {len(self._gaps)}, {whole:.1f} s in all, first at {first}")
        return [*self._facts, *counted]


class Timeline:
    """Watches the times of one pass over a stream: (stream, pts) has to name one frame."""

    def __init__(self, reader: Reader, notes: Notes) -> None:
        self._reader = reader
        self._notes = notes
        self._latest: int | None = None
        self._seen: set[int] = set()
        self._end: int | None = None
        self._pts: list[int] = []
        self._file_jumps = False

    def accept(self, pts: int) -> bool:
        """Return whether no frame before had this pts; a repeated one is noted.

        Neighbours may come the wrong way round, as in AVI with packed B-frames. A frame that a decoder gives up
        late, behind a damaged stretch, is left out. Raises SourceError when the time of the file itself jumps
        back: two frames would then have the same name.
        """
        now = self._reader.seconds_at(pts)
        latest = self._reader.seconds_at(self._latest) if self._latest is not None else now
        if latest - now > JUMP_S:
            if not self._file_jumps:
                self._notes.damage("frames left out because they come too late", now)
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
        """Take note of a packet, to know at the end how far the file went."""
        if pts is None:
            return
        self._pts.append(pts)
        if self._end is not None and (self._end - pts) * self._reader.time_base > JUMP_S:
            self._file_jumps = True
        self._end = max(self._end or pts, pts + (duration or 0))

    def note_gaps(self) -> None:
        """Note the times without a frame among the packets that were seen."""
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
        """Compare where the packets stopped with what the header promised: was the file cut short?"""
        promised = self._reader.duration_s()
        if promised is None or self._end is None:
            return
        seen = self._reader.seconds_at(self._end)
        if promised - seen > max(SHORTFALL_S, promised * SHORTFALL_SHARE):
            self._notes.tell(f"cut short: {clock(seen)} of {clock(promised)}")
            self._notes.gap(round(seen, 3), promised - seen)
        elif missing := self._reader.missing_packets():
            self._notes.miss(missing)
