"""`animeds caption`: look at captions before an export."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from animeds_db.cli.choosing import (
    CharacterOption,
    EpisodesOption,
    FramingOption,
    GoodOption,
    HasNoneOption,
    HasOption,
    InAppearanceOption,
    NoTextOption,
    PerOption,
    ShowsOption,
    WhereOption,
    chosen,
    conditions,
)
from animeds_db.cli.common import (
    AtOption,
    DbOption,
    IncludeDroppedOption,
    ParamOption,
    open_dataset,
    parse_params,
)
from animeds_db.cli.lists import ListsInHelp
from animeds_db.cli.output import FormatOption, print_rows, talk
from animeds_db.cli.shaping import (
    CharacterTagsOption,
    ProfileOption,
    SeedOption,
    TagOption,
    ThresholdOption,
    UnderscoresOption,
    VariantsOption,
)
from animeds_db.errors import UsageError
from animeds_db.printable import counted

PREVIEWED = 10
"""Number of pictures in a preview without --limit."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("caption", cls=ListsInHelp)(caption)


def caption(
    query: Annotated[str | None, typer.Argument(help="A named query. Without one: all kept frames.")] = None,
    sql: Annotated[
        str | None, typer.Option(help="A SELECT with a column frame_id, instead of a named query.")
    ] = None,
    param: ParamOption = None,
    character: CharacterOption = None,
    appearance: InAppearanceOption = None,
    has: HasOption = None,
    has_none: HasNoneOption = None,
    framing: FramingOption = None,
    show: ShowsOption = None,
    episodes: EpisodesOption = None,
    where: WhereOption = None,
    per: PerOption = None,
    no_text: NoTextOption = False,
    good: GoodOption = False,
    include_dropped: IncludeDroppedOption = False,
    db: DbOption = None,
    at: AtOption = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Show a few pictures: their tags above the threshold, and the caption."
        ),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Maximum number of pictures.", min=1)] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="List captions that are empty, contradict themselves, name core traits, or are too long.",
        ),
    ] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|FOLDER|REPO",
            help="With --check: the text encoder's tokenizer.json, to find captions that are too long.",
        ),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option(help="With --tokenizer: longest caption in tokens, usually 75, 225 or 512.", min=1)
    ] = 75,
    show_profile: Annotated[
        bool, typer.Option("--show-profile", help="Print a shipped profile as TOML, to start your own from.")
    ] = False,
    captions: ProfileOption = None,
    tag: TagOption = None,
    threshold: ThresholdOption = None,
    character_tags: CharacterTagsOption = False,
    underscores: UnderscoresOption = False,
    variants: VariantsOption = None,
    seed: SeedOption = None,
    form: FormatOption = None,
) -> None:
    """Print the captions of a selection. Nothing is written.

    animeds caption --character Emi --has smile --captions kohya --tag emi --preview
    animeds caption by_tags -p has=1girl --captions kohya --tag waifu --preview
    """
    from animeds_db.captions import DEFAULT_PROFILE, load_profile

    if show_profile:
        _print_profile(captions or DEFAULT_PROFILE)
        return
    profile = load_profile(captions or DEFAULT_PROFILE).with_flags(
        activation_tag=tag,
        threshold=threshold,
        character_tags=character_tags,
        underscores=underscores,
        variants=variants,
        seed=seed,
    )
    choice = conditions(
        character=character,
        appearance=appearance,
        has=has,
        has_none=has_none,
        framing=framing,
        show=show,
        episodes=episodes,
        where=where,
        per=per,
        no_text=no_text,
        good=good,
    )
    query, values = chosen(query, sql, parse_params(param), choice, limit if choice else None)
    if query is None and sql is None:
        sql = "SELECT frame_id FROM kept"
    if tokenizer and not check:
        raise UsageError("--tokenizer has no effect without --check.")
    if check:
        if preview or limit:
            raise UsageError("--check reads all captions. Use it without --preview and --limit.")
        with open_dataset(db, at=at) as dataset:
            faults = dataset.check_captions(
                query,
                sql=sql,
                params=values,
                profile=profile,
                tokenizer=tokenizer,
                max_tokens=max_tokens,
                include_dropped=include_dropped,
            )
        if faults:
            print_rows(faults, form)
        talk(f"{counted(len(faults), 'fault')} found" if faults else "No faults found")
        raise typer.Exit(1 if faults else 0)
    shown = limit or (PREVIEWED if preview else None)
    with open_dataset(db, at=at) as dataset:
        rows = dataset.captions(
            query,
            sql=sql,
            params=values,
            profile=profile,
            limit=shown,
            include_dropped=include_dropped,
        )
        few = dataset.why_few(query, params=values, n_frames=len(rows)) if query and choice and limit else []
    for note in few:
        talk(f"note: {note}")
    least = profile.thresholds.get("general")
    if preview and form is None:
        _tell(rows, least)
        return
    print_rows(
        [_row(row, least) if preview else {k: row[k] for k in ("frame_id", "caption")} for row in rows], form
    )


def _print_profile(name: str) -> None:
    from animeds_db.captions import load_profile, profile_text

    if name.endswith(".toml"):
        load_profile(name)
        raise UsageError(
            f"{name} is a file of your own.",
            hint="--show-profile prints the profiles that come with animeds-db.",
        )
    sys.stdout.write(profile_text(name))


def _row(row: dict[str, Any], least: float | None) -> dict[str, str]:
    return {"frame_id": row["frame_id"], "before": _before(row, least), "after": row["caption"]}


def _before(row: dict[str, Any], least: float | None) -> str:
    tags = row["tags"] or ()
    return ", ".join(
        t["tag"] for t in tags if (t["counts"] if least is None else round(t["score"], 4) >= least)
    )


def _tell(rows: list[dict[str, Any]], least: float | None) -> None:
    for row in rows:
        lines = row["caption"].split("\n")
        sys.stdout.write(f"{row['frame_id']}\n  before: {_before(row, least) or 'no tags'}\n")
        for line in lines:
            sys.stdout.write(f"  after:  {line}\n")
    empty = sum(not row["caption"] for row in rows)
    if empty:
        talk(f"note: {empty} of {len(rows)} captions are empty")
