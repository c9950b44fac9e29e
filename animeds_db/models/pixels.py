"""Turns a picture into a tensor as the manifest entry describes. No model gets special treatment here.

There are five ways to fit a picture into the model's size (height H, width W):

    pad        centred on a square of the longer side filled with `fill`, then resized   (WD taggers)
    letterbox  resized to fit, sides rounded down, then centred on H×W of `fill`         (DeepDanbooru)
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
    tensor = normalise(batch, how)
    if how.layout == "NCHW":
        tensor = tensor.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(tensor)


@cache
def _workers() -> ThreadPoolExecutor:
    """Return the threads that fit pictures in parallel. Pillow releases the GIL while it resizes."""
    return ThreadPoolExecutor(core_count(), thread_name_prefix="animeds-pixels")


def normalise(batch: np.ndarray, how: Input) -> np.ndarray:
    """Return (batch / divide - mean) / std as float32, over the last axis."""
    tensor = batch.astype(np.float32)
    if how.divide != 1.0:
        tensor /= np.float32(how.divide)
    if any(how.mean):
        tensor -= np.asarray(how.mean, np.float32)
    if any(value != 1.0 for value in how.std):
        tensor /= np.asarray(how.std, np.float32)
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
    """Return the picture fitted into `size` (height, width): uint8 RGB."""
    picture = Image.fromarray(image)
    if how.steps:
        return np.asarray(prepared(picture, how.steps))
    resample = FILTERS[how.filter]
    if how.fit == "pad":
        picture = _square(picture, how.fill)
    elif how.fit == "letterbox":
        return np.asarray(_letterbox(picture, how, size))
    elif how.fit == "crop":
        return np.asarray(_centre_crop(picture, resample, size))
    height, width = fitted_size(*picture.size, how, size)
    if picture.size != (width, height):
        picture = picture.resize((width, height), resample)
    return np.asarray(picture)


def _square(picture: Image.Image, fill: int) -> Image.Image:
    side = max(picture.size)
    if picture.size == (side, side):
        return picture
    square = Image.new("RGB", (side, side), (fill, fill, fill))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _letterbox(picture: Image.Image, how: Input, size: tuple[int, int]) -> Image.Image:
    ratio = min(size[1] / picture.width, size[0] / picture.height)
    width, height = max(1, int(picture.width * ratio)), max(1, int(picture.height * ratio))
    canvas = Image.new("RGB", (size[1], size[0]), (how.fill, how.fill, how.fill))
    small = picture.resize((width, height), FILTERS[how.filter])
    canvas.paste(small, ((size[1] - width) // 2, (size[0] - height) // 2))
    return canvas


def _centre_crop(picture: Image.Image, resample: Image.Resampling, size: tuple[int, int]) -> Image.Image:
    """Resize the shorter side, then crop. The longer side is rounded down, as in transformers' CLIP."""
    height, width = size
    if picture.width * height <= picture.height * width:
        scaled = (width, max(height, width * picture.height // picture.width))
    else:
        scaled = (max(width, height * picture.width // picture.height), height)
    picture = picture.resize(scaled, resample)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
