"""`animeds read-text`: read the subtitles and chapters of videos in the database."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.output import talk
from animeds_db.cli.progress import PARTLY_FAILED
from animeds_db.printable import counted


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("read-text")(read_text)


def read_text(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Ids of videos. Default: all.", metavar="SOURCE…")
    ] = None,
    db: DbOption = None,
) -> None:
    """Read the subtitles and chapters of videos in the database, without decoding a picture.

    An ingest does this, too. Use it for databases of earlier releases, or after you put subtitle files beside
    the videos. It can be run again at any time.

    animeds read-text
    """
    with open_dataset(db) as dataset:
        results = dataset.read_text(sources or None)
    failed = [result for result in results if result.error is not None]
    for result in results:
        if result.error is not None:
            talk(f"failed: {result.title}: {result.error.headline}")
            if result.error.hint:
                talk(f"hint: {result.error.hint}")
            continue
        talk(f"{result.title}: {counted(result.lines, 'line')}, {counted(result.chapters, 'chapter')}")
        for note in result.notes:
            talk(f"note: {result.title}: {note}")
    if failed:
        raise typer.Exit(PARTLY_FAILED if len(failed) < len(results) else 1)
