"""`animeds search`: by words, by a picture, by another frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset, show
from animeds_db.cli.output import FormatOption, talk


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("search")(search)


def search(
    text: Annotated[str | None, typer.Argument(help='What to see, e.g. "red hair, smiling".')] = None,
    image: Annotated[Path | None, typer.Option(help="Frames like this picture.")] = None,
    frame: Annotated[str | None, typer.Option(help="Frames like this frame, by its id.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 20,
    where: Annotated[
        str | None, typer.Option(help="A condition, e.g. \"episode = 3 AND has_tag(tags, '1girl')\".")
    ] = None,
    tower: Annotated[
        str | None,
        typer.Option(help="Another text tower for the same vectors, e.g. clip-vit-b32-multilingual."),
    ] = None,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Find frames by words, by a picture, or by another frame.

    animeds search "red hair, smiling" -k 9
    animeds search "赤い髪の女の子" --tower clip-vit-b32-multilingual
    """
    from animeds_db.steps.search import unsearched

    with open_dataset(db) as dataset:
        found = dataset.search(text, image=image, frame_id=frame, k=k, where=where, tower=tower)
        show(dataset, found, form)
        if left := unsearched(dataset.session):
            talk(
                f"note: {left} frames have no vector and were not searched; `animeds embed --model …` gives them one"
            )
