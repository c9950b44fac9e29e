"""Segmenters: pictures in, masks out. A mask covers the whole picture, in the resolution that the network has.

Two kinds of output are supported, told apart by their shapes:

    matting   [n, 1, H, W] or [n, H, W]: a probability per pixel of the input    (skytnt/anime-seg, IS-Net, U²-Net)
    YOLO-seg  [n, 4+C+P, N] boxes, class scores and P factors each, with [n, P, h, w] prototypes of masks

The values follow imgutils (segment/isnetis.py, generic/yoloseg.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.runners import pixels
from animeds_db.models.runners.detector import DEFAULTS, class_names, one_to_many, suppress
from animeds_db.models.runners.tagger import sigmoid
from animeds_db.models.runners.vision import Vision, expect_whole
from animeds_db.models.runtime import Device

SLACK = 0.01
"""Values this much below 0 or above 1 still count as probabilities: half precision rounds."""
SAME_BOX = 0.5
"""Minimum IoU at which an instance that a YOLO-seg model found is what a box is about."""


@dataclass(frozen=True)
class Segmented:
    """What a segmenter saw in one picture: the mask of the whole picture, float32 [h,w], 0…1.

    `boxes` [n,4] (left, top, right, bottom, 0…1) and `instances` [n,h,w] are the single persons that a YOLO-seg model
    found. Of a matting model they are empty.
    """

    mask: np.ndarray
    boxes: np.ndarray
    instances: np.ndarray

    def of_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Return a mask [n,h,w] of the picture for each of these boxes [n,4] (0…1), nothing outside the box.

        Where boxes overlap, a pixel belongs to the box whose middle is nearest, measured in that box's size. An
        instance that matches a box is used as it is.
        """
        height, width = self.mask.shape
        middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, np.maximum((boxes[:, 2:] - boxes[:, :2]) / 2, 1e-6)
        across = np.abs((np.arange(width) + 0.5) / width - middle[:, :1]) / half[:, :1]
        down = np.abs((np.arange(height) + 0.5) / height - middle[:, 1:]) / half[:, 1:]
        inside = (across <= 1)[:, None, :] & (down <= 1)[:, :, None]
        far = np.where(inside, (across**2)[:, None, :] + (down**2)[:, :, None], np.inf)
        masks = self.mask * (inside & (far == far.min(axis=0, initial=np.inf)))
        if len(self.boxes):
            shared = _ious(boxes, self.boxes)
            best = shared.argmax(axis=1)
            matched = shared.max(axis=1) >= SAME_BOX
            masks[matched] = self.instances[best[matched]]
        found: np.ndarray = masks.astype(np.float32, copy=False)
        return found


class Segmenter:
    """A network that says which pixels of a picture show its `part`, such as character."""

    def __init__(self, files: Files, device: Device) -> None:
        self.files = files
        self.entry = files.described
        self.id = files.id
        self.part = self.entry.output.part
        self.thresholds = {**DEFAULTS, **self.entry.thresholds}
        expect_whole(self.entry)
        self._vision = Vision(files, device)
        self.provider = self._vision.network.provider
        outputs = self._vision.network.outputs
        flat = len(outputs[self._vision.output].shape) == 3
        self._prototypes = next((n for n, o in outputs.items() if flat and len(o.shape) == 4), None)
        self.classes = class_names(self._vision) if self._prototypes else []
        self(self._vision.probe())

    def __call__(self, images: Sequence[np.ndarray]) -> list[Segmented]:
        """Return what is seen in each uint8 RGB picture [h,w,3].

        Raises ModelError if the network's answer is not a mask, or its values are not the probabilities that its
        entry promises.
        """
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> Segmented:
        height, width = image.shape[:2]
        fitted = pixels.fitted_size(width, height, self.entry.input, self._vision.size)
        left, top, right, bottom = pixels.shown(width, height, self.entry.input, self._vision.size)
        answers = self._vision([image], [self._prototypes] if self._prototypes else [])
        if self._prototypes:
            return self._instances(answers[0][0], answers[1][0], fitted, (left, top, right, bottom))
        mask = self._probabilities(self._single(answers[0][0], fitted))
        if mask.shape != fitted:
            mask = pixels.linear(mask, *fitted)
        none = np.zeros((0, *mask[top:bottom, left:right].shape), np.float32)
        return Segmented(mask[top:bottom, left:right], np.zeros((0, 4)), none)

    def _single(self, answer: np.ndarray, fitted: tuple[int, int]) -> np.ndarray:
        """Return an answer as [h,w]. Raises ModelError if it is not one mask of the input."""
        mask = answer.squeeze()
        if mask.ndim != 2 or abs(mask.shape[0] / mask.shape[1] - fitted[0] / fitted[1]) > 0.05:
            raise ModelError(
                f"{self._path} answers a picture of {fitted[1]}×{fitted[0]} with {list(answer.shape)}, not with a mask",
                hint='set output = { name = "…" } in its manifest entry to the output with the mask'
                if len(self._vision.network.outputs) > 1
                else "this is not a segmenter",
            )
        single: np.ndarray = mask.astype(np.float32)
        return single

    def _probabilities(self, mask: np.ndarray) -> np.ndarray:
        low, high = float(mask.min()), float(mask.max())
        if not np.isfinite(low + high):
            raise ModelError(f"{self._path} answers with values that are not numbers")
        is_probability = low >= -SLACK and high <= 1 + SLACK
        if self.entry.output.activation == "sigmoid":
            if is_probability:
                raise ModelError(
                    f"{self._path} answers with values from {low:.3g} to {high:.3g}, which are probabilities already",
                    hint='set output = { activation = "none" } in its manifest entry',
                )
            return sigmoid(mask)
        if not is_probability:
            raise ModelError(
                f"{self._path} answers with values from {low:.3g} to {high:.3g}, which are not probabilities",
                hint='set output = { activation = "sigmoid" } in its manifest entry if they are logits',
            )
        clipped: np.ndarray = np.clip(mask, 0, 1)
        return clipped

    def _instances(
        self,
        raw: np.ndarray,
        prototypes: np.ndarray,
        fitted: tuple[int, int],
        shown: tuple[int, int, int, int],
    ) -> Segmented:
        """Return the persons of a YOLO-seg answer: boxes above `conf`, after suppression, with their masks.

        fitted: height and width of the input. shown: where the picture is in it: left, top, right, bottom.
        """
        rows = 4 + len(self.classes)
        if len(raw) != rows + len(prototypes):
            raise ModelError(
                f"{self._path} answers with {len(raw)} rows, not 4 + {len(self.classes)} classes "
                f"({', '.join(self.classes)}) + {len(prototypes)} prototypes",
                hint="list its classes in its manifest entry: output = { labels = [ … ] }",
            )
        wanted = [n for n, name in enumerate(self.classes) if self._counts(name)]
        kept = raw[4:rows].max(axis=0) > self.thresholds["conf"]
        kept &= np.isin(raw[4:rows].argmax(axis=0), wanted)
        found = one_to_many(raw[:rows, kept], self.thresholds["conf"])
        places = suppress(found.boxes, found.scores, self.thresholds["iou"])
        height, width = fitted
        boxes = found.boxes[places].reshape(-1, 4).clip(0, [width, height, width, height])
        across, down = np.arange(width), np.arange(height)
        masks = np.zeros((len(boxes), height, width), np.float32)
        for mask, factors, (left, top, right, bottom) in zip(
            masks, raw[rows:, kept].T[places], boxes.round(), strict=True
        ):
            logits = pixels.linear(np.tensordot(factors, prototypes, 1), height, width)
            mask[:] = (
                (logits > 0)
                & ((across >= left) & (across < right))
                & ((down >= top) & (down < bottom))[:, None]
            )
        x0, y0, x1, y1 = shown
        masks = masks[:, y0:y1, x0:x1]
        inside = (boxes - [x0, y0, x0, y0]) / [x1 - x0, y1 - y0, x1 - x0, y1 - y0]
        return Segmented(masks.max(axis=0, initial=0.0), inside.clip(0, 1), masks)

    def _counts(self, name: str) -> bool:
        """Return True if what a class shows is in the part: all classes, or those in the entry's `kinds`."""
        kinds = self.entry.output.kinds
        return not kinds or kinds.get(name) == self.part

    @property
    def _path(self) -> str:
        return str(self._vision.network.path)


def _ious(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the IoU of every box of one array [n,4] with every one of another [m,4]: [n,m]."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(0, high - low).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (some, others)]
    ious: np.ndarray = shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-12)
    return ious
