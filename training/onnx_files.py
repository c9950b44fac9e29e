"""Writing ONNX files: fixed names, a dynamic batch axis, weights stored as float16, checked against torch.

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
SMALLEST = 64
"""Tensors with fewer values stay float32: they are offsets and shapes, and save nothing."""


def write_onnx(
    net: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    output: str,
    dynamic: Mapping[str, Mapping[int, str]],
    metadata: Mapping[str, str],
) -> None:
    """Export `net` to `path`, halve its weights, and compare onnxruntime's numbers with torch's.

    Raises ValueError when they differ by more than 2 % of the output's largest value.
    """
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecation and tracing notes
        torch.onnx.export(
            net, example, str(path), input_names=list(inputs), output_names=[output],
            dynamic_axes={k: dict(v) for k, v in dynamic.items()}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(path)
    halve_weights(model.graph)
    helper.set_model_props(model, dict(metadata))
    model.producer_name, model.producer_version, model.doc_string = "animeds-db training", "1", ""
    onnx.checker.check_model(model)
    onnx.save(model, path)
    compare(net, example, path, inputs)


def halve_weights(graph: onnx.GraphProto) -> None:
    """Store every large float32 initializer as float16 followed by a Cast, which runtimes fold."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST or np.abs(values).max() > 6e4:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def compare(net: nn.Module, example: tuple[Tensor, ...], path: Path, inputs: Sequence[str]) -> None:
    """Run the file and the net on the example and on its first row alone. Raises ValueError when they differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (example, tuple(x[:1] for x in example)):
        with torch.no_grad():
            want = net(*batch).numpy()
        got = session.run(None, {name: x.numpy() for name, x in zip(inputs, batch, strict=True)})[0]
        if got.shape != want.shape or np.abs(got - want).max() > 0.02 * max(1.0, float(np.abs(want).max())):
            raise ValueError(f"{path.name}: onnxruntime and torch disagree")
