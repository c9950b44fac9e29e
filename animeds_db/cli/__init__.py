"""The `animeds` command line. Commands parse and print; the Python API does the work.

stdout is data, stderr is messages. Exit codes: 0 success, 1 error, 2 usage, 3 some sources failed, 130 Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Annotated

import typer
from typer.models import CommandInfo, TyperInfo

import animeds_db
from animeds_db.cli import (
    caption,
    characters,
    coverage,
    dedup,
    doctor,
    export,
    ingest,
    inspect,
    label,
    make,
    models,
    query,
    read_text,
    rerun,
    sample,
    search,
    serve,
    sources,
    sync,
    upkeep,
)
from animeds_db.cli.output import LAYOUT, talk
from animeds_db.errors import AnimedsError, UsageError, did_you_mean
from animeds_db.printable import printable

INTERRUPTED = 130

logger = logging.getLogger("animeds")

app = typer.Typer(
    name="animeds",
    help="Turn anime episodes into a database, and the database into training data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    make,
    ingest,
    read_text,
    rerun,
    query,
    search,
    serve,
    dedup,
    doctor,
    characters,
    coverage,
    label,
    caption,
    export,
    sync,
    sources,
    inspect,
    upkeep,
    models,
    sample,
):
    module.register(app)

MAP = {
    "One recipe, one command": ("init", "make"),
    "Get frames in": ("ingest", "read-text", "tag", "detect", "embed", "drop-model", "sources"),
    "Look and ask": ("serve", "search", "query", "queries", "sql", "status"),
    "People and corrections": ("characters", "label", "sync"),
    "Make training data": ("dedup", "coverage", "caption", "export", "rebuild"),
    "Keep it running": ("optimize", "check", "backup", "versions", "doctor", "sample", "help"),
    "Models": ("models",),
}
"""The commands in the order and under the headings of `animeds --help`."""


@app.command("help")
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


def _arrange() -> None:
    """Put every command under its heading, in the order of MAP."""
    places = {name: (heading, n) for n, (heading, name) in enumerate((h, v) for h in MAP for v in MAP[h])}
    listed: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for command in listed:
        command.rich_help_panel = places[str(command.name)][0]
    app.registered_commands.sort(key=lambda command: places[str(command.name)][1])


_arrange()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"animeds-db {animeds_db.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.", envvar="ANIMEDS_DEBUG")
    ] = False,
    allow_models: Annotated[
        str | None,
        typer.Option(
            "--allow-models",
            help="Models that a database may name although they are not in your manifest, separated by commas.",
            metavar="NAMES",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Handle the options that come before the command."""
    logger.setLevel(logging.DEBUG if debug else logging.NOTSET)
    if allow_models is not None:
        os.environ["ANIMEDS_ALLOW_MODELS"] = allow_models  # for the processes that the command starts as well


class _Printable(logging.Formatter):
    """Escapes control characters, which a file name may contain."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep=LAYOUT)


def main() -> None:
    """Run the command line and exit with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # episode names are Unicode; a Windows pipe is not by default
            stream.reconfigure(encoding="utf-8", errors="replace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("animeds.upkeep").setLevel(logging.INFO)  # automatic upkeep says what it does
    try:
        app()
    except AnimedsError as error:
        sys.exit(_report(error))
    except SystemExit as exited:
        if exited.code == INTERRUPTED:
            talk("interrupted: finished work is kept; run the same command again to continue")
        raise
    except BaseException as error:  # what Lance raises where its own code gives up is no Exception
        from animeds_db.store.location import damage

        known = damage(error)
        if known is None:
            raise
        known.__cause__ = error
        sys.exit(_report(known))


def _report(error: AnimedsError) -> int:
    if logger.isEnabledFor(logging.DEBUG):
        talk("".join(traceback.format_exception(error)).rstrip())
    talk(f"error: {error.headline}")
    if error.hint:
        talk(f"hint: {error.hint}")
    return error.exit_code
