"""`animeds map`: every frame as a point of the plane, so that similar ones are near each other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from animeds_db.cli.clusters import counter
from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.output import FormatOption, print_relation, talk


class Kind(StrEnum):
    """What the points are."""

    frames = "frames"
    faces = "faces"


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("map")(map_of)


def map_of(
    of: Annotated[Kind, typer.Option("--of", help="What the points are.")] = Kind.frames,
    again: Annotated[
        bool, typer.Option("--again", help="Compute the map again, although one of the same frames is kept.")
    ] = False,
    db: DbOption = None,
    form: FormatOption = None,
) -> None:
    """Compute the map of the frames for the page: similar frames are near each other.

    It is kept until frames are added. With --format its points are printed: frame_id, x and y, 0 to 1.

    animeds map
    animeds map --of faces --format csv > faces.csv
    """
    import duckdb

    from animeds_db.steps.map import map_file

    with open_dataset(db) as dataset:
        made = dataset.map(of.value, again=again, progress=counter("arranging points"))
        file = map_file(dataset.store, of.value)
    if form is not None:
        print_relation(duckdb.from_arrow(made.table), form)
    talk(f"map of {len(made.ids)} {of.value} by {made.method}, from vectors of {made.model}")
    if made.method == "PCA":
        talk(
            "note: PCA shows only coarse differences. For a map of neighbours: pip install 'animeds-db[map]'"
        )
    talk(
        "To see it: animeds serve --open, page Map"
        if file
        else "A map of a database at an address is not kept."
    )
