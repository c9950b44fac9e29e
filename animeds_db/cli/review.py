"""`animeds characters review`: faces that a person should check, and an estimate of the accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.clusters import counter
from animeds_db.cli.common import AtOption, DbOption, open_dataset
from animeds_db.cli.output import FormatOption, print_rows, talk


def review(
    n: Annotated[
        int,
        typer.Option("-n", help="Number of faces to show. A quarter of them are picked at random.", min=1),
    ] = 20,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", help="Write a contact sheet: a .html page, a .png picture, or a folder for both."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write the names to a CSV file to correct; `animeds label csv` reads it back."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random part.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Estimate the accuracy of all names from this corrected CSV file."),
    ] = None,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
) -> None:
    """List the faces that are most worth checking: narrow margins, contradicting shots, low scores.

    animeds characters review --sheet review.html --csv review.csv
    """
    from animeds_db.contact_sheet import write_sheet
    from animeds_db.steps.characters.review import review_faces, review_sheet, write_answers

    if report is not None:
        _report(report)
        return
    with open_dataset(db, at=at) as dataset:
        rows = review_faces(dataset.session, n, seed=seed)
        if csv is not None:
            write_answers(rows, csv)
            talk(f"Correct the column character in {csv}, then run: animeds label csv {csv}")
        if sheet is not None:
            progress = counter("cutting out faces")
            drawn = review_sheet(dataset.store, dataset.images, rows, progress=progress)
            talk(f"contact sheet: {write_sheet(drawn, sheet)[0]}")
        if csv is None and sheet is None and rows:
            hidden = ("left", "top", "right", "bottom", "source_id", "drawn", "total")
            print_rows([{k: v for k, v in row.items() if k not in hidden} for row in rows], form)
    if not rows:
        talk("Nothing to review: people have named every face.")


def _report(path: Path) -> None:
    from animeds_db.steps.characters.review import estimate

    e = estimate(path)
    typer.echo(f"{e.reviewed} of {e.faces} faces reviewed, {e.right} of them were correct")
    typer.echo(f"accuracy before: {e.before:.1%} (95 %: {e.before_low:.1%} to {e.before_high:.1%})")
    typer.echo(f"accuracy after:  {e.after:.1%} (95 %: {e.after_low:.1%} to {e.after_high:.1%})")
    talk('"After" counts these corrections. `animeds characters classify` uses them to name more faces.')
