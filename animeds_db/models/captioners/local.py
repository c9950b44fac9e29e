"""A captioner on this machine: any transformers model for image-text-to-text. Needs the extra [torch].

`files.model` of the entry is a folder, beside the manifest or absolute, or a repository of the Hugging Face hub.
No code of the repository is run.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models.captioners.answers import Answer
from animeds_db.models.extras import extra
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry
from animeds_db.models.runners.torch_clip import cannot_load, torch_device, weights_sha256
from animeds_db.models.runtime import Device


class TorchCaptioner:
    """A loaded model. Pictures are described one after the other."""

    parallel = 1

    def __init__(self, entry: Entry, device: Device) -> None:
        library = extra("transformers", entry)
        local = (entry.folder or Path()) / entry.files["model"]
        path = str(local) if local.is_dir() else entry.files["model"]
        try:
            self._processor = library.AutoProcessor.from_pretrained(path)
            model = library.AutoModelForImageTextToText.from_pretrained(path, dtype="auto")
            self._model = model.eval().to(torch_device(device.name))
        except Exception as error:
            raise cannot_load(entry, error) from error
        self._entry = entry
        revision = weights_sha256(self._model.state_dict())
        self.files = replace(Files(entry, {}, "", ""), revision=revision, sha256=revision)
        self.id = self.files.id
        self._closed = threading.Event()

    def __call__(self, picture: Image.Image, prompt: str) -> Answer:
        """Describe one RGB picture. Raises ModelError if the model fails."""
        if self._closed.is_set():
            raise ModelError(f"{self._entry.name} was closed")
        try:
            return self._answer(picture, prompt)
        except (RuntimeError, ValueError, MemoryError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{self._entry.name} failed: {first}") from error

    def close(self) -> None:
        """Describe no further picture."""
        self._closed.set()

    def _answer(self, picture: Image.Image, prompt: str) -> Answer:
        import torch

        content = [{"type": "image", "image": picture}, {"type": "text", "text": prompt}]
        inputs = self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._model.device, dtype=self._model.dtype)
        ask = self._entry.ask
        sampling = (
            {"do_sample": True, "temperature": ask.temperature} if ask.temperature else {"do_sample": False}
        )
        with torch.inference_mode():
            output = self._model.generate(**inputs, max_new_tokens=int(ask.tokens), **sampling)
        read = int(inputs["input_ids"].shape[1])
        new = output[0, read:]
        text = self._processor.decode(new, skip_special_tokens=True)
        ends = self._model.generation_config.eos_token_id
        is_ended = int(new[-1]) in (ends if isinstance(ends, list) else [ends])
        ended = "stop" if is_ended or len(new) < ask.tokens else "length"
        return Answer(str(text), ended, read, len(new))
