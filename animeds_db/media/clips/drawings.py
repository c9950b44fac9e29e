"""Which frames of a clip show a new drawing, and which frame each moment of a clip at another rate shows.

Anime is drawn on ones, twos or threes: a drawing stands for one, two or three frames. A clip at another rate than its
source shows, at each of its moments, the drawing that is on the screen then. Where the drawings come faster than the
clip's frames, no drawing is shown twice: a moment may then show a drawing that is on the screen up to half a frame of
the clip earlier or later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.video.reformatter import Interpolation

from animeds_db.media.frame import VideoFrame
from animeds_db.media.shots.finding import BESIDE, new_drawings
from animeds_db.media.shots.movement import changed_cells
from animeds_db.media.shots.small import HEIGHT, WIDTH

AHEAD = 12
"""Moments that are looked at to decide one: the best choice for one depends on the next ones, but not on far ones."""

DOUBLED = 100.0
"""Cost of showing a drawing twice, where the cost of a shift is at most 1: any shift is better."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A frame and the number of the drawing that it shows, from 0."""

    frame: VideoFrame
    seconds: float
    """From the first frame of the clip."""
    drawing: int


def drawings(frames: Iterable[VideoFrame]) -> Iterator[Drawn]:
    """Yield frames with the numbers of their drawings. Some frames are read ahead, as `find_shots` does."""
    held: list[VideoFrame] = []
    cells = [0] * (BESIDE + 1)  # changes of the frames before the held ones, and of those
    before: np.ndarray | None = None
    start: float | None = None
    drawing = -1
    for frame in frames:
        start = _seconds(frame) if start is None else start
        luma, *_ = frame.shrunk(WIDTH, HEIGHT, Interpolation.FAST_BILINEAR)
        cells.append(0 if before is None else changed_cells(before, luma))
        before = luma
        held.append(frame)
        if len(held) > BESIDE:
            drawing += _is_new(cells) or drawing < 0
            first = held.pop(0)
            yield Drawn(first, _seconds(first) - start, drawing)
            cells.pop(0)
    for frame in held:
        cells += [0] * (2 * BESIDE + 2 - len(cells))
        drawing += _is_new(cells) or drawing < 0
        yield Drawn(frame, _seconds(frame) - (start or 0), drawing)
        cells.pop(0)


def _is_new(cells: Sequence[int]) -> bool:
    """Return True if the frame in the middle is a new drawing: one number before, BESIDE on each side of it."""
    return bool(new_drawings(np.array(cells[: 2 * BESIDE + 2]))[BESIDE + 1])


def _seconds(frame: VideoFrame) -> float:
    assert frame.time_s is not None
    return frame.time_s


def at_rate(frames: Iterable[VideoFrame], fps: Fraction, n_frames: int) -> Iterator[VideoFrame]:
    """Yield `n_frames` of the frames: those that a clip of this rate shows, in order. Some appear twice.

    Only the frames of some moments are held at a time.
    """
    rest = drawings(frames)
    held: list[Drawn] = []
    is_over = False
    chosen = -1
    reach = float(1 / fps) / 2
    for number in range(n_frames):
        moments = [float(n / fps) for n in range(number, min(number + AHEAD, n_frames))]
        while not is_over and (not held or held[-1].seconds <= moments[-1] + reach):
            one = next(rest, None)
            is_over = one is None
            if one is not None:
                held.append(one)
        numbers = np.array([one.drawing for one in held])
        first_of = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        starts = np.array([held[place].seconds for place in first_of])
        ends = np.append(starts[1:], np.inf)
        place = choose(starts, ends, moments, reach, chosen - int(numbers[0]))[0]
        chosen = int(numbers[0]) + place
        shown = _nearest([one for one in held if one.drawing == chosen], moments[0])
        yield shown.frame
        held = [one for one in held if one.drawing >= chosen]


def choose(
    starts: np.ndarray, ends: np.ndarray, moments: Sequence[float], reach: float, before: int = -1
) -> list[int]:
    """Return the drawing of each moment: as few as possible twice, then as little shift as possible.

    starts, ends: seconds at which the drawings appear and disappear. before: the drawing of the moment before; -1 is
    none. reach: maximum shift in seconds. If no drawing is within reach, that of the moment before stays.
    """
    costs: dict[int, tuple[float, list[int]]] = {before: (0.0, [])}
    for moment in moments:
        shift = np.maximum(np.maximum(starts - moment, moment - ends), 0.0)
        on_screen = int(np.searchsorted(starts, moment + 1e-6, side="right")) - 1
        shift[on_screen] = 0.0  # a moment at which one drawing follows another shows the later one
        near = {int(place): float(shift[place]) / reach for place in np.flatnonzero(shift <= reach)}
        if on_screen > 0 and on_screen - 1 in near:
            near[on_screen - 1] = max(near[on_screen - 1], 1e-3)
        following: dict[int, tuple[float, list[int]]] = {}
        for last, (cost, path) in costs.items():
            for place, shifted in (near or {max(last, 0): 1.0}).items():
                if place < last:
                    continue
                total = cost + shifted + DOUBLED * (place == last)
                if place not in following or total < following[place][0]:
                    following[place] = (total, [*path, place])
        costs = following or {last: (cost, [*path, max(last, 0)]) for last, (cost, path) in costs.items()}
    return min(costs.values(), key=lambda one: one[0])[1]


def _nearest(frames: Sequence[Drawn], moment: float) -> Drawn:
    """Return the frame that is on the screen at a moment, or the one nearest to it."""
    shown = [one for one in frames if one.seconds <= moment + 1e-6]
    return shown[-1] if shown else frames[0]
