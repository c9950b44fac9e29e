"""From decoded pixels to the bytes of a file. The same pixels and options give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from animeds_db.errors import ExportError
from animeds_db.export.pictures.png import png
from animeds_db.export.pictures.sizes import Resize

Crop = tuple[float, float, float, float]
"""left, top, right, bottom; 0…1 of the displayed frame, origin top left."""

MIN_OVERLAP = 1e-6
"""Minimum width and height of a crop inside the frame, as a share of the frame. Smaller crops are an error."""


@dataclass(frozen=True)
class Format:
    """A picture format: file extension, name, longest edge it can hold, encoder.

    The encoder takes an RGB, RGBA or grey image and a quality, 1…100.
    """

    suffix: str
    name: str
    max_edge: int
    encode: Callable[[Image.Image, int], bytes]


def _png(image: Image.Image, quality: int) -> bytes:  # noqa: ARG001 (PNG is lossless)
    return png(np.asarray(image))


def _webp(image: Image.Image, quality: int) -> bytes:
    # Method 4, Pillow's default, takes twice as long. Size and PSNR differ by less than 1 % and 0.5 dB.
    # exact: the colours under transparency stay, since trainers learn from them through the mask.
    return _by_pillow(image, "WEBP", quality=quality, method=2, exact=image.mode == "RGBA")


def _jpg(image: Image.Image, quality: int) -> bytes:
    # 4:4:4, because thin coloured lines bleed otherwise
    return _by_pillow(image, "JPEG", quality=quality, subsampling=0)


def _by_pillow(image: Image.Image, name: str, **arguments: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **arguments)
    return buffer.getvalue()


FORMATS = {
    "png": Format(".png", "PNG", 65535, _png),
    "webp": Format(".webp", "WebP", 16383, _webp),
    "jpg": Format(".jpg", "JPEG", 65500, _jpg),
}


def checked_crop(values: Sequence[float | None], frame_id: str) -> Crop:
    """Return a crop, limited to the frame. Raises ExportError with the frame's id."""
    numbers = [float("nan") if v is None else float(v) for v in values]
    if len(numbers) == 4:
        left, top, right, bottom = (min(max(v, 0.0), 1.0) for v in numbers)
        # Comparisons with NaN are false, so this refuses NaN as well.
        if right - left > MIN_OVERLAP and bottom - top > MIN_OVERLAP and not any(v != v for v in numbers):
            return left, top, right, bottom
    raise ExportError(
        f"Frame {frame_id}: the crop {list(values)} is not a box inside the frame.",
        hint="A crop is [left, top, right, bottom], each between 0 and 1, with left < right and top < bottom.",
    )


def crop_box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a crop in whole pixels (left, top, right, bottom), rounded to nearest, never empty."""
    left, right = _span(crop[0], crop[2], width)
    top, bottom = _span(crop[1], crop[3], height)
    return left, top, right, bottom


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), length - 1)
    return first, max(round(end * length), first + 1)


@dataclass(frozen=True)
class Rendered:
    """A picture ready to be encoded, and which part of the crop it shows."""

    image: Image.Image
    shown: Crop | None
    """left, top, right, bottom, 0…1 of the crop, if the ends were cut off to fit a bucket. None: the whole crop."""


def render(pixels: np.ndarray, crop: Crop | None, resize: Resize) -> Rendered:
    """Return the picture of uint8 pixels: cropped first, then scaled, then cut to its bucket.

    RGB [h, w, 3] and RGBA [h, w, 4] are scaled by Lanczos, and grey [h, w] linearly, since masks must not ring.
    """
    if crop is not None:
        left, top, right, bottom = crop_box(crop, pixels.shape[1], pixels.shape[0])
        pixels = pixels[top:bottom, left:right]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    size, final = resize.sizes(image.width, image.height)
    if size != image.size:
        is_grey = image.mode == "L"
        image = image.resize(size, Image.Resampling.BILINEAR if is_grey else Image.Resampling.LANCZOS)
    if final == size:
        return Rendered(image, None)
    left, top = (size[0] - final[0]) // 2, (size[1] - final[1]) // 2
    right, bottom = left + final[0], top + final[1]
    shown = (left / size[0], top / size[1], right / size[0], bottom / size[1])
    return Rendered(image.crop((left, top, right, bottom)), shown)


def rendered_pixels(pixels: np.ndarray, crop: Crop | None, resize: Resize) -> int:
    """Return the number of pixels of the scaled picture in `render`. Raises ExportError if there are too many."""
    height, width = pixels.shape[:2]
    if crop is not None:
        left, top, right, bottom = crop_box(crop, width, height)
        width, height = right - left, bottom - top
    size, _ = resize.sizes(width, height)
    return size[0] * size[1]


def format_of(name: str) -> str:
    """Return the format of a part of a picture (see picture.Part) by its extension: PNG if that is of no format."""
    return next((key for key, one in FORMATS.items() if name.endswith(one.suffix)), "png")


def encode(image: Image.Image, image_format: str, quality: int) -> bytes:
    """Return the file's bytes, without metadata. Raises ExportError for a size too large for the format."""
    kind = FORMATS[image_format]
    if max(image.size) > kind.max_edge:
        raise ExportError(
            f"A picture of {image.width} × {image.height} pixels is too large for {kind.name} "
            f"(longest edge {kind.max_edge}).",
            hint="Choose png, or a smaller size with --max-size.",
        )
    return kind.encode(image, quality)
