"""`animeds search`: find frames by words, a picture, another frame or what is said, or find similar pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import Format, FormatOption, print_relation, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("search")(search)


def search(
    text: Annotated[
        str | None, typer.Argument(help='Description of the frame, e.g. "red hair, smiling".')
    ] = None,
    image: Annotated[Path | None, typer.Option(help="Find frames similar to this picture.")] = None,
    frame: Annotated[str | None, typer.Option(help="Find frames similar to this frame (an id).")] = None,
    said: Annotated[
        str | None,
        typer.Option(
            help="Only frames on which these words are said, sung or written in the subtitles. "
            "Words in double quotes must be there exactly so."
        ),
    ] = None,
    character: Annotated[str | None, typer.Option(help="Only frames with this character.")] = None,
    pairs: Annotated[
        float | None,
        typer.Option(help="List pairs of frames with at least this cosine similarity, 0…1."),
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Number of results.")] = 20,
    where: Annotated[
        str | None,
        typer.Option(
            help="Only frames that meet this SQL condition, e.g. \"episode = 3 AND has_tag(tags, '1girl')\"."
        ),
    ] = None,
    tower: Annotated[
        str | None,
        typer.Option(help="Text model to use with the same vectors, e.g. clip-vit-b32-multilingual."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every frame, even if there is an index.")
    ] = False,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """Find frames by words, by a picture, by another frame, or by what is said.

    Words are looked for in the pictures, in the tags and in the descriptions, and the results are joined.

    animeds search "red hair, smiling" -k 9
    animeds search --said "promise"
    animeds search "rooftop at night" --said "promise" --where "episode < 5" --character Emi
    animeds search "赤い髪の女の子" --tower clip-vit-b32-multilingual
    animeds search --pairs 0.95 --where "episode = 3"
    """
    from animeds_db.steps.search.frames import by_index, unsearched

    if pairs is not None and (text, image, frame, said, character, tower) != (None,) * 6:
        raise UsageError(
            "--pairs compares frames with each other. Use it with --where, not with words, a picture or a frame."
        )
    with open_dataset(db, at=at) as dataset:
        if pairs is not None:
            _pairs(dataset, pairs, k, where, form)
            return
        found = dataset.search(
            text,
            image=image,
            frame_id=frame,
            said=said,
            character=character,
            k=k,
            where=where,
            tower=tower,
            exact=exact,
        )
        show(dataset, found, form)
        if said is not None and (text, image, frame) == (None, None, None):
            return
        if not exact and by_index(dataset.store, k):
            talk("note: this used an index, which can miss frames; --exact compares every frame")
        if left := unsearched(dataset.session):
            talk(
                f"note: {left} frames have no vector and were not searched; `animeds embed --model …` computes them"
            )


def _pairs(dataset: Dataset, threshold: float, k: int, where: str | None, form: Format | None) -> None:
    """Print the k most similar pairs of frames, and how many pairs there are."""
    import duckdb

    if k < 1:
        raise UsageError(f"-k is {k}. It must be at least 1.")
    some = None if where is None else f"SELECT frame_id FROM frames WHERE (\n{where}\n)"
    found = dataset.similar_pairs(threshold, left=some, right=some)
    best = found.table.sort_by(
        [("similarity", "descending"), ("frame_id", "ascending"), ("other_frame_id", "ascending")]
    )
    print_relation(duckdb.from_arrow(best.slice(0, k)), form)
    talk(
        f"{counted(len(found), 'pair')} of frames with a cosine similarity of {threshold:g} or more; "
        f"the {min(k, len(found))} most similar are listed (-k)"
    )
    if found.without_vector:
        talk(f"note: {found.without_vector} frames have no usable vector and were not compared")
