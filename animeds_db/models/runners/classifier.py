"""Classifiers: pictures in, one of a few labels out. The labels may have an order, from the worst to the best.

With an order (`ranked` in the entry), the answer has a value: the mean rank Σ i·pᵢ. The values of many pictures
(`samples`, an .npz in the model's repository) turn it into a percentile, and the label follows from that, as in
imgutils (metrics/dbaesthetic.py).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.runners.tagger import as_probabilities
from animeds_db.models.runners.vision import Vision
from animeds_db.models.runtime import Device

SUM_SLACK = 0.02
"""Difference from 1 that the sum of a picture's probabilities may have: half precision rounds."""


@dataclass(frozen=True)
class Answer:
    """A classifier's answer for one picture. `value` and `percentile` (0…1) are None without an order or samples."""

    label: str
    score: float  # probability of the most probable label, 0…1
    value: float | None
    percentile: float | None
    labels: tuple[str, ...]  # the most probable first
    scores: tuple[float, ...]  # in step with labels


class Classifier:
    """Computes a probability for each of its labels. `about` says what the labels are: rating, style, aesthetic, …"""

    width: int | None = None  # it has no vectors

    def __init__(self, files: Files, device: Device) -> None:
        self.files = files
        self.entry = files.described
        self.id = files.id
        self.about = self.entry.output.about or self.entry.name
        self.labels = _labels(files)
        self._vision = Vision(files, device)
        self.provider = self._vision.network.provider
        self._ranks = self._ranks_of()
        self._samples = _samples(files.paths["samples"]) if "samples" in files.paths else None
        self._check()

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 [n, labels], 0…1, for uint8 RGB pictures [h,w,3] of any sizes."""
        return as_probabilities(self._vision(images)[0], self.entry.output.activation)

    def answers(self, images: Sequence[np.ndarray]) -> list[Answer]:
        """Return the answer for each picture."""
        return [self._answer(row) for row in self(images).astype(np.float64)]

    def _answer(self, row: np.ndarray) -> Answer:
        order = np.argsort(-row, kind="stable")
        labels = tuple(self.labels[place] for place in order)
        value = None if self._ranks is None else float(row @ self._ranks)
        percentile = None if value is None or self._samples is None else percentile_of(value, self._samples)
        return Answer(
            labels[0] if percentile is None else self._label_at(percentile),
            float(row[order[0]]),
            value,
            percentile,
            labels,
            tuple(row[order].tolist()),
        )

    def _label_at(self, percentile: float) -> str:
        """Return the label with the highest minimum that a percentile reaches."""
        cuts = sorted(self.entry.output.cuts.items(), key=lambda cut: -cut[1])
        return next((label for label, least in cuts if percentile >= least), self.entry.output.ranked[0])

    def _ranks_of(self) -> np.ndarray | None:
        ranked = self.entry.output.ranked
        if not ranked:
            return None
        if sorted(ranked) != sorted(self.labels):
            raise ModelError(
                f"{self.files.paths['model']} has the labels {', '.join(self.labels)}, "
                f"but its entry ranks {', '.join(ranked)}",
                hint="output.ranked must have each label once, the lowest first",
            )
        return np.array([ranked.index(label) for label in self.labels], np.float64)

    def _check(self) -> None:
        path = self.files.paths["model"]
        scores = self(self._vision.probe())
        if scores.shape[1:] != (len(self.labels),):
            raise ModelError(
                f"{path} returns {'×'.join(map(str, scores.shape[1:]))} scores, "
                f"but there are {len(self.labels)} labels ({', '.join(self.labels)})",
                hint="the model and its labels are of different versions: pull or add both together",
            )
        if not np.isfinite(scores).all() or scores.min() < -1e-3 or abs(scores.sum() - 1) > SUM_SLACK:
            raise ModelError(
                f"{path} returns scores of {scores.min():.3g} … {scores.max():.3g} with the sum {scores.sum():.3g}, "
                "which are not probabilities",
                hint='if they are logits, set output = { activation = "softmax" } in its manifest entry',
            )


def percentile_of(value: float, samples: np.ndarray) -> float:
    """Return the percentile of a value, 0…1. `samples` [2,n]: values in rising order, and the percentile of each.

    The value is compared with the next two samples above it, as in imgutils, so the numbers are the same.
    """
    x, y = samples
    place = int(np.searchsorted(x, np.clip(value, x.min(), x.max())))
    if place >= len(x) - 1 or np.isclose(x[place + 1], x[place]):
        return float(y[place])
    slope = (y[place + 1] - y[place]) / (x[place + 1] - x[place])
    return float(np.clip((value - x[place]) * slope + y[place], y.min(), y.max()))


def _samples(path: Path) -> np.ndarray:
    try:
        with np.load(path) as stored:
            samples: np.ndarray = np.asarray(stored["arr_0"], np.float64)
        if samples.ndim != 2 or samples.shape[0] != 2 or not samples.shape[1]:
            raise ValueError(f"its shape is {samples.shape}, not 2 × n")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"cannot read the samples in {path}: {error}") from error
    return samples


def _labels(files: Files) -> tuple[str, ...]:
    if "labels" not in files.paths:
        return files.entry.output.labels
    path = files.paths["labels"]
    try:
        return tuple(str(name) for name in json.loads(path.read_text("utf-8"))["labels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} does not list labels: {error}") from error
