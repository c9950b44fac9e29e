"""Embeds sentences into the space of an image embedder: chooses, downloads and loads its text tower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files, Progress, locate
from animeds_db.models.manifest import Entry, Manifest, load_manifest
from animeds_db.models.named import named_entry
from animeds_db.models.runners.text_tower import TextTower
from animeds_db.models.runtime import Device, choose_device


def text_tower(
    model_id: str, *, tower: str | None = None, device: str = "auto", progress: Progress | None = None
) -> TextTower:
    """Return a text tower for the image embedder that made a database's vectors.

    `model_id` is name@revision, as in the column `embedder`. `tower` names a different text tower, trained for
    the same space. Raises ModelError if there is no text tower, or if the model on this disk has another revision,
    because its vectors would not be comparable.
    """
    manifest = load_manifest()
    name, _, _ = model_id.rpartition("@")
    image = named_entry(name or model_id, manifest)
    entry = manifest.entry(_tower_name(image, tower, manifest))
    _same_revision(image, model_id, device)
    found = locate(entry)
    if found is None:
        from animeds_db.models.hub import pull

        found = pull(entry, progress)
    key = (entry.name, found.id, device)
    if key not in _loaded:
        _loaded.clear()  # one tower at a time: they are hundreds of megabytes
        _loaded[key] = load(found, choose_device(device))
    return _loaded[key]


_loaded: dict[tuple[str, str, str], TextTower] = {}


def _tower_name(image: Entry, tower: str | None, manifest: Manifest) -> str:
    if tower is not None and tower != image.text and manifest.entry(tower).space != image.name:
        raise ModelError(
            f"{tower} does not share a space with {image.name}: their vectors cannot be compared",
            hint="text towers for this model: " + (", ".join(_towers(image, manifest)) or "none"),
        )
    if tower is None and image.text is None:
        raise ModelError(
            f"{image.name} has no text tower: its vectors can be searched by picture, not by text",
            hint="use `animeds search` with --image or --frame, or embed the frames again with a CLIP model",
        )
    return tower or str(image.text)


def _towers(image: Entry, manifest: Manifest) -> list[str]:
    own = [image.text] if image.text else []
    return own + [entry.name for entry in manifest.entries.values() if entry.space == image.name]


def _same_revision(image: Entry, model_id: str, device: str) -> None:
    found = locate(image)
    if found is None or "@" not in model_id:
        return
    here = found.id if image.engine == "onnx" else load(found, choose_device(device)).id
    if here != model_id:
        raise ModelError(
            f"the vectors are from {model_id}, but the model on this disk is {here}: they cannot be compared",
            hint=f"run `animeds embed --model {image.name} --use` to make vectors with the model on this disk",
        )


def load(files: Files, device: Device) -> TextTower:
    """Load a text tower; the entry's engine decides the class."""
    if files.entry.engine == "onnx":
        return TextTower(files, device)
    from animeds_db.models.runners import torch_clip

    kinds = {"open_clip": torch_clip.OpenClipText, "sentence-transformers": torch_clip.SentenceText}
    return kinds[files.entry.engine](files, device)


def embed_text(model_id: str, texts: Sequence[str], *, tower: str | None = None) -> np.ndarray:
    """Return float32 [n, width] of length 1 each, in the space of the embedder `model_id` (name@revision).

    `tower`: another text tower for the same space, e.g. a multilingual one. Raises what `text_tower` raises.
    """
    return text_tower(model_id, tower=tower)(texts)
