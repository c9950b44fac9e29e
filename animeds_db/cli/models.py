"""`animeds models …`: list, pull, verify, check, add, remove."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.errors import UsageError

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
def check(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    device: Annotated[str, typer.Option(help="Device for the model: auto, cpu or cuda.")] = "auto",
    form: FormatOption = None,
) -> None:
    """Run a model on ten drawn pictures and say whether it sees what is on them. Exit code 1 if it does not.

    animeds models check wd-swinv2-v3
    """
    from animeds_db.models.checking import check_model

    checked = check_model(name, device=device)
    print_rows([finding.row() for finding in checked.findings], form)
    talk(checked.summary)
    if not checked.is_plausible:
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
    layout: Annotated[str | None, typer.Option(help="Order of the input's axes: NCHW or NHWC.")] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Input size, if the file does not fix it: 448, or height×width: 384x512."),
    ] = None,
    colour: Annotated[str | None, typer.Option(help="RGB or BGR.")] = None,
    divide: Annotated[
        float | None, typer.Option(help="Pixel values 0…255 are divided by this: 255, or 1 for none.")
    ] = None,
    mean: Annotated[
        str | None, typer.Option(help="Subtracted after the division: one number, or three: 0.5,0.5,0.5.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Divisor after that: one number, or three.")] = None,
    fit: Annotated[
        str | None, typer.Option(help="How pictures get that size: pad, letterbox, stretch, keep or crop.")
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="What makes probabilities of the output: none, sigmoid or softmax.")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            help="Threshold as name=value, e.g. general=0.4, or conf=0.3 of a detector. Can be repeated."
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Detectors: a class and the kind of its boxes, e.g. eye=eye. Can be repeated."),
    ] = None,
    form: FormatOption = None,
) -> None:
    """Add your own ONNX model. It is loaded and tested before anything is written.

    What the options do not say is as in the model of --like, unless the file says it (sizes, classes) or files beside
    it do: preprocess.json, thresholds.csv, threshold.json, samples.npz.

    animeds models add my_tagger.onnx --like wd-swinv2-v3
    animeds models add eyes.onnx --like face-v1.4-s --kind eye=eye --threshold conf=0.3
    """
    from animeds_db.cli.common import parse_params
    from animeds_db.models.adding import add_model

    companions = {role: Path(path) for role, path in parse_params(companion).items()}
    picture: dict[str, object] = {
        "layout": layout,
        "size": _numbers(size, "size", 2, "x"),
        "colour": colour,
        "divide": divide,
        "mean": _numbers(mean, "mean", 3),
        "std": _numbers(std, "std", 3),
        "fit": fit,
    }
    output: dict[str, object] = {"activation": activation, "kinds": parse_params(kind) or None}
    thresholds: dict[str, object] = {
        key: _number(value, f"threshold {key}") for key, value in parse_params(threshold).items()
    }
    parts = {"input": picture, "output": output, "thresholds": thresholds}
    settings = {key: {k: v for k, v in part.items() if v is not None} for key, part in parts.items()}
    row = add_model(
        file, like, name=name, companions=companions, settings={k: v for k, v in settings.items() if v}
    )
    print_rows([row], form)


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f'The {what} is "{text}". It must be a number.')
    return number


def _numbers(text: str | None, what: str, count: int, between: str = ",") -> list[float] | list[int] | None:
    """Return `count` numbers; one stands for all of them. Sizes are whole numbers."""
    if text is None:
        return None
    values = [_number(part, what) for part in text.replace("×", "x").split(between)]
    if len(values) not in (1, count):
        raise UsageError(f"The {what} has {len(values)} values. It must have 1 or {count}.")
    values = values * count if len(values) == 1 else values
    if between != "x":
        return values
    if any(not value.is_integer() or value < 1 for value in values):
        raise UsageError(f"The {what} is {text}. It must be whole numbers of pixels, at least 1.")
    return [int(value) for value in values]


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
