"""`animeds characters outfits`: group the bodies of a character by their clothes, and name, merge and split them."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli import complete
from animeds_db.cli.clusters import SheetOption, counter
from animeds_db.cli.common import DbOption, WhoOption, open_dataset, report_labels
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted


def outfits(
    character: Annotated[
        str, typer.Argument(help="Name of the character.", autocompletion=complete.characters)
    ],
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="Name an outfit: NUMBER=NAME. Can be repeated.", metavar="NUMBER=NAME"),
    ] = None,
    merge: Annotated[
        str | None, typer.Option(help="Make these outfits one: their numbers, with commas.", metavar="1,2")
    ] = None,
    split: Annotated[int | None, typer.Option(help="Split this outfit.", metavar="NUMBER")] = None,
    into: Annotated[int, typer.Option(help="With --split: number of parts.")] = 2,
    sheet: SheetOption = None,
    count: Annotated[
        int, typer.Option("-n", help="Maximum number of pictures to show per outfit.", min=1)
    ] = 24,
    threshold: Annotated[
        float,
        typer.Option(help="Minimum mean cosine similarity of two groups to be joined. Higher is stricter."),
    ] = 0.55,
    min_size: Annotated[
        int, typer.Option(help="Minimum number of pictures in an outfit. Smaller groups are not reported.")
    ] = 3,
    who: WhoOption = None,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Group the pictures of a character by what the character wears. No examples are needed.

    Names become appearances, as labels: they can be undone, and corrections of single faces win.

    animeds characters outfits Emi --sheet emi.html
    animeds characters outfits Emi --name 1=school --name 2=summer
    """
    from animeds_db.steps.outfits.find import OutfitOptions

    options = OutfitOptions(threshold=threshold, min_size=min_size)
    if sum(x is not None for x in (name or None, merge, split)) > 1:
        raise UsageError("Use only one of --name, --merge and --split.")
    with open_dataset(db) as dataset:
        found = dataset.outfits(character, options)
        if name:
            report_labels(dataset.name_outfits(found, _names(name), who=who), "named")
        elif merge is not None:
            report_labels(dataset.merge_outfits(found, _numbers(merge), who=who), "merged")
        elif split is not None:
            report_labels(dataset.split_outfit(found, split, into, who=who), "split")
        if name or merge is not None or split is not None:
            found = dataset.outfits(character, options)
        rows = found.rows()
        print_rows(rows, form)
        grouped = sum(row["n_bodies"] for row in rows)
        by_shot = sum(row["n_from_shot"] for row in rows)
        talk(
            f"{counted(found.bodies.num_rows, 'picture')} of {character}: {grouped} in {counted(len(rows), 'outfit')} "
            f"({by_shot} by their shot), {found.bodies.num_rows - grouped} not grouped"
        )
        if sheet is not None:
            from animeds_db.contact_sheet import write_sheet

            drawn = dataset.outfit_sheet(found, count=count, progress=counter("cutting out pictures"))
            talk(f"contact sheet: {write_sheet(drawn, sheet)[0]}")


def _names(pairs: list[str]) -> dict[int, str]:
    names: dict[int, str] = {}
    for pair in pairs:
        number, equals, called = pair.partition("=")
        if not equals or not number.strip().isdecimal():
            raise UsageError(f'"{pair}" is not of the form NUMBER=NAME.', hint="--name 1=school")
        if int(number) in names:
            raise UsageError(f"The outfit {number.strip()} is named twice.")
        names[int(number)] = called.strip()
    return names


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f'"{text}" is not a list of numbers.', hint="--merge 1,2")
    return [int(part) for part in parts]
