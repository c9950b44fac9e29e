"""Effects on a finished picture: bars, subtitles, titles, grain, blur, compression.

Every effect is a pure function of the picture and of the values in `Effects`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont


@dataclass(frozen=True)
class Effects:
    """The effects applied to a finished picture, in this order.

    `blur` is a radius in shares of the height, `grain` a standard deviation in grey levels, `jpeg` a
    quality (0: none), `letterbox` the share of the height that each bar takes, `fade` 0 … 1 towards black.
    """

    letterbox: float = 0.0
    subtitle: str | None = None
    title: str | None = None
    blur: float = 0.0
    grain: float = 0.0
    jpeg: int = 0
    fade: float = 0.0
    seed: int = 0

    @property
    def tags(self) -> frozenset[str]:
        """Tags of the effects."""
        tags = set()
        if self.letterbox:
            tags.add("letterboxed")
        if self.subtitle:
            tags.add("subtitled")
        if self.title:
            tags.add("english_text")
        if self.blur > 0.004:
            tags.add("blurry")
        return frozenset(tags)


def bar_pixels(letterbox: float, height: int) -> int:
    """Return the height of one black bar in pixels: even, because video stores colour for pairs of rows."""
    return 2 * round(letterbox * height / 2)


def apply_effects(image: Image.Image, effects: Effects) -> Image.Image:
    """Return the picture with the effects applied; the input is not changed."""
    out = image.copy()
    if effects.blur:
        out = out.filter(ImageFilter.GaussianBlur(effects.blur * image.height))
    if effects.fade:
        out = Image.blend(out, Image.new("RGB", out.size), effects.fade)
    if effects.title:
        _text(out, effects.title, 0.4, 0.13)
    if effects.letterbox:
        bar = bar_pixels(effects.letterbox, image.height)
        draw = ImageDraw.Draw(out)
        draw.rectangle((0, 0, out.width, bar - 1), fill=(0, 0, 0))
        draw.rectangle((0, out.height - bar, out.width, out.height), fill=(0, 0, 0))
    if effects.subtitle:
        _text(out, effects.subtitle, 0.9, 0.062)
    if effects.grain:
        out = _grainy(out, effects.grain, effects.seed)
    return _compressed(out, effects.jpeg) if effects.jpeg else out


@lru_cache(maxsize=1)
def _noise() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a [512, 512] tile of normal noise: drawing fresh noise would take longer than the picture."""
    return np.random.default_rng(0).standard_normal((512, 512), dtype=np.float32)


def _grainy(image: Image.Image, strength: float, seed: int) -> Image.Image:
    tile = np.roll(_noise(), (seed % 509, seed // 509 % 509), axis=(0, 1)) * strength
    down, across = -(-image.height // 512), -(-image.width // 512)
    noise = np.tile(tile, (down, across))[: image.height, : image.width].astype(np.int16)
    return Image.fromarray(np.clip(np.asarray(image) + noise[:, :, None], 0, 255).astype(np.uint8))


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _text(image: Image.Image, text: str, y: float, size: float) -> None:
    pixels = max(8, round(size * image.height))
    draw = ImageDraw.Draw(image)
    widest = max(draw.textlength(line, font=_font(pixels)) for line in text.split("\n"))
    if widest > 0.94 * image.width:
        pixels = max(8, int(pixels * 0.94 * image.width / widest))
    draw.text(
        (image.width / 2, y * image.height),
        text,
        font=_font(pixels),
        fill=(255, 255, 255),
        stroke_width=max(1, pixels // 11),
        stroke_fill=(12, 12, 16),
        anchor="mm",
    )


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
