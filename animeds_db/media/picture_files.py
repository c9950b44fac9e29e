"""Opens picture files, but only of the formats listed here.

Pillow opens about 70 formats and passes one of them (PostScript) to another program. Files may come from strangers,
and a suffix proves nothing, so every picture is opened with `open_picture`.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

from animeds_db.errors import SourceError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "AVIF")
"""Formats that are opened, by Pillow's names. The format is recognised by a file's first bytes."""

MAX_PIXELS = 89_478_485
"""Maximum number of pixels of a picture or frame; larger ones are rejected as decompression bombs.

This is Pillow's own limit: an RGB picture of 256 MiB."""

DECODE_ERRORS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RuntimeError, struct.error, zlib.error),
)
"""Exceptions that Pillow's readers raise for damaged files. Each format raises different ones (found by fuzzing)."""

HINT_BOMB = (
    "check the file: a size like this is usually damage or an attack. If it is real, scale the picture down"
)


class PictureError(SourceError):
    """A picture cannot be opened or decoded. The message gives the reason but not the file's name."""


def open_picture(data: bytes) -> Image.Image:
    """Return a picture whose header has been read. Pillow decodes the pixels on first use.

    Raises PictureError for an empty file, a format that is not in FORMATS, damage, or more than MAX_PIXELS.
    """
    from PIL import Image

    if not data:
        raise PictureError("the file is empty (zero bytes)", hint="download or copy it again")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"more than {MAX_PIXELS:,} pixels", hint=HINT_BOMB) from error
    except DECODE_ERRORS as error:
        known = ", ".join(name.lower() for name in FORMATS)
        raise PictureError(
            "not a picture in a supported format",
            hint=f"supported formats: {known}; the content decides, not the suffix",
        ) from error
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}×{image.height}"
        raise PictureError(f"{size} is more than the limit of {MAX_PIXELS:,} pixels", hint=HINT_BOMB)
    return image
