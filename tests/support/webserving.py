"""A real service over the sample show: uvicorn in a thread, on a free port."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import httpx2
import sampleshow
import uvicorn

from animeds_db.web import Options, bound, create_app
from animeds_db.web.connections import config
from animeds_db.web.options import Limits

FEW, ONE = Limits(workers=2, threads=1), Limits(workers=1, threads=1)
"""Each worker is a process that imports everything: a second or two. One thread: some queries of tests do not end."""


@contextmanager
def serving(
    database: Path | None = None, options: Options | None = None, host: str = "127.0.0.1"
) -> Iterator[str]:
    """Serve a database (default: the sample show, which is then only to be read); give its address here."""
    app = create_app(str(database or sampleshow.database()), options=options or Options(limits=FEW))
    with bound(host, 0) as listening:
        server = uvicorn.Server(config(app, timeout_graceful_shutdown=1))
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="animeds-test-service", daemon=True
        )
        thread.start()
        try:
            patience = time.monotonic() + 30
            while not server.started:
                assert thread.is_alive() and time.monotonic() < patience
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def own_copy(folder: Path) -> Path:
    """Return a copy of the sample show's database, to be written to."""
    return Path(shutil.copytree(sampleshow.database(), folder / "own.animeds"))


def client_at(address: str) -> httpx2.Client:
    """Return a client of a service. It reads no certificates, which takes longer than most requests."""
    return httpx2.Client(base_url=address, timeout=180, verify=False)


@contextmanager
def client_of(database: Path | None = None, options: Options | None = None) -> Iterator[httpx2.Client]:
    """Serve a database, and give a client that speaks to it."""
    with serving(database, options) as address, client_at(address) as client:
        yield client


@cache
def shared() -> str:
    """Return the address of a service over the sample show that all tests of this process share. Only read there."""
    stack = ExitStack()
    address = stack.enter_context(serving())
    atexit.register(stack.close)
    return address


def reader() -> httpx2.Client:
    """Return a client of the shared service."""
    return client_at(shared())


def workers_of(pid: int) -> set[int]:
    """Return the ids of the processes that a process has started and that run."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(words[1]) == pid and words[0] != "Z":
            found.add(int(folder.name))
    return found


def memory_of(pid: int) -> int:
    """Return the bytes that a process holds in memory."""
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def apart(*flags: str) -> Iterator[tuple[httpx2.Client, int]]:
    """Run `animeds serve` in a process of its own; give a client and the process's id."""
    command = [sys.executable, "-m", "animeds_db", "serve", "--port", "0", "--db", str(sampleshow.database())]
    with subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = next(word for word in line.split() if word.startswith("http://"))
        try:
            with client_at(address) as client:
                yield client, process.pid
        finally:
            process.terminate()
            process.wait(60)
