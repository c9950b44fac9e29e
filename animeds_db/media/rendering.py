"""Decodes picture files into upright sRGB pixels. Pictures over the size limit are rejected before decoding."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from animeds_db.errors import SourceError
from animeds_db.media.picture_files import DECODE_ERRORS, PictureError, open_picture


def picture_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels as displayed, read from the header only; (0, 0) if it is not a picture."""
    try:
        image = open_picture(data)
        turned = image.getexif().get(274, 1) >= 5  # Exif orientations 5…8 swap width and height
    except (PictureError, *DECODE_ERRORS):
        return 0, 0
    return (image.height, image.width) if turned else (image.width, image.height)


def decode_picture(data: bytes) -> tuple[np.ndarray, bool]:
    """Return uint8 sRGB [h, w, 3], and True if the file has more frames, which are ignored.

    The picture is rotated by its Exif orientation, put on white if transparent, reduced from 16 to 8 bits, and
    converted by its embedded colour profile. Raises PictureError.
    """
    image = open_picture(data)
    try:
        is_animated = bool(getattr(image, "is_animated", False))
        image.load()
        upright = ImageOps.exif_transpose(image)
        return np.asarray(_flattened(_standard_colours(_eight_bit(upright)))), is_animated
    except DECODE_ERRORS as error:
        raise PictureError(f"damaged ({error})", hint="download or copy it again") from error


def read_picture(path: Path, data: bytes | None = None) -> np.ndarray:
    """Return a picture file as ingest decodes it, uint8 sRGB [h, w, 3]; `data`: its bytes, if already read.

    Raises SourceError with the file's path.
    """
    try:
        return decode_picture(path.read_bytes() if data is None else data)[0]
    except PictureError as error:
        raise SourceError(f"{path} cannot be read as a picture: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return 16-bit grey scaled to 8 bits. Pillow's own conversion clips everything above 255 to white."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    return Image.fromarray((np.clip(values, 0, 65535) // 257).astype(np.uint8), "L")


def _standard_colours(image: Image.Image) -> Image.Image:
    """Return the picture converted to sRGB by its embedded colour profile. An invalid profile is ignored."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).casefold():
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if converted is None else converted


def _flattened(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, with transparent parts on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    pixels = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")
