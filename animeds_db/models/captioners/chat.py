"""A captioner behind an address that speaks the OpenAI chat API: Ollama, llama.cpp, LM Studio, vLLM, or a cloud.

A request has the prompt and one picture, as a data URL. Answers are not streamed. The key is read from the
environment when the captioner is made; it is in no message, no table and no log.
"""

from __future__ import annotations

import base64
import email.utils
import hashlib
import io
import os
import re
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from animeds_db.errors import ModelError
from animeds_db.models.captioners.answers import Answer, PictureError
from animeds_db.models.extras import extra
from animeds_db.models.files import Files
from animeds_db.models.manifest import Entry

ATTEMPTS = 5
"""Maximum number of requests for one picture while the address has too much to do or fails."""
SLOW_ATTEMPTS = 2
"""The same while no answer comes in time. Each takes as long as `ask.timeout`."""
FIRST_WAIT_S = 1.0
"""Seconds before the second attempt. The wait doubles with each further one, if the address names no time."""
CLOSE_S = 1.0
"""Seconds that requests have to end before their connections are closed. One that just connects would stay open."""
LONGEST_WAIT_S = 300.0
"""Maximum number of seconds that is waited because the address asks for it. Beyond it, the run ends."""
QUALITY = 90
"""JPEG quality of the pictures that are sent. JPEG is read by every server; llama.cpp does not read WebP."""
NO_KEY = "none"
"""Sent instead of a key to an address that needs none. The client would else take OPENAI_API_KEY."""
_SECONDS = re.compile(r"\d+(?:\.\d+)?")
_BUSY = (408, 409, 425, 429)
_THIS_PICTURE = (400, 413, 415, 422)
"""HTTP status codes of requests that are refused for what they contain."""


class ChatCaptioner:
    """One model behind an address. Safe to call from several threads."""

    def __init__(self, entry: Entry) -> None:
        self._library = extra("openai", entry)
        self._key = _key_of(entry)
        self._entry, self._model = entry, entry.files["model"]
        self._client = self._library.OpenAI(
            base_url=entry.ask.address,
            api_key=self._key or NO_KEY,
            timeout=entry.ask.timeout,
            max_retries=0,
            default_headers={"OpenAI-Organization": "", "OpenAI-Project": ""},
        )
        self._closed = threading.Event()
        self._calls = 0
        self._ended = threading.Condition()  # notified when a call ends
        self._reached = False  # any HTTP answer so far
        self._pause_until = 0.0  # by time.monotonic(): all requests wait, because the address limits them
        sha256 = hashlib.sha256(f"{self._model}\0{entry.ask.temperature}".encode()).hexdigest()
        self.files = Files(entry, {}, sha256, sha256)
        self.id = self.files.id
        self.parallel = int(entry.ask.parallel)

    def __call__(self, picture: Image.Image, prompt: str) -> Answer:
        """Describe one RGB picture. Raises PictureError if only this one failed, ModelError if others would as well."""
        with self._ended:
            self._calls += 1
        try:
            return self._completed(self._request(picture, prompt))
        finally:
            with self._ended:
                self._calls -= 1
                self._ended.notify_all()

    def _completed(self, request: dict[str, Any]) -> Answer:
        attempt = 0
        while True:
            attempt += 1
            self._wait(self._pause_until - time.monotonic())
            try:
                answer = self._client.chat.completions.create(**request)
            except self._library.APIError as error:
                self._wait(self._until_next(error, attempt))
            else:
                self._reached = True
                return self._answer(answer)

    def close(self) -> None:
        """Stop waiting for answers: calls in other threads raise ModelError soon."""
        self._closed.set()
        with self._ended:
            self._ended.wait_for(lambda: not self._calls, timeout=CLOSE_S)
        self._client.close()

    def _request(self, picture: Image.Image, prompt: str) -> dict[str, Any]:
        content = [
            {"type": "text", "text": prompt},
            {"type": "image_url", "image_url": {"url": data_url(picture)}},
        ]
        ask = self._entry.ask
        is_openai = (urlsplit(str(ask.address)).hostname or "").endswith("openai.com")
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "stream": False,
            # OpenAI's newer models refuse max_tokens, which the other servers know
            "max_completion_tokens" if is_openai else "max_tokens": int(ask.tokens),
        }
        return request if ask.temperature is None else request | {"temperature": ask.temperature}

    def _answer(self, answer: Any) -> Answer:
        """Return the first choice of a completion. Raises ModelError for what is none, such as a web page."""
        choices = getattr(answer, "choices", None)
        if not choices:
            start = " ".join(str(getattr(answer, "error", None) or answer).split())[:80]
            raise ModelError(
                f"{self._place} does not speak the OpenAI chat API; it answers: {self._clean(start)}",
                hint=f"check the address of {self._entry.name} in your manifest: it usually ends in /v1",
            )
        message, usage = choices[0].message, getattr(answer, "usage", None)
        refusal = getattr(message, "refusal", None)
        ended = choices[0].finish_reason or "stop"
        if refusal or ended == "content_filter":
            ended = "refused"
        text = str(refusal or getattr(message, "content", None) or "")
        return Answer(text, ended, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))

    @property
    def _place(self) -> str:
        return f"{self._entry.name} ({self._entry.ask.address})"

    def _until_next(self, error: Any, attempt: int) -> float:
        """Return the seconds until the next attempt, or raise the error that ends this picture or the run."""
        failure, attempts = self._failure(error)
        if attempt >= attempts or self._closed.is_set():
            raise failure from None  # the server's own words may repeat the key
        response = getattr(error, "response", None)
        asked = retry_after(response.headers) if response is not None else None
        if asked is not None and asked > LONGEST_WAIT_S:
            failure.hint = f"it asks to wait {asked:.0f} s; run the same command again after that"
            raise failure from None  # the server's own words may repeat the key
        seconds = FIRST_WAIT_S * 2.0 ** (attempt - 1) if asked is None else asked
        if getattr(error, "status_code", None) == 429:
            self._pause_until = max(self._pause_until, time.monotonic() + seconds)
        return seconds

    def _failure(self, error: Any) -> tuple[ModelError, int]:
        """Return the error for a failed request, and the maximum number of attempts."""
        library, name = self._library, self._entry.name
        status = getattr(error, "status_code", None)
        self._reached = self._reached or status is not None
        said = self._clean(" ".join(str(error.message).split())[:200])
        if isinstance(error, library.APITimeoutError):
            return PictureError(
                f"{self._place} gave no answer within {self._entry.ask.timeout:g} s",
                hint="a slow server needs a longer ask.timeout, or a smaller ask.parallel",
            ), SLOW_ATTEMPTS
        if status is None:
            cause = self._clean(" ".join(str(error.__cause__ or said).split())[:200])
            return ModelError(
                f"{self._place} cannot be reached: {cause}",
                hint=f"start that server, or correct the address of {name} in your manifest",
            ), ATTEMPTS if self._reached else 2
        if status in (401, 403):
            variable = self._entry.ask.key
            hint = f"check the key in {variable}" if variable else "give the name of a variable as ask.key"
            return ModelError(f"{self._place} refuses the key: HTTP {status}, {said}", hint=hint), 1
        if status == 429:
            return ModelError(
                f"{self._place} limits the number of requests, and still did at the last attempt: {said}",
                hint="wait and run the same command again, or lower ask.parallel",
            ), ATTEMPTS
        if status in _BUSY or status >= 500:
            return PictureError(f"{self._place} fails: HTTP {status}, {said}"), ATTEMPTS
        if status in _THIS_PICTURE:
            return PictureError(f"{self._place} refuses the request: HTTP {status}, {said}"), 1
        return ModelError(
            f"{self._place} has no model {self._model}, or is not the address of a chat API: HTTP {status}, {said}",
            hint=f"check address and files.model of {name} in your manifest; an address usually ends in /v1",
        ), 1

    def _clean(self, text: str) -> str:
        """Return a text of the server without the key, which some servers repeat."""
        return text.replace(self._key, "…") if self._key else text

    def _wait(self, seconds: float) -> None:
        """Wait, unless the captioner is closed. Raises ModelError then."""
        if self._closed.wait(max(0.0, seconds)):
            raise ModelError(f"{self._place} was closed")


def data_url(picture: Image.Image) -> str:
    """Return a picture as a JPEG in a data URL."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def retry_after(headers: Any) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; None: there is none."""
    text = headers.get("retry-after")
    if text is None:
        return None
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _key_of(entry: Entry) -> str | None:
    variable = entry.ask.key
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ModelError(
            f"{entry.name} needs a key, but the environment variable {variable} is not set",
            hint=f"export {variable}=… in the shell from which you run animeds",
        )
    return key


def _count(usage: Any, name: str) -> int | None:
    number = getattr(usage, name, None)
    return number if isinstance(number, int) else None
