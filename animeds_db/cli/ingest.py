"""`animeds ingest`: episodes and pictures in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animeds_db.cli.common import DbOption
from animeds_db.cli.output import talk

if TYPE_CHECKING:
    from animeds_db.models import Models
    from animeds_ingest.local import Outcome  # noqa: TID251 (types only)
    from animeds_ingest.sampling import Sampling  # noqa: TID251
    from animeds_ingest.sources import SourceSpec  # noqa: TID251

PARTLY_FAILED = 3


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("ingest")(ingest)


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Episodes, folders of them, pictures, zip or tar.")],
    db: DbOption = None,
    sampling: Annotated[
        str,
        typer.Option("--sample", help="keyframes, iframes, changes, scenes, every=2s or all.", metavar="HOW"),
    ] = "keyframes",
    start: Annotated[
        str | None, typer.Option(help="Leave out what is before: 90, 1:30 or 0:01:30.", metavar="TIME")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Leave out what is after this time.", metavar="TIME")
    ] = None,
    show: Annotated[str | None, typer.Option(help="The show; else read from the name.")] = None,
    season: Annotated[int | None, typer.Option(help="The season; else read from the name.")] = None,
    episode: Annotated[int | None, typer.Option(help="The episode; else read from the name.")] = None,
    credit: Annotated[str | None, typer.Option(help="Whom to credit; travels to every export.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", "--license", help="The licence.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the source is from.")] = None,
    image_type: Annotated[str, typer.Option(help="screenshot, fanart or regularization.")] = "screenshot",
    profile: Annotated[
        str | None, typer.Option(help="Which models: anime, tiny, none, or one of your own.")
    ] = None,
    tagger: Annotated[str | None, typer.Option(help="This tagger instead of the profile's, or none.")] = None,
    detector: Annotated[
        str | None, typer.Option(help="These detectors instead (comma between), or none.")
    ] = None,
    character: Annotated[str | None, typer.Option(help="This character embedder instead, or none.")] = None,
    embedder: Annotated[str | None, typer.Option(help="This image embedder instead, or none.")] = None,
    device: Annotated[str | None, typer.Option(help="Where models run: auto, cpu or cuda.")] = None,
    replace: Annotated[bool, typer.Option(help="Ingest finished sources anew.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what was understood from the names.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Decode frames, measure them, run the models, and write rows.

    Can be interrupted and run again at any time: what is finished is skipped.

    animeds ingest ~/anime/MyShow --show "My Show"
    """
    from animeds_ingest.sampling import Sampling  # noqa: TID251 (the one place: see DESIGN, arrows)
    from animeds_ingest.sources import discover  # noqa: TID251

    how = Sampling.parse(sampling, start, end)
    specs = discover(
        paths,
        show=show,
        season=season,
        episode=episode,
        credit=credit,
        licence=licence,
        url=url,
        image_type=image_type,
    )
    if dry_run:
        _print_plan(specs)
        return
    parts = {"tagger": tagger, "detector": detector, "character": character, "image": embedder}
    models = _load(profile, device, {part: name for part, name in parts.items() if name is not None})
    raise typer.Exit(_run(db, specs, how, models, replace, progress))


def _load(profile: str | None, device: str | None, overrides: dict[str, str]) -> Models:
    from animeds_db import settings
    from animeds_db.cli.models import pull_progress
    from animeds_db.models import load_profile

    with pull_progress() as pulled:
        models = load_profile(
            settings.resolve("profile", profile).value,
            device=settings.resolve("device", device).value,
            overrides=overrides,
            progress=pulled,
        )
    for note in models.notes:
        talk(note)
    return models


def _run(
    db: str | None, specs: list[SourceSpec], how: Sampling, models: Models, replace: bool, bar: bool
) -> int:
    from animeds_db.dataset import open_or_create
    from animeds_ingest.local import ingest as run  # noqa: TID251

    with open_or_create(db, models) as dataset:
        watcher = _bar() if bar and sys.stderr.isatty() else _Lines()
        with watcher:
            report = run(dataset.store, specs, how, models, replace=replace, watcher=watcher)
        frames = sum(outcome.frames for outcome in report.outcomes)
        talk(
            f"{len(report.outcomes) - len(report.failed)} of {len(specs)} sources, {frames} frames in {dataset.uri}"
        )
    for outcome in report.failed:
        talk(f"failed: {outcome.title}: {outcome.error}")
        if outcome.error and outcome.error.hint:
            talk(f"hint: {outcome.error.hint}")
    if not report.failed:
        return 0
    return PARTLY_FAILED if len(report.failed) < len(specs) else 1


def _print_plan(specs: list[SourceSpec]) -> None:
    import duckdb
    import pyarrow as pa

    from animeds_db.cli.output import print_relation

    rows = [
        {
            "file": spec.path.name,
            "kind": spec.kind,
            "show": spec.name.show,
            "season": spec.name.season,
            "episode": spec.name.episode,
            "title": spec.name.title,
        }
        for spec in specs
    ]
    fields = [("file", pa.string()), ("kind", pa.string()), ("show", pa.string())]
    fields += [("season", pa.int32()), ("episode", pa.int32()), ("title", pa.string())]
    plan = pa.Table.from_pylist(rows, pa.schema(fields))
    print_relation(duckdb.from_arrow(plan), None)


def _line(outcome: Outcome) -> str:
    text = f"{outcome.title}: {outcome.state}, {outcome.frames} frames"
    if outcome.seconds >= 0.1:
        text += f" in {outcome.seconds:.1f} s ({outcome.frames / outcome.seconds:.0f} frames/s)"
    return text


class _Lines:
    """Says one line per source when it has ended; for pipes and logs."""

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def source(self, index: int, count: int, title: str, duration_s: float | None) -> None:
        """Say nothing yet."""

    def frames(self, done: int, position_s: float | None) -> None:
        """Say nothing yet."""

    def outcome(self, outcome: Outcome) -> None:
        """Say how the source ended."""
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
                f"[{index + 1}/{count}] {title}"[:60].replace("[", "\\["), total=duration_s, frames=0, rate=""
            )

        def frames(self, done: int, position_s: float | None) -> None:
            rate = done / max(1e-3, time.monotonic() - self.began)
            self.progress.update(self.task, completed=position_s, frames=done, rate=f"{rate:.0f} frames/s")

    return Bar()
