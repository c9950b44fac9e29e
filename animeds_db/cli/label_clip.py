"""`animeds label clip …`: corrections of the clips that the view `clips` proposes."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, WhoOption, open_dataset, report_labels
from animeds_db.errors import UsageError

clip = typer.Typer(
    help="Keep, drop and trim clips, and split shots. Corrections win and can be undone.",
    no_args_is_help=True,
)
ClipArgument = Annotated[str, typer.Argument(help="Id of a clip.", metavar="CLIP")]


@clip.command()
def drop(
    clips: Annotated[
        list[str] | None, typer.Argument(help="Ids of clips, or of whole shots.", metavar="CLIP…")
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", help="SELECT or named query with a clip_id or shot_id column.")
    ] = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Drop clips: no clip touches their frames any more.

    animeds label clip drop --query "SELECT clip_id FROM clips WHERE segment = 'opening'"
    """
    if bool(clips) == (query is not None):
        raise UsageError("Give either ids of clips or --query.")
    with open_dataset(db, unfinished=True) as dataset:
        if query is None:
            act = dataset.drop_clips(clips or (), who=who)
        else:
            named = re.fullmatch(r"\w+", query) is not None
            chosen = dataset.query(query) if named else dataset.sql(query, file="--query")
            act = dataset.drop_clips(chosen, who=who)
    report_labels(act, "drop")


@clip.command()
def keep(clip_id: ClipArgument, who: WhoOption = None, db: DbOption = None) -> None:
    """Keep a clip exactly as it is, for every trainer. It may be any stretch of a video.

    animeds label clip keep k3f9a2qd-c1024_53248
    """
    with open_dataset(db, unfinished=True) as dataset:
        act = dataset.keep_clip(clip_id, who=who)
    report_labels(act, "keep")


@clip.command()
def trim(
    clip_id: ClipArgument,
    first: Annotated[
        float | None, typer.Option("--first", help="Time of the new first frame, seconds in the video.")
    ] = None,
    last: Annotated[
        float | None, typer.Option("--last", help="Time of the new last frame, seconds in the video.")
    ] = None,
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Let a clip begin or end at another frame. Prints the id of the new clip.

    animeds label clip trim k3f9a2qd-c1024_53248 --first 1.5
    """
    with open_dataset(db, unfinished=True) as dataset:
        act = dataset.trim_clip(clip_id, first_s=first, last_s=last, who=who)
    report_labels(act, "trim")
    typer.echo(act.clip_id)


@clip.command()
def split(
    shot_id: Annotated[str, typer.Argument(help="Id of a shot.", metavar="SHOT")],
    at: Annotated[float, typer.Argument(help="Time of the first frame after the cut, seconds in the video.")],
    who: WhoOption = None,
    db: DbOption = None,
) -> None:
    """Add a cut that was missed: no clip crosses it.

    animeds label clip split k3f9a2qd-s00012 61.25
    """
    with open_dataset(db, unfinished=True) as dataset:
        act = dataset.split_shot(shot_id, at, who=who)
    report_labels(act, "split")
