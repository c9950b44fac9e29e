"""`--push` and `--public` of `animeds export`: the folder becomes a dataset on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import talk
from animeds_db.errors import UsageError
from animeds_db.remote.storage import is_remote

PANEL = "Hugging Face hub"
PushOption = Annotated[
    str | None,
    typer.Option(
        help="Also push the folder to the hub, as a private dataset: hf://OWNER/NAME.", rich_help_panel=PANEL
    ),
]
PublicOption = Annotated[
    bool, typer.Option("--public", help="With --push: let everybody see the dataset.", rich_help_panel=PANEL)
]


def check_push(target: str | None, out: str | Path, *, public: bool) -> None:
    """Raise an error for a push that cannot work, before anything is written."""
    from animeds_db.export import check_push as check

    if target is None:
        if public:
            raise UsageError("--public belongs to --push.", hint="--push hf://OWNER/NAME --public")
        return
    if is_remote(str(out)):
        raise UsageError(f"{out} cannot be pushed.", hint="Export to a folder on this machine to push it.")
    check(target)


def push_folder(
    folder: Path, target: str, *, public: bool, progress: Callable[[int, int], None] | None
) -> None:
    """Push an exported folder, and say where it is now."""
    from animeds_db.export import push

    pushed = push(folder, target, public=public, progress=progress)
    talk(f"{pushed.n_files} files in {pushed.url}, {'public' if pushed.is_public else 'private'}")
