"""Prepares pictures by the steps of a model's own `preprocess.json`, one after the other.

These files belong to the models of deepghs and animetimm. They list the operations of a peer (imgutils,
preprocess/pillow.py), which rounds to the nearest pixel where it pads, and down where it resizes one side.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor

from animeds_db.errors import ModelError
from animeds_db.models.manifest import Input, Step

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
STEPS = ("resize", "pad_to_size", "center_crop")
"""Steps that change the picture. The others of `VALUES` change its values, or nothing."""
VALUES = ("convert_rgb", "to_tensor", "maybe_to_tensor", "rescale", "normalize")
VARIANTS = ("stages", "test")
"""Keys under which a file may list its steps. `test` is the careful variant of animetimm's models."""


def prepared(picture: Image.Image, steps: Sequence[Step]) -> Image.Image:
    """Return the picture after these steps."""
    for step in steps:
        if step.kind == "resize":
            picture = _resized(picture, step)
        elif step.kind == "pad_to_size":
            picture = _padded(picture, step)
        else:
            picture = _cropped(picture, step)
    return picture


def _resized(picture: Image.Image, step: Step) -> Image.Image:
    height, width = step.height, step.width
    if step.shorter:
        if picture.width < picture.height:
            height = int(step.width * picture.height / picture.width)
        else:
            width = int(step.height * picture.width / picture.height)
    same = picture.size == (width, height)
    return picture if same else picture.resize((width, height), FILTERS[step.filter])


def _padded(picture: Image.Image, step: Step) -> Image.Image:
    ratio = min(step.width / picture.width, step.height / picture.height)
    width, height = round(picture.width * ratio), round(picture.height * ratio)
    small = picture.resize((max(1, width), max(1, height)), FILTERS[step.filter])
    canvas = Image.new("RGB", (step.width, step.height), step.fill)
    canvas.paste(small, ((step.width - width) // 2, (step.height - height) // 2))
    return canvas


def _cropped(picture: Image.Image, step: Step) -> Image.Image:
    """Cut out the centre; a picture that is smaller gets black around it first."""
    wide, high = max(picture.width, step.width), max(picture.height, step.height)
    if picture.size != (wide, high):
        canvas = Image.new("RGB", (wide, high))
        canvas.paste(picture, ((wide - picture.width) // 2, (high - picture.height) // 2))
        picture = canvas
    left, top = (wide - step.width) // 2, (high - step.height) // 2
    return picture.crop((left, top, left + step.width, top + step.height))


def read_preprocess(path: Path, how: Input) -> Input:
    """Return how pictures are prepared by a `preprocess.json`; the rest is as in `how`.

    Raises ModelError for a file that cannot be read, and for a step that is not supported.
    """
    steps = []
    values: dict[str, Any] = {"divide": 1.0, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    for stage in _stages(path):
        try:
            kind = stage["type"]
            if kind in STEPS:
                steps.append(_step(stage))
            elif kind in ("to_tensor", "maybe_to_tensor"):
                values |= {"divide": 255.0, "layout": "NCHW", "colour": "RGB"}
            elif kind == "rescale":
                values["divide"] = 1.0 / float(stage.get("rescale_factor", 1 / 255))
            elif kind == "normalize":
                values |= {name: _three(stage[name]) for name in ("mean", "std")}
            elif kind not in VALUES:
                raise ModelError(
                    f'{path}: the step "{kind}" is not supported', hint="steps: " + ", ".join(STEPS + VALUES)
                )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: the step {json.dumps(stage)} cannot be read: {error}") from error
    return replace(how, steps=tuple(steps), **values)


def _stages(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_text("utf-8"))
        found = next(content[name] for name in VARIANTS if name in content)
        return [dict(stage) for stage in found]
    except (OSError, ValueError, TypeError, StopIteration) as error:
        raise ModelError(
            f"{path} does not say how pictures are prepared: {str(error) or 'it has no list of steps'}",
            hint=f"the file must have a list of steps under {' or '.join(VARIANTS)}",
        ) from error


def _step(stage: Mapping[str, Any]) -> Step:
    size = stage["size"]
    sides = [size] if isinstance(size, int) else list(size)
    if stage.get("max_size") is not None:
        raise ValueError("max_size is not supported")
    first, last = int(sides[0]), int(sides[-1])
    if stage["type"] == "pad_to_size":  # the one step that states the width first
        first, last = last, first
    named = stage.get("interpolation", "bilinear")
    if named not in FILTERS:
        raise ValueError(f"interpolation is {named}")
    fill = stage.get("background_color", "white")
    return Step(
        stage["type"],
        first,
        last,
        shorter=stage["type"] == "resize" and len(sides) == 1,
        filter=named,
        fill=ImageColor.getrgb(fill)[:3] if isinstance(fill, str) else tuple(fill[:3]),
    )


def _three(value: float | Sequence[float]) -> tuple[float, ...]:
    values = [value] if isinstance(value, int | float) else list(value)
    return tuple(float(v) for v in (values * 3 if len(values) == 1 else values))
