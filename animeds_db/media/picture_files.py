"""Opening picture files of the formats that are named here, and of no others.

Pillow opens about 70 formats, and hands one of them (PostScript) to another program. A file may come from a
stranger and a suffix says nothing, so every picture is opened by `open_picture`.
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
"""Pillow's names of the formats that are opened, told by a file's first bytes."""

MAX_PIXELS = 89_478_485
"""Pictures and frames with more pixels are refused as bombs. Pillow's limit: a 256 MiB RGB picture."""

DECODE_ERRORS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RuntimeError, struct.error, zlib.error),
)
"""What Pillow's readers raise on damage: each format has its own habits (found by fuzzing)."""

HINT_BOMB = "a size like this is a mistake or an attack; scale the picture down if it is neither"


class PictureError(SourceError):
    """A picture that cannot be opened or decoded. The message says why, without its name."""


def open_picture(data: bytes) -> Image.Image:
    """Return a picture of which only the head has been read. Pixels are decoded when they are asked for.

    Raises PictureError for an empty file, a format that is not in FORMATS, damage, or more than MAX_PIXELS.
    """
    from PIL import Image

    if not data:
        raise PictureError("empty (zero bytes)", hint="get the file again")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"more than {MAX_PIXELS:,} pixels", hint=HINT_BOMB) from error
    except DECODE_ERRORS as error:
        known = ", ".join(name.lower() for name in FORMATS)
        raise PictureError(
            "not a picture that can be read",
            hint=f"the suffix may be wrong: by their content, only {known} are read",
        ) from error
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}×{image.height}"
        raise PictureError(f"{size} is more than the limit of {MAX_PIXELS:,} pixels", hint=HINT_BOMB)
    return image
