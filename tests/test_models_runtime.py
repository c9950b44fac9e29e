"""How files are run: batches planned from a card's memory, and what a file of half precision is fed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from model_files import picture, save, stretch_of
from onnx import TensorProto, helper

from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry, Input
from animeds_db.models.runners import pixels
from animeds_db.models.runners.embedder import Embedder, unit
from animeds_db.models.runtime import CPU_BATCH, Device, Network, free_gpu_bytes, gpu_batch

CPU = Device("cpu", "test")
WD_PICTURE = 448 * 448 * 3 * 4  # bytes


@pytest.mark.parametrize(
    ("free", "batch"), [(0, 1), (1 << 30, 1), (8 << 30, 11), (24 << 30, 35), (139 << 30, 64)]
)
def test_a_batch_fits_the_free_memory_of_the_card(free: int, batch: int) -> None:
    assert gpu_batch(WD_PICTURE, free) == batch


@pytest.mark.parametrize(
    ("script", "megabytes"),
    [
        ('test "$*" = "--query-gpu=memory.free --format=csv,noheader,nounits --id=0" && echo 23456', 23_456),
        ("echo '[N/A]'", 1024),
        ("echo no devices were found; exit 6", 1024),
    ],
)
def test_free_memory_is_what_the_driver_says_or_a_cautious_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, megabytes: int
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert free_gpu_bytes() == megabytes << 20


def half_precision(path: Path) -> Path:
    """An embedder whose input and output are float16, as half-precision exports have them."""
    nodes, constants = stretch_of(100, 16, "input", "vector")
    nodes.append(helper.make_node("Cast", ["vector"], ["output"], to=TensorProto.FLOAT))
    shapes = {"input": ["batch", 3, 16, 16]}, {"output": ["batch", 16]}
    return save(path, nodes, *shapes, constants, kind=TensorProto.FLOAT16)


def test_a_file_of_half_precision_is_fed_half_precision(tmp_path: Path) -> None:
    file = half_precision(tmp_path / "half.onnx")
    how = Input(size=(16, 16))
    entry = Entry("half", "image", files={"model": file.name}, input=how)
    model = Embedder(Files(entry, {"model": file}, "0" * 8, "0" * 64), CPU)
    fed = pixels.prepare([picture(30, 20)], how, (16, 16)).astype(np.float16).reshape(1, -1)[:, 100:116]
    np.testing.assert_array_equal(unit(fed.astype(np.float32)), model([picture(30, 20)]))


def test_a_long_row_of_pictures_is_run_in_batches_and_joined_in_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = Network(half_precision(tmp_path / "half.onnx"), CPU)
    rows = np.arange(2 * CPU_BATCH + 3, dtype=np.float32)
    fed = np.broadcast_to(rows[:, None, None, None], (len(rows), 3, 16, 16))
    with caplog.at_level(logging.WARNING, "animeds"):
        (answer,) = network.run({"input": fed}, ["output"])
    np.testing.assert_array_equal(answer, np.repeat(rows[:, None], 16, axis=1))
    assert not caplog.records
