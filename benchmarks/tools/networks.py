"""ONNX networks with the names, shapes and types of the models of the profile `anime`, about as costly, but untrained.

Their weights are random with a fixed seed. They are for measuring speed where no model can be downloaded: nothing that
they answer has a meaning.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from animeds_db.models.files import Files
from animeds_db.models.manifest import load_manifest

CLASSES = ("face",)
BOXES = 400


@dataclass(frozen=True)
class Plan:
    """How a stand-in for a model of the manifest is built: squares of `patch` pixels become tokens of `width` values,
    and each of `layers` multiplies every token by two matrices, width × 4·width and back, as a transformer does."""

    model: str
    patch: int
    width: int
    layers: int
    outputs: int


PLANS = (
    Plan("wd-swinv2-v3", 16, 768, 12, 10_861),
    Plan("face-v1.4-s", 16, 256, 16, (4 + len(CLASSES)) * BOXES),
    Plan("ccip-caformer-24", 16, 768, 6, 768),
    Plan("clip-vit-b32", 32, 768, 12, 512),
)
"""90, 27, 33 and 6 billion operations per picture, like ViT-B at 448 pixels, YOLOv8s, CAFormer-M36 and ViT-B/32."""


def write_network(folder: Path, plan: Plan, *, half: bool = False, seed: int = 1) -> Files:
    """Write a stand-in for a model of the manifest into a folder, and return its files.

    half: weights, input and output are float16.
    """
    entry = load_manifest().entry(plan.model)
    rng = np.random.default_rng(seed)
    last = entry.input.layout == "NHWC"
    name, output = entry.input.name or "input", entry.output.name or "output"
    constants = _weights(plan, rng)
    nodes = _body(plan, name, last)
    metadata = {}
    sides: list[int | str] = list(entry.input.size)
    if entry.task == "detector":
        sides, metadata = ["height", "width"], {"names": str(dict(enumerate(CLASSES))), "imgsz": "[640, 640]"}
        nodes += _boxes(output)
        constants |= _scales(entry.input.size, plan)
        shape = [4 + len(CLASSES), BOXES]
    else:
        activation = "Sigmoid" if entry.task == "tagger" else "Identity"
        nodes.append((activation, ["answer"], [output], {}))
        shape = [plan.outputs]
    path = folder / f"{plan.model}{'-fp16' if half else ''}.onnx"
    inputs = {name: [*sides, 3] if last else [3, *sides]}
    _save(path, nodes, inputs, {output: shape}, constants, metadata, half)
    paths = {"model": path}
    if "tags" in entry.files:
        paths["tags"] = folder / "selected_tags.csv"
        _write_tags(paths["tags"], plan.outputs)
    return Files(entry, paths, "0" * 8, "0" * 64)


Node = tuple[str, list[str], list[str], dict[str, Any]]
"""Operator, inputs, outputs, attributes."""


def _weights(plan: Plan, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the weights: all layers share theirs, which keeps the file small and costs as much."""

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    wide = 4 * plan.width
    return {
        "first": drawn(plan.width, 3, plan.patch, plan.patch) / 255,
        "up": drawn(wide, plan.width, 1, 1),
        "down": drawn(plan.width, wide, 1, 1) / plan.layers,
        "head": drawn(plan.outputs, plan.width),
    }


def _body(plan: Plan, name: str, last: bool) -> list[Node]:
    nodes: list[Node] = [("Transpose", [name], ["picture"], {"perm": [0, 3, 1, 2]})] if last else []
    source = "picture" if last else name
    nodes.append(("Conv", [source, "first"], ["tokens0"], {"strides": [plan.patch, plan.patch]}))
    for n in range(plan.layers):
        nodes += [
            ("Conv", [f"tokens{n}", "up"], [f"wide{n}"], {}),
            ("Relu", [f"wide{n}"], [f"bent{n}"], {}),
            ("Conv", [f"bent{n}", "down"], [f"more{n}"], {}),
            ("Add", [f"tokens{n}", f"more{n}"], [f"tokens{n + 1}"], {}),
        ]
    return [
        *nodes,
        ("GlobalAveragePool", [f"tokens{plan.layers}"], ["mean"], {}),
        ("Flatten", ["mean"], ["features"], {"axis": 1}),
        ("Gemm", ["features", "head"], ["answer"], {"transB": 1}),
    ]


def _boxes(output: str) -> list[Node]:
    """Return the nodes that turn numbers into boxes in pixels, and scores of which few reach the threshold."""
    return [
        ("Reshape", ["answer", "rows"], ["table"], {}),
        ("Add", ["table", "shift"], ["shifted"], {}),
        ("Sigmoid", ["shifted"], ["shares"], {}),
        ("Mul", ["shares", "pixels"], [output], {}),
    ]


def _scales(size: tuple[int, int], plan: Plan) -> dict[str, np.ndarray]:
    height, width = size
    pixels = np.array([width, height, width / 4, height / 4, *[1.0] * len(CLASSES)], np.float32)
    shift = np.array([0, 0, 0, 0, *[-6.0] * len(CLASSES)], np.float32)
    rows = np.array([0, 4 + len(CLASSES), plan.outputs // (4 + len(CLASSES))], np.int64)
    return {"pixels": pixels[:, None], "shift": shift[:, None], "rows": rows}


def _save(
    path: Path,
    nodes: list[Node],
    inputs: Mapping[str, list[Any]],
    outputs: Mapping[str, list[Any]],
    constants: Mapping[str, np.ndarray],
    metadata: Mapping[str, str],
    half: bool,
) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT

    def values(shapes: Mapping[str, list[Any]]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, kind, ["batch", *shape]) for name, shape in shapes.items()
        ]

    weights = [
        numpy_helper.from_array(
            value.astype(np.float16) if half and value.dtype == np.float32 else value, name
        )
        for name, value in constants.items()
    ]
    made = [helper.make_node(kind, given, to, **how) for kind, given, to, how in nodes]
    graph = helper.make_graph(made, path.stem, values(inputs), values(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)


def _write_tags(path: Path, n: int) -> None:
    """Write a selected_tags.csv: four ratings, then general tags."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["tag_id", "name", "category", "count"])
        for number in range(n):
            name = (
                ("general", "sensitive", "questionable", "explicit")[number]
                if number < 4
                else f"tag_{number}"
            )
            rows.writerow([number, name, 9 if number < 4 else 0, 100])
