"""`animeds ingest`: episodes and pictures in."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption
from animeds_db.cli.engine import (
    AddressOption,
    EngineOption,
    WorkerCpusOption,
    WorkerGpusOption,
    WorkersOption,
    on_ray,
)
from animeds_db.cli.output import talk
from animeds_db.cli.progress import tell_failures, watcher
from animeds_db.errors import UsageError

if TYPE_CHECKING:
    from animeds_db.models import Models
    from animeds_db.workers import Ray
    from animeds_ingest.sampling import Sampling  # noqa: TID251 (types only)
    from animeds_ingest.sources import SourceSpec  # noqa: TID251

PARTS = ("tagger", "detector", "character", "image")
"""The models of a profile that a flag can replace."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("ingest")(ingest)


def ingest(
    paths: Annotated[
        list[str], typer.Argument(help="Episodes, folders of them, pictures, zip or tar; or URIs of these.")
    ],
    db: DbOption = None,
    sampling: Annotated[
        str | None,
        typer.Option(
            "--sample",
            help="keyframes, iframes, changes, scenes, every=2s or all. Default: as the last ingest here.",
            metavar="HOW",
        ),
    ] = None,
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
    image_type: Annotated[
        str | None, typer.Option(help="screenshot (the default), fanart or regularization.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Which models: anime, tiny, none, or one of your own. Default: as the last ingest here."
        ),
    ] = None,
    tagger: Annotated[str | None, typer.Option(help="This tagger instead of the profile's, or none.")] = None,
    detector: Annotated[
        str | None, typer.Option(help="These detectors instead (comma between), or none.")
    ] = None,
    character: Annotated[str | None, typer.Option(help="This character embedder instead, or none.")] = None,
    embedder: Annotated[str | None, typer.Option(help="This image embedder instead, or none.")] = None,
    device: Annotated[str | None, typer.Option(help="Where models run: auto, cpu or cuda.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: also ingest a folder that an export made.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Ingest finished sources anew.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what was understood from the names.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
    worker_gpus: WorkerGpusOption = 0,
) -> None:
    """Decode frames, measure them, run the models, and write rows.

    Can be interrupted and run again at any time: what is finished is skipped.

    animeds ingest ~/anime/MyShow --show "My Show"
    """
    from animeds_ingest.sampling import Sampling  # noqa: TID251 (the one place: see DESIGN, arrows)
    from animeds_ingest.sources import discover  # noqa: TID251

    if sampling is not None:
        Sampling.parse(sampling, start, end)
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
    parts = {"tagger": tagger, "detector": detector, "character": character, "image": embedder}
    asked = _Asked(
        sampling,
        start,
        end,
        profile,
        device,
        {part: name for part, name in parts.items() if name is not None},
    )
    raise typer.Exit(_run(db, specs, asked, ray, replace, progress))


@dataclass(frozen=True)
class _Asked:
    """The flags that say which frames are taken and which models look at them."""

    sample: str | None
    start: str | None
    end: str | None
    profile: str | None
    device: str | None
    overrides: dict[str, str]

    @property
    def names(self) -> frozenset[str]:
        """What a person chose: "sampling", "models"."""
        chosen = {
            "sampling": (self.sample, self.start, self.end) != (None, None, None),
            "models": self.profile is not None or bool(self.overrides),
        }
        return frozenset(name for name, is_chosen in chosen.items() if is_chosen)

    def over(self, remembered: Mapping[str, str]) -> _Chosen:
        """Return what to use where the database remembers this."""
        from animeds_db import settings
        from animeds_ingest.sampling import Sampling  # noqa: TID251

        sample = settings.resolve("sampling", self.sample, remembered=remembered).value
        profile = settings.resolve("profile", self.profile, remembered=remembered)
        parts = {p: remembered[p] for p in PARTS if p in remembered} if profile.origin == "database" else {}
        device = settings.resolve("device", self.device).value
        sampling = Sampling.parse(sample, self.start, self.end)
        return _Chosen(sampling, profile.value, device, parts | self.overrides)


@dataclass(frozen=True)
class _Chosen:
    """Which frames are taken, and which models look at them."""

    sampling: Sampling
    profile: str
    device: str
    overrides: dict[str, str]

    def load(self) -> Models:
        return load_models(self.profile, self.device, self.overrides)

    def loader(self) -> Callable[[], Models]:
        """Return what loads the same models on another machine, whatever its settings are."""
        from animeds_db.models import load_profile

        return partial(load_profile, self.profile, device=self.device, overrides=self.overrides)

    def to_remember(self) -> dict[str, str]:
        """Return what the next ingest is to use; a start and an end are for this one only."""
        sampling = str(dataclasses.replace(self.sampling, start_s=None, end_s=None))
        return {"profile": self.profile, "sampling": sampling, **self.overrides}


def load_models(profile: str | None, device: str | None, overrides: dict[str, str]) -> Models:
    """Load a profile with these parts exchanged; say what is fetched, and where models run."""
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
    db: str | None,
    specs: list[SourceSpec],
    asked: _Asked,
    ray: Ray | None,
    replace: bool,
    bar: bool,
) -> int:
    from animeds_db.dataset.dataset import open_or_create
    from animeds_ingest.engines import local  # noqa: TID251
    from animeds_ingest.engines import ray as ray_engine  # noqa: TID251

    loaded = cache(lambda: asked.over({}).load())  # the models of a database that is made now
    with open_or_create(db, loaded) as dataset:
        store = dataset.store
        chosen = asked.over(store.remembered())

        def load() -> Models:
            models = loaded() if loaded.cache_info().currsize else chosen.load()
            store.remember(chosen.to_remember())
            return models

        with watcher(bar) as watching:
            if ray is None:
                report = local.ingest(
                    store, specs, chosen.sampling, load, asked=asked.names, replace=replace, watcher=watching
                )
            else:
                report = ray_engine.ingest(
                    store,
                    specs,
                    chosen.sampling,
                    load(),
                    chosen.loader(),
                    ray,
                    asked=asked.names,
                    replace=replace,
                    watcher=watching,
                )
        frames = sum(outcome.frames for outcome in report.outcomes)
        talk(
            f"{len(report.outcomes) - len(report.failed)} of {len(specs)} sources, {frames} frames in {dataset.uri}"
        )
    return tell_failures(report)


def _ask_about_exports(paths: list[str]) -> None:
    """Ask before pictures that an export wrote become frames a second time. Raises UsageError without a terminal."""
    from animeds_db.export.manifest import exported_folder
    from animeds_db.remote.storage import is_remote

    for path in (Path(path) for path in paths if not is_remote(path)):
        folder = exported_folder(path)
        if folder is None:
            continue
        found = f"{folder} was written by `animeds export`: its pictures would become frames a second time"
        if not sys.stdin.isatty():
            raise UsageError(
                found,
                hint=f"--yes ingests it all the same; `animeds sync {folder}` reads your changes to it back",
            )
        if not typer.confirm(f"{found}. Ingest it?", err=True):
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
