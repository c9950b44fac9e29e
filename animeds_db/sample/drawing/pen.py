"""A pen for cartoon shapes: smooth outlined blobs and tapered strokes on a Pillow image.

Shapes are given in the figure's own units (one head high, y downwards). Only the pen works in pixels, so the same
drawing works at any size, tilted or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw

Colour: TypeAlias = tuple[int, ...]
"""Red, green, blue, 0…255, with an optional fourth value: opacity."""
Points: TypeAlias = Sequence[tuple[float, float]]
Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
NO_LINE = 0.001
"""A line of this width (in heads) or less is not drawn around shapes."""
_STEPS = 6
"""Straight pieces to one stretch of a smooth curve."""


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


@lru_cache(maxsize=512)
def _weights(count: int, closed: bool, corners: bytes) -> Array:
    """Return the [n, count] matrix that turns control points into the Catmull-Rom curve through them.

    `corners` has one byte per point, 1 where the next point is the same: there the curve stays, which
    keeps a pointed tip free of the little loop that the formula would draw.
    """
    basis = _basis(_STEPS)
    segments = count if closed else count - 1
    matrix = np.zeros((segments * _STEPS + (not closed), count))
    for i in range(segments):
        rows = slice(i * _STEPS, (i + 1) * _STEPS)
        if corners[i]:
            matrix[rows, i] = 1
            continue
        for k in range(4):
            at = (i + k - 1) % count if closed else min(max(i + k - 1, 0), count - 1)
            matrix[rows, at] += basis[:, k]
    if not closed:
        matrix[-1, -1] = 1
    return matrix


def _smooth(points: Array, *, closed: bool) -> Array:
    """Return the curve through [n, 2] points; a point given twice becomes a corner."""
    same = points[:, 0] == np.concatenate([points[1:, 0], points[:1, 0]])
    same &= points[:, 1] == np.concatenate([points[1:, 1], points[:1, 1]])
    curve: Array = _weights(len(points), closed, same.tobytes()) @ points
    return curve


@lru_cache(maxsize=1)
def _circle() -> Array:
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=64)
def _swell(count: int) -> Array:
    """Return [count] widths of a brush stroke: thin, full, thin."""
    return np.asarray(np.sin(np.linspace(0.12, math.pi - 0.12, count)) ** 0.7)


@lru_cache(maxsize=64)
def _between(count: int, values: int) -> Array:
    """Return the [count, values] matrix that spreads values evenly over a curve, linear in between."""
    place = np.linspace(0, values - 1, count)
    return np.stack([np.clip(1 - np.abs(place - i), 0, 1) for i in range(values)], axis=1)


_QUARTER_TURN = np.array([-1.0, 1.0])
_CAP = np.linspace(0, math.pi, 9)[1:-1, None]
_CAP_COS, _CAP_SIN = np.cos(_CAP), np.sin(_CAP)


class Pen:
    """Draws on `image` with the origin at pixel (x, y) and `unit` pixels to one head.

    Pens made by `tilted` share its image and extent.
    """

    def __init__(self, image: Image.Image, x: float, y: float, unit: float, line: float, ink: Colour) -> None:
        self._image = image
        self._solid = ImageDraw.Draw(image)
        self._glaze = ImageDraw.Draw(image, "RGBA")  # blends, at twice the cost of a solid fill
        self.unit = unit
        self.line = line
        self.ink = ink
        self._shapes: list[Array] = []
        self._matrix = np.eye(2) * unit
        self._origin = np.array([x, y])

    def tilted(self, degrees: float, about: tuple[float, float]) -> Pen:
        """Return a pen whose drawing is turned clockwise about a point."""
        other = Pen.__new__(Pen)
        other.__dict__.update(self.__dict__)
        angle = math.radians(degrees)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        other._matrix = turn @ self._matrix
        other._origin = self._origin + np.array(about) @ self._matrix - np.array(about) @ other._matrix
        return other

    def extent(self) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of all opaque shapes drawn so far, in pixels, unclipped."""
        points = np.concatenate(self._shapes)
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def cover(self, canvas: Image.Image, shrink: int) -> None:
        """Fill all opaque shapes drawn so far on a one-bit picture that is `shrink` times smaller than the canvas."""
        pencil = ImageDraw.Draw(canvas)
        for shape in self._shapes:
            pencil.polygon((shape / shrink).ravel().tolist(), fill=1)

    def pixels(self, points: Points | Array) -> Array:
        """Return [n, 2] pixel positions of points in head units."""
        placed: Array = np.asarray(points, dtype=np.float64) @ self._matrix + self._origin
        return placed

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
        if len(fill) == 4:
            if fill[3]:
                self._glaze.polygon(flat, fill=fill)
        else:
            self._solid.polygon(flat, fill=fill)
            self._shapes.append(curve)
        if outline and self.line > NO_LINE:
            self._solid.line(flat + flat[:2], fill=self.ink, width=self._width(line))

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

    def glaze(
        self, points: Points, colour: Colour, steps: Sequence[tuple[float, int]], *, down: bool = True
    ) -> None:
        """Blend a colour over a smooth shape, stronger step by step.

        `steps` are (position in head units, opacity 0…255): from there on downwards (or to the right) the colour has
        that opacity. Before the first one nothing is drawn.
        """
        curve = self.pixels(_smooth(np.asarray(points, dtype=np.float64), closed=True))
        corner = np.maximum(np.floor(curve.min(axis=0)), 0).astype(int)
        end = np.minimum(np.ceil(curve.max(axis=0)), self._image.size).astype(int)
        if (end <= corner).any():
            return
        size = (int(end[0] - corner[0]), int(end[1] - corner[1]))
        shape, strength = Image.new("L", size), Image.new("L", size)
        ImageDraw.Draw(shape).polygon((curve - corner).ravel().tolist(), fill=255)
        pencil = ImageDraw.Draw(strength)
        for at, opacity in steps:
            area = [(-9.0, at), (9.0, at), (9.0, 9.0), (-9.0, 9.0)]
            area = area if down else [(y, x) for x, y in area]
            pencil.polygon((self.pixels(area) - corner).ravel().tolist(), fill=opacity)
        mask = ImageChops.multiply(shape, strength)
        self._image.paste(colour[:3], (int(corner[0]), int(corner[1])), mask)

    def curve(self, points: Points, colour: Colour | None = None, *, line: float = 1) -> None:
        """Draw an open line of even width."""
        flat = _smooth(self.pixels(points), closed=False).ravel().tolist()
        self._solid.line(flat, fill=colour or self.ink, width=self._width(line))

    def stroke(self, points: Points, width: float, colour: Colour | None = None) -> None:
        """Draw an open line that swells to `width` (head units) in its middle and thins out at both ends."""
        curve = _smooth(self.pixels(points), closed=False)
        half = np.maximum(_swell(len(curve)) * (width * self.unit / 2), 0.6)
        self._solid.polygon(_tube(curve, half).ravel().tolist(), fill=colour or self.ink)

    def limb(self, points: Points, widths: Sequence[float], fill: Colour, *, outline: bool = True) -> None:
        """Fill a bent tube through the points, with a width in head units at each of them."""
        curve = _smooth(np.asarray(points, dtype=np.float64), closed=False)
        half = _between(len(curve), len(widths)) @ (np.asarray(widths) / 2)
        self.blob(_tube(curve, half, round_start=True), fill, outline=outline, smooth=False)
        if outline and len(widths) > 2:  # a sharp bend folds the tube over itself: fill the fold
            (x, y), r = points[1], widths[1] * 0.43
            self.oval(x, y, r, r, fill)

    def _width(self, factor: float) -> int:
        return max(1, round(self.line * self.unit * factor))


def _tube(curve: Array, half: Array, *, round_start: bool = False) -> Array:
    """Return the outline around an open [n, 2] curve with half widths [n]."""
    along = np.empty_like(curve)
    along[1:-1] = curve[2:] - curve[:-2]
    along[0], along[-1] = curve[1] - curve[0], curve[-1] - curve[-2]
    length = np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
    normal = along[:, ::-1] * _QUARTER_TURN * (half[:, None] / length)
    parts = [curve + normal, (curve - normal)[::-1]]
    if round_start:
        back = -along[0] / length[0] * half[0]
        parts.append(curve[0] - normal[0] * _CAP_COS + back * _CAP_SIN)
    return np.concatenate(parts)
