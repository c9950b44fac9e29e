"""Runs ONNX files, on the GPU if there is one. A fallback to the CPU is always reported."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from animeds_db.cores import core_count, is_limited
from animeds_db.errors import ModelError, UsageError
from animeds_db.models.feeding import Feeder

log = logging.getLogger("animeds")

DEVICES = ("auto", "cpu", "cuda")
CPU_BATCH = 8
GPU_BATCHES = (1, 64)
ACTIVATION_FACTOR = 300
"""Working memory per byte of input assumed for GPU batches: about as much as SwinV2-B needs at 448 px."""

CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
"""Options of onnxruntime's CUDA provider. By default it tries all ways to compute a convolution for each new size of a
batch, which takes seconds, and doubles its memory whenever it needs more, so that less is left for larger batches."""

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
LARGEST_FILE = 2**31
"""Bytes. Larger ONNX files cannot be read; their weights must be in other files."""
CUSTOM_OPERATOR = re.compile(r"No Op registered for (\S+)|([\w.:]+)\(-?\d+\) is not a registered function/op")
MISSING_DATA = re.compile(r'External data path does not exist: "([^"]+)"')
OUTSIDE_DATA = re.compile(
    r"External data path escapes|Absolute path not allowed|External data path validation failed"
)
OUT_OF_MEMORY = ("out of memory", "failed to allocate", "bad_alloc", "alloc_failed")


@dataclass(frozen=True)
class Device:
    """Where models run: cuda or cpu, and one sentence that says which and why."""

    name: str
    reason: str
    demanded: bool = False  # by the user, so there is no fallback

    @property
    def providers(self) -> list[str]:
        """onnxruntime's names, best first."""
        return (
            ["CUDAExecutionProvider", "CPUExecutionProvider"]
            if self.name == "cuda"
            else ["CPUExecutionProvider"]
        )

    @property
    def provider_options(self) -> list[dict[str, str]]:
        """Options of each provider."""
        return [CUDA_OPTIONS if name.startswith("CUDA") else {} for name in self.providers]


def choose_device(wanted: str = "auto") -> Device:
    """Return the device to use on this machine for `wanted` (auto, cpu, cuda).

    Raises ModelError if cuda is requested but not available, and UsageError for any other word.
    """
    if wanted not in DEVICES:
        raise UsageError(f'there is no device "{wanted}"', hint="devices: " + ", ".join(DEVICES))
    if wanted == "cpu":
        return Device("cpu", "models run on the CPU, as requested")
    problem = _why_no_cuda()
    if problem is None:
        return Device("cuda", _where(gpu_count()), demanded=wanted == "cuda")
    if wanted == "cuda":
        raise ModelError(
            f"models cannot run on CUDA: {problem}",
            hint="pip install 'animeds-db[gpu]', check nvidia-smi, or use --device cpu",
        )
    return Device("cpu", f"models run on the CPU: {problem}")


def _why_no_cuda() -> str | None:
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDA provider (pip install 'animeds-db[gpu]' for NVIDIA cards)"
    if shutil.which("nvidia-smi") is None:
        return "there is no NVIDIA driver (nvidia-smi not found)"
    # So that CUDA numbers the GPUs as nvidia-smi does, which is asked for their free memory.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    # The documented way to find the CUDA libraries that pip installed beside onnxruntime-gpu.
    onnxruntime.preload_dlls()
    return None


def _where(gpus: int) -> str:
    """Return a sentence about the GPU that models run on: one process uses one GPU."""
    if gpus <= 1:
        return "models run on CUDA, found by onnxruntime"
    return f"models run on CUDA, on the first of {gpus} GPUs (an ingest with --engine ray --worker-gpus 1 uses all)"


class Network:
    """One ONNX file, ready to run. Large batches are split; if memory runs out, they are halved with a warning.

    `batch` is the number of pictures that are run together; 0: it is planned at the first run.
    """

    def __init__(self, path: Path, device: Device) -> None:
        refuse_other_files(path)
        self.path = path
        self._session = _session(path, device)
        self.provider = "cuda" if "CUDA" in self._session.get_providers()[0] else "cpu"
        self.inputs: dict[str, Any] = {i.name: i for i in self._session.get_inputs()}
        self.outputs: dict[str, Any] = {o.name: o for o in self._session.get_outputs()}
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.feeder = Feeder(self._session) if self.provider == "cuda" else None
        self.batch = 0

    def run(self, feeds: Mapping[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        """Return the named outputs for inputs with a common first axis, run in batches and joined again.

        Inputs are cast to the types in the file. Raises ModelError with the file's path if it fails.
        """
        typed = {name: value.astype(self._dtype(name), copy=False) for name, value in feeds.items()}
        n = len(next(iter(typed.values())))
        fixed = self.fixed_batch
        self.batch = fixed or self.batch or self._planned_batch(typed)
        parts: list[list[np.ndarray]] = []
        start = 0
        while start < n:
            stop = min(start + self.batch, n)
            try:
                parts.append(self._run_once(typed, start, stop, outputs))
                start = stop
            except _OutOfMemoryError as error:
                if fixed or self.batch == 1:
                    raise ModelError(f"{self.path}: not enough memory for one picture: {error}") from error
                self.batch //= 2
                log.warning("%s: out of memory, continuing with batches of %d", self.path.name, self.batch)
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def run_whole(self, feeds: Mapping[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        """Return the named outputs for inputs that must not be split (a comparison of all with all)."""
        typed = {name: value.astype(self._dtype(name), copy=False) for name, value in feeds.items()}
        return self._run_once(typed, 0, len(next(iter(typed.values()))), outputs)

    @property
    def fixed_batch(self) -> int:
        """The batch size fixed in the file, or 0 if any is possible."""
        first = next(iter(self.inputs.values())).shape[:1]
        return first[0] if first and isinstance(first[0], int) else 0

    def _run_once(
        self, feeds: Mapping[str, np.ndarray], start: int, stop: int, outputs: list[str]
    ) -> list[np.ndarray]:
        missing = max(0, self.fixed_batch - (stop - start))
        part = {name: _padded(value[start:stop], missing) for name, value in feeds.items()}
        try:
            run = self.feeder or self._run_plainly
            results = run(part, outputs)
        except Exception as error:
            text = str(error)
            if any(sign in text.lower() for sign in OUT_OF_MEMORY):
                raise _OutOfMemoryError(text) from error
            raise ModelError(f"{self.path} failed: {_first_line(error)}", hint=FITS) from error
        return [np.asarray(result)[: stop - start] for result in results]

    def _run_plainly(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        results: list[np.ndarray] = self._session.run(list(outputs), dict(feeds))
        return results

    def _dtype(self, name: str) -> type[Any]:
        kind = self.inputs[name].type
        if kind not in DTYPES:
            raise ModelError(f'{self.path}: input "{name}" requires {kind}, which is not supported')
        return DTYPES[kind]

    def _planned_batch(self, feeds: Mapping[str, np.ndarray]) -> int:
        if self.provider == "cpu":
            return CPU_BATCH
        return gpu_batch(sum(value[:1].nbytes for value in feeds.values()), free_gpu_bytes())


FITS = "check that the file matches its manifest entry: `animeds models list` shows the entry"


class _OutOfMemoryError(Exception):
    pass


def _padded(batch: np.ndarray, missing: int) -> np.ndarray:
    return np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]) if missing else batch


def _session(path: Path, device: Device) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Several models take turns beside the decoder, so idle worker threads must not use the decoder's core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if is_limited():
        options.intra_op_num_threads = core_count()
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=device.providers, provider_options=device.provider_options
        )
    except Exception as error:
        _refuse_known(path, str(error))
        raise ModelError(
            f"{path} is not an ONNX model that can be run: {_first_line(error)}",
            hint="check it with `animeds models verify`; if it is damaged, remove it and pull (or add) it again",
        ) from error
    if session.get_providers()[0] != device.providers[0]:
        problem = f"{path.name}: onnxruntime supports CUDA but could not start it (missing driver or CUDA libraries?)"
        if device.demanded:
            raise ModelError(problem, hint="run `animeds doctor` for details, or use --device cpu")
        log.warning("%s; it runs on the CPU", problem)
    return session


def _refuse_known(path: Path, error: str) -> None:
    """Raise ModelError for errors of onnxruntime whose reason is known."""
    if found := CUSTOM_OPERATOR.search(error):
        raise ModelError(
            f"{path} uses the operator {found[1] or found[2]}, which onnxruntime does not have",
            hint="export the model again without custom operators, or look for a file of it without them",
        )
    if found := MISSING_DATA.search(error):
        raise ModelError(
            f"{path} keeps its weights in the file {found[1]}, which does not exist",
            hint="put that file beside the model, under this name",
        )
    if OUTSIDE_DATA.search(error):
        raise ModelError(
            f"{path} keeps its weights in a file outside its own folder, which is not read",
            hint="save the model again with the weights in the ONNX file or beside it (a link does not count)",
        )


def refuse_other_files(path: Path) -> None:
    """Raise ModelError for a file that is not a model: missing, empty, too large, a web page, a git-lfs pointer."""
    if not path.is_file():
        raise ModelError(f"the model file {path} is missing")
    if path.stat().st_size > LARGEST_FILE:
        raise ModelError(
            f"{path} has {path.stat().st_size / 1e9:.1f} GB; an ONNX file can have at most {LARGEST_FILE / 1e9:.1f} GB",
            hint="save its weights in a separate file beside it (external data), or use a smaller model",
        )
    with path.open("rb") as file:
        head = file.read(512).lstrip().lower()
    if not head:
        raise ModelError(f"{path} is empty")
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise ModelError(
            f"{path} is a web page, not a model",
            hint="a proxy or login page may have answered instead of the hub; download it again",
        )
    if head.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{path} is a git-lfs pointer, not the model itself", hint="run `git lfs pull` there"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def gpu_batch(one: int, free: int) -> int:
    """Return the batch size, 1…64, for inputs of `one` bytes each and `free` bytes of GPU memory."""
    low, high = GPU_BATCHES
    return max(low, min(high, free // max(1, one * ACTIVATION_FACTOR)))


def free_gpu_bytes() -> int:
    """Return the free memory of the GPU in use in bytes, or 1 GiB if it is unknown."""
    try:
        first = _visible()[:1] or ["0"]
        return int(_nvidia_smi("memory.free", f"--id={first[0]}")[0]) * 1024 * 1024
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 1 << 30


def gpu_count() -> int:
    """Return the number of GPUs that CUDA shows this process, or 1 if it is unknown."""
    try:
        return len(_visible()) or len(_nvidia_smi("index"))
    except (OSError, subprocess.SubprocessError):
        return 1


def _visible() -> list[str]:
    """Return the GPUs that CUDA shows this process (numbers or UUIDs; Ray sets them), or nothing if it shows all."""
    return [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]


def _nvidia_smi(what: str, *options: str) -> list[str]:
    """Return the driver's answer to a query, one line for each GPU. Raises OSError and SubprocessError."""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits", *options]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    return [line.strip() for line in answer.splitlines() if line.strip()]
