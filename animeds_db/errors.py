"""The errors that a person can do something about.

    AnimedsError            exit code 1
    ├── SourceError         a video, picture or archive that cannot be read, moved or changed
    ├── QueryError          SQL or a named query: carries file, line, column
    ├── ModelError          a model that is missing, damaged, or gives invalid results
    ├── StoreError          the database itself: missing, too new, damaged, disk full
    ├── ExportError         a folder that cannot be written, or must not be overwritten
    ├── EngineError         Ray is missing or cannot be reached, or no worker can run
    └── UsageError          a wrong flag or value; exit code 2

`str(error)` says what is wrong and where. A second line, `hint: …`, says what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AnimedsError(Exception):
    """Base class of all errors that users see. `headline` says what is wrong, `hint` what to do (or None)."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def headline(self) -> str:
        """What is wrong and where, in one line, without the hint."""
        return self.message

    def __str__(self) -> str:
        return f"{self.headline}\nhint: {self.hint}" if self.hint else self.headline


class SourceError(AnimedsError):
    """A video, picture, folder or archive cannot be read, moved or changed."""


class QueryError(AnimedsError):
    """A query cannot be run. `line` and `column` count from 1, in `file` or in the text given."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    @property
    def headline(self) -> str:
        """The message, preceded by the file, line and column where they are known."""
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{where}: {self.message}" if where else self.message


class ModelError(AnimedsError):
    """A model is missing, damaged, or does not match its manifest entry."""


class StoreError(AnimedsError):
    """The database cannot be opened, read or written."""


class ExportError(AnimedsError):
    """An export cannot be written, or would overwrite what it must not."""


class EngineError(AnimedsError):
    """No worker could be started, or none could continue."""


class UsageError(AnimedsError):
    """A flag or value is not valid."""

    exit_code = 2


def headline(error: BaseException) -> str:
    """Return an error's message without its hint, for use inside another message."""
    return error.headline if isinstance(error, AnimedsError) else str(error)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` for the closest known names, or a list of them when none is close."""
    options = sorted(set(known))
    close = difflib.get_close_matches(name, options, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f'"{c}"' for c in close) + "?"
    return "known: " + ", ".join(options) if options else "there are none"
