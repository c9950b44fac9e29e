"""The `animeds` command line. Commands parse and print; the Python API does the work.

stdout is data, stderr is messages. Exit codes: 0 success, 1 error, 2 usage, 3 some sources failed, 130 Ctrl-C.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from functools import cache
from typing import Annotated

import typer
from typer.models import CommandInfo, TyperInfo

import animeds_db
from animeds_db.cli.output import LAYOUT, talk
from animeds_db.cli.plain_values import without_pydantic
from animeds_db.errors import AnimedsError
from animeds_db.printable import printable

INTERRUPTED = 130
STOPPED = "interrupted: finished work is kept; run the same command again to continue"
IN_A_QUERY = "Query interrupted"
"""What DuckDB raises as a RuntimeError when Ctrl-C comes while it runs a query."""

logger = logging.getLogger("animeds")

MAP: dict[str, dict[str, str]] = {
    "One recipe, one command": {"init": "make", "make": "make"},
    "Get frames in": {
        "ingest": "ingest",
        "read-text": "read_text",
        "shots": "shots",
        "tag": "rerun",
        "detect": "rerun",
        "embed": "rerun",
        "segment": "rerun",
        "classify-frames": "rerun",
        "describe": "describe",
        "drop-model": "rerun",
        "sources": "sources",
    },
    "Look and ask": {
        "serve": "serve",
        "mcp": "mcp",
        "search": "search",
        "map": "map",
        "query": "query",
        "queries": "query",
        "sql": "query",
        "status": "inspect",
    },
    "People and corrections": {"characters": "characters", "label": "label", "sync": "sync"},
    "Make training data": {
        "dedup": "dedup",
        "coverage": "coverage",
        "caption": "caption",
        "export": "export",
        "rebuild": "export",
    },
    "Keep it running": {
        "optimize": "upkeep",
        "check": "upkeep",
        "backup": "upkeep",
        "versions": "upkeep",
        "doctor": "doctor",
        "sample": "sample",
        "help": "help",
    },
    "Models": {"models": "models"},
}
"""The commands in the order and under the headings of `animeds --help`, and the module of this package with each."""


@cache
def command_line(verb: str | None = None) -> typer.Typer:
    """Return the command line. With a verb: only the commands of its module.

    Building all commands takes longer than most queries.
    """
    app = typer.Typer(
        name="animeds",
        help="Turn anime episodes into a database, and the database into training data.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    modules = {name: module for verbs in MAP.values() for name, module in verbs.items()}
    needed = [modules[verb]] if verb in modules and verb != "help" else modules.values()
    for module in dict.fromkeys(needed):
        importlib.import_module(f"animeds_db.cli.{module}").register(app)
    _arrange(app)
    without_pydantic(app)
    return app


def _arrange(app: typer.Typer) -> None:
    """Put every command under its heading, in the order of MAP."""
    places = {name: (heading, n) for n, (heading, name) in enumerate((h, v) for h in MAP for v in MAP[h])}
    listed: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for command in listed:
        command.rich_help_panel = places[str(command.name)][0]
    app.registered_commands.sort(key=lambda command: places[str(command.name)][1])


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"animeds-db {animeds_db.__version__}")
        raise typer.Exit


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
        command_line(sys.argv[1] if len(sys.argv) > 1 else None)()
    except AnimedsError as error:
        sys.exit(_report(error))
    except SystemExit as exited:
        if exited.code == INTERRUPTED:
            talk(STOPPED)
        raise
    except BaseException as error:  # what Lance raises where its own code gives up is no Exception
        from animeds_db.store.location import damage

        if str(error) == IN_A_QUERY:
            talk(STOPPED)
            sys.exit(INTERRUPTED)
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
