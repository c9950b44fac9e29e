"""`animeds dedup`: find near-duplicates in the whole database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.engine import AddressOption, EngineOption, WorkerCpusOption, WorkersOption, on_ray
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("dedup")(dedup)


def dedup(
    db: DbOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Minimum cosine similarity of two near-duplicates. "
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
        Path | None, typer.Option(help="SQL file that decides which frame of each group is kept.")
    ] = None,
    memory: Annotated[
        int,
        typer.Option(help="Memory limit of the comparison in MB; with --engine ray, of each worker.", min=1),
    ] = 512,
    preview: Annotated[
        Path | None,
        typer.Option(
            help="Change nothing. Write a page (.html) or picture (.png) with borderline pairs and the effect of other "
            "values of --threshold and --agree-bits."
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
        raise UsageError("--preview runs on this machine only.", hint="remove --engine ray")
    progress = _show_progress if sys.stderr.isatty() else None
    with open_dataset(db) as dataset:
        if preview is not None:
            print_rows(dataset.preview_dedup(options, preview, rank=rank, progress=progress), form)
            talk(f"borderline pairs: {preview}")
            return
        found = dataset.dedup(options, rank=rank, progress=progress, on=ray)
    talk(
        f"{counted(found.frames, 'frame')}: {counted(found.copies, 'copy')} in {counted(found.groups, 'group')}, "
        f"{found.frames - found.copies} kept (threshold {found.threshold:g}); "
        f"{counted(found.segments, 'segment')} shared between episodes"
    )
    if found.without_vector:
        talk(f"note: {found.without_vector} frames have no usable vector and were compared by hash only")


def _show_progress(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    sys.stderr.write(f"comparing {100 * done // max(1, total)} %{end}")
    sys.stderr.flush()
