"""Errors as JSON: {"error": {"kind", "message", "hint", "file", "line", "column"}}, as the Python API raises them."""

from __future__ import annotations

from typing import Any

from animeds_db import errors
from animeds_db.errors import AnimedsError, QueryError
from animeds_db.safe_files import UnsafePathError


class BusyError(AnimedsError):
    """The service has too many requests at the moment."""


class ConflictError(AnimedsError):
    """Somebody else has labelled the same thing in the meantime. `others`: their labels."""

    def __init__(self, message: str, *, hint: str | None = None, others: list[dict[str, Any]]) -> None:
        super().__init__(message, hint=hint)
        self.others = others


class JobError(AnimedsError):
    """A job was stopped because it was too slow, needed too much memory, or its process has ended."""


class MissingError(AnimedsError):
    """The name or id does not exist."""


class RefusedError(AnimedsError):
    """The service does not allow this request."""


STATUS: dict[type[AnimedsError], int] = {
    BusyError: 503,
    ConflictError: 409,
    JobError: 409,
    MissingError: 404,
    RefusedError: 403,
    UnsafePathError: 403,
    errors.QueryError: 400,
    errors.UsageError: 400,
    errors.ExportError: 400,
    errors.SourceError: 409,
    errors.ModelError: 409,
    errors.StoreError: 409,
    AnimedsError: 400,
}
"""HTTP status of each kind of error. 409: the request is valid, but the database cannot fulfil it now."""
KINDS = {kind.__name__: kind for kind in STATUS}


def as_json(error: AnimedsError) -> dict[str, Any]:
    """Return an error as its JSON object, without the outer `error`."""
    fault: dict[str, Any] = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
    for name in ("file", "line", "column", "others"):
        fault[name] = getattr(error, name, None)
    return fault


def from_json(fault: dict[str, Any]) -> AnimedsError:
    """Return the error that `as_json` wrote."""
    kind = KINDS.get(fault.get("kind", ""), AnimedsError)
    message, hint = str(fault.get("message")), fault.get("hint")
    if issubclass(kind, QueryError):
        return kind(
            message, hint=hint, file=fault.get("file"), line=fault.get("line"), column=fault.get("column")
        )
    if kind is ConflictError:
        return ConflictError(message, hint=hint, others=fault.get("others") or [])
    return kind(message, hint=hint)


def status_of(error: AnimedsError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
