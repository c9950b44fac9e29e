"""The outcomes of a run's sources, and the interface for reporting its progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from animeds_db.errors import SourceError


@dataclass(frozen=True)
class Outcome:
    """The outcome of one source. `state` is new, resumed, grown, skipped or failed."""

    title: str
    state: str
    frames: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: SourceError | None = None
    source_id: str | None = None


@dataclass
class Report:
    """The outcomes of all sources."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def failed(self) -> list[Outcome]:
        """The sources that could not be ingested."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]


class Watcher(Protocol):
    """Receives the progress of an ingest."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """A source starts (`index` from 0). `duration_s` is None for pictures."""

    def frames(self, done: int, position_s: float | None) -> None:
        """This many frames of the source are done, up to this time in seconds."""

    def outcome(self, outcome: Outcome) -> None:
        """A source is finished."""


class Silent:
    """A watcher that does nothing."""

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Do nothing."""

    def frames(self, done: int, position_s: float | None) -> None:
        """Do nothing."""

    def outcome(self, outcome: Outcome) -> None:
        """Do nothing."""
