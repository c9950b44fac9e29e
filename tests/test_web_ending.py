"""Ctrl-C ends `animeds serve` soon, whatever hangs: a store that does not answer, a query, the start itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import videos
from ingesting import a_store, run

from animeds_db.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no SIGINT between processes")

SOON_S = 5.0
"""Two seconds of the service's own limits, and three for a busy machine."""
ENDLESS = (
    "SELECT count(*) FROM range(1000000000000) AS a, range(1000000) AS b WHERE a.range % 7 = b.range % 5"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = a_store(tmp_path)
    run(made, videos.shared_clip("h264 open"))
    return made


@contextlib.contextmanager
def serving(store: Store, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service in a process of its own, and its address."""
    command = [
        sys.executable,
        "-m",
        "animeds_db",
        "serve",
        "--port",
        "0",
        "--seconds",
        "600",
        "--db",
        store.uri,
    ]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
    ) as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline().split(" (")[0].removeprefix("serving on ")
        finally:
            process.kill()


def asked(address: str, data: bytes | None = None) -> bytes:
    request = urllib.request.Request(address, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def in_background(address: str, data: bytes | None = None) -> None:
    def ask() -> None:
        with contextlib.suppress(OSError, urllib.error.URLError):  # the service ends before it answers
            asked(address, data)

    threading.Thread(target=ask, daemon=True).start()


def seconds_to_end(process: subprocess.Popen[str]) -> float:
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(30)
    return time.monotonic() - began


def test_while_a_store_does_not_answer_and_a_query_runs(store: Store) -> None:
    [row] = store.table("sources").to_table().to_pylist()
    moved = row | {"uri": "s3://shows/film.mkv"}
    store.replace("sources", pa.Table.from_pylist([moved], store.schema("sources").schema))
    frame = store.table("frames").to_table(columns=["frame_id"])["frame_id"][0].as_py()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with serving(store, AWS_ENDPOINT_URL=endpoint, AWS_ALLOW_HTTP="true", **keys) as (process, address):
            asked(address + "api/status")
            in_background(f"{address}api/frames/{frame}/image")
            silent.settimeout(30)
            connection, _ = silent.accept()  # the service waits for an answer from now on
            in_background(address + "api/sql", json.dumps({"q": ENDLESS}).encode())
            time.sleep(0.5)
            assert seconds_to_end(process) < SOON_S
            connection.close()


def test_while_nothing_goes_on(store: Store) -> None:
    with serving(store) as (process, address):
        asked(address + "api/status")
        assert seconds_to_end(process) < SOON_S


def test_while_it_starts(store: Store) -> None:
    with serving(store) as (process, _):
        assert seconds_to_end(process) < SOON_S
