"""`animeds characters …`: who is on the frames."""

from __future__ import annotations

import typer

from animeds_db.cli import characters_names

characters = typer.Typer(help="Who is on the frames: examples, names, corrections.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's group of commands."""
    app.add_typer(characters, name="characters")


characters.command("rename")(characters_names.rename)
