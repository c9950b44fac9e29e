"""Taggers: pictures in, a probability per tag out, and the threshold of each tag."""

from __future__ import annotations

import csv
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry
from animeds_db.models.runners.vision import Vision
from animeds_db.models.runtime import Device
from animeds_db.printable import printable
from animeds_db.tagtext import name_problem

log = logging.getLogger("animeds")

SAME_SCORE = 0.01
TAG_THRESHOLD = "best_threshold"
"""Column of `selected_tags.csv` with a tag's own threshold, 0…1."""
CATEGORY_OF_CODE = {
    "0": "general",
    "1": "artist",
    "3": "copyright",
    "4": "character",
    "5": "meta",
    "9": "rating",
    "10": "year",
}
"""Danbooru's category numbers, 9 for ratings as in the WD taggers' `selected_tags.csv`, and 10 as in that of camie."""
CATEGORIES = (*CATEGORY_OF_CODE.values(), "quality", "model")
"""Categories by name, as in a `tag_mapping.json`."""


@dataclass(frozen=True)
class TagLabel:
    """One output of a tagger: the tag with its underscores, its category (see schema.CATEGORIES), and its
    threshold (0…1) from the model's list of tags, if the list has one."""

    tag: str
    category: str
    threshold: float | None = None


class Tagger:
    """Computes a probability per label for every picture."""

    def __init__(self, files: Files, device: Device) -> None:
        self.files = files
        self.entry = files.described
        self.id = files.id
        self.labels: Sequence[TagLabel] = _labels(files)
        self.vision = Vision(files, device)
        self.provider = self.vision.network.provider
        self._check()
        self.width = self._vector_width()  # of its vectors; None if it has none

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 [n, labels], 0…1, for uint8 RGB pictures [h,w,3] of any sizes."""
        return self._probabilities(self.vision(images)[0])

    def with_vectors(self, images: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores, and the vectors (float32 [n, width]) from which `from_vectors` computes them again.

        Raises ModelError if the tagger's entry has no vector output.
        """
        vector = self.entry.output.vector
        if vector is None:
            raise ModelError(f"{self.id} has no vector output", hint="use a tagger with embeddings")
        scores, vectors = self.with_output(images, vector)
        return scores, vectors.astype(np.float32)

    def with_output(self, images: Sequence[np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores, and another output of the same network for the same pictures."""
        scores, other = self.vision(images, extra=[name])
        return self._probabilities(scores), other

    def from_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Return float32 [n, labels], 0…1, from vectors [n, width] returned by `with_vectors`.

        sigmoid(vectors @ weights + bias): the model's last layer, from its `weights` file.
        """
        if "weights" not in self.files.paths:
            raise ModelError(f"{self.id} has no weights file", hint="use a tagger with embeddings")
        path = self.files.paths["weights"]
        try:
            with np.load(path) as last:
                logits = vectors @ last["weights"] + last["bias"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{path} is not a last layer for vectors of width {vectors.shape[1]}: {error}",
                hint="pull the model again; the file must be an .npz with weights [width, tags] and bias [tags]",
            ) from error
        return sigmoid(logits.astype(np.float32))

    def can_repeat(self) -> bool:
        """Return True if `from_vectors` returns the model's own scores, within 0.01; tried on one picture."""
        if self.width is None or "weights" not in self.files.paths:
            return False
        scores, vectors = self.with_vectors(self.vision.probe())
        again = self.from_vectors(vectors)
        if again.shape == scores.shape and np.abs(again - scores).max() <= SAME_SCORE:
            return True
        log.warning("%s does not reproduce the scores of %s", self.files.paths["weights"], self.id)
        return False

    def _vector_width(self) -> int | None:
        if self.entry.output.vector is None:
            return None
        return int(self.with_vectors(self.vision.probe())[1].shape[1])

    def _probabilities(self, raw: np.ndarray) -> np.ndarray:
        return as_probabilities(raw, self.entry.output.activation)

    def _check(self) -> None:
        path = self.files.paths["model"]
        scores = self(self.vision.probe())
        if scores.ndim != 2 or scores.shape[1] != len(self.labels):
            raise ModelError(
                f"{path} returns {'×'.join(map(str, scores.shape[1:]))} scores, "
                f"but {self.files.paths.get('tags', 'its entry')} lists {len(self.labels)} tags",
                hint="the model and its tags are of different versions: pull or add both together",
            )
        if not (np.isfinite(scores).all() and scores.min() >= -1e-6 and scores.max() <= 1 + 1e-6):
            raise ModelError(
                f"{path} returns scores of {scores.min():.3g} … {scores.max():.3g}, not probabilities in 0…1",
                hint='if they are logits, set output = { activation = "sigmoid" } in its manifest entry '
                "(`animeds models add … --activation sigmoid`)",
            )


def as_probabilities(raw: np.ndarray, activation: str) -> np.ndarray:
    """Return a network's output as float32 probabilities; `activation`: none, sigmoid or softmax."""
    raw = raw.astype(np.float32)
    if activation == "sigmoid":
        return sigmoid(raw)
    return _softmax(raw) if activation == "softmax" else raw


def sigmoid(x: np.ndarray) -> np.ndarray:
    # Clipped, because exp overflows float32 beyond ±88. The result is 0 or 1 long before that.
    y: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -80, 80)))
    return y.astype(np.float32)


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return shares.astype(np.float32)


def _labels(files: Files) -> tuple[TagLabel, ...]:
    entry = files.entry
    if "tags" not in files.paths:
        names = _json_labels(files.paths["labels"]) if "labels" in files.paths else entry.output.labels
        return tuple(TagLabel(name, entry.output.category) for name in names)
    rows = read_labels(files.paths["tags"])
    return tuple(_label(name, code, threshold, entry) for name, code, threshold in rows)


def read_labels(path: Path) -> list[tuple[str, str, float | None]]:
    """Return the tags in a CSV, JSON or text file: name, code or name of the category, threshold (0…1).

    Raises ModelError for a file that cannot be read, and for a name that cannot be a tag.
    """
    try:
        rows = _READERS.get(path.suffix, _text_rows)(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"cannot read the tags in {path}: {error}") from error
    for name, _, _ in rows:
        problem = name_problem(name)
        if problem:
            raise ModelError(
                f'{path}: the tag "{printable(name[:60])}" {problem}', hint="download or copy the file again"
            )
    return rows


def _label(name: str, code: str, threshold: float | None, entry: Entry) -> TagLabel:
    if name.startswith("rating:"):
        code, name = "9", name.removeprefix("rating:")
    name = name.replace(" ", "_")
    word = code.lower()
    category = word if word in CATEGORIES else CATEGORY_OF_CODE.get(code, entry.output.category)
    return TagLabel(entry.output.rename.get(name, name), category, threshold)


def _csv_rows(path: Path) -> list[tuple[str, str, float | None]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"name", "category"} <= set(reader.fieldnames or ()):
            raise ModelError(f"{path} is not a list of tags: it needs the columns name and category")
        return [(row["name"], row["category"], _own_threshold(row, path)) for row in reader]


def _own_threshold(row: Mapping[str, str], path: Path) -> float | None:
    """Return the threshold in a row of `selected_tags.csv` (a column that animetimm's taggers have)."""
    text = row.get(TAG_THRESHOLD) or ""
    try:
        threshold = float(text) if text else None
    except ValueError:
        threshold = -1.0
    if threshold is not None and not 0 <= threshold <= 1:
        raise ModelError(
            f"{path}: {TAG_THRESHOLD} of {row['name']} is {text}", hint="a threshold must be between 0 and 1"
        )
    return threshold


def _json_rows(path: Path) -> list[tuple[str, str, float | None]]:
    """Read a `tag_mapping.json`: {"0": {"tag": …, "category": "General"}, …}, or idx_to_tag with tag_to_category."""
    try:
        content = json.loads(path.read_text("utf-8"))
        if "idx_to_tag" in content:
            kinds = content.get("tag_to_category", {})
            tags = {place: (tag, kinds.get(tag, "")) for place, tag in content["idx_to_tag"].items()}
        else:
            tags = {place: (about["tag"], about["category"]) for place, about in content.items()}
        return [(str(tag), str(kind), None) for tag, kind in (tags[str(n)] for n in range(len(tags)))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is not a list of tags: {error}",
            hint='it must have a tag and a category for each output: {"0": {"tag": "1girl", "category": "General"}}',
        ) from error


def _text_rows(path: Path) -> list[tuple[str, str, float | None]]:
    return [(line.strip(), "", None) for line in path.read_text("utf-8").splitlines() if line.strip()]


_READERS = {".csv": _csv_rows, ".json": _json_rows}


def _json_labels(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text("utf-8"))["labels"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} does not list labels: {error}") from error
