"""Embedders: pictures in, vectors out. Vectors have length 1, so cosine similarity is a dot product; only a
tagger's own vectors keep their length.

CCIP's difference of two characters is (1 - cosine) / 2 of its feature vectors, so they can be put into a
vector index like any others. Its threshold 0.178475 is the cosine distance 0.35695.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runners.vision import Vision
from animeds_db.models.runtime import Device, Network


class Embedder:
    """Computes one vector per picture. Used for the tasks "character" and "image".

    If the tagger `beside` it has the same file, the file is in memory once.
    """

    def __init__(self, files: Files, device: Device, beside: Tagger | None = None) -> None:
        self.files = files
        self.entry = files.described
        self.id = files.id
        self.vision = Vision(files, device, beside.vision if beside else None)
        self.provider = self.vision.network.provider
        self.width = self._check()

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 [n, width] of length 1 each, for uint8 RGB pictures [h,w,3] of any sizes."""
        if not len(images):
            return np.zeros((0, self.width), np.float32)
        return self.finished(self._raw(images))

    @property
    def output(self) -> str:
        """Name of the output that has the vectors."""
        return self.vision.output

    def finished(self, raw: np.ndarray) -> np.ndarray:
        """Return the vectors, float32 [n, width], for what the network returned."""
        return unit(raw.astype(np.float32))

    def is_part_of(self, tagger: Tagger) -> bool:
        """Return True if the tagger's network returns these vectors, too, so that it need not run twice."""
        return self.vision.is_same_as(tagger.vision)

    def _raw(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return the network's output, [n, width]."""
        second = [] if self.output == self.vision.output else [self.output]
        return self.vision(images, extra=second)[-1]

    def _check(self) -> int:
        path = self.files.paths["model"]
        raw = self._raw(self.vision.probe())
        if raw.ndim != 2:
            raise ModelError(f"{path} returns a tensor of shape {raw.shape}, not one vector for each picture")
        wanted = self.entry.width
        if wanted is not None and raw.shape[1] != wanted:
            raise ModelError(
                f"{path} returns vectors of width {raw.shape[1]}; its manifest entry says {wanted}",
                hint="export the model with its projection: without it, CLIP returns wider vectors that cannot be used",
            )
        if not np.isfinite(raw).all() or not np.any(raw):
            raise ModelError(f"{path} returns vectors that are zero or not finite")
        return int(raw.shape[1])


class TaggerVectors(Embedder):
    """The vectors of a tagger that has a vector output. Pictures can be searched by them, and the tags can be
    predicted again (`Tagger.from_vectors`). That needs their length, so they are not scaled to 1."""

    @property
    def output(self) -> str:
        """Name of the output that has the vectors. Raises ModelError if the tagger has none."""
        vector = self.entry.output.vector
        if vector is None:
            raise ModelError(f"{self.id} has no vector output", hint="use a tagger with embeddings")
        return vector

    def finished(self, raw: np.ndarray) -> np.ndarray:
        """Return the vectors, float32 [n, width], unscaled."""
        return raw.astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return the rows scaled to length 1 (a row of zeros stays zero)."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: np.ndarray = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def difference(vectors: np.ndarray) -> np.ndarray:
    """Return CCIP's difference for every pair, float32 [n,n]: (1 - cosine) / 2, from 0 (same) to 1 (opposite)."""
    directions = unit(vectors.astype(np.float32))
    differences: np.ndarray = (1 - directions @ directions.T) / 2
    return differences


def metric_error(files: Files, vectors: np.ndarray, device: Device) -> float:
    """Return the largest deviation between `difference` and a CCIP metric model, for vectors [n,768].

    The metric model takes `input` [n, width] and returns `output` [n, n].
    """
    network = Network(files.paths["model"], device)
    answer = network.run_whole({"input": vectors}, ["output"])[0]
    return float(np.abs(answer - difference(vectors)).max())
