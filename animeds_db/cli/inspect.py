"""`animeds status`, `animeds doctor`: what is in a database, and what this machine can do."""

from __future__ import annotations

import platform
import sys
from typing import Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import Format, FormatOption, say

PACKAGES = ("duckdb", "lancedb", "pylance", "pyarrow", "polars", "av", "pillow", "onnxruntime", "numpy")
EXTRAS = {
    "onnxruntime-gpu": ("models on an NVIDIA card", 'pip install "animeds-db[gpu]"'),
    "torch": ("open_clip and sentence-transformers models", 'pip install "animeds-db[clip]"'),
    "open-clip-torch": ("any open_clip model as image and text tower", 'pip install "animeds-db[clip]"'),
    "sentence-transformers": ("text search in many languages", 'pip install "animeds-db[clip]"'),
}
DECODERS = ("h264", "hevc", "av1", "libdav1d", "vp9", "mpeg2video", "mpeg4")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status)
    app.command("doctor")(doctor)


def status(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """Say what is in the database, source by source."""
    with open_dataset(db, unfinished=True, at=at) as dataset:
        if form is None or form is Format.table:
            for line in dataset.summary():
                say(line)
        show(dataset, dataset.status(), form)


def doctor(
    db: Annotated[str | None, typer.Option("--db", help="Also check this database.", metavar="PATH")] = None,
) -> None:
    """Say which versions, providers and decoders are here, what is missing and how to get it."""
    for line in report(db):
        say(line)


def report(db: str | None) -> list[str]:
    """Return the doctor's lines."""
    from importlib.metadata import version

    import animeds_db
    from animeds_db import settings

    lines = [
        f"animeds-db {animeds_db.__version__}, Python {platform.python_version()}, {platform.platform()}"
    ]
    lines += [f"  {name} {version(name)}" for name in PACKAGES]
    lines += ["models", *_providers(), "decoders", *_decoders(), "extras"]
    for name, (purpose, command) in EXTRAS.items():
        lines.append(
            f"  {name} {_version(name)}" if _version(name) else f"  {name} is not here: {purpose}; {command}"
        )
    lines.append("settings")
    for setting in settings.SETTINGS:
        value = settings.resolve(setting.name)
        lines.append(f"  {setting.name} = {value.value}  ({value.origin})")
    if db is not None:
        with open_dataset(db, unfinished=True) as dataset:
            lines += ["database", *(f"  {line}" for line in dataset.summary())]
    return lines


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _providers() -> list[str]:
    import onnxruntime

    available = onnxruntime.get_available_providers()
    lines = [f"  onnxruntime runs on {', '.join(p.removesuffix('ExecutionProvider') for p in available)}"]
    if "CUDAExecutionProvider" not in available:
        lines.append(
            '  no CUDA provider: models run on the CPU (with an NVIDIA card: pip install "animeds-db[gpu]")'
        )
    return lines


def _decoders() -> list[str]:
    import av.codec

    here = [name for name in DECODERS if name in av.codec.codecs_available]
    gone = [name for name in DECODERS if name not in here and not (name == "av1" and "libdav1d" in here)]
    lines = [f"  {', '.join(here)}"]
    if gone:
        lines.append(
            f"  missing: {', '.join(gone)} (this build of PyAV; `{sys.executable} -m pip install -U av`)"
        )
    return lines
