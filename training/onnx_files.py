"""Writing ONNX files: fixed names, a dynamic batch axis, weights stored small, checked against torch.

Rule: a file is only kept when onnxruntime gives the net's own numbers for two different batch sizes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
QUANTISED = 16_000
"""Of a tight file, weights with fewer values stay float16."""
SMALLEST = 64
"""Tensors with fewer values stay float32: they are offsets and shapes, and save nothing."""


def write_onnx(
    net: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic: Mapping[str, Mapping[int, str]],
    metadata: Mapping[str, str],
    tight: bool = False,
    tolerance: float = 0.02,
) -> None:
    """Export `net` to `path`, shrink its weights, and compare onnxruntime's numbers with torch's.

    Raises ValueError when they differ by more than `tolerance`, a share of an output's largest value (of 1 at least).
    """
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecation and tracing notes
        torch.onnx.export(
            net, example, str(path), input_names=list(inputs), output_names=list(outputs),
            dynamic_axes={k: dict(v) for k, v in dynamic.items()}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    shrink_weights(model.graph, QUANTISED if tight else None)
    helper.set_model_props(model, dict(metadata))
    model.producer_name, model.producer_version, model.doc_string = "animeds-db training", "1", ""
    onnx.checker.check_model(model)
    onnx.save(model, path)
    compare(net, example, path, inputs, tolerance)


def shrink_weights(graph: onnx.GraphProto, quantised: int | None) -> None:
    """Store every weight as float16, or as int8 with a scale per row where it has `quantised` values or more.

    Runtimes fold the nodes behind them at load, so all arithmetic stays float32.
    """
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST or np.abs(values).max() > 6e4:
            continue
        name = tensor.name
        if quantised is not None and values.ndim > 1 and values.size >= quantised:
            casts += quantise(graph, tensor, values)
            continue
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def quantise(graph: onnx.GraphProto, tensor: onnx.TensorProto, values: np.ndarray) -> list[onnx.NodeProto]:
    """Replace an initializer by int8 values and a scale per row of its first axis; return what restores it."""
    name = tensor.name
    scale = np.abs(values).reshape(len(values), -1).max(1).clip(1e-12).astype(np.float32) / 127
    spread = scale.reshape(-1, *[1] * (values.ndim - 1))
    tensor.CopyFrom(numpy_helper.from_array(np.round(values / spread).astype(np.int8), f"{name}_bytes"))
    graph.initializer.append(numpy_helper.from_array(spread, f"{name}_scale"))
    return [
        helper.make_node("Cast", [f"{name}_bytes"], [f"{name}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
    ]


def compare(
    net: nn.Module, example: tuple[Tensor, ...], path: Path, inputs: Sequence[str], tolerance: float
) -> None:
    """Run the file and the net on the example and on its first row alone. Raises ValueError when they differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (example, tuple(x[:1] for x in example)):
        with torch.no_grad():
            told = net(*batch)
        wanted = [x.numpy() for x in (told if isinstance(told, tuple) else (told,))]
        got = session.run(None, {name: x.numpy() for name, x in zip(inputs, batch, strict=True)})
        for mine, theirs in zip(got, wanted, strict=True):
            most = tolerance * max(1.0, float(np.abs(theirs).max()))
            if mine.shape != theirs.shape or np.abs(mine - theirs).max() > most:
                raise ValueError(f"{path.name}: onnxruntime and torch disagree")
