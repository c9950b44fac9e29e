"""Masks in an export: what a trainer learns from a picture (white), and what becomes of the background."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor, ImageFilter

from animeds_db.errors import UsageError, did_you_mean
from animeds_db.export.pictures.picture import Mask, Region
from animeds_db.media.masks import Shape, drawn

FORMATS: dict[str, str] = {
    "alpha": "",
    "masklabel": "-masklabel.png",
    ".mask": ".mask",
    **dict.fromkeys(("folder", "kohya", "diffusion-pipe", "ai-toolkit", "simpletuner"), "mask.png"),
}
"""How masks are stored → name of the part that has the mask (see names.part_path); "": the alpha channel.

The last ones are grey pictures in a folder `NAME.mask` beside the folder `NAME`. They differ in what the layout writes
about that folder.
"""

MOVING = "folder"
"""The format in which the mask of a clip is a clip. In all others it is one picture for the whole clip."""

MOVING_SUFFIX = ".mp4"
"""Extension of the mask of a clip. It is stored without a loss."""

BACKGROUNDS = ("keep", "remove", "blur")
"""Names of what becomes of the background. A colour such as `#00ff00` is another one."""

BLUR = 0.03
"""Standard deviation of the blur, as a share of the picture's longer edge."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class MaskOptions:
    """The masks of an export. Raises UsageError for a value that is not valid."""

    parts: tuple[str, ...] = ()
    """What is white: `character`, `person` (of a crop only the one in its box), the name of a character, or another
    part of the view masks, such as `text`. (): everything."""
    out: tuple[str, ...] = ()
    """What is black in any case, such as `text`, `logo` or `border`."""
    format: str | None = None
    """A name from FORMATS. None: what the trainer of the layout reads."""
    background: str = "keep"
    """What becomes of everything but `parts` (without them: `character`): keep, remove (transparent), blur, or a colour
    such as `#00ff00`."""

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise UsageError(
                f'There is no mask format "{self.format}".', hint=did_you_mean(self.format, FORMATS)
            )
        if self.background not in BACKGROUNDS and not _COLOUR.fullmatch(self.background):
            raise UsageError(
                f"background is {self.background}.",
                hint=f"It must be {', '.join(BACKGROUNDS)}, or a colour such as #00ff00.",
            )
        if self.format is not None and not self.has_file:
            raise UsageError("--mask-format needs a mask.", hint="Add --mask character, or --mask-out text.")

    @property
    def has_file(self) -> bool:
        """True if the export has masks, as files of their own or as an alpha channel."""
        return bool(self.parts or self.out)

    @property
    def paints(self) -> bool:
        """True if the background is changed."""
        return self.background != "keep"

    @property
    def shown(self) -> tuple[str, ...]:
        """The parts that are white; (): everything."""
        return self.parts or (("character",) if self.paints else ())


def learnt(masks: Sequence[Mask], width: int, height: int, *, seconds: float | None = None) -> np.ndarray:
    """Return a mask of a frame of this size: uint8 [height, width], white is learnt.

    seconds: the time of the frame in its source, for a clip. None: of a picture, or of all frames of a clip together.
    """
    mask = np.zeros((height, width), np.uint8)
    for one in _at(masks, seconds):
        white = np.minimum(_drawn(one.shown, width, height), 255 - _drawn(one.out, width, height))
        mask = np.maximum(mask, white)
    return mask


def subject(masks: Sequence[Mask], width: int, height: int, *, seconds: float | None = None) -> np.ndarray:
    """Return what is shown before a background: uint8 [height, width], white is kept. seconds: as in `learnt`."""
    return _drawn([region for one in _at(masks, seconds) for region in one.shown], width, height)


def _at(masks: Sequence[Mask], seconds: float | None) -> Iterable[Mask]:
    """Return the mask of the nearest frame, or all of them."""
    return masks if seconds is None else [min(masks, key=lambda mask: abs((mask.time_s or 0.0) - seconds))]


def _drawn(regions: Iterable[Region], width: int, height: int) -> np.ndarray:
    shapes = [
        Shape(left, top, right, bottom, None if png is None else base64.b64decode(png))
        for left, top, right, bottom, png in regions
    ]
    return drawn(shapes, width, height)


def painted(image: Image.Image, mask: Image.Image, background: str) -> Image.Image:
    """Return an RGB picture with another background. mask: grey, of the same size, white is kept.

    A removed background is transparent, and white where a reader ignores transparency.
    """
    if background == "blur":
        return Image.composite(image, _blurred(image, mask), mask)
    if background == "remove":
        shown = Image.composite(image, Image.new("RGB", image.size, "white"), mask.point(_anything))
        shown.putalpha(mask)
        return shown
    return Image.composite(image, Image.new("RGB", image.size, ImageColor.getrgb(background)), mask)


def _anything(value: int) -> int:
    return 255 if value else 0


def _blurred(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the background alone, blurred: what is in front of it leaves no shadow."""
    blur = ImageFilter.GaussianBlur(BLUR * max(image.size))
    behind = mask.point(lambda value: 255 - value)
    colours = Image.composite(image, Image.new("RGB", image.size), behind).filter(blur)
    share = np.asarray(behind.filter(blur), np.float32)[..., None]
    pixels = np.asarray(colours, np.float32) * 255 / np.maximum(share, 1)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
