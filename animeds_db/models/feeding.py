"""Feeds a network on a GPU through onnxruntime's IO binding, from buffers that the driver can read directly.

Memory of a program may be moved to disk by the system, so the driver first copies it to memory that may not be
(page-locked), and then to the GPU. Buffers that are page-locked from the start save the first copy and the waiting for
it. They are kept from one batch to the next, because locking takes as long as several batches.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

log = logging.getLogger("animeds")

RUNTIMES = ("libcudart.so.13", "libcudart.so.12", "cudart64_13.dll", "cudart64_12.dll")
"""NVIDIA's runtime library in the versions that onnxruntime-gpu is built for. The first that can be loaded is
used."""


class Feeder:
    """Runs a session of onnxruntime on batches [n, …] of NumPy arrays. May be used from several threads."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._buffers: dict[str, np.ndarray] = {}
        self._turn = threading.Lock()

    def __call__(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Return the named outputs. Raises the errors of onnxruntime."""
        with self._turn:
            binding = self._session.io_binding()
            for name, values in feeds.items():
                binding.bind_cpu_input(name, self._copied(name, values))
            for name in outputs:
                binding.bind_output(name)
            self._session.run_with_iobinding(binding)
            results: list[np.ndarray] = binding.copy_outputs_to_cpu()
            return results

    def _copied(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return the values in this input's buffer, which grows if it is too small."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.nbytes < values.nbytes:
            buffer = self._buffers[name] = locked(values.nbytes)
        part = buffer[: values.nbytes].view(values.dtype).reshape(values.shape)
        part[...] = values
        return part


def locked(n_bytes: int) -> np.ndarray:
    """Return uint8 [n_bytes], page-locked where NVIDIA's runtime library can do that, else ordinary memory."""
    buffer = np.empty(max(1, n_bytes), np.uint8)
    runtime = _runtime()
    if runtime is None:
        return buffer
    status = runtime.cudaHostRegister(ctypes.c_void_p(buffer.ctypes.data), ctypes.c_size_t(buffer.nbytes), 0)
    if status:
        log.debug("%d bytes cannot be page-locked (CUDA error %d)", buffer.nbytes, status)
    else:
        unlock = weakref.finalize(buffer, runtime.cudaHostUnregister, ctypes.c_void_p(buffer.ctypes.data))
        unlock.atexit = False  # the system unlocks the memory of a program that ends
    return buffer


@cache
def _runtime() -> Any:
    """Return NVIDIA's runtime library, or None."""
    for name in RUNTIMES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.cudaHostRegister.restype = ctypes.c_int
        library.cudaHostUnregister.restype = ctypes.c_int
        return library
    return None
