"""A pen for cartoon shapes: smooth outlined blobs and tapered strokes on a Pillow image.

Its one rule: shapes are given in the figure's own units (one head high, y downwards) and the pen alone
knows pixels, so the same drawing works at any size, tilted or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

Colour: TypeAlias = tuple[int, ...]
"""Red, green, blue, 0…255, with an optional fourth value: opacity."""
Points: TypeAlias = Sequence[tuple[float, float]]
Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour darker (factor below 1) or blended towards white (1 … 2)."""
    if factor <= 1:
        return tuple(int(c * factor) for c in colour[:3])
    return tuple(int(c + (255 - c) * (factor - 1)) for c in colour[:3])


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return `a` and `b` mixed; `share` 0 … 1 of `b`."""
    return tuple(int(p + (q - p) * share) for p, q in zip(a[:3], b[:3], strict=True))


@lru_cache(maxsize=8)
def _basis(steps: int) -> Array:
    """Return the [steps, 4] weights of a uniform Catmull-Rom segment."""
    t = np.arange(steps) / steps
    t2, t3 = t * t, t * t * t
    return 0.5 * np.stack([-t3 + 2 * t2 - t, 3 * t3 - 5 * t2 + 2, -3 * t3 + 4 * t2 + t, t3 - t2], axis=1)


def _smooth(points: Array, *, closed: bool, steps: int = 6) -> Array:
    """Return the Catmull-Rom curve through [n, 2] points; a point given twice becomes a corner."""
    n = len(points)
    index = np.arange(n if closed else n - 1)
    around = index[:, None] + np.array([-1, 0, 1, 2])
    around = around % n if closed else around.clip(0, n - 1)
    curve = np.einsum("kf,nfd->nkd", _basis(steps), points[around]).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


@lru_cache(maxsize=1)
def _circle() -> Array:
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


class Pen:
    """Draws on `image` with the origin at pixel (x, y) and `unit` pixels to one head.

    `extent` is [left, top, right, bottom] of all solid shapes drawn so far, in pixels, unclipped; pens
    made by `tilted` share it.
    """

    def __init__(self, image: Image.Image, x: float, y: float, unit: float, line: float, ink: Colour) -> None:
        self.draw = ImageDraw.Draw(image, "RGBA")
        self.unit = unit
        self.line = line
        self.ink = ink
        self.extent = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._matrix = np.eye(2) * unit
        self._origin = np.array([x, y])

    def tilted(self, degrees: float, about: tuple[float, float]) -> Pen:
        """Return a pen whose drawing is turned clockwise about a point."""
        other = Pen.__new__(Pen)
        other.__dict__.update(self.__dict__)
        angle = math.radians(degrees)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        other._matrix = turn * self.unit
        other._origin = self._origin + np.array(about) @ self._matrix - np.array(about) @ other._matrix
        return other

    def pixels(self, points: Points | Array) -> Array:
        """Return [n, 2] pixel positions of points in head units."""
        return np.asarray(points, dtype=np.float64) @ self._matrix + self._origin

    def blob(
        self,
        points: Points | Array,
        fill: Colour,
        *,
        outline: bool = True,
        smooth: bool = True,
        line: float = 1,
    ) -> None:
        """Fill a closed shape through the points, outlined in ink of `line` times the pen's width."""
        curve = self.pixels(points)
        if smooth:
            curve = _smooth(curve, closed=True)
        flat = curve.ravel().tolist()
        self.draw.polygon(flat, fill=fill)
        if len(fill) == 3:
            self.extent[:2] = np.minimum(self.extent[:2], curve.min(axis=0))
            self.extent[2:] = np.maximum(self.extent[2:], curve.max(axis=0))
        if outline and self.line:
            self.draw.line(flat + flat[:2], fill=self.ink, width=self._width(line))

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: Colour,
        *,
        outline: bool = False,
        line: float = 1,
    ) -> None:
        """Fill an ellipse."""
        self.blob(_circle() * (rx, ry) + (x, y), fill, outline=outline, smooth=False, line=line)

    def curve(self, points: Points, colour: Colour | None = None, *, line: float = 1) -> None:
        """Draw an open line of even width."""
        flat = _smooth(self.pixels(points), closed=False).ravel().tolist()
        self.draw.line(flat, fill=colour or self.ink, width=self._width(line))

    def stroke(self, points: Points, width: float, colour: Colour | None = None) -> None:
        """Draw an open line that swells to `width` (head units) in its middle and thins out at both ends."""
        curve = _smooth(self.pixels(points), closed=False)
        swell = np.sin(np.linspace(0.12, math.pi - 0.12, len(curve))) ** 0.7 * width * self.unit / 2
        self._ribbon(curve, swell, colour or self.ink)

    def limb(self, points: Points, widths: Sequence[float], fill: Colour, *, outline: bool = True) -> None:
        """Fill a bent tube through the points, with a width in head units at each of them."""
        curve = _smooth(np.asarray(points, dtype=np.float64), closed=False)
        place = np.linspace(0, len(widths) - 1, len(curve))
        half = np.interp(place, np.arange(len(widths)), np.asarray(widths) / 2)
        self.blob(_tube(curve, half, round_start=True), fill, outline=outline, smooth=False)

    def _ribbon(self, curve: Array, half: Array, colour: Colour) -> None:
        self.draw.polygon(_tube(curve, np.maximum(half, 0.6)).ravel().tolist(), fill=colour)

    def _width(self, factor: float) -> int:
        return max(1, round(self.line * self.unit * factor))


def _tube(curve: Array, half: Array, *, round_start: bool = False) -> Array:
    """Return the outline around an open [n, 2] curve with half widths [n]."""
    along = np.gradient(curve, axis=0)
    length = np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / length * half[:, None]
    parts = [curve + normal, (curve - normal)[::-1]]
    if round_start:
        back = -along[0] / length[0] * half[0]
        angle = np.linspace(0, math.pi, 9)[1:-1, None]
        parts.append(curve[0] - normal[0] * np.cos(angle) + back * np.sin(angle))
    return np.concatenate(parts)
