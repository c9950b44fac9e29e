"""`animeds sql`, `query` and `queries`: query the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli import complete
from animeds_db.cli.common import (
    AtOption,
    DbOption,
    ParamOption,
    UnfinishedOption,
    open_dataset,
    parse_params,
    show,
)
from animeds_db.cli.output import Format, FormatOption, WideOption, print_relation, say, talk
from animeds_db.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("sql")(sql)
    app.command("query")(query)
    app.command("queries")(queries)


def sql(
    text: Annotated[str | None, typer.Argument(help="SQL text, or - to read it from stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the SQL from a file.")] = None,
    param: ParamOption = None,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
    unfinished: UnfinishedOption = False,
) -> None:
    """Run one SELECT and print its rows.

    animeds sql "SELECT tag, count(*) AS n FROM tags GROUP BY tag ORDER BY n DESC"
    """
    statement, name = read_sql(text, file)
    with open_dataset(db, unfinished=unfinished, at=at) as dataset:
        show(dataset, dataset.sql(statement, parse_params(param), file=name), form)


def read_sql(text: str | None, file: Path | None) -> tuple[str, str | None]:
    """Return the SQL and the name to show in errors; reads an argument, a file, or stdin (`-`)."""
    if (text is None) == (file is None):
        raise UsageError("Give the SQL either as text, with --file FILE, or as - to read stdin.")
    if text == "-":
        return sys.stdin.read(), "stdin"
    if text is not None:
        return text, None
    assert file is not None
    try:
        return file.read_text("utf-8"), str(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {file}: {error}") from error


def query(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of the query. `animeds queries` lists all.", autocompletion=complete.queries
        ),
    ],
    param: ParamOption = None,
    db: DbOption = None,
    at: AtOption = None,
    form: FormatOption = None,
    show_sql: Annotated[
        bool, typer.Option("--sql", help="Print the query's SQL instead of running it.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Draw the rows as a bar chart into this .png file instead of printing them."
        ),
    ] = None,
    unfinished: UnfinishedOption = False,
    wide: WideOption = False,
) -> None:
    """Run a named query and print its rows.

    animeds query by_tags -p has=1girl,red_hair -p has_none=1boy
    """
    if show_sql:
        from animeds_db.session.queries.named import find

        say(find(name).text)
        return
    with open_dataset(db, unfinished=unfinished, at=at) as dataset:
        values = parse_params(param)
        rows = dataset.query(name, values)
        if plot is None:
            has_rows = show(dataset, rows, form, wide=wide)
            if values and not has_rows and (has_rows is False or not rows.limit(1).fetchall()):
                for line in dataset.why_empty(name, params=values):
                    talk(f"note: {line}")
            return
        from animeds_db.plots import save_plot

        with dataset.session.errors():
            save_plot(rows, plot, title=name.replace("_", " "))
        talk(f"plot: {plot}")


def queries(form: FormatOption = None, wide: WideOption = False) -> None:
    """List the named queries: your own in ./queries, and the built-in ones.

    A table shows names and titles. --wide adds parameters, descriptions and files.
    """
    from animeds_db.session.queries.named import as_relation

    rows = as_relation()
    as_table = form is Format.table or (form is None and sys.stdout.isatty())
    print_relation(rows.select("name", "title") if as_table and not wide else rows, form)
