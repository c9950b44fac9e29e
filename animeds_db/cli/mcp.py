"""`animeds mcp`: tools for assistants, over the Model Context Protocol."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption
from animeds_db.cli.output import talk
from animeds_db.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("mcp")(mcp)


def mcp(
    seconds: Annotated[float, typer.Option(help="Time limit of a query in seconds.", min=0.1)] = 30.0,
    memory: Annotated[int, typer.Option(help="Memory limit of a query in MB.", min=64)] = 2048,
    db: DbOption = None,
) -> None:
    """Let an assistant read the database, over stdin and stdout (Model Context Protocol).

    The assistant starts this command. It can describe the database, run a SELECT, search, look at pictures and draft a
    recipe. It cannot change anything.

    animeds mcp --db show.animeds
    """
    from animeds_db import settings

    try:
        from animeds_db.web.mcp import mcp_server
        from animeds_db.web.options import Limits
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed.", hint="pip install 'animeds-db[mcp]'") from error
    server = mcp_server(
        settings.resolve("db", db).value, Limits(seconds=seconds, memory=memory << 20, workers=1)
    )
    if sys.stdin.isatty():
        talk("note: an assistant starts this command and talks to it; press Ctrl-C to end it")
    server.run()
