"""Detectors: pictures in, boxes out. Boxes are relative to the picture: origin top left, 0…1.

Three kinds of output are supported, as in deepghs' YOLO files (imgutils, generic/yolo.py):

    one-to-many   [4+C, N]: centre x, centre y, width, height in input pixels, then a score per class
    end-to-end    [N, 6]: left, top, right, bottom in input pixels, score, class
    rt-detr       [N, 4+C]: centre x, centre y, width, height in 0…1, then a score per class
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.manifest import BOX_KIND, Entry, user_file
from animeds_db.models.runners import pixels
from animeds_db.models.runners.vision import Vision, expect_whole
from animeds_db.models.runtime import Device

DEFAULTS = {"conf": 0.25, "iou": 0.7}


@dataclass(frozen=True)
class Box:
    """One detection: its kind (face, person, eye, …), its position (0…1) and its score (0…1)."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float
    score: float


@dataclass(frozen=True)
class Found:
    """Raw detections of one picture: boxes [n,4] (left, top, right, bottom), scores and classes [n]."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


class Detector:
    """A detector for one or more kinds of boxes. Boxes with a score of `thresholds.conf` or less are left out."""

    def __init__(self, files: Files, device: Device) -> None:
        self.files = files
        self.entry = files.described
        self.id = files.id
        self.thresholds = {**DEFAULTS, **self.entry.thresholds}
        expect_whole(self.entry)
        self._vision = Vision(files, device)
        self.provider = self._vision.network.provider
        self.classes = class_names(self._vision)
        self._kinds = [_kind(name, self.entry) for name in self.classes]
        self.kinds: tuple[str, ...] = tuple(dict.fromkeys(k for k in self._kinds if k))
        self._expect_kinds()
        self._decode = self._check()

    def __call__(self, images: Sequence[np.ndarray]) -> list[list[Box]]:
        """Return the boxes of each uint8 RGB picture [h,w,3], best score first."""
        results: list[list[Box]] = [[] for _ in images]
        for fed, places in self._groups(images).items():
            raw = self._vision([images[place] for place in places])[0].astype(np.float32)
            for place, one in zip(places, raw, strict=True):
                height, width = images[place].shape[:2]
                shown = pixels.shown(width, height, self.entry.input, self._vision.size)
                results[place] = self._boxes(one, fed, shown)
        return results

    def _groups(self, images: Sequence[np.ndarray]) -> dict[tuple[int, int], list[int]]:
        """Return indices of pictures, grouped by their size at the model's input; with fit = "keep" sizes differ."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, image in enumerate(images):
            size = pixels.fitted_size(image.shape[1], image.shape[0], self.entry.input, self._vision.size)
            groups[size].append(place)
        return groups

    def _boxes(self, raw: np.ndarray, fed: tuple[int, int], shown: tuple[int, int, int, int]) -> list[Box]:
        """Return the boxes of one answer. fed: height and width of the input; shown: where the picture is in it."""
        found = self._decoded(raw, np.array([*fed[::-1], *fed[::-1]], np.float32))
        corner = np.array([*shown[:2], *shown[:2]], np.float32)
        extent = np.array([*shown[2:], *shown[2:]], np.float32) - corner
        boxes = []
        for place in suppress(found.boxes, found.scores, self.thresholds["iou"]):
            kind = self._kinds[int(found.classes[place])]
            left, top, right, bottom = np.clip((found.boxes[place] - corner) / extent, 0.0, 1.0).tolist()
            if kind and right > left and bottom > top:
                boxes.append(Box(kind, left, top, right, bottom, float(found.scores[place])))
        return boxes

    def _decoded(self, raw: np.ndarray, fed: np.ndarray) -> Found:
        if self._decode == "end-to-end":
            return end_to_end(raw, self.thresholds["conf"])
        if self._decode == "rt-detr":
            # Converted to pixels before suppression, because its IoU counts pixel edges.
            return one_to_many(
                np.concatenate([raw[:, :4] * fed, raw[:, 4:]], axis=1).T, self.thresholds["conf"]
            )
        return one_to_many(raw, self.thresholds["conf"])

    def _expect_kinds(self) -> None:
        """Raise ModelError if the file lacks a class of its entry: the model detects something else."""
        there = {name.lower() for name in self.classes}
        if self.kinds and there >= {name.lower() for name in self.entry.output.kinds}:
            return
        found, wanted = ", ".join(self.classes), ", ".join(self.entry.output.kinds) or "names of letters only"
        raise ModelError(
            f"{self.files.paths['model']} detects {found}; the entry {self.entry.name} expects {wanted}",
            hint=f"if {self.classes[0]} is another word for {wanted}, or a kind of its own, say so in an entry: "
            f'output = {{ kinds = {{ "{self.classes[0]}" = "{_suggested(self.classes[0])}" }} }} in {user_file()}, or '
            f"`animeds models add … --kind {self.classes[0]}={_suggested(self.classes[0])}`",
        )

    def _check(self) -> str:
        """Return the kind of output, from the entry or from the shape."""
        path = self.files.paths["model"]
        probe = self._vision.probe()
        shape = self._vision(probe)[0].shape
        rows = 4 + len(self.classes)
        decode = self.entry.output.decode
        if decode == "auto":
            decode = (
                "end-to-end" if len(shape) == 3 and shape[-1] == 6 and shape[1] != rows else "one-to-many"
            )
        fits = {
            "one-to-many": shape[1:2] == (rows,),
            "end-to-end": shape[2:] == (6,),
            "rt-detr": shape[2:] == (rows,),
        }
        if len(shape) != 3 or not fits[decode]:
            raise ModelError(
                f"{path} returns a tensor of shape {list(shape)}, which is not a valid {decode} output for "
                f"{len(self.classes)} classes ({', '.join(self.classes)})",
                hint="set output = { decode = … } in its manifest entry to one-to-many, end-to-end or rt-detr",
            )
        return decode


def one_to_many(raw: np.ndarray, conf: float) -> Found:
    """Decode [4+C, N] (centre x, centre y, width, height, scores). Keeps boxes with scores above `conf`."""
    scores = raw[4:].max(axis=0)
    kept = scores > conf
    x, y, w, h = raw[:4, kept]
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1)
    return Found(boxes, scores[kept], raw[4:, kept].argmax(axis=0))


def end_to_end(raw: np.ndarray, conf: float) -> Found:
    """Decode [N, 6] rows (left, top, right, bottom, score, class). Keeps boxes with scores above `conf`."""
    kept = raw[raw[:, 4] > conf]
    return Found(kept[:, :4], kept[:, 4], kept[:, 5].astype(np.int64))


def suppress(boxes: np.ndarray, scores: np.ndarray, iou: float) -> list[int]:
    """Return the indices of the boxes kept by non-maximum suppression over all classes, best first.

    Greedy: a box is dropped if its IoU with a better one exceeds `iou`. Areas include both edge pixels (+1),
    as in imgutils, so boxes [n,4] must be in input pixels.
    """
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(0.0, high - low + 1).prod(axis=1)
        order = rest[shared / (areas[best] + areas[rest] - shared) <= iou]
    return kept


def class_names(vision: Vision) -> list[str]:
    """Return the classes in the file's metadata `names` ({0: 'face'}), else the entry's `labels`."""
    text = vision.network.metadata.get("names")
    if text is None:
        if vision.entry.output.labels:
            return list(vision.entry.output.labels)
        raise ModelError(
            f"{vision.network.path} does not name its classes (no metadata `names`)",
            hint='list them in its manifest entry: output = { labels = ["face"] }',
        )
    try:
        names = ast.literal_eval(text)
        return [str(names[place]) for place in range(len(names))]
    except (ValueError, SyntaxError, KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{vision.network.path}: its metadata names is {text!r}") from error


def _kind(name: str, entry: Entry) -> str | None:
    """Return our kind for a class, from the entry's mapping (in any case); None if it is not stored.

    Without a mapping, each class is a kind of its own name.
    """
    mapped = {known.lower(): kind for known, kind in entry.output.kinds.items()}
    kind = mapped.get(name.lower()) if mapped else _suggested(name)
    return kind if kind and BOX_KIND.fullmatch(kind) else None


def _suggested(name: str) -> str:
    """Return a class's name in the form of a kind: lower case, underscores for blanks and hyphens."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())
