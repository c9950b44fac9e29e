"""`animeds shots`: find the shots of videos in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.engine import (
    AddressOption,
    EngineOption,
    HwaccelOption,
    WorkerCpusOption,
    WorkersOption,
    on_ray,
)
from animeds_db.cli.output import talk
from animeds_db.cli.progress import report_failures, watcher
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset
    from animeds_db.workers import Ray


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("shots")(shots)


def shots(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Ids of videos. Default: all.", metavar="SOURCE…")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also videos that already have shots.")] = False,
    hwaccel: HwaccelOption = None,
    db: DbOption = None,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
) -> None:
    """Find the shots of videos in the database: their exact first and last frames, how they are drawn, what moves.

    Each video is decoded once. Videos that have shots are skipped, so this can be interrupted and run again. Frames
    in the database get the numbers of these shots. The view `shots` has the results.

    animeds shots
    """
    on = on_ray(engine, address, workers, worker_cpus)
    with open_dataset(db) as dataset:
        raise typer.Exit(
            find_shots(dataset, sources or None, again=again, bar=progress, on=on, hwaccel=hwaccel)
        )


def find_shots(
    dataset: Dataset,
    sources: Sequence[str] | None,
    *,
    again: bool = False,
    bar: bool = True,
    on: Ray | None = None,
    hwaccel: str | None = None,
) -> int:
    """Find the shots of videos with a progress display, print their number, and return the exit code."""
    from animeds_ingest.shot_finding import ShotsFound

    with watcher(bar) as watching:
        report = dataset.shots(sources, again=again, progress=watching, on=on, hwaccel=hwaccel)
    n = sum(outcome.shots for outcome in report.outcomes if isinstance(outcome, ShotsFound))
    done = len(report.outcomes) - len(report.failed)
    talk(f"{done} of {counted(len(report.outcomes), 'video')}, {counted(n, 'shot')}")
    return report_failures(report)
