"""`animeds tag | detect | embed | segment | classify-frames`: more models on stored frames; `animeds drop-model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.ingest import Loading
from animeds_db.cli.output import talk
from animeds_db.cli.progress import report_failures, watcher
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_ingest.outcomes import Report

ModelOption = Annotated[
    str, typer.Option("--model", help="Name of the model. `animeds models list` shows all.")
]
WhereOption = Annotated[
    str | None,
    typer.Option(help='Only frames that meet this SQL condition, e.g. "episode = 3 AND NOT is_blank".'),
]
DeviceOption = Annotated[str | None, typer.Option(help="Device for the model: auto, cpu or cuda.")]
ProgressOption = Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("tag")(tag)
    app.command("detect")(detect)
    app.command("embed")(embed)
    app.command("segment")(segment)
    app.command("classify-frames")(classify_frames)
    app.command("drop-model")(drop_model)


def tag(
    model: ModelOption,
    boxes: Annotated[
        str | None,
        typer.Option(
            "--boxes",
            help="Tag these boxes one by one instead of the frames: face, head, person, eye, …, separated by commas.",
        ),
    ] = None,
    where: WhereOption = None,
    use: Annotated[
        bool, typer.Option("--use", help="Use these tags in the `frames` and `tags` views from now on.")
    ] = False,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Tag frames in the database with another tagger.

    Frames that this tagger has already tagged are skipped; the command can be interrupted and run again.
    The tags from the ingest remain in use unless you add --use. The view `all_tags` has the tags of every
    tagger, and `animeds query compare_taggers` shows where two taggers differ. If the database has vectors
    of this tagger (made, for example, by `animeds embed --model wd-swinv2-v3-vectors`), frames are tagged
    from them without decoding.

    With --boxes, each box gets tags of its own (the view `box_tags`). Captions of crops then use the tags of the
    person in the crop. The tagger of the ingest can do this, too.

    animeds tag --model wd-vit-v3 --where "episode = 3"
    animeds tag --model wd-vit-v3 --boxes person,face
    """
    kinds = [kind.strip() for kind in (boxes or "").split(",") if kind.strip()]
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.tag(
            model, boxes=kinds, where=where, use=use, device=device, progress=watching, load=Loading()
        )
    raise typer.Exit(_report(model, report, dataset.uri))


def detect(
    model: ModelOption,
    where: WhereOption = None,
    character: Annotated[
        str | None,
        typer.Option(
            help="Model for the vectors of the faces, or none. Default: the one this database uses."
        ),
    ] = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Detect faces, heads or persons in the database's frames with another detector.

    Frames that this detector has already processed are skipped; the command can be interrupted and run
    again. The view `detections` has the boxes of all detectors; in `faces`, `heads` and `persons` the new
    boxes replace the earlier ones.

    animeds detect --model face-v1.4-s
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.detect(
            model, where=where, character=character, device=device, progress=watching, load=Loading()
        )
    raise typer.Exit(_report(model, report, dataset.uri))


def embed(
    model: ModelOption,
    where: WhereOption = None,
    use: Annotated[
        bool, typer.Option("--use", help="Use these vectors in search and dedup from now on.")
    ] = False,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Compute vectors of the database's frames with another image embedder.

    Frames that already have a vector from this embedder are skipped; the command can be interrupted and
    run again. The view `embeddings` has the vectors of all embedders. Search and dedup use the vectors
    from the ingest unless you add --use. To go back, use --use with the model of the ingest.

    animeds embed --model clip-vit-b32 --use
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.embed(model, where=where, use=use, device=device, progress=watching, load=Loading())
    raise typer.Exit(_report(model, report, dataset.uri))


def segment(
    model: Annotated[
        str | None, typer.Option("--model", help="Name of the model. `animeds models list` shows all.")
    ] = None,
    logos: Annotated[
        bool,
        typer.Option(
            "--logos", help="Instead of characters, mask what stays still over a whole video. Needs no model."
        ),
    ] = False,
    boxes: Annotated[
        str | None,
        typer.Option(
            "--boxes",
            help="Boxes whose content gets a mask of its own: person, face and others, separated by commas, or none. "
            "Default: person, if the database has such boxes.",
        ),
    ] = None,
    where: WhereOption = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Make masks: which pixels of a frame show a character.

    Every frame gets a mask, and every person in it whose box is known. Frames that this model has already
    processed are skipped; the command can be interrupted and run again. The view `masks` has the masks, also those of
    text and borders, which need no model. A mask that you draw on a frame's page replaces the model's.

    animeds segment --model isnetis
    animeds segment --logos
    """
    if (model is None) != logos:
        raise UsageError("Give --model NAME or --logos.", hint="`animeds models list` shows segmenters.")
    if logos:
        with open_dataset(db) as dataset:
            found = dataset.mask_logos()
        talk(f"{counted(sum(found.values()), 'logo')} in {counted(len(found), 'video')} of {dataset.uri}")
        return
    assert model is not None
    kinds = (
        None
        if boxes is None
        else [kind.strip() for kind in boxes.split(",") if kind.strip() not in ("", "none")]
    )
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.segment(
            model, boxes=kinds, where=where, device=device, progress=watching, load=Loading()
        )
    raise typer.Exit(_report(model, report, dataset.uri))


def classify_frames(
    model: ModelOption,
    where: WhereOption = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Classify the database's frames: style, rating, portrait, aesthetic score and others.

    Frames that this model has already classified are skipped; the command can be interrupted and run again. The view
    `classifications` has the answers of every classifier, and `frame_classes` has them as columns. The quality gates
    can use them: gates(min_aesthetic := 0.25, unwanted := ['style:comic']).

    animeds classify-frames --model anime-style
    """
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.classify_frames(model, where=where, device=device, progress=watching, load=Loading())
    raise typer.Exit(_report(model, report, dataset.uri))


def drop_model(
    model: Annotated[str, typer.Argument(help="Name or id (name@revision) of the model.")],
    db: DbOption = None,
) -> None:
    """Delete what a model gave in `tag`, `detect`, `embed`, `segment` or `classify-frames`.

    Results from the ingest stay.
    """
    with open_dataset(db) as dataset:
        talk(f"{model}: results deleted from {counted(dataset.drop_model(model), 'frame')}")


def _report(model: str, report: Report, uri: str) -> int:
    """Print a summary of a model run, and return the exit code."""
    from animeds_ingest.reruns.running import from_stored

    frames = sum(outcome.frames for outcome in report.outcomes)
    talk(
        f"{model}: {counted(frames, 'frame')} processed in {counted(len(report.outcomes), 'source')} of {uri}"
    )
    if stored := from_stored(report):
        talk(f"{stored} of them used this model's vectors in the database and were not decoded")
    return report_failures(report)
