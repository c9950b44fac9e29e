"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.output import Format, print_relation, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    import duckdb

    from animeds_db.dataset import Dataset
    from animeds_db.steps.labels.changes import Act

DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        help="Database folder or URI. Default: ANIMEDS_DB, then animeds.toml, then ./anime.animeds.",
        metavar="PATH",
    ),
]


def _checked(pairs: list[str] | None) -> list[str] | None:
    parse_params(pairs)
    return pairs


ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        help="Query parameter as name=value. Can be repeated.",
        callback=_checked,  # checked before click reports an unexpected argument
    ),
]
UnfinishedOption = Annotated[
    bool, typer.Option("--unfinished", help="Include sources whose ingest has not finished.")
]


AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        help="Read an earlier state of the database: a version number, a version name, a time such as "
        '"2026-07-01 14:30", an age such as 3d, or an exported folder.',
        metavar="WHEN",
    ),
]
WhoOption = Annotated[
    str | None,
    typer.Option(
        "--who", help="Name to record with the label. Default: ANIMEDS_WHO, then your account name."
    ),
]
IncludeDroppedOption = Annotated[
    bool, typer.Option("--include-dropped", help="Include frames that a person dropped.")
]


def open_dataset(db: str | None, *, unfinished: bool = False, at: str | None = None) -> Dataset:
    """Open the database named by the flag, the environment or a settings file."""
    from animeds_db.dataset.dataset import open as open_database

    return open_database(db, unfinished=unfinished, at=at)


def show(
    dataset: Dataset, relation: duckdb.DuckDBPyRelation, form: Format | None, *, wide: bool = True
) -> bool | None:
    """Print a relation of a dataset, and return True if it has rows; None if that is not known.

    Raises QueryError, also for what fails while its rows are read.
    """
    with dataset.session.errors():
        return print_relation(relation, form, wide=wide)


def report_labels(act: Act, what: str) -> None:
    """Print what a change set did, and how to undo it."""
    talk(f"{what}: {counted(act.n, 'label')} (to undo: animeds label undo {act.id})")
    for note in act.notes:
        talk(f"note: {note}")


def parse_params(pairs: list[str] | None) -> dict[str, str]:
    """Return `["a=1", "b=x"]` as a dict. Raises UsageError for a pair without `=` or a name given twice."""
    params: dict[str, str] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f'"{pair}" is not of the form name=value.',
                hint=f"write -p {name.strip() or 'character'}=VALUE without spaces, for example -p character=nanoha",
            )
        if name.strip() in params:
            raise UsageError(f'The parameter "{name.strip()}" is given twice.')
        params[name.strip()] = value
    return params
