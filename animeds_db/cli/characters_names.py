"""`animeds characters rename`: one character under another name, or two as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.label import WhoOption, tell
from animeds_db.errors import UsageError


def rename(
    old: Annotated[str | None, typer.Argument(help="What the character is called.")] = None,
    new: Annotated[
        str | None, typer.Argument(help="The new name; where somebody has it, they become one.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Many at once: a file of two columns, old name and new name.")
    ] = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Rename or merge characters everywhere at once: in examples, answers and labels. Can be undone.

    animeds characters rename nanoha "Takamachi Nanoha"
    animeds characters rename --csv character_mapping.csv
    """
    if (csv is None) == (old is None) or (old is None) != (new is None):
        raise UsageError(
            "give an old and a new name, or --csv FILE", hint="animeds characters rename OLD NEW"
        )
    with open_dataset(db, unfinished=True) as dataset:
        if csv is not None:
            tell(dataset.rename_characters(csv, who=who), f"renamed by {csv}")
        elif old is not None and new is not None:
            tell(dataset.rename_characters({old: new}, who=who), f"{old} is now {new}")
