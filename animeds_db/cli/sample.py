"""`animeds sample`: draw the sample show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import say, talk


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("sample")(sample)


def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write the episodes and truth.json.")],
    episodes: Annotated[int, typer.Option(help="How many episodes.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Another seed is another show with another cast.")] = 8,
) -> None:
    """Draw a small show to try things on: episodes as video, with the truth about every frame."""
    from animeds_db.sample.show import draw_show

    talk(f"drawing {episodes} episodes into {folder} …")
    draw_show(folder, episodes=episodes, seed=seed)
    for path in sorted(folder.glob("*.mkv")):
        say(str(path))
