"""An S3 server on 127.0.0.1, over real HTTP, that can refuse and vanish; for tests.

`with object_store()` skips the test where moto[server] is not installed.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

REGION, BUCKET = "us-east-1", "shows"
DENIED = ("403 FORBIDDEN", "AccessDenied", "Access Denied")
EXPIRED = ("400 BAD REQUEST", "ExpiredToken", "The provided token has expired.")


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A server with a bucket, for as long as the block lasts."""
    pytest.importorskip("moto.server", reason="there is no S3 stand-in here: pip install 'animeds-db[dev]'")
    store = ObjectStore()
    store.make_bucket()
    yield store
    store.stop()


def reach_only(store: ObjectStore, patch: pytest.MonkeyPatch) -> None:
    """Let the environment name this server, and nothing else of Amazon's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in store.environ().items():
        patch.setenv(name, value)


class ObjectStore:
    """The server. `refuse` decides which requests are answered by an error: (method, path) to one, or None."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app

        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        # S3 alone: to ask which service is meant costs half of each answer.
        self._app: Any = create_backend_app("s3")
        self.refuse: Callable[[str, str], tuple[str, str, str] | None]
        self.back()
        self._server: Any = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the variables with which this server is reached."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self) -> None:
        """Answer again, at the same port and with the same content."""
        from werkzeug.serving import WSGIRequestHandler, make_server

        class KeepingAlive(WSGIRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm, wbufsize = True, -1

        self._server = make_server(
            "127.0.0.1", self.port, self._answer, threaded=True, request_handler=KeepingAlive
        )
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be gone: connections are refused."""
        self._server.shutdown()
        self._server.server_close()

    def make_bucket(self, name: str = BUCKET) -> None:
        """Create a bucket."""
        import boto3

        boto3.client("s3", endpoint_url=self.url, region_name=REGION, **KEYS).create_bucket(Bucket=name)

    def objects(self, prefix: str = "") -> list[str]:
        """Return the names of the objects in the bucket."""
        import boto3

        client = boto3.client("s3", endpoint_url=self.url, region_name=REGION, **KEYS)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def put(self, folder: Path, prefix: str) -> str:
        """Upload a folder, or one file, and return its URI."""
        for file in [folder] if folder.is_file() else (p for p in folder.rglob("*") if p.is_file()):
            key = prefix if file == folder else f"{prefix}/{file.relative_to(folder).as_posix()}"
            self._send("PUT", "put_object", key, file.read_bytes())
        return f"s3://{BUCKET}/{prefix}"

    def remove(self, key: str) -> None:
        """Delete an object."""
        self._send("DELETE", "delete_object", key)

    def _send(self, method: str, act: str, key: str, body: bytes = b"") -> None:
        """boto3 signs, but does not send: before an upload it waits a second for an answer that comes too late."""
        import boto3

        client = boto3.client("s3", endpoint_url=self.url, region_name=REGION, **KEYS)
        signed = urlsplit(client.generate_presigned_url(act, Params={"Bucket": BUCKET, "Key": key}))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request(method, f"{signed.path}?{signed.query}", body)
            assert connection.getresponse().status < 300

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Note the method of every request."""
        seen: list[str] = []

        def note(method: str, _path: str) -> None:
            seen.append(method)

        self.refuse = note
        try:
            yield seen
        finally:
            self.back()

    @contextmanager
    def refusing(
        self, error: tuple[str, str, str], methods: str = "GET HEAD PUT POST DELETE"
    ) -> Iterator[None]:
        """Answer requests of these methods by an error."""
        self.refuse = lambda method, _path: error if method in methods.split() else None
        try:
            yield
        finally:
            self.back()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Close every connection without an answer."""

        def hang_up(_method: str, _path: str) -> None:
            raise ConnectionResetError

        self.refuse = hang_up
        try:
            yield
        finally:
            self.back()

    def back(self) -> None:
        """Answer all requests again."""
        self.refuse = lambda _method, _path: None

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            error = self.refuse(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        except ConnectionResetError:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise
        if error is None:
            return self._app(environ, start)  # type: ignore[no-any-return]
        status, code, message = error
        environ["wsgi.input"].read(
            int(environ.get("CONTENT_LENGTH") or 0)
        )  # else the connection waits for it
        start(status, [("Content-Type", "application/xml")])
        return [
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        ]


KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
