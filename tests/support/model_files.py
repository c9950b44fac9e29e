"""Small ONNX files with the names, shapes and types of the real ones. They echo what they are fed.

A tagger's scores are its first input values / 255, an embedder's vector is a stretch of its input:
so a test compares an answer with a reference tensor, number by number.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

WD_TAGS = 10_861  # 4 ratings, 8,106 general, 2,751 characters
WD_RATINGS = ("general", "sensitive", "questionable", "explicit")


# Boxes in pixels of 640 × 640: a, a near-copy of a, b, and one too weak.
YOLO = np.array(
    [[160, 162, 480, 320], [320, 321, 160, 600], [64, 64, 128, 20], [128, 128, 64, 20], [0.9, 0.8, 0.6, 0.2]],
    np.float32,
)


def picture(width: int, height: int, seed: int = 1) -> np.ndarray:
    """Return a made picture, uint8 RGB [height,width,3]: soft colours and some grain."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (9, 16, 3), dtype=np.uint8))
    noise = rng.integers(-8, 9, (height, width, 3))
    smooth = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Mapping[str, Sequence[Any]],
    constants: Mapping[str, np.ndarray],
    *,
    metadata: Mapping[str, str] | None = None,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """Write a model; shapes are lists of numbers and names of free axes."""
    fed = [helper.make_tensor_value_info(name, kind, list(shape)) for name, shape in inputs.items()]
    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs.items()
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "made", fed, given, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def stretch_of(start: int, length: int, source: str, target: str) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Nodes that flatten `source` per picture and cut out `length` values from `start` on."""
    constants = {
        f"{target}_flat_shape": np.array([0, -1], np.int64),
        f"{target}_from": np.array([start], np.int64),
        f"{target}_to": np.array([start + length], np.int64),
        f"{target}_axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", [source, f"{target}_flat_shape"], [f"{target}_flat"]),
        helper.make_node("Slice", [f"{target}_{part}" for part in ("flat", "from", "to", "axis")], [target]),
    ]
    return nodes, constants


def wd_tagger(
    path: Path,
    tags: int = WD_TAGS,
    size: int = 448,
    *,
    divide: float = 255.0,
    start: int = 0,
    ballast: int = 0,
) -> Path:
    """A WD tagger: NHWC input, [N, tags] output; the scores are input values from `start` on, / `divide`.

    `ballast`: so many bytes of weights that nothing uses.
    """
    nodes, constants = stretch_of(start, tags, "input", "values")
    nodes.append(helper.make_node("Div", ["values", "divide"], ["output"]))
    constants["divide"] = np.array(divide, np.float32)
    if ballast:
        constants["ballast"] = np.random.default_rng(1).integers(0, 255, ballast, np.uint8)
    shapes = {"input": ["batch_size", size, size, 3]}, {"output": ["batch_size", tags]}
    return save(path, nodes, *shapes, constants)


def wd_tagger_with_vectors(path: Path, tags: int = 30, width: int = 1024) -> tuple[Path, Path]:
    """A WD tagger with its vectors as a second output of fixed batch, and the inv.npz of its last layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    weights = rng.normal(0, 0.01, (width, tags)).astype(np.float32)
    bias = rng.normal(0, 1, tags).astype(np.float32)
    vector = "core_model/head/flatten"
    nodes, constants = stretch_of(0, width, "input", vector)
    nodes += [
        helper.make_node("Gemm", [vector, "weights", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["output"]),
    ]
    save(
        path,
        nodes,
        {"input": ["batch_size", 448, 448, 3]},
        {"output": ["batch_size", tags], vector: [1, width]},
        constants | {"weights": weights, "bias": bias},
    )
    np.savez(path.with_name("inv.npz"), weights=weights, bias=bias)
    return path, path.with_name("inv.npz")


def selected_tags(path: Path, tags: int = WD_TAGS) -> Path:
    """A selected_tags.csv: ratings first (category 9), then general tags (0), then characters (4)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    general = 8_106 if tags == WD_TAGS else (tags - 4) * 3 // 4
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["tag_id", "name", "category", "count"])
        for place in range(tags):
            if place < 4:
                name, category = WD_RATINGS[place], 9
            elif place < 4 + general:
                name, category = f"tag_{place}", 0
            else:
                name, category = f"someone_{place}_(show)", 4
            rows.writerow([9_999_999 - place, name, category, 100])
    return path


def detector(
    path: Path,
    answer: np.ndarray,
    *,
    names: str = "{0: 'face'}",
    imgsz: str | None = "[640, 640]",
    sides: Sequence[Any] = ("height", "width"),
    batch: Any = "batch",
) -> Path:
    """A YOLO or RT-DETR file that answers every picture with `answer` ([4+C,N], [N,6] or [N,4+C])."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Squeeze", ["nothing", "last"], ["row"]),
        helper.make_node("Add", ["answer", "row"], ["output0"]),
    ]
    constants: dict[str, np.ndarray] = {
        "zero": np.array(0, np.float32),
        "last": np.array([3], np.int64),
        "answer": answer.astype(np.float32)[None],
    }
    metadata = {"names": names} | ({"imgsz": imgsz} if imgsz else {})
    shapes = {"images": [batch, 3, *sides]}, {"output0": [batch, *answer.shape]}
    return save(path, nodes, *shapes, constants, metadata=metadata)


def segmenter(
    path: Path, size: Sequence[Any] = ("height", "width"), *, scale: float = 1.0, offset: float = 0.0
) -> Path:
    """A matting network as isnetis: `img` [n,3,H,W] to `mask` [n,1,H,W], its red channel × scale + offset."""
    nodes = [
        helper.make_node("Slice", ["img", "from", "to", "axis"], ["red"]),
        helper.make_node("Mul", ["red", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["mask"]),
    ]
    constants: dict[str, np.ndarray] = {
        "from": np.array([0], np.int64),
        "to": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "scale": np.array(scale, np.float32),
        "offset": np.array(offset, np.float32),
    }
    return save(path, nodes, {"img": ["batch", 3, *size]}, {"mask": ["batch", 1, *size]}, constants)


def yolo_segmenter(path: Path, answer: np.ndarray, prototypes: np.ndarray, names: str) -> Path:
    """A YOLO-seg file for 64 × 64 that answers with `answer` [4+C+P,N] and `prototypes` [P,h,w]."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Squeeze", ["nothing", "last"], ["row"]),
        helper.make_node("Add", ["answer", "row"], ["output0"]),
        helper.make_node("Add", ["prototypes", "nothing"], ["output1"]),
    ]
    constants: dict[str, np.ndarray] = {
        "zero": np.array(0, np.float32),
        "last": np.array([3], np.int64),
        "answer": answer.astype(np.float32)[None],
        "prototypes": prototypes.astype(np.float32)[None],
    }
    outputs = {"output0": ["batch", *answer.shape], "output1": ["batch", *prototypes.shape]}
    return save(path, nodes, {"images": ["batch", 3, 64, 64]}, outputs, constants, metadata={"names": names})


def embedder(
    path: Path,
    width: int,
    size: Sequence[int],
    *,
    names: tuple[str, str] = ("input", "output"),
    start: int = 0,
    encodings: int | None = None,
) -> Path:
    """An embedder (CCIP, CLIP): the vector is `width` values of the NCHW input from `start` on."""
    nodes, constants = stretch_of(start, width, names[0], names[1])
    outputs: dict[str, list[Any]] = {names[1]: ["batch", width]}
    if encodings:
        more, extra = stretch_of(0, encodings, names[0], "encodings")
        nodes, constants = nodes + more, constants | extra
        outputs = {"encodings": ["batch", encodings]} | outputs
    return save(path, nodes, {names[0]: ["batch", 3, *size]}, outputs, constants)


def greedy_embedder(path: Path, fits: int) -> Path:
    """An embedder of width 64 that wants (n - fits + 1)^20 values for n pictures: more than there can be."""
    nodes, constants = stretch_of(0, 64, "input", "vector")
    nodes += [
        helper.make_node("Shape", ["input"], ["shape"], start=0, end=1),
        helper.make_node("Sub", ["shape", "spare"], ["more"]),
        helper.make_node("Max", ["more", "one"], ["side"]),
        helper.make_node("Pow", ["side", "power"], ["many"]),
        helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
        helper.make_node("Add", ["vector", "zero"], ["output"]),
    ]
    scale = 5 if fits else 100  # with room for none, one picture alone must be too much
    constants |= {
        "spare": np.array([fits - 1 if fits else -scale], np.int64),
        "one": np.array([1], np.int64),
        "power": np.array([20 if fits else 8], np.int64),
    }
    return save(path, nodes, {"input": ["batch", 3, 16, 16]}, {"output": ["batch", 64]}, constants)


def ccip_metric(path: Path, width: int = 768) -> Path:
    """CCIP's metric model as its formula is told: [N, width] → [N, N] of (1 - cosine) / 2."""
    nodes = [
        helper.make_node("LpNormalization", ["input"], ["unit"], axis=1, p=2),
        helper.make_node("Transpose", ["unit"], ["columns"], perm=[1, 0]),
        helper.make_node("MatMul", ["unit", "columns"], ["cosine"]),
        helper.make_node("Sub", ["one", "cosine"], ["distance"]),
        helper.make_node("Div", ["distance", "two"], ["output"]),
    ]
    constants = {"one": np.array(1, np.float32), "two": np.array(2, np.float32)}
    return save(path, nodes, {"input": ["batch", width]}, {"output": ["batch", "batch"]}, constants)


def text_tower(
    path: Path, width: int = 512, vocabulary: int = 50, *, mask: bool = True, output: str = "embeddings"
) -> Path:
    """A text tower: the sum of the tokens' rows of a table, of those the mask shows when it is asked for."""
    table = np.random.default_rng(5).normal(0, 1, (vocabulary, width)).astype(np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    last = "words"
    inputs = {"input_ids": ["batch", "length"]}
    if mask:
        inputs = {"attention_mask": ["batch", "length"], **inputs}
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["shown"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["shown", "axis"], ["column"]),
            helper.make_node("Mul", ["words", "column"], ["seen"]),
        ]
        last = "seen"
    nodes.append(helper.make_node("ReduceSum", [last, "one"], [output], keepdims=0))
    constants: dict[str, np.ndarray] = {
        "table": table,
        "axis": np.array([2], np.int64),
        "one": np.array([1], np.int64),
    }
    return save(path, nodes, inputs, {output: ["batch", width]}, constants, kind=TensorProto.INT64)


def tokenizer(path: Path, words: Sequence[str] = ("red", "hair", "smiling", "blue")) -> Path:
    """A tokenizer.json that brackets a sentence with <start> (0) and <end> (1), as CLIP's does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: place for place, word in enumerate(("<start>", "<end>", "<unknown>", *words))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unknown>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 0), ("<end>", 1)]
    )
    # What a file may bring along and must not matter: rows filled up to 20.
    made.enable_padding(length=20, pad_id=2, pad_token="<unknown>")
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return path


def sparse_tagger(path: Path, tags: int, lit: int, size: int = 32) -> Path:
    """A WD tagger that is sure of nothing but its last `lit` tags, whose scores are values of the middle row / 255."""
    nodes, constants = stretch_of(size * size * 3 // 2, lit, "input", "values")
    nodes += [
        helper.make_node("Div", ["values", "divide"], ["scores"]),
        helper.make_node("Pad", ["scores", "pads"], ["output"]),
    ]
    constants |= {"divide": np.array(255, np.float32), "pads": np.array([0, tags - lit, 0, 0], np.int64)}
    shapes = {"input": ["batch_size", size, size, 3]}, {"output": ["batch_size", tags]}
    return save(path, nodes, *shapes, constants)
