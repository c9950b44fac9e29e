"""`animeds serve`: a web page and HTTP API for the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, UnfinishedOption
from animeds_db.cli.output import talk
from animeds_db.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("serve")(serve)


def serve(
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. Any address other than this machine's own requires a token."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on. 0 picks a free port.", min=0, max=65535)
    ] = 8321,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Allow no labels, jobs or saved queries.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    exports: Annotated[
        Path, typer.Option(help="Write the exports of the page to folders below this one.", file_okay=False)
    ] = Path("exports"),
    roots: Annotated[
        list[Path] | None,
        typer.Option(
            help="Allow the page to ingest what lies below this folder. Can be repeated. "
            "Default: the current folder and your home folder.",
            file_okay=False,
        ),
    ] = None,
    who: Annotated[str | None, typer.Option(help="Name to record with labels.")] = None,
    token: Annotated[str | None, typer.Option(help="Require this token.", envvar="ANIMEDS_TOKEN")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Additional host name to accept. Can be repeated."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time limit of a query in seconds.", min=0.1)] = 30.0,
    memory: Annotated[int, typer.Option(help="Memory limit of a query in MB.", min=64)] = 2048,
    workers: Annotated[
        int, typer.Option(help="Number of queries that run at the same time.", min=1, max=64)
    ] = 3,
    unfinished: UnfinishedOption = False,
    db: DbOption = None,
) -> None:
    """Serve the database as a web page and an HTTP API. Press Ctrl-C to stop.

    Without a database, the page starts with the choice of a folder to ingest.

    animeds serve --open
    """
    import webbrowser

    from animeds_db import settings

    try:
        from animeds_db.web import Options
        from animeds_db.web import serve as serve_database
        from animeds_db.web.options import LOCAL, Limits
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed.", hint="pip install 'animeds-db[web]'") from error

    limits = Limits(seconds=seconds, memory=memory << 20, workers=workers)
    hosts = (*allow_host, *LOCAL) if allow_host else None
    options = Options(
        ahead=True,
        read_only=read_only,
        token=token,
        hosts=hosts,
        exports=exports.resolve(),
        roots=() if read_only else tuple(root.resolve() for root in roots or (Path.cwd(), Path.home())),
        who=who,
        unfinished=unfinished,
        limits=limits,
    )

    uri = settings.resolve("db", db).value

    def ready(address: str) -> None:
        talk(f"serving on {address} (press Ctrl-C to stop)")
        if open_:
            webbrowser.open(address)

    serve_database(uri, host=host, port=port, options=options, ready=ready, whole_process=True)
