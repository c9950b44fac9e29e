"""Pictures whose measures are known, for the tests of what ingest measures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from animeds_db.media import Frame, Pictures

MATERIAL = Path(os.environ.get("ANIMEDS_TEST_MATERIAL", Path(__file__).parents[3] / "shared" / "data"))


def drawn(seed: int = 1, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """A picture with flat colours and dark outlines, as cel animation has them, at any size the same."""
    rng = np.random.default_rng(seed)
    scale = size[1] / 360
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(90, 200, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        w, h = rng.uniform(30, 190, 2) * scale
        fill = tuple(int(v) for v in rng.integers(40, 256, 3))
        shape = pen.ellipse if rng.random() < 0.6 else pen.rectangle
        shape(
            (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
            fill=fill,
            outline=(20, 15, 25),
            width=max(1, round(3 * scale)),
        )
    return image


def luma(image: Image.Image) -> np.ndarray:
    """Return its luma, uint8 [height, width]."""
    return np.asarray(image.convert("L"))


def frame_of(folder: Path, image: Image.Image) -> Frame:
    """Return the picture as ingest reads it from a folder."""
    image.convert("RGB").save(folder / "picture.bmp")
    with Pictures(folder) as pictures:
        return next(pictures.frames())


def subtitled(
    image: Image.Image, text: str, *, fill: int = 255, size: int = 19, top: bool = False
) -> Image.Image:
    """Lay outlined text over a picture, as a player burns subtitles in."""
    image = image.copy()
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    left, upper, right, lower = pen.multiline_textbbox((0, 0), text, font=font, stroke_width=2)
    place = ((image.width - right + left) // 2, 12 if top else image.height - int(lower - upper) - 22)
    pen.multiline_text(
        place, text, font=font, fill=(fill,) * 3, stroke_width=2, stroke_fill=(0, 0, 0), align="center"
    )
    return image
