"""`animeds characters …`: the group of commands about who is in the frames."""

from __future__ import annotations

import typer

from animeds_db.cli import characters_names, clusters, examples, outfits, review, voices

characters = typer.Typer(
    help="Find out who is in the frames: examples, names, clusters, outfits, review.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add this module's group of commands."""
    app.add_typer(characters, name="characters")


characters.command("add")(examples.add)
characters.command("list")(examples.list_)
characters.command("remove")(examples.remove)
characters.command("embed")(examples.embed)
characters.command("classify")(examples.classify)
characters.command("rename")(characters_names.rename)
characters.command("cluster")(clusters.cluster)
characters.command("sheet")(clusters.sheet)
characters.command("name")(clusters.name)
characters.command("merge")(clusters.merge)
characters.command("split")(clusters.split)
characters.command("outfits")(outfits.outfits)
characters.command("review")(review.review)
characters.command("voices")(voices.voices)
