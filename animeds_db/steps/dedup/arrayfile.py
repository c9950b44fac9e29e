"""Named arrays in one file, with a checksum. A file that is incomplete or altered is refused.

NumPy's .npz does the same, but copies and checks so slowly that reading took longer than the work it saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xxhash

from animeds_db.safe_files import whole_file

_MAGIC = b"animeds1"
_ALIGNED = 64  # bytes, so that arrays can be used without a copy


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays of numbers or strings to a file, replacing an existing one. The file is never left half-written."""
    heads: dict[str, tuple[str, tuple[int, ...], int]] = {}
    parts: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        data = array.tobytes()
        heads[name] = (array.dtype.str, array.shape, at)
        gap = -len(data) % _ALIGNED
        parts += [data, bytes(gap)]
        at += len(data) + gap
    head = json.dumps(heads).encode()
    head += b" " * (-(len(_MAGIC) + 16 + 8 + len(head)) % _ALIGNED)
    start = len(head).to_bytes(8, "little") + head
    seen = xxhash.xxh3_128(start)
    for part in parts:
        seen.update(part)
    with whole_file(file) as opened:
        opened.writelines([_MAGIC, seen.digest(), start, *parts])


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Return the arrays that `write_arrays` wrote, read-only. Raises ValueError for a file that is not complete."""
    content = memoryview(file.read_bytes())
    start = len(_MAGIC) + 16
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : start] != xxhash.xxh3_128_digest(
        content[start:]
    ):
        raise ValueError("incomplete or altered")
    data = start + 8 + int.from_bytes(content[start : start + 8], "little")
    heads = json.loads(bytes(content[start + 8 : data]))
    return {
        name: np.ndarray(tuple(shape), np.dtype(kind), content, data + at)
        for name, (kind, shape, at) in heads.items()
    }
