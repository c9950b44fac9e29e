"""A real HTTP server that speaks the chat API of OpenAI, as Ollama and the clouds do, for `animeds describe`.

It looks at every picture, and answers from it, so that a test can see which picture was sent. `script` makes it
misbehave: one entry per request, then it behaves.
"""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

PAGE = b"<!DOCTYPE html><html><body>Please log in.</body></html>"


@dataclass
class Asked:
    """One request that was answered: the words, the picture, the headers."""

    prompt: str
    picture: Image.Image
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Chat:
    """What a stand-in was asked, and how it behaves."""

    text: Callable[[Asked], str] = lambda asked: "A girl looks up, {} by {}.".format(*asked.picture.size)
    key: str | None = None
    usage: tuple[int, int] | None = (1000, 50)
    script: list[Any] = field(default_factory=list)
    """Of each next request: a status, (status, headers), seconds to wait, bytes of a page, or a choice to send."""
    asked: list[Asked] = field(default_factory=list)
    requests: int = 0
    at_once: int = 0
    most_at_once: int = 0
    pause_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    address: str = ""

    def manifest(self, **ask: Any) -> str:
        """Return a manifest with the captioner `vlm` at this address."""
        settings = {"address": self.address, **ask}
        words = ", ".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
        return (
            '[models.vlm]\ntask = "captioner"\nengine = "chat"\n'
            f'files = {{ model = "some-vlm:8b" }}\nask = {{ {words} }}\n'
        )

    def write_manifest(self, path: Path, **ask: Any) -> None:
        path.write_text(self.manifest(**ask), "utf-8")


@contextmanager
def running(chat: Chat) -> Iterator[Chat]:
    """Serve a stand-in on a free port while the block runs."""

    class Handler(_Handler):
        pass

    Handler.chat = chat
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    chat.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: Chat

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        chat = self.chat
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with chat.lock:
            chat.requests += 1
            chat.at_once += 1
            chat.most_at_once = max(chat.most_at_once, chat.at_once)
            step = chat.script.pop(0) if chat.script else None
        try:
            time.sleep(step if isinstance(step, float) else chat.pause_s)
            with suppress(ConnectionError):  # whoever asked may be gone
                self._answer(json.loads(body), step)
        finally:
            with chat.lock:
                chat.at_once -= 1

    def _answer(self, body: dict[str, Any], step: Any) -> None:
        chat = self.chat
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path != "/v1/chat/completions":
            return self._send(404, {"error": {"message": f"no path {self.path}"}})
        if chat.key and sent != chat.key:
            return self._send(401, {"error": {"message": f"Incorrect API key provided: {sent}"}})
        if isinstance(step, bytes):
            return self._send(200, step)
        if isinstance(step, int):
            step = (step, {})
        if isinstance(step, tuple):
            return self._send(step[0], {"error": {"message": "try later"}}, step[1])
        asked = _read(body, dict(self.headers))
        with chat.lock:
            chat.asked.append(asked)
        choice = {"message": {"role": "assistant", "content": chat.text(asked)}, "finish_reason": "stop"}
        answer: dict[str, Any] = {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, **choice, **(step if isinstance(step, dict) else {})}],
        }
        if chat.usage:
            read, written = chat.usage
            answer["usage"] = {
                "prompt_tokens": read,
                "completion_tokens": written,
                "total_tokens": read + written,
            }
        return self._send(200, answer)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        is_page = isinstance(content, bytes)
        data = content if is_page else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _read(body: dict[str, Any], headers: dict[str, str]) -> Asked:
    """Check a request as a strict server does, and decode its picture."""
    assert body["stream"] is False and body["model"] == "some-vlm:8b" and body["max_tokens"] > 0
    [message] = body["messages"]
    parts = {part["type"]: part for part in message["content"]}
    url = parts["image_url"]["image_url"]["url"]
    kind, _, data = url.partition(";base64,")
    assert kind == "data:image/jpeg"
    picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    picture.load()
    assert picture.format == "JPEG" and picture.mode == "RGB"
    return Asked(parts["text"]["text"], picture, body, headers)


def choice(text: str, ended: str = "stop", **message: Any) -> dict[str, Any]:
    """Return a choice for `script`."""
    return {"message": {"role": "assistant", "content": text, **message}, "finish_reason": ended}
