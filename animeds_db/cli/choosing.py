"""The options of `animeds export` and `animeds caption` that choose frames without SQL: parameters of character_set."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from animeds_db.cli import complete
from animeds_db.errors import UsageError

CHOOSING = "Frames"
"""Panel of `animeds export --help`."""
DEFAULT_QUERY = "character_set"
"""The query that these options are about if none is named."""

CharacterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--character",
        help="Frames of this character. Can be repeated: of any of them.",
        autocompletion=complete.characters,
        rich_help_panel=CHOOSING,
    ),
]
InAppearanceOption = Annotated[
    list[str] | None,
    typer.Option("--appearance", help="In this appearance. Can be repeated.", rich_help_panel=CHOOSING),
]
HasOption = Annotated[
    list[str] | None,
    typer.Option("--has", help="The frame must have this tag. Can be repeated.", rich_help_panel=CHOOSING),
]
HasNoneOption = Annotated[
    list[str] | None,
    typer.Option(
        "--has-none", help="The frame must not have this tag. Can be repeated.", rich_help_panel=CHOOSING
    ),
]
FramingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--framing",
        help="close-up, portrait, upper_body, cowboy_shot, full_body or wide_shot. Can be repeated.",
        rich_help_panel=CHOOSING,
    ),
]
ShowsOption = Annotated[
    list[str] | None,
    typer.Option("--show", help="Only this show. Can be repeated.", rich_help_panel=CHOOSING),
]
EpisodesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--episodes", help="Only these episodes: 3, S01E03 or S01. Can be repeated.", rich_help_panel=CHOOSING
    ),
]
PerOption = Annotated[
    str | None,
    typer.Option(
        "--per",
        help="As many frames of each appearance, episode, shot or framing, as far as there are enough.",
        rich_help_panel=CHOOSING,
    ),
]
NoTextOption = Annotated[
    bool,
    typer.Option("--no-text", help="Leave out frames with burned-in text.", rich_help_panel=CHOOSING),
]
GoodOption = Annotated[
    bool, typer.Option("--good", help="Only frames that pass every quality gate.", rich_help_panel=CHOOSING)
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        help='SQL condition over the columns of frames, e.g. "sharpness > 60".',
        metavar="SQL",
        rich_help_panel=CHOOSING,
    ),
]
CountOption = Annotated[
    int | None,
    typer.Option(
        "--limit", help="Maximum number of frames, the best first.", min=1, rich_help_panel=CHOOSING
    ),
]


def conditions(
    *,
    character: list[str] | None,
    appearance: list[str] | None,
    has: list[str] | None,
    has_none: list[str] | None,
    framing: list[str] | None,
    show: list[str] | None,
    episodes: list[str] | None,
    where: str | None,
    per: str | None,
    no_text: bool,
    good: bool,
) -> dict[str, Any]:
    """Return the parameters that were given by these options. An item may be a list with commas: `a, 'b, c'`."""
    from animeds_db.session.query_params import split_list

    lists = {
        "characters": character,
        "appearances": appearance,
        "has": has,
        "has_none": has_none,
        "framing": framing,
        "shows": show,
        "episodes": episodes,
    }
    values: dict[str, Any] = {
        name: [item for text in given for item in split_list(text)] for name, given in lists.items() if given
    }
    texts = {"where": where, "per": per}
    values |= {name: text for name, text in texts.items() if text is not None}
    return values | ({"text": "none"} if no_text else {}) | ({"quality": True} if good else {})


def chosen(
    query: str | None, sql: str | None, params: dict[str, str], options: dict[str, Any], limit: int | None
) -> tuple[str | None, dict[str, Any]]:
    """Return the query and its parameters with these options: character_set if no query and no SQL is given.

    Raises UsageError for options with SQL, and for a parameter that is given twice.
    """
    from animeds_db.session.queries.named import find

    if not options and limit is None:
        return query, dict(params)
    if sql is not None:
        raise UsageError(
            "Options that choose frames cannot be combined with --sql.",
            hint="put the conditions into the SQL",
        )
    query = query or DEFAULT_QUERY
    values = dict(options)
    if limit is not None:
        known = {param.name for param in find(query).params}
        values["count" if "count" in known else "limit"] = limit
    twice = sorted(values.keys() & params.keys())
    if twice:
        raise UsageError(f'The parameter "{twice[0]}" is given twice: by an option and by --param.')
    return query, {**params, **values}
