"""`animeds dedup`: near-duplicates, over the whole database at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.engine import AddressOption, EngineOption, WorkerCpusOption, WorkersOption, on_ray
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("dedup")(dedup)


def dedup(
    db: DbOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Minimum cosine of the vectors of two near-duplicates. "
            "Default: the value for their model, usually 0.985."
        ),
    ] = None,
    agree_bits: Annotated[
        int,
        typer.Option(
            help="Across shots the perceptual hashes must agree too: maximum number of bits, of 64, that may differ; "
            "-1 for any.",
            min=-1,
        ),
    ] = 8,
    phash_distance: Annotated[
        int,
        typer.Option(
            help="Frames with almost equal hashes are near-duplicates too: maximum number of bits that may differ; "
            "-1 to ignore hashes here.",
            min=-1,
        ),
    ] = 2,
    rank: Annotated[
        Path | None, typer.Option(help="A SQL file of your own that says which frame of a group stays.")
    ] = None,
    memory: Annotated[
        int, typer.Option(help="What the comparison may use, in MB; with --engine ray, each worker.", min=1)
    ] = 512,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="Only write a page to this .html, or a picture to this .png: what other values of --threshold and "
            "--agree-bits would do, and borderline pairs."
        ),
    ] = None,
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    worker_cpus: WorkerCpusOption = 1,
    form: FormatOption = None,
) -> None:
    """Find near-duplicates and the openings and endings that episodes share.

    Within a shot, frames with similar vectors are near-duplicates. Across shots their perceptual hashes must agree
    as well. Nothing is deleted: the view `kept` leaves the copies out; `duplicates` and `segments` list the result.
    """
    from animeds_db.steps.dedup.find import DedupOptions

    options = DedupOptions(
        threshold=threshold,
        agree_bits=None if agree_bits < 0 else agree_bits,
        phash_distance=None if phash_distance < 0 else phash_distance,
        memory_mb=memory,
    )
    ray = on_ray(engine, address, workers, worker_cpus)
    if ray is not None and preview is not None:
        raise UsageError("--preview is made on this machine", hint="leave --engine ray out")
    progress = _say if sys.stderr.isatty() else None
    with open_dataset(db) as dataset:
        if preview is not None:
            print_rows(dataset.preview_dedup(options, preview, rank=rank, progress=progress), form)
            talk(f"borderline pairs: {preview}")
            return
        found = dataset.dedup(options, rank=rank, progress=progress, on=ray)
    talk(
        f"{found.frames} frames: {found.copies} copies in {found.groups} groups, "
        f"{found.frames - found.copies} stay (at {found.threshold:g}); "
        f"{found.segments} segments shared by episodes"
    )
    if found.without_vector:
        talk(f"note: {found.without_vector} frames have no usable vector and were compared by hash only")


def _say(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    sys.stderr.write(f"comparing {100 * done // max(1, total)} %{end}")
    sys.stderr.flush()
