"""Small ONNX networks with random weights, and the names, shapes and types of the real ones.

Their answers depend on all pixels of the input, so that a picture that is prepared in another way gives other answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import model_files
import numpy as np
from onnx import TensorProto, helper

FEATURES = 64
CHANNELS = 8


def vision(
    path: Path,
    name: str,
    shape: Sequence[Any],
    outputs: Mapping[str, tuple[int, str]],
    *,
    seed: int,
    scale: float = 1.0,
) -> Path:
    """A network for pictures. shape: of its input, with three channels first or last; sides that are text are free.

    outputs: name → (width, activation: none | sigmoid | softmax). scale: of the values that it is fed.
    """
    rng = np.random.default_rng(seed)
    nodes, constants = _features(name, shape, rng, scale)
    for output, (width, activation) in outputs.items():
        constants[f"{output}_weights"] = rng.normal(0, 0.5, (FEATURES, width)).astype(np.float32)
        constants[f"{output}_bias"] = rng.normal(0, 1, width).astype(np.float32)
        last = output if activation == "none" else f"{output}_raw"
        nodes.append(helper.make_node("Gemm", ["features", f"{output}_weights", f"{output}_bias"], [last]))
        if activation == "sigmoid":
            nodes.append(helper.make_node("Sigmoid", [last], [output]))
        elif activation == "softmax":
            nodes.append(helper.make_node("Softmax", [last], [output], axis=-1))
    shapes = {output: ["batch", width] for output, (width, _) in outputs.items()}
    return model_files.save(path, nodes, {name: ["batch", *shape]}, shapes, constants)


def detector(path: Path, classes: Sequence[str], *, decode: str, seed: int, boxes: int = 300) -> Path:
    """A YOLO or RT-DETR network of free size. Many boxes overlap, and about a third of them reach any threshold."""
    rng = np.random.default_rng(seed)
    nodes, constants = _features("images", [3, "height", "width"], rng, 1.0)
    middles = rng.uniform(0.2, 0.8, (boxes // 6, 2)).repeat(6, axis=0) + rng.normal(0, 0.03, (boxes, 2))
    sizes = rng.uniform(0.05, 0.3, (boxes // 6, 2)).repeat(6, axis=0) * rng.uniform(0.8, 1.25, (boxes, 2))
    scores = rng.uniform(0, 0.9, (boxes, len(classes)))
    if decode == "end-to-end":
        best = scores.max(axis=1, keepdims=True), scores.argmax(axis=1)[:, None]
        table, moves = np.hstack([middles - sizes / 2, middles + sizes / 2, *best]), [1, 1, 1, 1, 1, 0]
    else:
        table, moves = np.hstack([middles, sizes, scores]), [1, 1, 0, 0] + [1] * len(classes)
    constants |= {
        "relative": table.astype(np.float32)[None],
        "mix": (rng.normal(0, 0.01, (FEATURES, table.size)) * np.tile(moves, boxes)).astype(np.float32),
        "table_shape": np.array([-1, *table.shape], np.int64),
    }
    nodes += [
        helper.make_node("MatMul", ["features", "mix"], ["moved"]),
        helper.make_node("Reshape", ["moved", "table_shape"], ["moves"]),
        helper.make_node("Add", ["relative", "moves"], ["unscaled" if decode != "rt-detr" else "table"]),
    ]
    if decode != "rt-detr":
        n_others = table.shape[1] - 4
        constants |= {"sides": np.array([3, 2, 3, 2], np.int64), "ones": np.ones(n_others, np.float32)}
        nodes += [  # boxes are in pixels of the input: width, height, width, height
            helper.make_node("Shape", ["images"], ["shape"]),
            helper.make_node("Gather", ["shape", "sides"], ["whole"]),
            helper.make_node("Cast", ["whole"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Concat", ["pixels", "ones"], ["units"], axis=0),
            helper.make_node("Mul", ["unscaled", "units"], ["table"]),
        ]
    columns_first = decode == "one-to-many"
    nodes.append(
        helper.make_node("Transpose", ["table"], ["output0"], perm=[0, 2, 1] if columns_first else [0, 1, 2])
    )
    shape = table.shape[::-1] if columns_first else table.shape
    return model_files.save(
        path,
        nodes,
        {"images": ["batch", 3, "height", "width"]},
        {"output0": ["batch", *shape]},
        constants,
        metadata={"names": str(dict(enumerate(classes))), "imgsz": "[640, 640]"},
    )


def matting(path: Path, name: str, output: str, side: int, *, seed: int) -> Path:
    """A network for pictures of one size, which returns the probability 0…1 of each pixel, [N, 1, side, side]."""
    rng = np.random.default_rng(seed)
    constants = {
        "first": rng.normal(0, 0.6, (CHANNELS, 3, 5, 5)).astype(np.float32),
        "second": rng.normal(0, 0.6, (1, CHANNELS, 5, 5)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", [name, "first"], ["one"], pads=[2, 2, 2, 2]),
        helper.make_node("Tanh", ["one"], ["bent"]),
        helper.make_node("Conv", ["bent", "second"], ["two"], pads=[2, 2, 2, 2]),
        helper.make_node("Sigmoid", ["two"], [output]),
    ]
    shapes = {name: ["batch", 3, side, side]}, {output: ["batch", 1, side, side]}
    return model_files.save(path, nodes, *shapes, constants)


def text(path: Path, *, width: int, seed: int, vocabulary: int = 49_408) -> Path:
    """A text tower with the inputs and outputs of deepghs' CLIP files, and their number of words."""
    rng = np.random.default_rng(seed)
    constants: dict[str, np.ndarray] = {
        "table": rng.normal(0, 1, (vocabulary, CHANNELS)).astype(np.float32),
        "widened": rng.normal(0, 1, (CHANNELS, width)).astype(np.float32),
        "axis": np.array([2], np.int64),
        "one": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["shown"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shown", "axis"], ["column"]),
        helper.make_node("Mul", ["words", "column"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "one"], ["sum"], keepdims=0),
        helper.make_node("MatMul", ["sum", "widened"], ["encodings"]),
        helper.make_node("Tanh", ["encodings"], ["embeddings"]),
    ]
    fed = {"input_ids": ["batch", "length"], "attention_mask": ["batch", "length"]}
    given = {"encodings": ["batch", width], "embeddings": ["batch", width]}
    return model_files.save(path, nodes, fed, given, constants, kind=TensorProto.INT64)


def _features(
    name: str, shape: Sequence[Any], rng: np.random.Generator, scale: float
) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Return nodes and constants of `features`, [N, 64], each -1…1."""
    is_last = shape[-1] == 3
    sides = list(shape[:2] if is_last else shape[1:])
    is_free = any(isinstance(side, str) for side in sides)
    channels = FEATURES if is_free else CHANNELS
    nodes, source = [], name
    if is_last:
        nodes.append(helper.make_node("Transpose", [name], ["first"], perm=[0, 3, 1, 2]))
        source = "first"
    constants: dict[str, np.ndarray] = {
        "filter": (rng.normal(0, 0.15, (channels, 3, 8, 8)) / scale).astype(np.float32)
    }
    nodes += [
        helper.make_node("Conv", [source, "filter"], ["filtered"], strides=[8, 8]),
        helper.make_node("Tanh", ["filtered"], ["bent"]),
    ]
    if is_free:
        nodes += [
            helper.make_node("GlobalAveragePool", ["bent"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["features"], axis=1),
        ]
    else:
        n_values = channels * (int(sides[0]) // 8) * (int(sides[1]) // 8)
        constants["mixing"] = (rng.normal(0, 1, (n_values, FEATURES)) / np.sqrt(n_values)).astype(np.float32)
        nodes += [
            helper.make_node("Flatten", ["bent"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "mixing"], ["mixed"]),
            helper.make_node("Tanh", ["mixed"], ["features"]),
        ]
    return nodes, constants
