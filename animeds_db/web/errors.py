"""One shape for everything that goes wrong: {"error": {"kind", "message", "hint", "file", "line", "column"}}.

Its one rule: what a client reads is what the Python API would have raised.
"""

from __future__ import annotations

from typing import Any

from animeds_db import errors
from animeds_db.errors import AnimedsError, QueryError


class BusyError(AnimedsError):
    """More is asked at once than the service can do."""


class ConflictError(AnimedsError):
    """Somebody else has said something about the same thing meanwhile. `others`: who said what."""

    def __init__(self, message: str, *, hint: str | None = None, others: list[dict[str, Any]]) -> None:
        super().__init__(message, hint=hint)
        self.others = others


class MissingError(AnimedsError):
    """There is nothing of that name or id."""


class RefusedError(AnimedsError):
    """This service does not do that, or not for this caller."""


STATUS: dict[type[AnimedsError], int] = {
    BusyError: 503,
    ConflictError: 409,
    MissingError: 404,
    RefusedError: 403,
    errors.QueryError: 400,
    errors.UsageError: 400,
    errors.ExportError: 400,
    errors.SourceError: 409,
    errors.ModelError: 409,
    errors.StoreError: 409,
    AnimedsError: 400,
}
"""HTTP status of each kind of error. 409: the request is fine, what is in the database is not ready for it."""
KINDS = {kind.__name__: kind for kind in STATUS}


def as_json(error: AnimedsError) -> dict[str, Any]:
    """Return an error as its JSON object, without the outer `error`."""
    told: dict[str, Any] = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
    for name in ("file", "line", "column", "others"):
        told[name] = getattr(error, name, None)
    return told


def from_json(told: dict[str, Any]) -> AnimedsError:
    """Return the error that `as_json` told."""
    kind = KINDS.get(told.get("kind", ""), AnimedsError)
    message, hint = str(told.get("message")), told.get("hint")
    if issubclass(kind, QueryError):
        return kind(
            message, hint=hint, file=told.get("file"), line=told.get("line"), column=told.get("column")
        )
    if kind is ConflictError:
        return ConflictError(message, hint=hint, others=told.get("others") or [])
    return kind(message, hint=hint)


def status_of(error: AnimedsError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
