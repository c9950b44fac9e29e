"""Libraries of the optional extras, imported when a model needs them."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

from animeds_db.errors import ModelError
from animeds_db.models.manifest import Entry

EXTRAS = {
    "open_clip": ("torch", "(several GB with torch), or use an ONNX model: clip-vit-b32"),
    "sentence_transformers": ("torch", "(several GB with torch), or use an ONNX model: clip-vit-b32"),
    "transformers": ("torch", "(several GB with torch), or use a captioner behind an address"),
    "openai": ("describe", ""),
    "rapidocr": ("ocr", ""),
}
"""The extra that installs each library, and what to know about it."""


def extra(module: str, entry: Entry | str) -> Any:
    """Import a library of an extra for a model. Raises ModelError if it is missing or does not work."""
    name = entry if isinstance(entry, str) else entry.name
    try:
        return _imported(module)
    except (ImportError, RuntimeError) as error:
        package, more = EXTRAS[module]
        raise ModelError(
            f"{name} needs {module.replace('_', '-')}, which {_state_of(error)} ({error})",
            hint=f"pip install 'animeds-db[{package}]' {more}".rstrip(),
        ) from error


def _state_of(error: Exception) -> str:
    return "is not installed" if isinstance(error, ImportError) else "cannot be loaded"


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        _declare_torchvision_operators()
        return importlib.import_module(module)


_declared: list[Any] = []  # torch drops the declarations if nothing refers to them


def _declare_torchvision_operators() -> None:
    """Declare the compiled operators that torchvision describes but could not load.

    A torch without CUDA cannot load them from the torchvision of PyPI, which is built for CUDA, and then torchvision
    cannot be imported. Our models use only its transforms, which need none of these operators.
    """
    import torch

    spec = importlib.util.find_spec("torchvision")
    folders = spec.submodule_search_locations if spec else None
    text = (Path(next(iter(folders or ()))) / "_meta_registrations.py").read_text("utf-8")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in re.findall(r'register_fake\("torchvision::(\w+)"\)', text):
        library.define(f"{operator}(Tensor x) -> Tensor")
    _declared.append(library)
