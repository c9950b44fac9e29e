"""Bars around the picture: letterbox, pillarbox, frames of one colour. The one rule: darkness alone is no bar.

A bar is a run of lines of one brightness, the same on two opposite sides. It has to end in a straight edge,
a line where most of the picture starts at once; only equally wide bars are believed without one, because a
dark scene may hide it. So a night sky, a title on black and a figure on white paper have no border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 8
"""8-bit levels by which a bar's pixels may differ from its brightness: compression noise."""

OUTLIERS = 0.02
"""Share of a bar's line that may differ more."""

EDGE_SHARE = 0.5
"""Share of a line that has to differ from the bar for a straight edge."""

EDGE_DEPTH = 3
"""Lines after the bar within which the edge is looked for: scaled pictures have it blurred."""

EQUAL = 0.01
"""Bars are equally wide when they differ by less than this share of the picture (and by a pixel or two)."""

WIDEST, WIDEST_UNSEEN = 0.4, 0.2
"""Share of the picture that one bar can take at most, and without a visible edge."""

SAMPLES = 256
"""About so many pixels of each line are looked at."""


@dataclass(frozen=True)
class Borders:
    """Widths of the bars in shares of the picture's width and height, 0…1; 0 where there is none."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def inside(self, picture: np.ndarray) -> np.ndarray:
        """Return the part of [h, w, …] that is not border (a view, at least one pixel)."""
        height, width = picture.shape[:2]
        top, bottom = round(self.top * height), round(self.bottom * height)
        left, right = round(self.left * width), round(self.right * width)
        return picture[min(top, height - 1) : height - bottom, min(left, width - 1) : width - right]


def find_borders(luma: np.ndarray) -> Borders:
    """Return the bars of a picture, uint8 [h, w], full range, to the pixel."""
    height, width = luma.shape
    top, bottom = _pair(luma[:, :: max(1, width // SAMPLES)])
    middle = luma[top : height - bottom]
    left, right = _pair(middle[:: max(1, height // SAMPLES)].T)
    return Borders(left / width, top / height, right / width, bottom / height)


def _pair(lines: np.ndarray) -> tuple[int, int]:
    """Return the number of bar lines at the start and at the end of [lines, samples]."""
    colour = _level(lines[0])
    if abs(colour - _level(lines[-1])) > TOLERANCE:
        return 0, 0
    first, last = _run(lines, colour), _run(lines[::-1], colour)
    count = len(lines)
    if not first or not last or first == count:
        return 0, 0
    seen = _has_edge(lines, first, colour), _has_edge(lines[::-1], last, colour)
    if abs(first - last) <= max(2, EQUAL * count):
        limit = (WIDEST if any(seen) else WIDEST_UNSEEN) * count
        return (first, last) if max(first, last) <= limit else (0, 0)
    # Subtitles in a bar cut its run short; a dark scene makes it too long. What has an edge is believed.
    return _believed(first, seen[0], count), _believed(last, seen[1], count)


def _believed(run: int, has_edge: bool, count: int) -> int:
    return run if has_edge and run <= WIDEST * count else 0


def _level(line: np.ndarray) -> int:
    return int(np.median(line))


def _run(lines: np.ndarray, colour: int) -> int:
    """Return how many lines from the start on are of one colour."""
    if not _is_bar(lines[:1], colour)[0]:
        return 0  # the common case: no need to look at the rest
    is_bar = _is_bar(lines, colour)
    return len(lines) if is_bar.all() else int(np.argmin(is_bar))


def _is_bar(lines: np.ndarray, colour: int) -> np.ndarray:
    """Return bool [lines]: whether nearly all of a line is of this colour."""
    is_bar: np.ndarray = np.count_nonzero(_differs(lines, colour), axis=1) <= OUTLIERS * lines.shape[1]
    return is_bar


def _has_edge(lines: np.ndarray, run: int, colour: int) -> bool:
    """Return whether most of the picture begins right after a run of bar lines."""
    after = _differs(lines[run : run + EDGE_DEPTH], colour)
    return bool(after.size) and float(after.mean(axis=1).max()) >= EDGE_SHARE


def _differs(values: np.ndarray, colour: int) -> np.ndarray:
    low, high = max(0, colour - TOLERANCE), min(255, colour + TOLERANCE)
    return (values < low) | (values > high)
