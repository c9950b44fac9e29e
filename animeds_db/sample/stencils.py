"""The exact shapes of drawn people: which pixels of a picture show whom.

A figure is drawn once more, alone on a canvas of one colour that no figure has. What differs from that colour is the
figure. So the shapes are exact, down to single strands of hair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image

from .drawing.figure import Look, Pose, Sketch, Style, sketch

Shapes: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Stencil: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
_EMPTY = (0, 255, 1)
"""A colour that no part of a figure has."""


def stencil(
    size: tuple[int, int], look: Look, pose: Pose, style: Style, x: float, y: float, height: float
) -> tuple[Stencil, Sketch]:
    """Return where a figure is on a canvas of this size (width, height), bool [height, width], and the figure.

    The other parameters are those of `sketch`.
    """
    canvas = Image.new("RGB", size, _EMPTY)
    figure = sketch(canvas, look, pose, style, x, y, height)
    drawn: Stencil = (np.asarray(canvas) != np.array(_EMPTY, np.uint8)).any(axis=2)
    return drawn, figure


def visible(alone: Sequence[Stencil], size: tuple[int, int], supersample: int) -> Shapes:
    """Return the visible part of each figure, where later ones are in front: uint8 [figures, height, width].

    `alone` are stencils `supersample` times as large as `size` (width, height). 255 is a pixel that shows only that
    figure; edges are between 0 and 255.
    """
    shapes = np.zeros((len(alone), size[1], size[0]), np.uint8)
    covered = np.zeros((size[1] * supersample, size[0] * supersample), np.bool_)
    for place in range(len(alone) - 1, -1, -1):
        seen = alone[place] & ~covered
        shares = seen.reshape(size[1], supersample, size[0], supersample).mean(axis=(1, 3))
        shapes[place] = np.round(shares * 255)
        covered |= alone[place]
    return shapes
