"""Finds and measures the shots of a video in one pass: where they begin and end, how they are drawn, what moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from animeds_db.media.shots.cuts import CutFinder
from animeds_db.media.shots.likeness import BLANK
from animeds_db.media.shots.movement import Movement, changed_cells, movement
from animeds_db.media.shots.small import SmallFrame

LEAST_CELLS = 4
"""Minimum number of changed cells (of 20,736) of another drawing: a small mouth opens."""

TRACE = 0.05
"""Changes below this share of the greatest one within BESIDE frames are traces that coding leaves of it."""

BESIDE = 4
"""Frames on each side, about a drawing on fours."""

STEP = 3
"""Frames between two measurements of movement: most anime is drawn on threes or twos, and it saves time."""

LONGEST_HOLD = 4
"""Frames for which a drawing may stand and still belong to a movement: on ones, twos, threes or fours."""

MAJORITY = 0.6
"""Minimum share of the drawings of movements that stand equally long, for a shot to have a cadence."""

CAMERA_MOVES = 0.02
"""Minimum movement of a picture's edge, in shares of its size, over a shot in which the camera moves."""

DRAWN_MOVES = 0.06
"""Minimum share of the picture that moves apart from the camera, in half of the measured steps, where it pans."""


@dataclass(frozen=True)
class Shot:
    """A shot: the frames between two cuts, and what was measured in them."""

    number: int
    """From 0."""
    first_pts: int
    last_pts: int
    start_s: float
    """Seconds from the stream's start of the first frame."""
    last_s: float
    """Seconds of the last frame."""
    n_frames: int
    drawn_frames: int
    """Number of frames that differ from the one before; the first one counts."""
    cadence: int | None
    """Frames for which most drawings stand while something moves: 1, 2, 3 or 4; None: none, or it varies."""
    motion: str
    """still: one picture; pan or zoom: a still picture under a moving camera; moving: drawn movement."""
    pan_x: float
    """Movement of the camera to the right over the shot, in picture widths."""
    pan_y: float
    """Movement of the camera downward, in picture heights."""
    zoom: float
    """Size of the last picture relative to the first: 2 is twice as close."""
    moved: float
    """Share (0…1) of the picture that moves apart from the camera: mean of the steps of STEP frames."""
    is_blank: bool
    """True if no frame shows anything, as in a long black."""


@dataclass(frozen=True)
class _Measured:
    """One frame: its position, its contrast, its change, and the movement since the frame number `since`."""

    pts: int
    time_s: float
    contrast: float
    cells: int
    since: int
    movement: Movement | None


def find_shots(frames: Iterable[SmallFrame]) -> Iterator[Shot]:
    """Yield the shots of a video from all of its small frames, in order.

    Only some seconds of pictures are held at a time, and a few numbers per frame of the current shot.
    """
    cuts = CutFinder()
    measures = _Measures()
    held: list[_Measured] = []
    first = number = 0
    for frame in frames:
        held.append(measures.of(frame))
        for cut in cuts.add(frame.coarse()):
            yield _shot(number, first, held[: cut - first])
            del held[: cut - first]
            first, number = cut, number + 1
    for cut in cuts.end():
        yield _shot(number, first, held[: cut - first])
        del held[: cut - first]
        first, number = cut, number + 1
    if held:
        yield _shot(number, first, held)


class _Measures:
    """Measures frames one by one. Movement is measured every STEP frames, where anything has changed."""

    def __init__(self) -> None:
        self._n = 0
        self._last: np.ndarray | None = None
        self._anchor: np.ndarray | None = None
        self._anchored = 0
        self._has_changed = False

    def of(self, frame: SmallFrame) -> _Measured:
        luma, n = frame.luma, self._n
        cells = 0 if self._last is None else changed_cells(self._last, luma)
        self._has_changed |= cells >= LEAST_CELLS
        since, moved = self._anchored, None
        if self._anchor is None:
            self._anchor = luma
        elif n - self._anchored >= STEP:
            if self._has_changed:
                moved = movement(self._anchor, luma)
            self._anchor, self._anchored, self._has_changed = luma, n, False
        self._last, self._n = luma, n + 1
        return _Measured(frame.pts, frame.time_s, float(luma[::4, ::4].std()), cells, since, moved)


def _shot(number: int, first: int, frames: Sequence[_Measured]) -> Shot:
    """Return the shot that consists of these frames, of which the first is the video's frame `first`."""
    is_new = new_drawings(np.array([frame.cells for frame in frames]))
    steps = [f.movement for f in frames if f.movement is not None and f.since >= first]
    table = np.array(steps, np.float64).reshape(-1, 4)
    right, down, growth = table[:, :3].sum(axis=0)
    moved = float(table[:, 3].mean()) if len(table) else 0.0
    return Shot(
        number=number,
        first_pts=frames[0].pts,
        last_pts=frames[-1].pts,
        start_s=frames[0].time_s,
        last_s=frames[-1].time_s,
        n_frames=len(frames),
        drawn_frames=int(is_new.sum()),
        cadence=_cadence(is_new),
        motion=_motion(int(is_new.sum()), table),
        pan_x=round(-float(right), 4),
        pan_y=round(-float(down), 4),
        zoom=round(float(np.exp(growth)), 4),
        moved=round(moved, 4),
        is_blank=max(frame.contrast for frame in frames) < BLANK,
    )


def new_drawings(cells: np.ndarray) -> np.ndarray:
    """Return which frames of a shot show another picture than the one before, bool [n]; the first one does."""
    cells = cells.copy()
    cells[0] = 0  # the change at the cut
    padded = np.pad(cells, BESIDE)
    greatest = np.lib.stride_tricks.sliding_window_view(padded, 2 * BESIDE + 1).max(axis=1)
    is_new: np.ndarray = cells >= np.maximum(LEAST_CELLS, TRACE * greatest)
    is_new[0] = True
    return is_new


def _cadence(is_new: np.ndarray) -> int | None:
    """Return for how many frames most drawings of the shot's movements stand, or None."""
    holds = np.diff(np.flatnonzero(is_new))
    holds = holds[holds <= LONGEST_HOLD]
    if len(holds) < 3:
        return None
    counts = np.bincount(holds)
    usual = int(counts.argmax())
    return usual if counts[usual] >= MAJORITY * len(holds) else None


def _motion(drawn: int, steps: np.ndarray) -> str:
    """Return the kind of motion of a shot, from the movements of its steps [n, 4]."""
    if drawn == 1:
        return "still"
    right, down, growth = np.abs(steps[:, :3].sum(axis=0))
    by_zoom = growth / 2  # at the picture's edge, half a size from its middle
    if max(right, down, by_zoom) < CAMERA_MOVES or np.median(steps[:, 3]) >= DRAWN_MOVES:
        return "moving"
    return "zoom" if by_zoom > max(right, down) else "pan"
