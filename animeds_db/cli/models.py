"""`animeds models …`: list, pull, verify, add, remove."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import FormatOption, print_rows, talk

models = typer.Typer(help="List, download, check, add and remove models.", no_args_is_help=True)

Pulled = Callable[[str, int, int | None], None]


def register(app: typer.Typer) -> None:
    """Add this module's group of commands."""
    app.add_typer(models, name="models")


@models.command("list")
def list_(form: FormatOption = None) -> None:
    """List all known models and profiles: task, size, licence, and whether they are downloaded."""
    from animeds_db.models.catalogue import list_models

    print_rows(list_models(), form)


@models.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Names of models or profiles, e.g. anime.")],
    force: Annotated[bool, typer.Option(help="Download again even if the files are here.")] = False,
    form: FormatOption = None,
) -> None:
    """Download models from the Hugging Face hub. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are obeyed.

    animeds models pull anime
    """
    from animeds_db.models.catalogue import pull_models

    with pull_progress() as progress:
        rows = pull_models(names, progress, force=force)
    print_rows(rows, form)


@models.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of models. Default: all downloaded models.")
    ] = None,
    form: FormatOption = None,
) -> None:
    """Compare the checksum of every model file. Exit code 1 if a file is damaged."""
    from animeds_db.models.catalogue import verify_models

    rows = verify_models(names or [])
    print_rows(rows, form)
    if any(row["state"] != "ok" for row in rows):
        raise typer.Exit(1)


@models.command()
def add(
    file: Annotated[Path, typer.Argument(help="ONNX file to add.")],
    like: Annotated[str, typer.Option(help="Known model with the same inputs and outputs.")],
    name: Annotated[str | None, typer.Option(help="Name of the new model. Default: the file name.")] = None,
    companion: Annotated[
        list[str] | None,
        typer.Option(help="Additional file as role=path, e.g. tags=my_tags.csv. Can be repeated."),
    ] = None,
    form: FormatOption = None,
) -> None:
    """Add your own ONNX model. It is loaded and tested before anything is written.

    animeds models add my_tagger.onnx --like wd-swinv2-v3
    """
    from animeds_db.cli.common import parse_params
    from animeds_db.models.catalogue import add_model

    companions = {role: Path(path) for role, path in parse_params(companion).items()}
    print_rows([add_model(file, like, name=name, companions=companions)], form)


@models.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of the model.")], form: FormatOption = None
) -> None:
    """Remove a model that you added, or delete the files of a downloaded model."""
    from animeds_db.models.catalogue import remove_model

    print_rows([remove_model(name)], form)


@contextmanager
def pull_progress() -> Iterator[Pulled]:
    """Yield a callback (file, bytes done, total bytes) that draws a bar on a terminal, otherwise one line per file."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = ("{task.description}", DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def advance(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bar.add_task(file, total=total)
            bar.update(tasks[file], completed=done, total=total)  # type: ignore[arg-type]

        yield advance


class _Lines:
    """Prints one line per file when its download starts."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, file: str, _done: int, total: int | None) -> None:
        if file not in self._seen:
            self._seen.add(file)
            size = f" ({total / 2**20:.0f} MB)" if total else ""
            talk(f"downloading {file}{size}")
