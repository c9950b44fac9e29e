"""Finds bars around the picture: letterbox, pillarbox, frames of one colour. Darkness alone is not a bar.

A bar is a run of lines of one brightness, equally wide on two opposite sides. It must end in a straight
edge, where most of the picture begins in the same line. A dark scene may hide a black bar's edge on one side, and
the bar may contain subtitles; then one edge is enough. So a night sky, a title on black and a figure on
white paper have no border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 8
"""8-bit levels by which a bar's pixels may differ from its brightness: compression noise."""

OUTLIERS = 0.02
"""Maximum share (0…1) of a bar's line that may differ more."""

EDGE_SHARE = 0.5
"""Minimum share (0…1) of a line that must differ from the bar for a straight edge."""

EDGE_DEPTH = 3
"""Number of lines after the bar in which the edge is searched, because it is blurred in scaled pictures."""

FAINT, FAINT_SHARE = 2, 0.3
"""A black bar's edge in a dark scene: levels (8 bits) of difference, and the minimum share of the line with more."""

BLACK = 28
"""Maximum level (8 bits; black in video is 16) of a black bar."""

BAR_SHARE = 0.6
"""Minimum share (0…1) of each line of a black bar that is black in spite of subtitles."""

EQUAL = 0.01
"""Bars are equally wide if they differ by less than this share of the picture, or by two pixels."""

WIDEST = 0.4
"""Maximum share (0…1) of the picture for one bar."""

STEP = 64
"""Number of lines of a bar that are examined together."""

SAMPLES = 256
"""Approximate number of pixels examined per line."""


@dataclass(frozen=True)
class Borders:
    """Widths of the bars as shares of the picture's width and height, 0…1; 0 if there is no bar."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    def inside(self, picture: np.ndarray) -> np.ndarray:
        """Return the part of [h, w, …] inside the borders (a view, at least one pixel)."""
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
    colour, count = _level(lines[0]), len(lines)
    if abs(colour - _level(lines[-1])) > TOLERANCE:
        return 0, 0
    first = _run(lines, colour)
    last = _run(lines[::-1], colour) if 0 < first < count else 0
    if not last or min(first, last) > WIDEST * count:
        return 0, 0
    edges = [_has_edge(lines, first, colour), _has_edge(lines[::-1], last, colour)]
    if abs(first - last) <= max(2, EQUAL * count):
        is_seen = all(edges) or (colour <= BLACK and (any(edges) or _has_faint_edges(lines, first, last)))
        return (first, last) if is_seen else (0, 0)
    if colour > BLACK or not any(edges):
        return 0, 0
    # One run is too short (subtitles) or too long (a black sky): the other, with its edge, has the right width.
    tells_first = edges[0] and (first < last or not edges[1])
    width, other = (first, lines[::-1]) if tells_first else (last, lines)
    is_bar = width <= WIDEST * count and _differs(other[:width], colour).mean(axis=1).max() <= 1 - BAR_SHARE
    return (width, width) if is_bar else (0, 0)


def _level(line: np.ndarray) -> int:
    return int(np.median(line))


def _run(lines: np.ndarray, colour: int) -> int:
    """Return the number of lines at the start that have this colour."""
    # Mostly there is no bar. If there is one, the rest of the picture need not be examined.
    start, step = 0, 1
    while start < len(lines):
        is_bar = _is_bar(lines[start : start + step], colour)
        if not is_bar.all():
            return start + int(np.argmin(is_bar))
        start, step = start + len(is_bar), STEP
    return len(lines)


def _is_bar(lines: np.ndarray, colour: int) -> np.ndarray:
    """Return bool [lines]: True if nearly all of a line has this colour."""
    is_bar: np.ndarray = np.count_nonzero(_differs(lines, colour), axis=1) <= OUTLIERS * lines.shape[1]
    return is_bar


def _has_edge(lines: np.ndarray, run: int, colour: int) -> bool:
    """Return True if most of the picture begins right after a run of bar lines."""
    return _share_after(lines, run, colour, TOLERANCE) >= EDGE_SHARE


def _has_faint_edges(lines: np.ndarray, first: int, last: int) -> bool:
    """Return True if something dark, but not black, begins after the bar on both sides."""
    colour = _level(lines[0])
    sides = (lines, first), (lines[::-1], last)
    return all(_share_after(side, run, colour, FAINT) >= FAINT_SHARE for side, run in sides)


def _share_after(lines: np.ndarray, run: int, colour: int, tolerance: int) -> float:
    after = _differs(lines[run : run + EDGE_DEPTH], colour, tolerance)
    return float(after.mean(axis=1).max()) if after.size else 0.0


def _differs(values: np.ndarray, colour: int, tolerance: int = TOLERANCE) -> np.ndarray:
    low, high = max(0, colour - tolerance), min(255, colour + tolerance)
    differs: np.ndarray = values - np.uint8(low) > high - low  # lower values wrap around to higher ones
    return differs
