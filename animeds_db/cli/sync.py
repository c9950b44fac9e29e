"""`animeds sync`: what a person changed in an exported folder becomes labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.output import FormatOption, print_rows, talk

if TYPE_CHECKING:
    from animeds_db.sync import SyncReport


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("sync")(sync)


def sync(
    folder: Annotated[Path, typer.Argument(help="A folder that `animeds export` made.")],
    db: DbOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be labelled.")] = False,
    who: Annotated[
        str | None, typer.Option(help="Who says so. Default: ANIMEDS_WHO, else your account.")
    ] = None,
    folders: Annotated[
        str | None,
        typer.Option(
            help="Which folder names the characters, counted from the right: */character/*. "
            "Default: the rightmost one that reads as names.",
            metavar="FORMAT",
        ),
    ] = None,
    characters: Annotated[
        Path | None, typer.Option(help="A text file of the names that are allowed, new ones too.")
    ] = None,
    format: FormatOption = None,  # noqa: A002 (the name of the flag)
) -> None:
    """Read back what was deleted, moved or edited in an exported folder, as labels; one run is one act.

    animeds sync out --dry-run
    """
    with open_dataset(db) as dataset:
        report = dataset.sync(folder, dry_run=dry_run, who=who, form=folders, characters=characters)
    if report.changes:
        rows = [{"file": c.file, "what": c.what, "from": c.before, "to": c.after} for c in report.changes]
        print_rows(rows, format)
    _tell(report, dry_run=dry_run)


def _tell(report: SyncReport, *, dry_run: bool) -> None:
    for note in report.notes:
        talk(f"note: {note}")
    if not report.changes:
        talk(f"nothing to do: {report.folder} says nothing new")
        return
    talk(", ".join(f"{n} {what}" for what, n in sorted(report.counts.items())))
    if report.act is not None:
        talk(f"labelled as act {report.act}; animeds label undo takes it back")
    elif dry_run and set(report.counts) != {"left alone"}:
        talk("nothing was written: leave --dry-run out to label this")
