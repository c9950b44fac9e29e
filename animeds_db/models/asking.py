"""How a captioner is asked for a description: the table `ask` of its entry in the manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from animeds_db.errors import ModelError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_LIKE_A_KEY = 40
"""Length from which a name is more likely the key itself than the name of a variable."""
_LIMITS = {"parallel": (1, 256), "timeout": (1, 3600), "edge": (64, 8192), "tokens": (8, 8192)}
"""Lowest and highest value of each number."""


@dataclass(frozen=True)
class Ask:
    """How a captioner is asked for a description."""

    address: str | None = None  # engine "chat": base of an OpenAI chat API, such as http://localhost:11434/v1
    key: str | None = (
        None  # name of the environment variable with the key of that address; None: no key is sent
    )
    parallel: int = 4  # engine "chat": requests at a time
    timeout: float = 120.0  # engine "chat": seconds to wait for an answer
    edge: int = 1024  # longest edge of the picture that the model gets, in pixels
    tokens: int = 400  # longest answer, in tokens
    temperature: float | None = None  # None: the model's own
    price: tuple[float, float] | None = None  # US dollars per million tokens read, and per million written


def check_ask(ask: Ask, engine: str, where: str) -> None:
    """Raise ModelError for a value that is not valid. `where` is the file and the model, for the message.

    A value of `key` is never part of a message: somebody may have written the key itself.
    """
    if engine == "chat":
        _check_address(ask.address, where)
    elif ask.address is not None:
        raise ModelError(f'{where}: only engine = "chat" has an address')
    if ask.key is not None and not _is_variable(ask.key):
        raise ModelError(
            f"{where}: ask.key must be the name of an environment variable, not the key itself",
            hint='for example key = "OPENAI_API_KEY"; then set that variable before you run animeds',
        )
    for name, (low, high) in _LIMITS.items():
        value = getattr(ask, name)
        if not _is_number(value) or not low <= value <= high:
            raise ModelError(f"{where}: ask.{name} is {value!r}. It must be a number from {low} to {high}")
    if ask.temperature is not None and not (_is_number(ask.temperature) and 0 <= ask.temperature <= 2):
        raise ModelError(f"{where}: ask.temperature is {ask.temperature!r}. It must be a number from 0 to 2")
    price: object = ask.price
    if price is not None and not (
        isinstance(price, tuple) and len(price) == 2 and all(_is_number(one) and one >= 0 for one in price)
    ):
        raise ModelError(
            f"{where}: ask.price is {price!r}",
            hint="give US dollars per million tokens read, and per million tokens written: price = [0.15, 0.60]",
        )


def _check_address(address: object, where: str) -> None:
    example = 'for example ask = { address = "http://localhost:11434/v1" }'
    if not isinstance(address, str):
        raise ModelError(f"{where} has no address", hint=example)
    try:
        parts = urlsplit(address)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ModelError(f"{where}: {address!a} is not a valid address", hint=example)
    if parts.username or parts.password:
        raise ModelError(
            f"{where}: the address contains a name or a password",
            hint="remove it, and give the name of an environment variable as ask.key",
        )


def _is_variable(key: object) -> bool:
    return isinstance(key, str) and len(key) < _LOOKS_LIKE_A_KEY and _VARIABLE.fullmatch(key) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
