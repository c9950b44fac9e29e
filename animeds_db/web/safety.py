"""Access control: other sites in the same browser can neither read nor change anything.

- Host: must be a name the service accepts, so that no other name can be pointed at this machine (DNS rebinding).
- Origin: a request that changes something must come from the service's own pages, or from no page.
- Token: if other machines can reach the service, every request must have it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from animeds_db.web.options import LOCAL
from animeds_db.web.uploading import MOST_UPLOAD

COOKIE = "animeds_token"
SAFE = ("GET", "HEAD", "OPTIONS")
READING = ("/api/sql",)
"""Paths whose POST requests change nothing."""
OPEN = "/static/"
"""Scripts and styles need no token: the page that asks for it uses them."""
MOST_BODY = 8 << 20
"""Maximum size of a request body in bytes."""
LARGER = {"/api/uploads": MOST_UPLOAD}
"""Paths that accept larger bodies."""
BODY_S = 20.0
"""Seconds within which the next part of a body must arrive."""
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
Refusal = tuple[int, str, str, str | None]
"""Status, kind, message, hint."""


class Safety:
    """ASGI middleware that checks every request first."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: tuple[str, ...] | None,
        token: str | None,
        read_only: bool,
        page: Callable[[int, str, str | None], bytes],
    ) -> None:
        self._app, self._token, self._read_only, self._page = app, token, read_only, page
        self._hosts = {host.lower() for host in (hosts or LOCAL)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token")
        refusal = self._refusal(scope, headers, given)
        if refusal:
            await _refuse(send, refusal, headers, self._page)
        elif self._token and given and scope["method"] == "GET" and not scope["path"].startswith("/api/"):
            await self._remember(scope, send)
        else:
            await self._app(scope, _bounded(receive, _most(scope)), _with_headers(send))

    def _refusal(self, scope: Scope, headers: Mapping[str, str], given: str | None) -> Refusal | None:
        host = headers.get("host", "")
        if _name_of(host) not in self._hosts:
            return (
                421,
                "RefusedError",
                f'This service does not accept the host name "{host[:80]}".',
                "`animeds serve --allow-host NAME` accepts an additional name.",
            )
        changes = scope["method"] not in SAFE
        if _is_foreign(scope, headers, changes):
            return 403, "RefusedError", "Requests from pages of other sites are refused.", None
        if self._token and not scope["path"].startswith(OPEN) and not self._knows(headers, given):
            return (
                401,
                "RefusedError",
                "This service requires a token.",
                "Open the whole address that `animeds serve` printed. Scripts send `Authorization: Bearer TOKEN`.",
            )
        if self._read_only and changes and scope["path"] not in READING:
            return 403, "RefusedError", "This service is read-only.", "It was started with --read-only."
        length = headers.get("content-length", "0")
        most = _most(scope)
        if not length.isdecimal() or int(length) > most:
            return 413, "UsageError", f"The request is too large: at most {most >> 20} MB are accepted.", None
        return None

    def _knows(self, headers: Mapping[str, str], given: str | None) -> bool:
        assert self._token is not None
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        candidates = [
            bearer if scheme.lower() == "bearer" else "",
            _cookie(headers.get("cookie", "")),
            given or "",
        ]
        return any(secrets.compare_digest(one.encode(), self._token.encode()) for one in candidates)

    async def _remember(self, scope: Scope, send: Send) -> None:
        """Move the token from the address, where others could see it, into a cookie."""
        rest = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] != "token"]
        path = "/" + scope["path"].lstrip("/")  # `//elsewhere` would redirect to another site
        target = path + ("?" + urlencode(rest) if rest else "")
        cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        await _respond(send, 303, b"", {"location": target, "set-cookie": cookie})


def _name_of(host: str) -> str:
    """Return a Host header without its port."""
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdecimal() and not port.endswith("]") else host.lower()


def _is_foreign(scope: Scope, headers: Mapping[str, str], changes: bool) -> bool:
    """Return True if, according to the browser, another site's page sent this request."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return True
    site = headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return False
    # links from other sites to a page are allowed, embedding and API calls are not
    return changes or headers.get("sec-fetch-mode") != "navigate" or scope["path"].startswith("/api/")


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _most(scope: Scope) -> int:
    return LARGER.get(scope["path"], MOST_BODY)


def _bounded(receive: Receive, most: int) -> Receive:
    """Stop reading a body that is larger than allowed, whatever its header says, or that does not arrive."""
    size, is_whole = 0, False

    async def bounded() -> Message:
        nonlocal size, is_whole
        try:  # after the body, this waits without limit for the client to disconnect
            async with asyncio.timeout(None if is_whole else BODY_S):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        size += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message if size <= most else {"type": "http.disconnect"}

    return bounded


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            more = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in own]
            if b"cache-control" not in own:
                more.append((b"cache-control", b"no-store"))
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return with_headers


async def _refuse(
    send: Send, refusal: Refusal, headers: Mapping[str, str], page: Callable[[int, str, str | None], bytes]
) -> None:
    status, kind, message, hint = refusal
    if "text/html" in headers.get("accept", ""):
        await _respond(
            send, status, page(status, message, hint), {"content-type": "text/html; charset=utf-8"}
        )
        return
    fault: dict[str, Any] = {"kind": kind, "message": message, "hint": hint}
    body = json.dumps({"error": fault | dict.fromkeys(("file", "line", "column", "others"))}).encode()
    await _respond(send, status, body, {"content-type": "application/json"})


async def _respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    sent = {**HEADERS, "cache-control": "no-store", "content-length": str(len(body)), **headers}
    lines = [(name.encode(), value.encode("latin-1", "replace")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
