"""`animeds coverage`: what the pictures of a character show, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli import complete
from animeds_db.cli.common import AtOption, DbOption, ParamOption, open_dataset, parse_params
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

SHOWN = 3
"""Maximum number of videos whose command is printed."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("coverage")(coverage)


def coverage(
    character: Annotated[
        str, typer.Argument(help="Name of the character.", autocompletion=complete.characters)
    ],
    query: Annotated[
        str | None,
        typer.Argument(
            help="A named query: the frames that were chosen. Default: all kept frames.",
            autocompletion=complete.queries,
        ),
    ] = None,
    sql: Annotated[
        str | None, typer.Option(help="A SELECT with a column frame_id, instead of a named query.")
    ] = None,
    param: ParamOption = None,
    least: Annotated[
        int, typer.Option(help="Report kinds of pictures with fewer than this many.", min=1)
    ] = 1,
    count: Annotated[
        int, typer.Option("-n", help="Maximum number of frames to name that would fill a gap.", min=1)
    ] = 3,
    counts: Annotated[
        bool, typer.Option("--counts", help="Print the number of pictures of every kind instead.")
    ] = False,
    stretches: Annotated[
        bool,
        typer.Option(
            "--stretches",
            help="Print the stretches of the videos that were not ingested and could fill a gap.",
        ),
    ] = False,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """Say which pictures of a character are missing: angles, framings, expressions and settings of each outfit.

    animeds coverage Emi
    animeds coverage Emi character_set -p characters=Emi -p count=40
    animeds coverage Emi --stretches
    """
    if counts and stretches:
        raise UsageError("Use only one of --counts and --stretches.")
    with open_dataset(db, at=at) as dataset:
        found = dataset.coverage(
            character, query, sql=sql, params=parse_params(param), least=least, most=count
        )
    if counts:
        print_rows(found.rows.to_pylist(), form)
    elif stretches:
        print_rows(found.stretches.rows.to_pylist(), form)
    elif found.gaps:
        print_rows([{"gap": str(gap), "n": gap.n, "best": ", ".join(gap.best)} for gap in found.gaps], form)
    talk(
        f"{found.n_chosen} pictures of {character} were chosen, {found.n_more} more are in the database; "
        f"{len(found.gaps)} kinds have fewer than {least}"
    )
    if len(found.stretches):
        commands = found.stretches.commands()
        more = f"\n  and {counted(len(commands) - SHOWN, 'video')} more" if len(commands) > SHOWN else ""
        talk(f"{found.stretches}. They could fill gaps:\n  " + "\n  ".join(commands[:SHOWN]) + more)
