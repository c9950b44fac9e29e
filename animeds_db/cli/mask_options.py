"""The options of `animeds export` for masks and backgrounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from animeds_db.export.pictures.masks import MaskOptions

MASKS = "Masks"
"""Panel of `animeds export --help`."""

MaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        metavar="PART",
        help="Write masks: white is learnt. character, person, text, or a character's name. Can be repeated.",
        rich_help_panel=MASKS,
    ),
]
MaskFormatOption = Annotated[
    str | None,
    typer.Option(
        "--mask-format",
        metavar="FORMAT",
        help="alpha, masklabel, folder, kohya, diffusion-pipe, ai-toolkit, simpletuner or .mask. Default: what the "
        "trainer of the layout reads.",
        rich_help_panel=MASKS,
    ),
]
BackgroundOption = Annotated[
    str,
    typer.Option(
        "--background",
        metavar="keep|remove|blur|#RRGGBB",
        help="What becomes of everything but --mask (without it: character).",
        rich_help_panel=MASKS,
    ),
]
MaskOutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mask-out",
        metavar="PART",
        help="Black in the masks: text, logo, border. Can be repeated. Without --mask, all else is white.",
        rich_help_panel=MASKS,
    ),
]


def mask_options(
    parts: list[str] | None, kind: str | None, background: str, out: list[str] | None
) -> MaskOptions:
    """Return the masks that were asked for. Raises UsageError. Several parts may be separated by commas."""
    from animeds_db.export import MaskOptions

    return MaskOptions(_split(parts), _split(out), kind, background)


def _split(values: list[str] | None) -> tuple[str, ...]:
    words = (word.strip() for value in values or () for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))
