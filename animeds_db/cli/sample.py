"""`animeds sample`: draw a sample show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.output import say, talk
from animeds_db.printable import counted


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("sample")(sample)


def sample(
    folder: Annotated[Path, typer.Argument(help="Output folder for the episodes and truth.json.")],
    episodes: Annotated[int, typer.Option(help="Number of episodes.", min=1)] = 3,
    seed: Annotated[int, typer.Option(help="Random seed. Each seed gives a different show and cast.")] = 8,
) -> None:
    """Draw a small sample show to try things with: video episodes, and a file with the truth about every frame."""
    from animeds_db.sample.show import draw_show

    talk(f"drawing {counted(episodes, 'episode')} in {folder} …")
    draw_show(folder, episodes=episodes, seed=seed)
    for path in sorted(folder.glob("*.mkv")):
        say(str(path))
