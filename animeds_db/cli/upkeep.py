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
        str | None,
        typer.Option(help="Give the current version (or --at) a name. Named versions are never deleted."),
    ] = None,
    forget: Annotated[str | None, typer.Option(help="Remove a name from a version.")] = None,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """List the versions of the database, newest first: number, time, what was done, frames, name.

    animeds versions
    animeds sql "SELECT count(*) FROM frames" --at 57
    animeds versions --keep before-cleanup
    """
    if keep is not None and forget is not None:
        raise UsageError("Use only one of --keep and --forget.")
    with open_dataset(db, unfinished=True) as dataset:
        if keep is not None:
            talk(f"version {dataset.keep_version(keep, at)} is named {keep} and will be kept")
        elif forget is not None:
            dataset.forget_version(forget)
            talk(
                f"the name {forget} was removed; the next `animeds optimize` deletes what only that version used"
            )
        elif at is not None:
            raise UsageError(
                "--at can only be used with --keep here.", hint="animeds versions --keep NAME --at WHEN"
            )
        else:
            print_rows(dataset.versions(), form)


def optimize(
    keep: Annotated[
        str | None,
        typer.Option(
            help="How long old versions are kept, e.g. 7d or 12h; at least 1h. Default: the setting `keep` (7d)."
        ),
    ] = None,
    db: DbOption = None,
) -> None:
    """Make the database smaller and faster: join small files, update indexes, delete unused data.

    An ingest does this by itself when it is worthwhile. It is safe to run beside other commands.
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
    """Check every file and table of the database; report what is lost and how to restore it.

    animeds check
    animeds check --repair
    animeds ingest season1/    # restores the lost rows of its episodes

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
    to: Annotated[str, typer.Argument(help="Folder or URI to copy to. An earlier backup there is updated.")],
    db: DbOption = None,
    at: AtOption = None,
) -> None:
    """Copy the database, or update an earlier copy. A copy is a complete database.

    Only new data is copied. It is safe to run while the database is written to.

    animeds backup /mnt/backup/show.animeds
    animeds backup --db /mnt/backup/show.animeds show.animeds    # restore
    """
    with open_dataset(db, unfinished=True, at=at) as dataset:
        talk(dataset.backup(to).words)
