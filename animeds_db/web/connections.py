"""Closes connections of clients that send no request or read no response."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

TAKEN_S = 10.0
"""Seconds within which a client must read part of a response."""
GIVEN_S = 15.0
"""Seconds within which a new connection must send a request."""
CONNECTIONS = 256
"""Maximum number of connections at the same time. A browser opens about six."""


class PatientProtocol(H11Protocol):
    """HTTP on one connection. It is closed when the client sends no request or reads nothing for TAKEN_S seconds."""

    _timer: asyncio.TimerHandle | None = None
    _unsent = 0
    _has_asked = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of a new connection. Nothing is buffered beyond the system's own buffer."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)
        self._watch(GIVEN_S, self._close_unasked)

    def data_received(self, data: bytes) -> None:
        """Receive bytes of a request."""
        super().data_received(data)
        if not self._has_asked and self.cycle is not None:
            self._has_asked = True
            self._forget()

    def pause_writing(self) -> None:
        """Start a timer, because the client reads more slowly than the service writes."""
        super().pause_writing()
        self._has_asked = True
        self._unsent = self.transport.get_write_buffer_size()
        self._watch(TAKEN_S, self._close_unless_taken)

    def resume_writing(self) -> None:
        """Stop the timer: the client has read everything."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self, seconds: float, act: Any) -> None:
        self._forget()
        self._timer = self.loop.call_later(seconds, act)

    def _forget(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _close_unasked(self) -> None:
        self.transport.abort()

    def _close_unless_taken(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._unsent = unsent
            self._watch(TAKEN_S, self._close_unless_taken)
        else:
            self.transport.abort()


def config(app: Any, **settings: Any) -> uvicorn.Config:
    """Return the server settings, used by `animeds serve` and by tests."""
    known: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 3,
        "h11_max_incomplete_event_size": 256 << 10,
        "limit_concurrency": CONNECTIONS,
        "http": PatientProtocol,
        "ws": "none",
    }
    return uvicorn.Config(app, **(known | settings))
