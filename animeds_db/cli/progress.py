"""Progress of ingest and of later model runs on stderr: a bar on a terminal, otherwise one line per source."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from animeds_db.cli.output import talk
from animeds_db.printable import counted, printable

if TYPE_CHECKING:
    from animeds_ingest.outcomes import Outcome, Report

PARTLY_FAILED = 3
NAMED = 5
"""Maximum number of sources named in one line when they failed for the same reason."""


def watcher(bar: bool) -> Any:
    """Return a context manager that shows progress: a bar if `bar` is set and stderr is a terminal, otherwise lines."""
    return _bar() if bar and sys.stderr.isatty() else _Lines()


def report_failures(report: Report) -> int:
    """Print failed sources with hints, and return the exit code."""
    causes: dict[tuple[str, str | None], list[Outcome]] = defaultdict(list)
    for outcome in report.failed:
        hint = outcome.error.hint if outcome.error else None
        headline = outcome.error.headline if outcome.error else ""
        causes[headline.replace(outcome.title, ""), hint].append(outcome)
    for (_, hint), outcomes in causes.items():
        talk(f"failed: {_titles(outcomes)}: {outcomes[0].error and outcomes[0].error.headline}")
        if hint:
            talk(f"hint: {hint}")
    if not report.failed:
        return 0
    return PARTLY_FAILED if len(report.failed) < len(report.outcomes) else 1


def _titles(outcomes: Sequence[Outcome]) -> str:
    """Return the titles of these sources in one line."""
    named = ", ".join(outcome.title for outcome in outcomes[:NAMED])
    more = len(outcomes) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def _line(outcome: Outcome) -> str:
    text = f"{outcome.title}: {outcome.state}, {counted(outcome.frames, 'frame')}"
    if outcome.seconds >= 0.1:
        text += f" in {outcome.seconds:.1f} s ({outcome.frames / outcome.seconds:.0f} frames/s)"
    return text


class _Lines:
    """Prints one line per finished source; for pipes and logs."""

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Ignore the start and the progress of a source."""

    def frames(self, done: int, position_s: float | None) -> None:
        """Ignore the start and the progress of a source."""

    def outcome(self, outcome: Outcome) -> None:
        """Print the result of a source."""
        if outcome.state != "failed":
            talk(_line(outcome))
        for note in outcome.notes:
            talk(f"note: {outcome.title}: {note}")


def _bar() -> Any:
    """Return a watcher that draws a progress bar: sources, frames, frames per second, time left."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar(_Lines):
        def __enter__(self) -> _Lines:
            columns = (
                "{task.description}",
                BarColumn(),
                "{task.fields[frames]} frames",
                "{task.fields[rate]}",
            )
            texts = [c if isinstance(c, BarColumn) else TextColumn(c) for c in columns]
            self.progress = Progress(
                *texts, TimeRemainingColumn(), console=Console(stderr=True), transient=True
            )
            self.progress.start()
            self.task: Any = None
            return self

        def __exit__(self, *_: object) -> None:
            self.progress.stop()

        def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
            if self.task is not None:
                self.progress.remove_task(self.task)
            self.began = time.monotonic()
            self.task = self.progress.add_task(
                printable(f"[{index + 1}/{count}] {title}")[:60].replace("[", "\\["),
                total=duration_s,
                frames=0,
                rate="",
            )

        def frames(self, done: int, position_s: float | None) -> None:
            rate = done / max(1e-3, time.monotonic() - self.began)
            self.progress.update(self.task, completed=position_s, frames=done, rate=f"{rate:.0f} frames/s")

    return Bar()
