"""Shared by all models that take pictures: fit, batch, run. The input shape in the ONNX file takes precedence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from animeds_db.errors import ModelError
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry
from animeds_db.models.runners import pixels
from animeds_db.models.runtime import Device, Network


class Vision:
    """A network whose input is a batch of pictures. A file that `beside` has open is not opened again."""

    def __init__(self, files: Files, device: Device, beside: Vision | None = None) -> None:
        self.entry = files.described
        path = files.paths["model"]
        is_open = beside is not None and beside.network.path == path
        self.network: Network = beside.network if beside and is_open else Network(path, device)
        self.input = _the_input(self.network, self.entry.input.name)
        self.output = _the_output(self.network, self.entry.output.name)
        self.size = _size(self.network, self.input, self.entry.input.layout, self.entry.input.size)

    def __call__(self, images: Sequence[np.ndarray], extra: Sequence[str] = ()) -> list[np.ndarray]:
        """Return the entry's output, then `extra` ones, for uint8 RGB pictures [h,w,3]: first axis n each.

        With fit = "keep", all pictures must have the same size.
        """
        outputs = [
            self.output,
            *(name if name in self.network.outputs else self._second(name) for name in extra),
        ]
        if not len(images):
            return [np.zeros((0, *_inner(self.network.outputs[name].shape)), np.float32) for name in outputs]
        tensor = pixels.prepare(images, self.entry.input, self.size)
        return self.network.run({self.input: tensor}, outputs)

    def is_same_as(self, other: Vision) -> bool:
        """Return True if both give a picture to the same network in the same way."""
        same_input = self.entry.input == other.entry.input and self.size == other.size
        return same_input and self.network.path == other.network.path

    def probe(self) -> list[np.ndarray]:
        """Return a test picture for the network: a wide grey ramp with a bright square."""
        picture = np.linspace(0, 255, 96 * 160 * 3).astype(np.uint8).reshape(96, 160, 3)
        picture[30:60, 60:90] = 240
        return [picture]

    def _second(self, name: str) -> str:
        # deepghs' taggers name their vector output after an internal node: "second" means the second output.
        names = list(self.network.outputs)
        if name == "second" and len(names) > 1:
            return names[1]
        raise ModelError(f'{self.network.path} has no output "{name}"; it has {", ".join(names)}')


def expect_whole(entry: Entry) -> None:
    """Raise ModelError for a model that may not see the whole picture: the positions in its answer would be wrong."""
    if entry.input.fit == "crop" or entry.input.steps:
        how = "steps of its own" if entry.input.steps else "fit = crop"
        raise ModelError(
            f"{entry.name}: with {how}, a {entry.task} may not see the whole picture",
            hint='set input = { fit = "letterbox" } or "stretch" in its manifest entry '
            "(`animeds models add … --fit`), without a file preprocess",
        )


def _the_input(network: Network, wanted: str | None) -> str:
    names = list(network.inputs)
    if wanted is None and len(names) != 1:
        raise ModelError(f"{network.path} has {len(names)} inputs ({', '.join(names)}), not one picture")
    name = wanted or names[0]
    if name not in network.inputs:
        raise ModelError(
            f'{network.path} has no input "{name}"; it has {", ".join(names)}',
            hint="check that it is the right file, or set input = { name = … } in its manifest entry",
        )
    return name


def _the_output(network: Network, wanted: str | None) -> str:
    names = list(network.outputs)
    if wanted is not None and wanted not in names:
        raise ModelError(
            f'{network.path} has no output "{wanted}"; it has {", ".join(names)}',
            hint="check that it is the right file, or set output = { name = … } in its manifest entry",
        )
    return wanted or names[0]


def _size(network: Network, name: str, layout: str, default: tuple[int, int]) -> tuple[int, int]:
    """Return height and width: the input's shape, else the file's `imgsz`, else the entry's size."""
    shape = list(network.inputs[name].shape)
    channels = 3 if layout == "NHWC" else 1
    if len(shape) != 4 or (isinstance(shape[channels], int) and shape[channels] != 3):
        raise ModelError(
            f'{network.path}: input "{name}" has the shape {shape}, not {layout} with three colours',
            hint='set input = { layout = "NHWC" } or "NCHW" in its manifest entry (`animeds models add … --layout`), '
            "and check how it scales pictures: divide, mean, std",
        )
    sides = shape[1:3] if layout == "NHWC" else shape[2:4]
    if all(isinstance(side, int) for side in sides):
        return (int(sides[0]), int(sides[1]))
    return _imgsz(network) or default


def _imgsz(network: Network) -> tuple[int, int] | None:
    import json

    if "imgsz" not in network.metadata:
        return None
    try:
        height, width = json.loads(network.metadata["imgsz"])
        return int(height), int(width)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{network.path}: its metadata imgsz is {network.metadata['imgsz']!r}") from error


def _inner(shape: Sequence[Any]) -> list[int]:
    return [side if isinstance(side, int) else 0 for side in shape[1:]]
