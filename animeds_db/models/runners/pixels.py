"""Turns a picture into a tensor as the manifest entry describes. No model gets special treatment here.

There are five ways to fit a picture into the model's size (height H, width W):

    pad        centred on a square of the longer side filled with `fill`, then resized   (WD taggers)
    letterbox  resized to fit, sides rounded down, then centred on H×W of `fill`         (DeepDanbooru, isnetis)
    stretch    resized to H×W, aspect not kept                                           (YOLO, CCIP)
    keep       shrunk (never grown) to fit H×W, both sides rounded up to `multiple`      (YOLO, dynamic)
    crop       shorter side resized, then the centre cut out                             (CLIP)

A model's own list of steps (preprocess.py) takes their place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from PIL import Image

from animeds_db.cores import core_count
from animeds_db.models.manifest import Input
from animeds_db.models.preprocess import FILTERS, prepared


def prepare(images: Sequence[np.ndarray], how: Input, size: tuple[int, int]) -> np.ndarray:
    """Return one float32 tensor for pictures of one fitted size: [n,3,H,W] or [n,H,W,3], by `how.layout`.

    `images`: uint8 RGB [h,w,3]. `size`: height and width. With fit = "keep" all pictures must have
    the same size (see `fitted_size`).
    """
    batch = np.stack(list(_workers().map(lambda image: fit(image, how, size), images)))
    if how.colour == "BGR":
        batch = batch[..., ::-1]
    if how.layout == "NCHW":
        return normalise(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)), how, (3, 1, 1))
    return np.ascontiguousarray(normalise(batch, how, (3,)))


@cache
def _workers() -> ThreadPoolExecutor:
    """Return the threads that fit pictures in parallel. Pillow releases the GIL while it resizes."""
    return ThreadPoolExecutor(core_count(), thread_name_prefix="animeds-pixels")


def normalise(batch: np.ndarray, how: Input, colours: tuple[int, ...]) -> np.ndarray:
    """Return (batch / divide - mean) / std as float32. `colours` is the shape in which a value per colour fits."""
    tensor = batch.astype(np.float32)
    if how.divide != 1.0:
        tensor /= np.float32(how.divide)
    if any(how.mean):
        tensor -= np.asarray(how.mean, np.float32).reshape(colours)
    if any(value != 1.0 for value in how.std):
        tensor /= np.asarray(how.std, np.float32).reshape(colours)
    return tensor


def fitted_size(width: int, height: int, how: Input, size: tuple[int, int]) -> tuple[int, int]:
    """Return a picture's height and width after fitting. They differ from `size` only for "keep"."""
    if how.fit != "keep":
        return size
    ratio = min(1.0, size[1] / width, size[0] / height)
    return _round_up(height * ratio, how.multiple), _round_up(width * ratio, how.multiple)


def _round_up(side: float, multiple: int) -> int:
    return math.ceil(side / multiple) * multiple


def fit(image: np.ndarray, how: Input, size: tuple[int, int]) -> np.ndarray:
    """Return the picture fitted into `size` (height, width): uint8 RGB; float32 0…255 with filter "linear"."""
    if how.steps:
        return np.asarray(prepared(Image.fromarray(image), how.steps))
    if how.fit == "pad":
        image = _square(image, how.fill)
    elif how.fit == "letterbox":
        return _letterbox(image, how, size)
    elif how.fit == "crop":
        return _centre_crop(image, how, size)
    return _resized(image, *fitted_size(image.shape[1], image.shape[0], how, size), how)


def shown(width: int, height: int, how: Input, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the pixels in which the fitted picture shows, without its padding.

    width and height are the picture's. Raises ValueError for fit = "crop": not all of the picture shows.
    """
    if how.fit == "crop":
        raise ValueError("of a cropped picture, a part does not show")
    fitted_height, fitted_width = fitted_size(width, height, how, size)
    if how.fit == "pad":
        side = max(width, height)
        across, down = (side - width) // 2 / side * fitted_width, (side - height) // 2 / side * fitted_height
        right, bottom = across + width / side * fitted_width, down + height / side * fitted_height
        return round(across), round(down), round(right), round(bottom)
    if how.fit == "letterbox":
        inner_height, inner_width = _letterboxed(width, height, size)
        left, top = (fitted_width - inner_width) // 2, (fitted_height - inner_height) // 2
        return left, top, left + inner_width, top + inner_height
    return 0, 0, fitted_width, fitted_height


def linear(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a picture or mask [h,w,…] resized linearly between the two nearest pixels, as float32.

    This is OpenCV's INTER_LINEAR. Unlike Pillow's filters, it does not smooth a picture that becomes smaller.
    """
    rows, below, down = _neighbours(picture.shape[0], height)
    columns, beside, across = _neighbours(picture.shape[1], width)
    down = down.reshape(-1, *[1] * (picture.ndim - 1))
    across = across.reshape(1, -1, *[1] * (picture.ndim - 2))
    values = picture.astype(np.float32, copy=False)
    wide = values[:, columns] * (1 - across) + values[:, beside] * across
    resized: np.ndarray = wide[rows] * (1 - down) + wide[below] * down
    return resized


def _neighbours(before: int, after: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each new pixel the two old ones beside its centre, and the share (0…1) of the second."""
    centres = (np.arange(after) + 0.5) * (before / after) - 0.5
    first = np.floor(centres).astype(np.int64)
    share = np.where((first < 0) | (first >= before - 1), 0.0, centres - first).astype(np.float32)
    first = first.clip(0, before - 1)
    return first, np.minimum(first + 1, before - 1), share


def _resized(image: np.ndarray, height: int, width: int, how: Input) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    if how.filter == "linear":
        return linear(image, height, width)
    return np.asarray(Image.fromarray(image).resize((width, height), FILTERS[how.filter]))


def _square(image: np.ndarray, fill: int) -> np.ndarray:
    side = max(image.shape[:2])
    return image if image.shape[:2] == (side, side) else _centred(image, side, side, fill)


def _centred(image: np.ndarray, height: int, width: int, fill: int) -> np.ndarray:
    canvas = np.full((height, width, 3), fill, image.dtype)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas


def _letterbox(image: np.ndarray, how: Input, size: tuple[int, int]) -> np.ndarray:
    inner = _letterboxed(image.shape[1], image.shape[0], size)
    return _centred(_resized(image, *inner, how), *size, how.fill)


def _letterboxed(width: int, height: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return a picture's height and width inside a letterbox of `size` (height, width)."""
    if width * size[0] >= height * size[1]:
        return max(1, height * size[1] // width), size[1]
    return size[0], max(1, width * size[0] // height)


def _centre_crop(image: np.ndarray, how: Input, size: tuple[int, int]) -> np.ndarray:
    """Resize the shorter side, then crop. The longer side is rounded down, as in transformers' CLIP."""
    height, width = size
    if image.shape[1] * height <= image.shape[0] * width:
        scaled = (max(height, width * image.shape[0] // image.shape[1]), width)
    else:
        scaled = (height, max(width, height * image.shape[1] // image.shape[0]))
    large = _resized(image, *scaled, how)
    top, left = (scaled[0] - height) // 2, (scaled[1] - width) // 2
    return large[top : top + height, left : left + width]
