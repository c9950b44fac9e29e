"""`animeds characters voices`: which character each speaker of the subtitles is."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import FormatOption, talk


def voices(
    min_lines: Annotated[
        int, typer.Option(help="Minimum number of lines with the character for a proposal.", min=1)
    ] = 3,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """Propose which character each speaker of the subtitles is, by who is on the screen while that name speaks.

    Nothing is written: check the rows, because who speaks is not always on the screen. Then confirm them with
    animeds label speaker.

    animeds characters voices
    """
    with open_dataset(db, at=at) as dataset:
        found = dataset.characters.voices(min_lines=min_lines)
        show(dataset, found, form)
        if not len(found):
            talk(
                "No speaker has lines with a named face on the screen. Speakers come from ASS or WebVTT subtitles, "
                "names from `animeds characters classify`."
            )
