"""Messages between the service and its workers: one kind byte, the length, and so many bytes."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from typing import IO, Any

_HEAD = struct.Struct(">cI")
ASK, CANCEL = b"A", b"C"
"""From the service: do this (JSON); stop what has this number (JSON)."""
READY, ROWS, TOLD, DONE, FAILED = b"R", b"B", b"P", b"D", b"F"
"""From a worker: waiting; bytes of an Arrow IPC stream; progress, the end, an error (JSON)."""
PIECE = 1 << 20
"""Longer bytes are sent in pieces of this size."""


@dataclass(frozen=True)
class Ask:
    """One thing to do. At most `rows` rows and `size` bytes come back, from row `skip` on; None: all of them.

    task: rows (of `sql`), search, folders (of an export), or review; `more` is what those need besides.
    """

    sql: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None
    skip: int = 0
    size: int | None = None
    file: str | None = None
    task: str = "rows"
    more: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def send(pipe: IO[bytes], kind: bytes, body: bytes = b"") -> None:
    """Write one message."""
    pipe.write(_HEAD.pack(kind, len(body)) + body)
    pipe.flush()


def tell(pipe: IO[bytes], kind: bytes, said: Any) -> None:
    """Write one message of JSON."""
    send(pipe, kind, json.dumps(said, default=str).encode())


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Read one message. Raises EOFError when the other side is gone."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    kind, length = _HEAD.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return kind, body
