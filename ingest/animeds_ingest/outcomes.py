"""What became of the sources of one run, and who is told while it goes on. Knows no engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from animeds_db.errors import SourceError


@dataclass(frozen=True)
class Outcome:
    """What became of one source. `state` is new, resumed, grown, skipped or failed."""

    title: str
    state: str
    frames: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: SourceError | None = None
    source_id: str | None = None


@dataclass
class Report:
    """What became of every source."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> list[Outcome]:
        """The sources that could not be ingested."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]


class Watcher(Protocol):
    """Is told how far an ingest is."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """A source begins (`index` from 0); `duration_s` is None for pictures."""

    def frames(self, done: int, position_s: float | None) -> None:
        """So many frames of it are done, up to this time."""

    def outcome(self, outcome: Outcome) -> None:
        """A source has ended."""


class Silent:
    """A watcher that says nothing."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Say nothing."""

    def frames(self, done: int, position_s: float | None) -> None:
        """Say nothing."""

    def outcome(self, outcome: Outcome) -> None:
        """Say nothing."""
