"""`animeds ingest`: read episodes and pictures into the database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli import complete
from animeds_db.cli.common import DbOption
from animeds_db.cli.engine import (
    AddressOption,
    EngineOption,
    HwaccelOption,
    WorkerCpusOption,
    WorkerGpusOption,
    WorkersOption,
    on_ray,
)
from animeds_db.cli.lists import ListsInHelp
from animeds_db.cli.output import talk
from animeds_db.cli.progress import report_failures, watcher
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.models import Models
    from animeds_db.workers import Ray
    from animeds_ingest.choice import Choice
    from animeds_ingest.sources import SourceSpec


FRAMES, SOURCE, MODELS = "Which frames", "What the source is", "Models"
"""Panels of `animeds ingest --help`."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("ingest", cls=ListsInHelp)(ingest)


def ingest(
    paths: Annotated[
        list[str], typer.Argument(help="Episodes, pictures, zip or tar archives, folders of these, or URIs.")
    ],
    db: DbOption = None,
    sampling: Annotated[
        str | None,
        typer.Option(
            "--sample",
            help="How to choose frames: {sampling}. Default: as in the last ingest, else keyframes.",
            metavar="HOW",
            rich_help_panel=FRAMES,
            autocompletion=complete.sampling,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Skip everything before this time: 90, 1:30 or 0:01:30.",
            metavar="TIME",
            rich_help_panel=FRAMES,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="Skip everything after this time.", metavar="TIME", rich_help_panel=FRAMES),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(help="Name of the show. Default: from the file name.", rich_help_panel=SOURCE),
    ] = None,
    season: Annotated[
        int | None, typer.Option(help="Season number. Default: from the file name.", rich_help_panel=SOURCE)
    ] = None,
    episode: Annotated[
        int | None, typer.Option(help="Episode number. Default: from the file name.", rich_help_panel=SOURCE)
    ] = None,
    credit: Annotated[
        str | None, typer.Option(help="Who to credit. Included in every export.", rich_help_panel=SOURCE)
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            "--license",
            help="Licence of the source. Included in every export.",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Web address of the source. Included in every export.", rich_help_panel=SOURCE),
    ] = None,
    image_type: Annotated[
        str | None,
        typer.Option(help="screenshot (the default), fanart or regularization.", rich_help_panel=SOURCE),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile of models, e.g. anime, tiny or none (`animeds models list`). Default: as in the last ingest.",
            rich_help_panel=MODELS,
            autocompletion=complete.model_profiles,
        ),
    ] = None,
    tagger: Annotated[
        str | None,
        typer.Option(help="Use this tagger instead of the profile's, or none.", rich_help_panel=MODELS),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="Use these detectors instead of the profile's (separated by commas), or none.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    character: Annotated[
        str | None,
        typer.Option(
            help="Use this character embedder instead of the profile's, or none.", rich_help_panel=MODELS
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="Use this image embedder instead of the profile's, or none.", rich_help_panel=MODELS
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="Also tag these boxes one by one: face, head, person, eye, …, separated by commas, or none.",
            rich_help_panel=MODELS,
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device for the models: auto, cpu or cuda.", rich_help_panel=MODELS)
    ] = None,
    hwaccel: HwaccelOption = None,
    shots: Annotated[
        bool,
        typer.Option(
            "--shots", help="Also find the exact shots of videos, as `animeds shots`. Decodes every frame."
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before ingesting a folder that an export wrote.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Ingest finished sources again.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Ingest nothing. Print the show, season and episode read from each name."
        ),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
    worker_gpus: WorkerGpusOption = 0.0,  # not 0: typer would import pydantic to convert it
) -> None:
    """Read frames from episodes and pictures, run the models on them, and store the results.

    Can be interrupted and run again at any time: finished work is skipped.

    animeds ingest ~/anime/MyShow --show "My Show"
    """
    from animeds_ingest.choice import Choice
    from animeds_ingest.sources import discover

    parts = {
        "tagger": tagger,
        "detector": detector,
        "character": character,
        "image": embedder,
        "boxes": boxes,
    }
    overrides = {part: name for part, name in parts.items() if name is not None}
    choice = Choice(sampling, start, end, profile, device, overrides, hwaccel)
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
    if not yes:
        _ask_about_exports(paths)
    ray = on_ray(engine, address, workers, worker_cpus, worker_gpus)
    raise typer.Exit(_run(db, specs, choice, ray, replace, progress, shots))


class Loading:
    """Loads each set of models once, and reports downloads and devices on stderr."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[object, ...], Models] = {}

    def __call__(self, profile: str, device: str, overrides: Mapping[str, str]) -> Models:
        """Return the models of a profile, with overrides applied. Raises ModelError."""
        from animeds_db.cli.models import pull_progress
        from animeds_db.models import load_profile

        key = (profile, device, *sorted(overrides.items()))
        if key not in self._loaded:
            with pull_progress() as pulled:
                models = load_profile(profile, device=device, overrides=overrides, progress=pulled)
            for note in models.notes:
                talk(note)
            self._loaded[key] = models
        return self._loaded[key]


def _run(
    db: str | None,
    specs: list[SourceSpec],
    choice: Choice,
    ray: Ray | None,
    replace: bool,
    bar: bool,
    shots: bool,
) -> int:
    from animeds_db.cli.shots import find_shots
    from animeds_db.dataset import open_or_create

    loading = Loading()
    with open_or_create(db, lambda: choice.over({}).load(loading)) as dataset:
        with watcher(bar) as watching:
            report = dataset.ingest(
                specs,
                sample=choice.sample,
                start=choice.start,
                end=choice.end,
                profile=choice.profile,
                models=choice.overrides,
                device=choice.device,
                replace=replace,
                progress=watching,
                load=loading,
                on=ray,
                hwaccel=choice.hwaccel,
            )
        frames = sum(outcome.frames for outcome in report.outcomes)
        talk(
            f"{len(report.outcomes) - len(report.failed)} of {counted(len(specs), 'source')}, "
            f"{counted(frames, 'frame')} in {dataset.uri}"
        )
        read = zip(specs, report.outcomes, strict=True)
        videos = [o.source_id for spec, o in read if spec.kind == "video" and o.source_id]
        code = find_shots(dataset, videos, bar=bar, on=ray, hwaccel=choice.hwaccel) if shots and videos else 0
    return report_failures(report) or code


def _ask_about_exports(paths: list[str]) -> None:
    """Ask before ingesting pictures that an export wrote. Raises UsageError without a terminal."""
    from animeds_db.export.names import exported_folder
    from animeds_db.remote.storage import is_remote

    for path in (Path(path) for path in paths if not is_remote(path)):
        folder = exported_folder(path)
        if folder is None:
            continue
        found = f"{folder} was written by `animeds export`. Its pictures would be added as new frames"
        if not sys.stdin.isatty():
            raise UsageError(
                found,
                hint=f"use --yes to ingest it anyway; to read your changes back, use `animeds sync {folder}`",
            )
        if not typer.confirm(f"{found}. Ingest it anyway?", err=True):
            raise typer.Abort


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
