"""`animeds help`: the help of a command."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.errors import UsageError, did_you_mean


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("help")(help_)


def help_(context: typer.Context, verb: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Show the help of a command, e.g. `animeds help export`."""
    command, current = context.find_root().command, context.find_root()
    for word in verb or []:
        found = command.get_command(current, word) if isinstance(command, typer.core.TyperGroup) else None
        if found is None:
            known = command.list_commands(current) if isinstance(command, typer.core.TyperGroup) else []
            raise UsageError(f'There is no command "{word}".', hint=did_you_mean(word, known))
        current = found.make_context(word, [], parent=current, resilient_parsing=True)
        command = found
    typer.echo(command.get_help(current))
