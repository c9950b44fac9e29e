"""A text tower: a tokenizer and a network that turn sentences into vectors in an image embedder's space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.manifest import Tokens
from animeds_db.models.runners.embedder import unit
from animeds_db.models.runtime import Device, Network

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TextTower:
    """A tokenizer and the network that turns its ids into a vector."""

    def __init__(self, files: Files, device: Device) -> None:
        self.entry = files.entry
        self.id = files.id
        self._path = files.paths["model"]
        self._network = Network(self._path, device)
        self._tokenizer = _tokenizer(files)
        self._output = self._known_output()
        self.width = self._check()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [n, width] of length 1 each."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return unit(self._vectors(texts).astype(np.float32))

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        ids, mask = self._ids(texts)
        known = {"input_ids": ids, "attention_mask": mask, "position_ids": _positions(ids)}
        # Exports differ in their inputs: some CLIP text towers have no mask.
        strange = [name for name in self._network.inputs if name not in known]
        if strange or "input_ids" not in self._network.inputs:
            raise ModelError(
                f"{self._path} has the inputs {', '.join(self._network.inputs)}, not input_ids …",
                hint="check that it is the right file: a text tower takes token ids",
            )
        return self._network.run({name: known[name] for name in self._network.inputs}, [self._output])[0]

    def _ids(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return token ids and mask, int64 [n, length]: cut to the model's length, padded as in its entry."""
        tokens = self._tokens()
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        length = tokens.length if tokens.fixed else max(1, *(len(row) for row in rows))
        ids = np.full((len(rows), length), tokens.pad, np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return ids, mask

    def _tokens(self) -> Tokens:
        """Return the entry's token settings. A length in the ONNX file makes all rows that long."""
        entry = self.entry.tokens
        shape = self._network.inputs["input_ids"].shape if "input_ids" in self._network.inputs else []
        if len(shape) == 2 and isinstance(shape[1], int):
            return Tokens(shape[1], entry.pad, fixed=True)
        return entry

    def _known_output(self) -> str:
        wanted, names = self.entry.output.name, list(self._network.outputs)
        if wanted is not None and wanted not in names:
            raise ModelError(f'{self._path} has no output "{wanted}"; it has {", ".join(names)}')
        return wanted or names[0]

    def _check(self) -> int:
        self._tokenizer.enable_truncation(self._tokens().length)
        self._tokenizer.no_padding()
        raw = self._vectors(["red hair, smiling"])
        wanted = self.entry.width
        if raw.ndim != 2 or (wanted is not None and raw.shape[1] != wanted):
            raise ModelError(
                f"{self._path} returns a tensor of shape {list(raw.shape)}, not vectors of width {wanted}",
                hint="export the model with its projection: without it, CLIP vectors have another width",
            )
        if not np.isfinite(raw).all() or not np.any(raw):
            raise ModelError(f"{self._path} returns vectors that are zero or not finite")
        return int(raw.shape[1])


def _positions(ids: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.arange(ids.shape[1], dtype=np.int64), ids.shape)


def _tokenizer(files: Files) -> Tokenizer:
    from tokenizers import Tokenizer

    path = files.paths.get("tokenizer")
    if path is None:
        raise ModelError(
            f"{files.entry.name} has no tokenizer", hint='files = { tokenizer = "tokenizer.json" }'
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{path} is not a tokenizer: {error}") from error
