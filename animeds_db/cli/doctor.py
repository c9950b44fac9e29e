"""`animeds doctor`: the state of this installation and how to fix problems."""

from __future__ import annotations

import platform
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import open_dataset
from animeds_db.cli.output import say
from animeds_db.printable import counted

PACKAGES = ("duckdb", "lancedb", "pylance", "pyarrow", "polars", "av", "pillow", "onnxruntime", "numpy")
EXTRAS = {
    "onnxruntime-gpu": ("models on an NVIDIA GPU", 'pip install "animeds-db[gpu]"'),
    "torch": ("open_clip, sentence-transformers and transformers models", 'pip install "animeds-db[torch]"'),
    "open-clip-torch": ("any open_clip model for images and text", 'pip install "animeds-db[torch]"'),
    "openai": ("captioners behind an address", 'pip install "animeds-db[describe]"'),
    "rapidocr": ("text that is burned into the pictures", 'pip install "animeds-db[ocr]"'),
    "openTSNE": ("a map on which similar frames are near each other", 'pip install "animeds-db[map]"'),
    "mcp": ("an assistant reads the database", 'pip install "animeds-db[mcp]"'),
    "sentence-transformers": ("text search in many languages", 'pip install "animeds-db[torch]"'),
}
DECODERS = ("h264", "hevc", "av1", "libdav1d", "vp9", "mpeg2video", "mpeg4")
HUB_TIMEOUT_S = 3.0
"""Seconds to wait for the model hub. A working connection answers in less than one."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("doctor")(doctor)


def doctor(
    db: Annotated[str | None, typer.Option("--db", help="Also check this database.", metavar="PATH")] = None,
) -> None:
    """Check versions, decoders, models, network and disk, and print what is missing and how to get it."""
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
    lines += ["devices", *_providers(), "decoders", *_decoders(), _hardware(), "extras"]
    for name, (purpose, command) in EXTRAS.items():
        installed = _version(name)
        lines.append(
            f"  {name} {installed}" if installed else f"  {name} is not installed ({purpose}): {command}"
        )
    lines += ["models", *_models(), "network", _hub(), "disk", *_disk(settings.resolve("db", db).value)]
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
            '  no CUDA provider: models run on the CPU (with an NVIDIA GPU: pip install "animeds-db[gpu]")'
        )
    return lines


def _decoders() -> list[str]:
    import av.codec

    here = [name for name in DECODERS if name in av.codec.codecs_available]
    missing = [name for name in DECODERS if name not in here and not (name == "av1" and "libdav1d" in here)]
    lines = [f"  {', '.join(here)}"]
    if missing:
        lines.append(
            f"  missing in this build of PyAV: {', '.join(missing)} (`{sys.executable} -m pip install -U av`)"
        )
    return lines


def _hardware() -> str:
    """Return which device can decode videos, or why the processor does."""
    from animeds_db.media.hardware import choose_hardware

    chosen = choose_hardware("auto")
    return (
        f"  on a graphics card: {chosen.device} (ingest --hwaccel auto)"
        if chosen.device
        else f"  {chosen.note}"
    )


def _models() -> list[str]:
    """Return the models that can be used, the number of others, and one line per damaged model."""
    from animeds_db.models.catalogue import list_models

    states: dict[str, list[str]] = {}
    for row in list_models():
        states.setdefault(str(row["state"]), []).append(str(row["name"]))
    here, others = states.pop("here", []), states.pop("not pulled", [])
    lines = [f"  ready to use: {', '.join(here)}"]
    if others:
        lines.append(
            f"  not downloaded: {counted(len(others), 'model')} (animeds models list, animeds models pull)"
        )
    return lines + [f"  {', '.join(names)}: {state}" for state, names in states.items()]


def _hub() -> str:
    """Return whether the model hub answers within HUB_TIMEOUT_S."""
    from animeds_db.models.hub import endpoint, is_offline

    address = endpoint()
    if is_offline():
        return f"  {address} is not used: HF_HUB_OFFLINE is set"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=HUB_TIMEOUT_S):
            pass
    except urllib.error.HTTPError as error:  # it answers, whatever it thinks of this request
        error.close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return (
            f"  {address} cannot be reached ({reason}): models cannot be downloaded. "
            "Set HF_ENDPOINT to a mirror, or use --profile tiny, which needs no download"
        )
    return f"  {address} can be reached"


def _disk(uri: str) -> list[str]:
    from animeds_db.models.hub import cache_folder
    from animeds_db.remote.storage import is_remote

    database = (
        f"  database {uri}: object storage, not checked" if is_remote(uri) else _free("database", Path(uri))
    )
    return [database, _free("models", cache_folder())]


def _free(what: str, path: Path) -> str:
    """Return the free disk space at a path, or at its nearest existing parent."""
    path = path.absolute()
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    return f"  {what} {path}: {shutil.disk_usage(existing).free / 2**30:.1f} GB free"
