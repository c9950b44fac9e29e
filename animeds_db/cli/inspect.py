"""`animeds status`: the contents of a database."""

from __future__ import annotations

import typer

from animeds_db.cli.common import AtOption, DbOption, open_dataset, show
from animeds_db.cli.output import Format, FormatOption, say


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("status")(status)


def status(db: DbOption = None, at: AtOption = None, form: FormatOption = None) -> None:
    """Show what is in the database, source by source."""
    with open_dataset(db, unfinished=True, at=at) as dataset:
        if form is None or form is Format.table:
            for line in dataset.summary():
                say(line)
        show(dataset, dataset.status(), form)
