"""How files are run: batches planned from a card's memory, and what a file of half precision is fed."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from model_files import greedy_embedder, picture, save, stretch_of
from onnx import TensorProto, helper

from animeds_db.models import feeding, runtime
from animeds_db.models.feeding import Feeder
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry, Input
from animeds_db.models.runners import pixels
from animeds_db.models.runners.embedder import Embedder, unit
from animeds_db.models.runtime import (
    CPU_BATCH,
    Device,
    Network,
    choose_device,
    free_gpu_bytes,
    gpu_batch,
    gpu_count,
)

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


@pytest.mark.parametrize(
    ("visible", "asked", "count"),
    [(None, "0", 3), ("", "0", 3), ("2", "2", 1), ("GPU-4f, GPU-7a", "GPU-4f", 2)],
)
def test_the_gpu_that_is_asked_for_its_memory_is_the_one_that_cuda_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, asked: str, count: int
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *memory.free*--id={asked}) echo 77;; *=index*) seq 0 2;; *) exit 6;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert (free_gpu_bytes(), gpu_count()) == (77 << 20, count)


def test_the_processor_is_the_second_choice_of_a_gpu_and_gets_no_options_of_cuda() -> None:
    on_gpu = Device("cuda", "test")
    assert on_gpu.providers == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert [set(options) for options in on_gpu.provider_options] == [
        {"cudnn_conv_algo_search", "arena_extend_strategy"},
        set(),
    ]
    assert (CPU.providers, CPU.provider_options) == (["CPUExecutionProvider"], [{}])


@pytest.mark.parametrize(
    ("gpus", "words"), [(1, "found by onnxruntime"), (4, "the first of 4 GPUs (an ingest with")]
)
def test_a_process_says_that_it_uses_one_of_several_gpus(
    monkeypatch: pytest.MonkeyPatch, gpus: int, words: str
) -> None:
    monkeypatch.setattr(runtime, "_why_no_cuda", lambda: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(str(number) for number in range(gpus)))
    device = choose_device("auto")
    assert device.name == "cuda" and words in device.reason


def test_without_a_driver_there_is_one_gpu_with_a_cautious_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert (free_gpu_bytes(), gpu_count()) == (1 << 30, 1)


def test_a_network_that_is_fed_through_buffers_answers_as_one_that_is_not(tmp_path: Path) -> None:
    network = Network(half_precision(tmp_path / "half.onnx"), CPU)
    assert network.feeder is None
    chance = np.random.default_rng(2)
    rows = [chance.normal(0, 1, (n, 3, 16, 16)).astype(np.float32) for n in (3, 2 * CPU_BATCH + 3, 1)]
    plain = [network.run({"input": part}, ["output"])[0] for part in rows]
    network.feeder = Feeder(onnxruntime.InferenceSession(tmp_path / "half.onnx"))
    for part, expected in zip(rows, plain, strict=True):
        (answer,) = network.run({"input": part}, ["output"])
        np.testing.assert_array_equal(answer, expected)
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(lambda part: network.run({"input": part}, ["output"])[0], rows * 5)
        for answer, expected in zip(answers, plain * 5, strict=True):
            np.testing.assert_array_equal(answer, expected)


def test_batches_are_halved_when_memory_runs_out_in_a_buffered_run(tmp_path: Path) -> None:
    network = Network(greedy_embedder(tmp_path / "greedy.onnx", fits=4), CPU)
    network.feeder = Feeder(onnxruntime.InferenceSession(tmp_path / "greedy.onnx"))
    rows = np.random.default_rng(2).normal(0, 1, (10, 3, 16, 16)).astype(np.float32)
    (answer,) = network.run({"input": rows}, ["output"])
    np.testing.assert_array_equal(answer, rows.reshape(10, -1)[:, :64])


def test_memory_that_the_driver_can_lock_is_unlocked_before_it_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, int | None]] = []

    class Runtime:
        """The two functions of NVIDIA's library, with the status of the first."""

        status = 0

        def cudaHostRegister(self, at: ctypes.c_void_p, size: ctypes.c_size_t, flags: int) -> int:  # noqa: N802
            calls.append(("lock", at.value))
            return self.status

        def cudaHostUnregister(self, at: ctypes.c_void_p) -> int:  # noqa: N802
            calls.append(("unlock", at.value))
            return 0

    monkeypatch.setattr(feeding, "_runtime", Runtime)
    buffer = feeding.locked(4096)
    part = buffer[:100].view(np.float32)
    address = buffer.ctypes.data
    del buffer
    gc.collect()
    assert calls == [("lock", address)]
    del part
    gc.collect()
    assert calls == [("lock", address), ("unlock", address)]
    Runtime.status = 712
    assert feeding.locked(10).nbytes == 10 and len(calls) == 3


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
