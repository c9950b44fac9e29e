"""`animeds sources`: where the episodes are, and where they went."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset
from animeds_db.cli.output import Format, FormatOption, print_relation, talk


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="Where the episodes are.", no_args_is_help=True)
    group.command("list")(list_sources)
    group.command("relocate")(relocate)
    group.command("edit")(edit)
    app.add_typer(group, name="sources")


def list_sources(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """Show every source, its place, and whether something is there."""
    import duckdb

    with open_dataset(db, unfinished=True, at=at) as dataset:
        rows = dataset.places()
        with duckdb.connect() as connection:
            print_relation(connection.from_arrow(rows), form)
    there = rows["is_there"].to_pylist()
    if form not in (None, Format.table):
        return
    if False in there:
        talk(f"{there.count(False)} are not where they were: animeds sources relocate OLD NEW")
    if None in there:
        talk(f"{there.count(None)} lie in a bucket that cannot be asked now")


def edit(
    sources: Annotated[
        list[str], typer.Argument(help="Ids or paths of sources, or folders above them.", metavar="SOURCE…")
    ],
    show: Annotated[str | None, typer.Option(help="The show.")] = None,
    season: Annotated[str | None, typer.Option(help="The season: a number from 0.")] = None,
    episode: Annotated[str | None, typer.Option(help="The episode: a number from 0.")] = None,
    credit: Annotated[str | None, typer.Option(help="Whom to credit.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", "--license", help="The licence.")] = None,
    db: DbOption = None,
) -> None:
    """Change what is said about sources. An empty value, such as --episode "", removes it.

    Nothing is read or computed again: the next query and the next export have the new values.

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
        str, typer.Argument(help="The path as the database has it, a folder above, or a source's id.")
    ],
    new: Annotated[str, typer.Argument(help="Where that is now.")],
    db: DbOption = None,
) -> None:
    """Tell the database that episodes have moved; refused unless they are the very same.

    animeds sources relocate /old/disk/anime /new/disk/anime
    """
    with open_dataset(db, unfinished=True) as dataset:
        for move in dataset.relocate(old, new):
            talk(f"{move.old} is now {move.new}")
