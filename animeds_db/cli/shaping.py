"""Options of `animeds export` that say folders, captions and repeats, and the Shape they make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animeds_db.cli import complete
from animeds_db.cli.output import Format, print_rows, talk
from animeds_db.errors import ExportError, UsageError

if TYPE_CHECKING:
    from animeds_db.captions import CaptionProfile
    from animeds_db.export import ExportOptions
    from animeds_db.export.selection.shape import Shape

CAPTIONS, FOLDERS, BALANCE = "Captions", "Folders", "Balance"
"""Panels of `animeds export --help`."""

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--captions",
        metavar="PROFILE|FILE.toml",
        autocompletion=complete.caption_profiles,
        help="seed-guide (default), kohya, anime2sd, screenshot-pipeline, natural, or a file of your own.",
        rich_help_panel=CAPTIONS,
    ),
]
NoCaptionsOption = Annotated[
    bool, typer.Option("--no-captions", help="Write no .txt beside pictures.", rich_help_panel=CAPTIONS)
]
TagOption = Annotated[
    str | None,
    typer.Option(
        "--activation-tag",
        "--tag",
        help="First words of every caption. With --no-captions: the class token of kohya's layouts.",
        rich_help_panel=CAPTIONS,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        help="Minimum score of the tags in captions. Default: the profile's, else the tagger's own threshold.",
        min=0,
        max=1,
        rich_help_panel=CAPTIONS,
    ),
]
CharacterTagsOption = Annotated[
    bool,
    typer.Option("--character-tags", help="Also put character tags into captions.", rich_help_panel=CAPTIONS),
]
UnderscoresOption = Annotated[
    bool, typer.Option("--underscores", help="Leave underscores in tags.", rich_help_panel=CAPTIONS)
]
VariantsOption = Annotated[
    int | None,
    typer.Option(help="Captions per picture, one per line.", min=1, rich_help_panel=CAPTIONS),
]
SeedOption = Annotated[
    int | None, typer.Option(help="Of all that is left to chance in captions.", rich_help_panel=CAPTIONS)
]
ArrangeOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="Folders, e.g. n_characters/character/fh_ratio: columns of the query, or what is on the picture.",
        rich_help_panel=FOLDERS,
    ),
]
MaxCharactersOption = Annotated[
    int,
    typer.Option("--max-character-number", help="From so many on: 6+_characters.", rich_help_panel=FOLDERS),
]
MinImagesOption = Annotated[
    int,
    typer.Option(
        "--min-images-per-combination",
        help="Characters together on fewer pictures go to character_others.",
        rich_help_panel=FOLDERS,
    ),
]
FaceStepOption = Annotated[
    int,
    typer.Option("--face-ratio-step", help="Width of face_height_ratio folders, %.", rich_help_panel=FOLDERS),
]
KeepStructureOption = Annotated[
    bool,
    typer.Option("--keep-source-structure", help="The sources' own folders first.", rich_help_panel=FOLDERS),
]
BalanceOption = Annotated[
    bool,
    typer.Option("--balance", help="Repeat folders so that each weighs the same.", rich_help_panel=BALANCE),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="The same, by weights: lines of folder name or pattern, weight.",
        rich_help_panel=BALANCE,
    ),
]
MaxRepeatsOption = Annotated[
    int, typer.Option("--max-repeats", help="No folder is repeated more often.", rich_help_panel=BALANCE)
]


def profile_of(name: str | None, **changes: Any) -> CaptionProfile:
    """Return the profile of that name or file, with what was said besides (None: nothing)."""
    from animeds_db.captions import load_profile

    profile = load_profile(name or "seed-guide")
    threshold = changes.pop("threshold", None)
    profile = replace(profile, **{key: value for key, value in changes.items() if value is not None})
    return profile if threshold is None else profile.with_threshold(threshold)


def check_captions(no_captions: bool, **given: Any) -> None:
    """Raise UsageError when captions are refused and described at once."""
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if no_captions and named:
        raise UsageError(f"--no-captions and {', '.join(named)} contradict each other")


def shape_of(
    options: ExportOptions,
    profile: CaptionProfile | None,
    threshold: float | None,
    arrangement: dict[str, Any],
    balance: tuple[bool, Path | None, int],
) -> Shape:
    """Return the Shape that these options describe. Raises UsageError for values that make no sense."""
    from animeds_db.export.selection.arrange import Arrangement
    from animeds_db.export.selection.balance import Balance
    from animeds_db.export.selection.shape import Shape, adjusted

    wanted, weights, most = balance
    return Shape(
        captions=None if profile is None else adjusted(profile, options, threshold=threshold),
        threshold=threshold,
        arrangement=Arrangement(**arrangement),
        balance=Balance(weights, most) if wanted or weights is not None else None,
    )


def print_folders(rows: list[dict[str, Any]], form: Format | None) -> None:
    """Print what a dry run found, one row per folder, and the sums."""
    if not rows:
        raise ExportError("the selection is empty: no frame fits")
    print_rows(rows, form)
    pictures, samples = (sum(row[name] for row in rows) for name in ("pictures", "samples"))
    talk(f"{pictures} pictures in {len(rows)} folders; virtual size {samples}; nothing was written")
