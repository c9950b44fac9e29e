"""Pictures in a folder, a zip, a tar, or a Hugging Face imagefolder. The one rule: one bad picture never stops the rest."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import xxhash
from PIL import Image, ImageOps

from animeds_db.errors import SourceError
from animeds_db.media.frame import Frame, MediaInfo

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".avif"})
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".tgz", ".tar.gz"})


@dataclass(eq=False)
class PictureFrame(Frame):
    """A picture file, decoded and upright."""

    rgb: np.ndarray = field(repr=False)
    file_hash: str

    def pixels(self) -> np.ndarray:
        return self.rgb

    def scaled(self, width: int, height: int) -> np.ndarray:
        image = Image.fromarray(self.rgb)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def luma(self) -> np.ndarray:
        return self._luma

    @cached_property
    def _luma(self) -> np.ndarray:
        return np.asarray(Image.fromarray(self.rgb).convert("L"))

    def planes(self) -> list[np.ndarray]:
        return [np.ascontiguousarray(self.rgb[:, :, i]) for i in range(3)]

    def content_hash(self) -> str:
        return self.file_hash


class Pictures:
    """The pictures under a folder (all levels), in natural order of their names."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        self._members = sorted(
            (
                p.relative_to(self.path).as_posix()
                for p in self.path.rglob("*")
                if p.suffix.lower() in PICTURE_SUFFIXES
            ),
            key=natural_key,
        )
        if not self._members:
            raise SourceError(
                f"{self.path} holds no pictures", hint="supported: " + " ".join(sorted(PICTURE_SUFFIXES))
            )
        self.info = MediaInfo("images", None, 0, 0, None, None, 0, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, if it is one."""

    def frames(self) -> Iterator[PictureFrame]:
        """Yield every readable picture."""
        for place, member in enumerate(self._members):
            data = (self.path / member).read_bytes()
            try:
                rgb = decode_picture(data)
            except (OSError, ValueError, SyntaxError) as error:
                self.warnings.append(f"{member}: {error}")
                continue
            height, width = rgb.shape[:2]
            yield PictureFrame(
                0, place, place, None, True, member, width, height, None, rgb, xxhash.xxh3_128_hexdigest(data)
            )


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key in which `page 9` comes before `page 10`."""
    return [
        (0, int(part), part) if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name.casefold())
        if part
    ]


def decode_picture(data: bytes) -> np.ndarray:
    """Return uint8 RGB [h, w, 3] of an encoded picture: upright by EXIF, alpha laid on white."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image: Image.Image = Image.open(io.BytesIO(data))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.asarray(image.convert("RGB"))
