"""Pictures of heads, cropped from the decoded frame, or from its thumbnail if decoding fails.

If a video is missing, the pictures are less sharp, but the sheet is still made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from PIL import Image

from animeds_db.errors import SourceError
from animeds_db.media.picture_files import open_picture
from animeds_db.store import Store

Images = Callable[[Sequence[str]], Iterator[tuple[str, Image.Image]]]
"""A function that decodes frames, such as `Dataset.images`."""

_log = logging.getLogger("animeds")


def face_pictures(
    store: Store,
    images: Images,
    faces: Sequence[Mapping[str, Any]],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Image.Image]:
    """Return the square around each head, RGB, by face id. Faces whose frame is gone are left out.

    faces: face_id, frame_id, source_id, left, top, right, bottom (0…1). `progress(done, total)` counts frames.
    """
    return _pictures(store, images, faces, "face_id", _head, progress)


def box_pictures(
    store: Store,
    images: Images,
    boxes: Sequence[Mapping[str, Any]],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Image.Image]:
    """Return each box cut out of its frame, RGB, by detection_id; the rest is as in face_pictures."""
    return _pictures(store, images, boxes, "detection_id", _cut, progress)


def _pictures(
    store: Store,
    images: Images,
    boxes: Sequence[Mapping[str, Any]],
    key: str,
    cut: Callable[[Image.Image, Mapping[str, Any]], Image.Image],
    progress: Callable[[int, int], None] | None,
) -> dict[str, Image.Image]:
    pictures: dict[str, Image.Image] = {}
    total = len({box["frame_id"] for box in boxes})
    done = 0
    ordered = sorted(boxes, key=lambda box: (str(box["source_id"]), str(box["frame_id"])))
    for source, group in groupby(ordered, key=lambda box: str(box["source_id"])):
        by_frame: dict[str, list[Mapping[str, Any]]] = {}
        for box in group:
            by_frame.setdefault(str(box["frame_id"]), []).append(box)
        for frame, image in _decoded(store, images, source, list(by_frame)):
            pictures |= {str(box[key]): cut(image, box) for box in by_frame[frame]}
            done += 1
            if progress is not None:
                progress(done, total)
    return pictures


def _decoded(
    store: Store, images: Images, source: str, frames: Sequence[str]
) -> Iterator[tuple[str, Image.Image]]:
    """Yield (frame_id, picture) for one source: decoded frames first, then thumbnails of those that cannot be
    decoded."""
    done = set()
    try:
        for frame, image in images(frames):
            done.add(frame)
            yield frame, image
    except SourceError as error:
        _log.warning("source %s: %s; its faces are cropped from thumbnails", source, error)
    rest = [frame for frame in frames if frame not in done]
    rows = store.take("thumbnails", rest, ["frame_id", "webp"])
    for frame, webp in zip(rows["frame_id"].to_pylist(), rows["webp"].to_pylist(), strict=True):
        yield frame, open_picture(webp).convert("RGB")


def _cut(image: Image.Image, box: Mapping[str, Any]) -> Image.Image:
    left, right = (round(float(box[side]) * image.width) for side in ("left", "right"))
    top, bottom = (round(float(box[side]) * image.height) for side in ("top", "bottom"))
    return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def _head(image: Image.Image, face: Mapping[str, Any]) -> Image.Image:
    from animeds_db.models.runners.crops import head_crop
    from animeds_db.models.runners.detector import Box

    left, top, right, bottom = (float(face[side]) for side in ("left", "top", "right", "bottom"))
    box = Box("face", left, top, right, bottom, 1.0)
    return Image.fromarray(np.ascontiguousarray(head_crop(np.asarray(image), box)))
