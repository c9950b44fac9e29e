"""What happens to a drawing on its way to a viewer: re-timing of colours, blur, grain, JPEG and video coding.

Rule: pixels may get worse but stay in place, and a hair colour keeps its name.
"""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

CODECS = (("libx264", "crf", (20, 34)), ("mpeg4", "qscale", (3, 12)), ("libx264", "crf", (24, 38)))


def grade(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture with another brightness, contrast, saturation, gamma and a mild cast."""
    image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.82, 1.15)))
    image = ImageEnhance.Contrast(image).enhance(float(rng.uniform(0.8, 1.2)))
    image = ImageEnhance.Color(image).enhance(float(rng.uniform(0.75, 1.25)))
    gamma, cast = float(rng.uniform(0.85, 1.2)), 1 + rng.normal(0, 0.025, 3)
    ramp = (np.arange(256) / 255) ** gamma * 255
    table = np.concatenate([(ramp * c).clip(0, 255) for c in cast]).astype(np.uint8)
    return image.point(table.tolist())


def redraw(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture as another medium would hold it: banded, softened, bloomed, sharpened, lit from a corner."""
    choice = int(rng.integers(6))
    if choice == 0:
        return ImageOps.posterize(image, int(rng.integers(3, 6)))
    if choice == 1:
        return image.filter(ImageFilter.MedianFilter(5))
    if choice == 2:
        return Image.blend(image, image.filter(ImageFilter.GaussianBlur(6)), float(rng.uniform(0.2, 0.45)))
    if choice == 3:
        return image.filter(ImageFilter.UnsharpMask(2, int(rng.integers(60, 200)), 2))
    if choice == 4:
        return Image.blend(image, image.filter(ImageFilter.EDGE_ENHANCE_MORE), float(rng.uniform(0.2, 0.6)))
    return light(image, rng)


def light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture under a smooth random light between 0.65 and 1.25 of its own."""
    field = Image.fromarray(rng.integers(0, 256, (3, 4), dtype=np.uint8)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    factor = 0.65 + np.asarray(field, np.float32)[..., None] / 255 * 0.6
    return Image.fromarray((np.asarray(image, np.float32) * factor).clip(0, 255).astype(np.uint8))


def grain(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture with film grain of standard deviation 2 … 10 (of 255)."""
    noise = rng.normal(0, rng.uniform(2, 10), (image.height, image.width, 1))
    return Image.fromarray((np.asarray(image, np.float32) + noise).clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture after JPEG of quality 35 … 92."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(35, 93)))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def video(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture as the key frame of a video file: 4:2:0, limited range, quantised."""
    name, knob, (low, high) = CODECS[int(rng.integers(len(CODECS)))]
    even = image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2))
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as box:
        stream: Any = box.add_stream(
            name, rate=24, options={knob: str(int(rng.integers(low, high))), "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = (
            even.width,
            even.height,
            "yuv420p",
            1,
        )
        frame: Any = av.VideoFrame
        box.mux(stream.encode(frame.from_image(even)))
        box.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as box:
        shown: Any = next(box.decode(video=0))
    decoded: Image.Image = shown.to_image()
    return decoded if decoded.size == image.size else decoded.resize(image.size)


def degrade(image: Image.Image, rng: np.random.Generator, *, strong: bool = True) -> Image.Image:
    """Return the picture after a random chain of the above; `strong` False keeps to grading and coding."""
    if strong and rng.random() < 0.35:
        image = redraw(image, rng)
    if rng.random() < 0.7:
        image = grade(image, rng)
    if rng.random() < 0.2:
        image = image.filter(
            ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.4)) * min(1.0, image.width / 240))
        )
    if strong and rng.random() < 0.2:
        image = grain(image, rng)
    return encode(image, rng)


def encode(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture after a random coding: video, JPEG or none."""
    dice = rng.random()
    if dice < 0.4:
        return video(image, rng)
    return jpeg(image, rng) if dice < 0.75 else image
