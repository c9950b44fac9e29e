"""`animeds models …`: list, pull, verify, add, remove."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import FormatOption, print_rows, talk

models = typer.Typer(help="The models: which are known, which are here, your own.", no_args_is_help=True)

Pulled = Callable[[str, int, int | None], None]


def register(app: typer.Typer) -> None:
    """Add this module's group of commands."""
    app.add_typer(models, name="models")


@models.command("list")
def list_(form: FormatOption = None) -> None:
    """List every known model and profile: task, size, licence, and whether it is here."""
    from animeds_db.models.catalogue import list_models

    print_rows(list_models(), form)


@models.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Models or profiles, e.g. anime.")],
    force: Annotated[bool, typer.Option(help="Fetch again what is here.")] = False,
    form: FormatOption = None,
) -> None:
    """Fetch models from the hub. Its endpoint, cache, token and offline settings are obeyed.

    animeds models pull anime
    """
    from animeds_db.models.catalogue import pull_models

    with pull_progress() as progress:
        rows = pull_models(names, progress, force=force)
    print_rows(rows, form)


@models.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Models; default: all that are here.")] = None,
    form: FormatOption = None,
) -> None:
    """Read every file of the models again and compare its checksum. Exit code 1 when one is damaged."""
    from animeds_db.models.catalogue import verify_models

    rows = verify_models(names or [])
    print_rows(rows, form)
    if any(row["state"] != "ok" for row in rows):
        raise typer.Exit(1)


@models.command()
def add(
    file: Annotated[Path, typer.Argument(help="The ONNX file.")],
    like: Annotated[str, typer.Option(help="The known model that is fed and read the same way.")],
    name: Annotated[str | None, typer.Option(help="Its name; default: the file's.")] = None,
    companion: Annotated[
        list[str] | None, typer.Option(help="Another file, as role=path, e.g. tags=my_tags.csv.")
    ] = None,
    form: FormatOption = None,
) -> None:
    """Add an ONNX file of your own. It is loaded and tried before anything is written.

    animeds models add my_tagger.onnx --like wd-swinv2-v3
    """
    from animeds_db.cli.common import parse_params
    from animeds_db.models.catalogue import add_model

    companions = {role: Path(path) for role, path in parse_params(companion).items()}
    print_rows([add_model(file, like, name=name, companions=companions)], form)


@models.command()
def remove(name: Annotated[str, typer.Argument(help="The model.")], form: FormatOption = None) -> None:
    """Forget a model of your own, or delete the files of a pulled one."""
    from animeds_db.models.catalogue import remove_model

    print_rows([remove_model(name)], form)


@contextmanager
def pull_progress() -> Iterator[Pulled]:
    """Yield a callback (file, bytes done, bytes in all) that draws a bar on a terminal, else one line per file."""
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
    """Says once per file that it is being fetched."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, file: str, _done: int, total: int | None) -> None:
        if file not in self._said:
            self._said.add(file)
            size = f" ({total / 2**20:.0f} MB)" if total else ""
            talk(f"fetching {file}{size}")
