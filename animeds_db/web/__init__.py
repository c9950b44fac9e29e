"""The service: an HTTP API and web pages over one database. It only calls the Python API."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING

from animeds_db.errors import UsageError
from animeds_db.web.options import LOCAL, Options

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

PORT = 8321
REQUESTS_END_S = 1
"""Whole seconds that running requests get after Ctrl-C."""
END_S = 1.7
"""Seconds after Ctrl-C until the process exits, even if a disk or a store does not answer."""
INTERRUPTED = 130
_log = logging.getLogger("animeds")
__all__ = ["PORT", "Options", "create_app", "serve"]


def create_app(dataset_uri: str, *, options: Options | None = None) -> FastAPI:
    """Return the ASGI application for a database.

    Raises StoreError if there is no database at this path, unless the page may make one (Options.roots).
    """
    from animeds_db.web.app import build

    return build(dataset_uri, options or Options())


def serve(
    dataset_uri: str,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    options: Options | None = None,
    ready: Callable[[str], None] | None = None,
    whole_process: bool = False,
) -> None:
    """Serve a database until Ctrl-C. Calls `ready` with the address to open, including the token if there is one.

    `whole_process`: the process does nothing else, and exits within two seconds of Ctrl-C, even if a thread hangs.
    If other machines can reach it, a token is required. Raises UsageError when the port is taken, StoreError.
    """
    import uvicorn

    from animeds_db.web.connections import config

    options = secured(options or Options(), host)
    with bound(host, port) as listening, _ending_on_interrupt() if whole_process else nullcontext():
        app = create_app(
            dataset_uri, options=options
        )  # opens files, so not before the port is known to be free
        address = address_of(host, listening.getsockname()[1], options.token)
        server = (_ending(uvicorn.Server) if whole_process else uvicorn.Server)(config(app))
        if ready:
            ready(address)
        server.run(sockets=[listening])


@contextmanager
def _ending_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C end this process within END_S, even if a thread hangs or the server has not started yet.

    uvicorn has its own handler while it runs: see `_ending`.
    """
    before = signal.getsignal(signal.SIGINT)

    def end(number: int, frame: FrameType | None) -> None:
        _end_soon()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ending(server: type[uvicorn.Server]) -> type[uvicorn.Server]:
    """Return a server class whose process exits soon after Ctrl-C, even if a thread hangs."""

    class Ending(server):  # type: ignore[valid-type, misc]
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            _end_soon()
            super().handle_exit(sig, frame)

    return Ending


def _end_soon() -> None:
    clock = threading.Timer(END_S, _leave)
    clock.daemon = True
    clock.start()


def _leave() -> None:
    _log.warning("A request did not end in time. No written data is lost.")
    os._exit(INTERRUPTED)  # a normal exit would wait for the thread


def secured(options: Options, host: str) -> Options:
    """Return the options for this address, with a token and host names if other machines can reach it."""
    from dataclasses import replace

    if is_local(host):
        return options
    own = {host, socket.gethostname(), socket.getfqdn(), *LOCAL, *_addresses()}
    names = tuple(sorted({*(options.hosts or ()), *(own - {"0.0.0.0", "::", ""})}))
    return replace(options, token=options.token or secrets.token_urlsafe(24), hosts=names)


def is_local(host: str) -> bool:
    """Return True if only this machine can reach the address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises UsageError when the port is taken or this machine does not have the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(
            f"Cannot listen on {host}, port {port}: {error}",
            hint="another program (or another `animeds serve`) may use it; --port 0 picks a free port",
        ) from error
    return listening


def address_of(host: str, port: int, token: str | None) -> str:
    """Return the address to open."""
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    named = f"[{name}]" if ":" in name else name
    return f"http://{named}:{port}/" + (f"?token={token}" if token else "")


def _addresses() -> set[str]:
    """Return the addresses that the host name of this machine resolves to."""
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
