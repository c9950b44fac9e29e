"""Messages between the service and its processes: one byte for the kind, the length, and the body."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Literal

_HEAD = struct.Struct(">cI")
HEAD_BYTES = _HEAD.size
ASK, CANCEL = b"A", b"C"
"""From the service: run a task (JSON); stop the task with this number (JSON)."""
READY, ROWS, FACTS, DONE, FAILED = b"R", b"B", b"P", b"D", b"F"
"""From a process: ready for a task; bytes of the result; facts or progress, the end, or an error (JSON)."""
PIECE = 256 << 10
"""Maximum bytes of one message with rows. The service holds two or three of them for each request."""
Form = Literal["json", "csv", "arrow"]


@dataclass(frozen=True)
class Ask:
    """A task for a worker. It returns at most `rows` rows and `size` bytes, starting at row `skip`; None: no limit.

    task: rows (of `sql`), page (in time order), within (rows as if there were only some sources), check, names, search,
    folders (of an export), buckets (of an export of clips), review, or video; `more`: its other arguments.
    form: format of the rows. A JSON or CSV result is complete before its first byte is sent.
    """

    sql: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None
    skip: int = 0
    size: int | None = None
    file: str | None = None
    task: str = "rows"
    more: dict[str, Any] = field(default_factory=dict)
    form: Form = "arrow"

    def as_json(self) -> dict[str, Any]:
        """Return the task as JSON."""
        return asdict(self)


def packed(kind: bytes, body: bytes = b"") -> bytes:
    """Return one message as bytes."""
    return _HEAD.pack(kind, len(body)) + body


def unpacked(head: bytes) -> tuple[bytes, int]:
    """Return kind and length of a message from its first HEAD_BYTES bytes."""
    kind, length = _HEAD.unpack(head)
    return kind, length


def send(pipe: IO[bytes], kind: bytes, body: bytes = b"") -> None:
    """Write one message."""
    pipe.write(packed(kind, body))
    pipe.flush()


def send_json(pipe: IO[bytes], kind: bytes, value: Any) -> None:
    """Write one message of JSON."""
    send(pipe, kind, json.dumps(value, default=str).encode())


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Read one message. Raises EOFError when the other side is gone."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    kind, length = unpacked(head)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return kind, body
