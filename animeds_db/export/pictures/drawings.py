"""Drawings of a frame without a model: its lines, its flat colours, and the frame in other colours.

Each function takes uint8 RGB [height, width, 3]. NumPy and Pillow do the arithmetic; the same pixels give the same
drawing.
"""

from __future__ import annotations

import numpy as np
import xxhash
from PIL import Image

LINE_SHARE = 1 / 800
"""Standard deviation of the smaller blur, as a share of the shorter edge: about half the width of a drawn line."""
LINE_RATIO = 1.6
"""The larger blur by the smaller: then their difference is close to the Laplacian of a Gaussian."""
LINE_GAIN = 12.0
"""A line counts fully if it is darker than its surroundings by 1 / 12 of the range from black to white."""
FLAT_SHARE = 1 / 160
"""Radius of a window of `flat_colours`, as a share of the shorter edge: as wide as shading and lines that vanish."""
FLAT_COLOURS = 48
"""Number of colours that are left."""


def line_art(pixels: np.ndarray) -> np.ndarray:
    """Return the dark lines of a drawing, uint8 [height, width]: white lines on black, as ControlNets read them.

    A line is darker than what is around it: the difference of two Gaussian blurs of the brightness.
    """
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    sigma = max(0.6, min(grey.shape) * LINE_SHARE)
    darker = _blurred(grey, sigma * LINE_RATIO) - _blurred(grey, sigma)
    lines: np.ndarray = np.rint(np.clip(darker * LINE_GAIN, 0, 1) * 255).astype(np.uint8)
    return lines


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Return float32 [height, width] after a Gaussian blur."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padding = [(reach, reach) if one == axis else (0, 0) for one in (0, 1)]
        wide = np.pad(values, padding, mode="edge")
        length = values.shape[axis]
        values = sum(weight * wide.take(range(at, at + length), axis) for at, weight in enumerate(weights))
    return values


def flat_colours(pixels: np.ndarray) -> np.ndarray:
    """Return the picture in few flat colours, uint8 [height, width, 3], without lines, shading and grain.

    A Kuwahara filter: each pixel gets the mean of that window beside it, of four, in which colours differ least. Then
    the colours are reduced to FLAT_COLOURS.
    """
    reach = max(1, round(min(pixels.shape[:2]) * FLAT_SHARE))
    values = pixels.astype(np.float32)
    means = _window_means(values, reach)
    spread = (_window_means(values**2, reach) - means**2).sum(axis=2)
    height, width = pixels.shape[:2]
    corners = [(y, x) for y in (0, reach) for x in (0, reach)]
    least = np.argmin([spread[y : y + height, x : x + width] for y, x in corners], axis=0)
    flat = np.zeros_like(values)
    for number, (y, x) in enumerate(corners):
        np.copyto(flat, means[y : y + height, x : x + width], where=(least == number)[..., np.newaxis])
    image = Image.fromarray(np.rint(flat).astype(np.uint8))
    few = image.quantize(FLAT_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))


def _window_means(values: np.ndarray, reach: int) -> np.ndarray:
    """Return the means of all windows of reach + 1 pixels: [height + reach, width + reach, channels].

    The window of [y, x] begins `reach` pixels above and to the left of the pixel [y, x].
    """
    wide = np.pad(values, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.float64)
    sums = np.zeros((wide.shape[0] + 1, wide.shape[1] + 1, wide.shape[2]))
    sums[1:, 1:] = wide.cumsum(axis=0).cumsum(axis=1)
    side = reach + 1
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means: np.ndarray = (inside / side**2).astype(np.float32)
    return means


def regraded(pixels: np.ndarray, key: str) -> np.ndarray:
    """Return the picture before a colour grade, uint8 [height, width, 3]: with random brightness, contrast, saturation
    and colour of the light, which are the same for the same key."""
    rng = np.random.default_rng(xxhash.xxh3_64_intdigest(key.encode()))
    gamma, contrast, saturation = (
        np.exp(rng.uniform(-0.35, 0.35)),
        rng.uniform(0.6, 1.3),
        rng.uniform(0.3, 1.5),
    )
    light = np.exp(rng.uniform(-0.12, 0.12, 3))
    values = (pixels.astype(np.float32) / 255) ** np.float32(gamma) * light.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = 0.5 + np.float32(contrast) * (grey + np.float32(saturation) * (values - grey) - 0.5)
    result: np.ndarray = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return result
