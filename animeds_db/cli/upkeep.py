"""`animeds versions`, `optimize`, `check`, `backup`: the past of a database, its upkeep, copies of it."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset
from animeds_db.cli.output import FormatOption, print_rows, say, talk
from animeds_db.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("versions")(versions)
    app.command("optimize")(optimize)
    app.command("check")(check)
    app.command("backup")(backup)


def versions(
    keep: Annotated[
        str | None, typer.Option(help="Give the version of now (or --at) a name; it is never cleaned away.")
    ] = None,
    forget: Annotated[str | None, typer.Option(help="Take a name away.")] = None,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """Show what the database was, newest first: version, time, what was done, frames, name.

    animeds versions
    animeds sql "SELECT count(*) FROM frames" --at 57
    animeds versions --keep before-cleanup
    """
    if keep is not None and forget is not None:
        raise UsageError("give a name or take one away, one at a time")
    with open_dataset(db, unfinished=True) as dataset:
        if keep is not None:
            talk(f"version {dataset.keep_version(keep, at)} is {keep} and stays")
        elif forget is not None:
            dataset.forget_version(forget)
            talk(f"{forget} names nothing any more; what only it kept goes with the next `animeds optimize`")
        elif at is not None:
            raise UsageError("--at goes with --keep here", hint="animeds versions --keep NAME --at WHEN")
        else:
            print_rows(dataset.versions(), form)


def optimize(
    keep: Annotated[
        str | None,
        typer.Option(
            help="How long old versions stay: 7d, 12h, …; at least 1h. Default: the setting keep, 7d."
        ),
    ] = None,
    db: DbOption = None,
) -> None:
    """Make the database fast and small again: join pieces, update indexes, free what no version needs.

    Happens by itself after an ingest when it is worth it. Safe beside whatever else runs.
    """
    with open_dataset(db, unfinished=True) as dataset:
        for line in dataset.optimize(keep=keep).lines():
            talk(line)


def check(
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Repair it, and mark sources with lost rows for the next ingest."),
    ] = False,
    db: DbOption = None,
) -> None:
    """Check every file and table of the database; say what is lost and what can bring it back.

    animeds check
    animeds check --repair
    animeds ingest season1/    # brings back what was lost of its episodes

    Ends with code 1 when something is wrong and was not repaired.
    """
    from animeds_db import settings
    from animeds_db.upkeep.check import check as check_database

    report = check_database(settings.resolve("db", db).value, repair=repair)
    for line in report.lines():
        say(line)
    if not report.is_whole and not report.repaired:
        raise typer.Exit(1)


def backup(
    to: Annotated[
        str, typer.Argument(help="A folder or URI; an earlier backup there is brought up to date.")
    ],
    db: DbOption = None,
    at: AtOption = None,
) -> None:
    """Copy the database, also while it is written to; only what is new. A copy is opened like any database.

    animeds backup /mnt/backup/show.animeds
    animeds backup --db /mnt/backup/show.animeds show.animeds    # and back
    """
    with open_dataset(db, unfinished=True, at=at) as dataset:
        talk(dataset.backup(to).words)
