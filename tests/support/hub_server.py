"""A stand-in for the hub's HTTP interface on 127.0.0.1: a real server for the calls huggingface_hub makes.

It can be told to misbehave: answer a status, be slow, cut a transfer, send a web page.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".onnx", ".npz")  # these are redirected to another host and state their sha256, as LFS files are


class Hub:
    """The repositories of a stand-in and how it behaves. `files` maps (repo, path) to bytes."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.commit = COMMIT
        self.token: str | None = None  # asked for when set
        self.status: int | None = None  # answered to everything when set
        self.page: bytes | None = None  # a web page, as a login portal sends it
        self.gated = False
        self.delay_s = 0.0
        self.cut_after: int | None = None  # bytes of a body after which the connection breaks, once
        self.lie_sha256: str | None = None  # stated as the checksum of large files
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, range
        self.lock = threading.Lock()
        self.address = ""

    def get(self, path: str) -> int:
        """Return how many bodies of this file were asked for."""
        return sum(method == "GET" and asked.endswith(path) for method, asked, _ in self.requests)


@contextmanager
def running(hub: Hub, handler: type[Downloads] | None = None) -> Iterator[Hub]:
    """Serve a hub on a free port while the block runs. `handler`: one that answers more (see hub_datasets.py)."""

    class Handler(handler or Downloads):  # type: ignore[misc]
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Downloads(BaseHTTPRequestHandler):
    """Answers downloads."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.hub
        path = unquote(self.path.split("?")[0]).lstrip("/")
        with hub.lock:
            hub.requests.append((self.command, path, self.headers.get("Range")))
        time.sleep(hub.delay_s)
        if hub.page is not None:
            return self._send(200, hub.page, {"Content-Type": "text/html"})
        if hub.status is not None:
            return self._send(hub.status, b"", {"X-Error-Code": "RepoNotFound"} if hub.status == 401 else {})
        if hub.gated:
            return self._send(
                403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}
            )
        if path.startswith("cdn/"):  # addresses there are signed: no token needed
            repo, _, name = path.removeprefix("cdn/").partition(":")
            return self._body(hub.files[repo, name], {})
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self._send(
                401, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            )
        return self._resolve(path)

    def _resolve(self, path: str) -> None:
        hub = self.hub
        repo, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        if not any(known == repo for known, _ in hub.files):
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", hub.commit):
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if (repo, name) not in hub.files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": hub.commit})
        content = hub.files[repo, name]
        headers = {"X-Repo-Commit": hub.commit, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        if not name.endswith(LARGE):
            return self._body(content, headers)
        headers["X-Linked-Size"] = str(len(content))
        headers["X-Linked-Etag"] = f'"{hub.lie_sha256 or hashlib.sha256(content).hexdigest()}"'
        # Another host than the hub's, as with the real one: that redirect is not followed by a HEAD.
        headers["Location"] = f"{hub.address.replace('127.0.0.1', 'localhost')}/cdn/{repo}:{name}"
        return self._send(302, b"", headers)

    def _body(self, content: bytes, headers: dict[str, str]) -> None:
        start = 0
        if (wanted := self.headers.get("Range")) is not None:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with suppress(ConnectionError):  # whoever asked may be gone
            self._write(content)

    def _write(self, content: bytes) -> None:
        cut = self.hub.cut_after
        if cut is not None and len(content) > cut:
            self.hub.cut_after = None
            self.wfile.write(content[:cut])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)
