"""A child process, and messages to and from it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any

from animeds_db.web.workers import framing


class Child:
    """A running process. `framing` defines the messages."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        self._process, self._out = process, process.stdout
        self._head: tuple[bytes, int] | None = None

    @classmethod
    async def start(cls, module: str, *arguments: str) -> Child:
        """Start `python -m module arguments`, without Ctrl-C from the terminal reaching it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        return cls(process)

    async def send(self, kind: bytes, value: Any) -> None:
        """Send one message of JSON. Raises OSError when the process has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(framing.packed(kind, json.dumps(value, default=str).encode()))
        await self._process.stdin.drain()

    async def receive(self) -> tuple[bytes, bytes]:
        """Return the next message: its kind and its body. Raises EOFError when the process has ended."""
        try:
            if self._head is None:  # set if a read was cancelled between a header and its body
                self._head = framing.unpacked(await self._out.readexactly(framing.HEAD_BYTES))
            kind, length = self._head
            body = await self._out.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None
        self._head = None
        return kind, body

    def interrupt(self) -> None:
        """Ask the process to end as Ctrl-C would; on Windows, end it at once."""
        if self.is_running:
            self._process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)

    @property
    def is_running(self) -> bool:
        """True until the process has ended."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit code when the process has ended; a negative number is the signal that ended it."""
        return await self._process.wait()

    def kill(self) -> None:
        """End the process, and those that it has started, at once."""
        if not self.is_running:
            return
        if sys.platform == "win32":
            self._process.kill()
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads its own session

    async def close(self) -> None:
        """End the process and close its pipes."""
        self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        while await self._out.read(framing.PIECE):  # a pipe that is not read to its end stays open
            pass
        await self._process.wait()
