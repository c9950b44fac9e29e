"""Everything that can go wrong in a way a person can act on.

    AnimedsError            exit code 1
    ├── SourceError         a video, picture or archive that cannot be read, moved or changed
    ├── QueryError          SQL or a named query: carries file, line, column
    ├── ModelError          a model that is missing, damaged or answers nonsense
    ├── StoreError          the database itself: not one, too new, torn, disk full
    ├── ExportError         a folder that cannot or must not be written
    ├── EngineError         Ray that is missing or out of reach, workers that cannot work
    └── UsageError          a wrong flag or value; exit code 2

`str(error)` says what was wrong and where, and on a second line, `hint: …`, what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AnimedsError(Exception):
    """Base of all errors a user may see. `headline` says what is wrong; `hint` is the way out, or None."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def headline(self) -> str:
        """What is wrong and where, on one line, without the hint."""
        return self.message

    def __str__(self) -> str:
        return f"{self.headline}\nhint: {self.hint}" if self.hint else self.headline


class SourceError(AnimedsError):
    """A video, picture, folder or archive that cannot be read as one."""


class QueryError(AnimedsError):
    """SQL that cannot be run. `line` and `column` count from 1 inside `file` (or the text given)."""

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
        """The message behind the file, line and column that are known."""
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{where}: {self.message}" if where else self.message


class ModelError(AnimedsError):
    """A model that is missing, damaged, or not what its manifest entry says."""


class StoreError(AnimedsError):
    """The database cannot be opened, read or written."""


class ExportError(AnimedsError):
    """An export that cannot be written, or must not be."""


class EngineError(AnimedsError):
    """The workers of an ingest cannot be had, or cannot work."""


class UsageError(AnimedsError):
    """A flag or value that makes no sense."""

    exit_code = 2


def headline(error: BaseException) -> str:
    """Return what an error says, without a hint: for a place within another message."""
    return error.headline if isinstance(error, AnimedsError) else str(error)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` for the closest known names, or a list of them when none is close."""
    options = sorted(set(known))
    close = difflib.get_close_matches(name, options, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f'"{c}"' for c in close) + "?"
    return "known: " + ", ".join(options) if options else "there are none"
