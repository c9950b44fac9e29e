"""The options of `animeds export` and `animeds caption` for captions, folders and repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from animeds_db.cli import complete
from animeds_db.cli.output import Format, print_rows, talk
from animeds_db.errors import ExportError, UsageError

CAPTIONS, FOLDERS, BALANCE = "Captions", "Folders", "Balance"
"""Panels of `animeds export --help`."""

ControlOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Also write a control of each picture, for trainers of edits: {controls}. Can be repeated. Columns "
        "control_id and control of a selection do the same for each row.",
        rich_help_panel="Layouts",
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--captions",
        metavar="PROFILE|FILE.toml",
        autocompletion=complete.caption_profiles,
        help="Caption profile: {captions}, or a TOML file. Default: seed-guide.",
        rich_help_panel=CAPTIONS,
    ),
]
NoCaptionsOption = Annotated[
    bool, typer.Option("--no-captions", help="Write no caption files.", rich_help_panel=CAPTIONS)
]
TagOption = Annotated[
    str | None,
    typer.Option(
        "--activation-tag",
        "--tag",
        help="First words of every caption. With --no-captions: class token in the kohya layouts.",
        rich_help_panel=CAPTIONS,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        help="Minimum score of the tags in captions. Default: the threshold of the profile, else of the tagger.",
        min=0,
        max=1,
        rich_help_panel=CAPTIONS,
    ),
]
CharacterTagsOption = Annotated[
    bool,
    typer.Option("--character-tags", help="Add character tags to captions.", rich_help_panel=CAPTIONS),
]
UnderscoresOption = Annotated[
    bool, typer.Option("--underscores", help="Keep underscores in tags.", rich_help_panel=CAPTIONS)
]
VariantsOption = Annotated[
    int | None,
    typer.Option(help="Number of captions per picture, one per line.", min=1, rich_help_panel=CAPTIONS),
]
SeedOption = Annotated[
    int | None, typer.Option(help="Seed of every random choice in captions.", rich_help_panel=CAPTIONS)
]
ArrangeOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Folder levels, such as n_characters/character/fh_ratio: columns of the query or facts about the picture.",
        rich_help_panel=FOLDERS,
    ),
]
MaxCharactersOption = Annotated[
    int,
    typer.Option(
        "--max-character-number",
        help="Put pictures with this many characters or more into one folder (6+_characters).",
        rich_help_panel=FOLDERS,
    ),
]
MinImagesOption = Annotated[
    int,
    typer.Option(
        "--min-images-per-combination",
        help="Put combinations of characters with fewer pictures into character_others.",
        rich_help_panel=FOLDERS,
    ),
]
FaceStepOption = Annotated[
    int,
    typer.Option(
        "--face-ratio-step",
        help="Width of the face_height_ratio folders, in per cent.",
        rich_help_panel=FOLDERS,
    ),
]
KeepStructureOption = Annotated[
    bool,
    typer.Option(
        "--keep-source-structure",
        help="Start with the folders of the sources, as they were ingested.",
        rich_help_panel=FOLDERS,
    ),
]
BalanceOption = Annotated[
    bool,
    typer.Option(
        "--balance", help="Repeat pictures so that every folder has the same weight.", rich_help_panel=BALANCE
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="Balance by weights. Each line: a folder name or pattern, a comma, a weight.",
        rich_help_panel=BALANCE,
    ),
]
MinRepeatsOption = Annotated[
    int, typer.Option("--min-repeats", help="Minimum number of repeats of a folder.", rich_help_panel=BALANCE)
]
MaxRepeatsOption = Annotated[
    int, typer.Option("--max-repeats", help="Maximum number of repeats of a folder.", rich_help_panel=BALANCE)
]


def check_captions(no_captions: bool, **given: Any) -> None:
    """Raise UsageError if options describe captions although --no-captions is given."""
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if no_captions and named:
        raise UsageError(f"--no-captions cannot be combined with {', '.join(named)}.")


def print_folders(rows: list[dict[str, Any]], form: Format | None) -> None:
    """Print the result of a dry run: one row per folder, and the totals."""
    if not rows:
        raise ExportError("The selection is empty: no frame matches.")
    print_rows(rows, form)
    pictures, samples = (sum(row[name] for row in rows) for name in ("pictures", "samples"))
    talk(f"{pictures} pictures in {len(rows)} folders, {samples} samples per epoch. Nothing was written.")
