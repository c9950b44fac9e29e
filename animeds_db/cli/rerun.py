"""`animeds tag | detect | embed`: one model again over frames that are here; `animeds drop-model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.ingest import Loading
from animeds_db.cli.output import talk
from animeds_db.cli.progress import tell_failures, watcher

if TYPE_CHECKING:
    from animeds_ingest.outcomes import Report

ModelOption = Annotated[str, typer.Option("--model", help="The model: `animeds models list` shows them.")]
WhereOption = Annotated[
    str | None, typer.Option(help='Only these frames: a condition, e.g. "episode = 3 AND NOT is_blank".')
]
DeviceOption = Annotated[str | None, typer.Option(help="Where the model runs: auto, cpu or cuda.")]
ProgressOption = Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("tag")(tag)
    app.command("detect")(detect)
    app.command("embed")(embed)
    app.command("drop-model")(drop_model)


def tag(
    model: ModelOption,
    where: WhereOption = None,
    use: Annotated[
        bool, typer.Option("--use", help="From now on let these tags count in frames and tags.")
    ] = False,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Tag frames that are in the database with another tagger.

    Only frames which that tagger has not done; can be interrupted and run again. The tags of the ingest
    stay, and count, unless you say --use; the view `all_tags` holds those of every tagger, and
    `animeds query compare_taggers` shows where two differ. Frames with vectors of that very tagger (made by
    `animeds embed --model wd-swinv2-v3-vectors`, for example) are tagged from those, without decoding.

    animeds tag --model wd-vit-v3 --where "episode = 3"
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.tag(model, where=where, use=use, device=device, progress=watching, load=Loading())
    raise typer.Exit(_tell(model, report, dataset.uri))


def detect(
    model: ModelOption,
    where: WhereOption = None,
    character: Annotated[
        str | None,
        typer.Option(help="The model for vectors of faces, or none. Default: that of this database."),
    ] = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Detect faces, heads or persons with another detector in frames that are in the database.

    Only in frames which that detector has not done; can be interrupted and run again. `detections` holds
    the boxes of all detectors; in `faces`, `heads` and `persons` the new ones stand for the earlier ones.

    animeds detect --model face-v1.4-s
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.detect(
            model, where=where, character=character, device=device, progress=watching, load=Loading()
        )
    raise typer.Exit(_tell(model, report, dataset.uri))


def embed(
    model: ModelOption,
    where: WhereOption = None,
    use: Annotated[
        bool, typer.Option("--use", help="From now on let search and dedup ask these vectors.")
    ] = False,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Give frames that are in the database the vectors of another image embedder.

    Only frames which that embedder has not done; can be interrupted and run again. The view `embeddings`
    holds the vectors of all; search and dedup ask those of the ingest, unless you say --use: then those of
    this model alone. `--use` with the model of the ingest goes back.

    animeds embed --model clip-vit-b32 --use
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.embed(model, where=where, use=use, device=device, progress=watching, load=Loading())
    raise typer.Exit(_tell(model, report, dataset.uri))


def drop_model(
    model: Annotated[str, typer.Argument(help="The model, by name or id (name@revision).")],
    db: DbOption = None,
) -> None:
    """Delete what `tag`, `detect` or `embed` found with a model. What it found at ingest stays."""
    with open_dataset(db) as dataset:
        talk(f"{model}: dropped what it found in {dataset.drop_model(model)} frames")


def _tell(model: str, report: Report, uri: str) -> int:
    """Say what a model has done; return the exit code."""
    from animeds_ingest.rerun import from_stored

    frames = sum(outcome.frames for outcome in report.outcomes)
    talk(f"{model}: {frames} frames done in {len(report.outcomes)} sources of {uri}")
    if stored := from_stored(report):
        talk(f"{stored} of them from this model's vectors in the database, without decoding")
    return tell_failures(report)
