"""`animeds sources`: list, edit and relocate the sources."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset
from animeds_db.cli.output import Format, FormatOption, print_relation, talk


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="List, edit and relocate the source files.", no_args_is_help=True)
    group.command("list")(list_sources)
    group.command("relocate")(relocate)
    group.command("edit")(edit)
    app.add_typer(group, name="sources")


def list_sources(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """List the sources, their paths, and whether the files exist."""
    import duckdb

    with open_dataset(db, unfinished=True, at=at) as dataset:
        rows = dataset.source_files()
        with duckdb.connect() as connection:
            print_relation(connection.from_arrow(rows), form)
    there = rows["is_there"].to_pylist()
    if form not in (None, Format.table):
        return
    if False in there:
        talk(f"{there.count(False)} files were not found. If they moved: animeds sources relocate OLD NEW")
    if None in there:
        talk(f"{there.count(None)} files are in a bucket that cannot be reached now")


def edit(
    sources: Annotated[
        list[str],
        typer.Argument(help="Ids or paths of sources, or folders that contain them.", metavar="SOURCE…"),
    ],
    show: Annotated[str | None, typer.Option(help="Name of the show.")] = None,
    season: Annotated[str | None, typer.Option(help="Season number, 0 or more.")] = None,
    episode: Annotated[str | None, typer.Option(help="Episode number, 0 or more.")] = None,
    credit: Annotated[str | None, typer.Option(help="Who to credit.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the source.")
    ] = None,
    db: DbOption = None,
) -> None:
    """Change the show, season, episode, credit or licence of sources.

    An empty value, such as --episode "", removes it. Nothing is read or computed again: the next query and
    the next export use the new values.

    animeds sources edit ~/anime/MyShow --show "My Show" --season 2
    """
    given = {"show": show, "season": season, "episode": episode, "credit": credit, "licence": licence}
    values = {name: value for name, value in given.items() if value is not None}
    with open_dataset(db, unfinished=True) as dataset:
        for source in dataset.edit_sources(sources, **values):
            named = ", ".join(f"{name} {source[name]}" for name in values)
            talk(f"{source['title']}: {named}")


def relocate(
    old: Annotated[
        str, typer.Argument(help="Path stored in the database, a folder that contains it, or a source id.")
    ],
    new: Annotated[str, typer.Argument(help="New path.")],
    db: DbOption = None,
) -> None:
    """Record the new path of episodes that moved. Refused unless the files are the same.

    animeds sources relocate /old/disk/anime /new/disk/anime
    """
    with open_dataset(db, unfinished=True) as dataset:
        for move in dataset.relocate(old, new):
            talk(f"{move.old} is now {move.new}")
