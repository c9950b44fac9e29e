"""`animeds sync`: turn changes in an exported folder into labels."""

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
    folder: Annotated[Path, typer.Argument(help="Folder that `animeds export` wrote.")],
    db: DbOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing. Show the labels that would be added.")
    ] = False,
    who: Annotated[
        str | None,
        typer.Option(help="Name to record with the labels. Default: ANIMEDS_WHO, then your account name."),
    ] = None,
    folders: Annotated[
        str | None,
        typer.Option(
            help="Folder level that names the characters, counted from the right, e.g. */character/*. "
            "Default: the rightmost level that contains character names.",
            metavar="FORMAT",
        ),
    ] = None,
    characters: Annotated[
        Path | None, typer.Option(help="Text file of allowed character names, including new ones.")
    ] = None,
    format: FormatOption = None,  # noqa: A002 (named like the flag)
) -> None:
    """Turn deletions, moves and edits in an exported folder into labels. One run is one change set.

    animeds sync out --dry-run
    """
    with open_dataset(db) as dataset:
        report = dataset.sync(folder, dry_run=dry_run, who=who, form=folders, characters=characters)
    if report.changes:
        rows = [{"file": c.file, "what": c.what, "from": c.before, "to": c.after} for c in report.changes]
        print_rows(rows, format)
    _report(report, dry_run=dry_run)


def _report(report: SyncReport, *, dry_run: bool) -> None:
    for note in report.notes:
        talk(f"note: {note}")
    if not report.changes:
        talk(f"Nothing to do: {report.folder} has no new changes.")
        return
    talk(", ".join(f"{n} {what}" for what, n in sorted(report.counts.items())))
    if report.act is not None:
        talk(f"labelled as change set {report.act}; to undo: animeds label undo {report.act}")
    elif dry_run and set(report.counts) != {"left alone"}:
        talk("Nothing was written. Run again without --dry-run to apply this.")
