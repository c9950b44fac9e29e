"""`animeds characters rename`: rename a character, or merge two into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, WhoOption, open_dataset, report_labels
from animeds_db.errors import UsageError


def rename(
    old: Annotated[str | None, typer.Argument(help="Current name of the character.")] = None,
    new: Annotated[
        str | None, typer.Argument(help="New name. If another character already has it, the two are merged.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Rename many at once: a CSV file with two columns, old name and new name."
        ),
    ] = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Rename or merge characters everywhere: in examples, classifications and labels. Can be undone.

    animeds characters rename nanoha "Takamachi Nanoha"
    animeds characters rename --csv character_mapping.csv
    """
    if (csv is None) == (old is None) or (old is None) != (new is None):
        raise UsageError(
            "Give an old and a new name, or --csv FILE.", hint="animeds characters rename OLD NEW"
        )
    with open_dataset(db, unfinished=True) as dataset:
        if csv is not None:
            report_labels(dataset.rename_characters(csv, who=who), f"renamed by {csv}")
        elif old is not None and new is not None:
            report_labels(dataset.rename_characters({old: new}, who=who), f"{old} is now {new}")
