"""CLIP models that exist only for torch: the [torch] extra. They have the same interface as other models.

    open_clip:ViT-B-32/laion2b_s34b_b79k     any architecture and pretrained tag (or file) that open_clip knows
    a text tower of sentence-transformers    entries with engine = "sentence-transformers"

Their revision is the start of the sha256 over their weights, because they have no other one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from animeds_db.errors import ModelError, did_you_mean
from animeds_db.models.extras import extra
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry
from animeds_db.models.runners.embedder import Embedder, unit
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runners.text_tower import TextTower
from animeds_db.models.runtime import OUT_OF_MEMORY, Device, log

BATCH = {"cpu": 8, "cuda": 64}


class OpenClipEmbedder(Embedder):
    """The image tower of an open_clip model, with that model's own transform."""

    def __init__(self, files: Files, device: Device) -> None:
        loaded = _open_clip(files.entry, device.name)
        self.files = loaded.named(files)
        self.entry = files.entry
        self.id = self.files.id
        self.provider = loaded.provider
        self._loaded = loaded
        self._batch = BATCH[loaded.provider]
        self.width = _checked_width(self(_PROBE), files.entry)

    def is_part_of(self, tagger: Tagger) -> bool:  # noqa: ARG002 - as for every embedder
        """Return False: no tagger returns these vectors."""
        return False

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 [n, width] of length 1 each, for uint8 RGB pictures [h,w,3] of any sizes."""
        if not len(images):
            return np.zeros((0, self.width), np.float32)
        pictures = [Image.fromarray(image) for image in images]
        vectors, self._batch = _in_batches(pictures, self._batch, self._loaded.pictures)
        return vectors


_PROBE = [np.linspace(0, 255, 64 * 96 * 3).astype(np.uint8).reshape(64, 96, 3)]


class OpenClipText(TextTower):
    """The text tower of an open_clip model."""

    def __init__(self, files: Files, device: Device) -> None:
        loaded = _open_clip(files.entry, device.name)
        self.entry = files.entry
        self.id = loaded.named(files).id
        self._loaded = loaded
        self.width = _checked_width(self(["red hair, smiling"]), files.entry)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [n, width] of length 1 each."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return _in_batches(list(texts), BATCH[self._loaded.provider], self._loaded.texts)[0]


class SentenceText(TextTower):
    """A text tower of sentence-transformers that was trained for the space of a CLIP image tower."""

    def __init__(self, files: Files, device: Device) -> None:
        library = extra("sentence_transformers", files.entry)
        local = (files.entry.folder or Path()) / files.entry.files["model"]
        place = str(local) if local.is_dir() else files.entry.files["model"]
        try:
            self._model = library.SentenceTransformer(place, device=torch_device(device.name))
        except Exception as error:
            raise cannot_load(files.entry, error) from error
        revision = weights_sha256(self._model.state_dict())
        self.entry = files.entry
        self.id = replace(files, revision=revision, sha256=revision).id
        self.width = _checked_width(self(["red hair, smiling"]), files.entry)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [n, width] of length 1 each."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        vectors = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(vectors, np.float32))


class _OpenClip:
    """A loaded open_clip model: both towers, transform, tokenizer."""

    def __init__(self, model: Any, transform: Any, tokenizer: Any, provider: str) -> None:
        self._model, self._transform, self._tokenizer = model.eval(), transform, tokenizer
        self.provider = provider
        self.sha256 = weights_sha256(model.state_dict())

    def named(self, files: Files) -> Files:
        return replace(files, revision=self.sha256, sha256=self.sha256)

    def pictures(self, pictures: list[Image.Image]) -> np.ndarray:
        import torch

        batch = torch.stack([self._transform(picture) for picture in pictures])
        return self._run(self._model.encode_image, batch)

    def texts(self, texts: list[str]) -> np.ndarray:
        return self._run(self._model.encode_text, self._tokenizer(texts))

    def _run(self, tower: Callable[..., Any], batch: Any) -> np.ndarray:
        import torch

        weights = next(self._model.parameters())
        if batch.is_floating_point():
            batch = batch.to(weights.dtype)
        with torch.inference_mode():
            vectors = tower(batch.to(weights.device))
        return unit(vectors.float().cpu().numpy())


def _open_clip(entry: Entry, device: str) -> _OpenClip:
    return _load_open_clip(entry.name, entry.files["model"], entry.files.get("pretrained", ""), device)


@lru_cache(maxsize=1)  # both towers share one model
def _load_open_clip(name: str, model: str, pretrained: str, device: str) -> _OpenClip:
    library = extra("open_clip", name)
    if ":" not in model and model not in library.list_models():
        raise ModelError(
            f'{name}: open_clip has no model "{model}"', hint=did_you_mean(model, library.list_models())
        )
    tags = library.list_pretrained_tags_by_model(model)
    if ":" not in model and pretrained not in tags and not Path(pretrained).is_file():
        raise ModelError(
            f'{name}: open_clip has no weights "{pretrained}" for {model}',
            hint=did_you_mean(pretrained, tags),
        )
    where = torch_device(device)
    try:
        loaded, _, transform = library.create_model_and_transforms(
            model, pretrained or None, device=where, precision="fp16" if where == "cuda" else "fp32"
        )
        tokenizer = library.get_tokenizer(model)
    except Exception as error:
        raise cannot_load(name, error) from error
    return _OpenClip(loaded, transform, tokenizer, where)


def _in_batches(
    items: list[Any], size: int, run: Callable[[list[Any]], np.ndarray]
) -> tuple[np.ndarray, int]:
    """Return the joined results and the batch size that fitted. It is halved, with a warning, if memory runs out."""
    parts: list[np.ndarray] = []
    done = 0
    while done < len(items):
        try:
            parts.append(run(items[done : done + size]))
            done += size
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not any(sign in str(error).lower() for sign in OUT_OF_MEMORY):
                raise ModelError(f"the CLIP model failed: {error}") from error
            size //= 2
            log.warning("CLIP: out of memory, continuing with batches of %d", size)
    return np.concatenate(parts), size


def cannot_load(entry: Entry | str, error: Exception) -> ModelError:
    """Return the error for a model that its library could not load."""
    name = entry if isinstance(entry, str) else entry.name
    text = str(error).strip().splitlines()
    return ModelError(
        f"{name} cannot be loaded: {text[0] if text else type(error).__name__}",
        hint="check the network, because the weights come from the hub; --profile tiny needs no network",
    )


def torch_device(device: str) -> str:
    """Return torch's name of a device: cuda where torch has it, else cpu, with a warning."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        log.warning("this torch has no CUDA; CLIP runs on the CPU")
    return "cuda" if device == "cuda" and torch.cuda.is_available() else "cpu"


def weights_sha256(state: Mapping[str, Any]) -> str:
    """Return the sha256 over names and values of all weights, rounded to float16, the type used on GPUs."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(state[name].detach().half().cpu().numpy()).tobytes())
    return digest.hexdigest()


def _checked_width(vectors: np.ndarray, entry: Entry) -> int:
    if not np.isfinite(vectors).all() or not np.any(vectors):
        raise ModelError(f"{entry.name} returns vectors that are zero or not finite")
    if entry.width is not None and vectors.shape[1] != entry.width:
        raise ModelError(
            f"{entry.name} returns vectors of width {vectors.shape[1]}; its manifest entry says {entry.width}"
        )
    return int(vectors.shape[1])
