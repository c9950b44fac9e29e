"""Captioners: a picture and a prompt in, sentences out. Two kinds have one interface."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models.captioners.answers import Answer
from animeds_db.models.files import Files
from animeds_db.models.manifest import load_manifest
from animeds_db.models.runtime import choose_device


class Captioner(Protocol):
    """A model that describes pictures. `parallel` is the number of calls at a time, from as many threads."""

    id: str
    files: Files
    parallel: int

    def __call__(self, picture: Image.Image, prompt: str) -> Answer:
        """Describe one RGB picture. Raises PictureError if only this one failed, ModelError if others would as well."""

    def close(self) -> None:
        """Stop waiting for answers: calls in other threads raise ModelError soon."""


def load_captioner(name: str, device: str = "auto") -> Captioner:
    """Return a captioner of the manifest, ready. Nothing is sent to an address yet.

    `device` is auto, cpu or cuda, for local models. Raises ModelError for an unknown name, a model that is no
    captioner or cannot be loaded, and a key that is not in the environment.
    """
    manifest = load_manifest()
    entry = manifest.entry(name)
    if entry.task != "captioner":
        known = sorted(e.name for e in manifest.entries.values() if e.task == "captioner")
        raise ModelError(
            f"{name} is a model for the task {entry.task}, not a captioner",
            hint="captioners: " + ", ".join(known),
        )
    if entry.engine == "chat":
        from animeds_db.models.captioners.chat import ChatCaptioner

        return ChatCaptioner(entry)
    from animeds_db.models.captioners.local import TorchCaptioner

    return TorchCaptioner(entry, choose_device(device))


def record(captioner: Captioner) -> dict[str, object]:
    """Return the row of a captioner for the table `models` (all columns but added_at). It has no address and no key."""
    files, entry = captioner.files, captioner.files.entry
    return {
        "model_id": captioner.id,
        "name": entry.name,
        "task": entry.task,
        "repo": entry.files["model"],
        "revision": files.revision,
        "sha256": files.sha256,
        "width": None,
        "thresholds": "{}",
        "licence": entry.licence,
    }


def small_picture(pixels: np.ndarray, edge: int) -> Image.Image:
    """Return uint8 RGB [h,w,3] as a picture whose longer edge is at most `edge` pixels."""
    picture = Image.fromarray(pixels)
    if max(picture.size) > edge:
        picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    return picture
