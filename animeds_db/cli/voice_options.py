"""`animeds export --voices NAME OUT`: what a character says, as sound and text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from animeds_db.cli.common import open_dataset
from animeds_db.cli.output import Format, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

VOICES = "Voices"
"""Panel of `animeds export --help`."""
USED = frozenset(
    {"words", "voices", "language", "audio", "db", "at", "dry_run", "form", "overwrite", "progress"}
)
"""Parameters of `animeds export` that --voices uses."""

VoicesOption = Annotated[
    str | None,
    typer.Option(
        "--voices",
        metavar="NAME",
        help="Export what this character says, as WAV and text, instead of pictures. Speakers must be confirmed with "
        "animeds label speaker. --audio chooses the sound.",
        rich_help_panel=VOICES,
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language",
        help="Language of the text with --voices, as the subtitles have it, such as eng. Default: that of the track "
        "with the speakers.",
        rich_help_panel=VOICES,
    ),
]
Bar = Callable[[bool], AbstractContextManager[Callable[[int, int], None] | None]]


def export_voices(context: typer.Context, character: str | None, language: str | None, *, bar: Bar) -> None:
    """Export the lines of a character, or print how many there are, with the options of `animeds export`.

    Raises UsageError for --language without --voices, and for options about pictures.
    """
    from animeds_db.export.voices import VoiceOptions

    if character is None:
        raise UsageError("--language is for voices.", hint="Add --voices NAME.")
    _refuse_others(context)
    given = context.params
    words, is_dry = given["words"] or [], given["dry_run"]
    if len(words) != (0 if is_dry and not words else 1):
        raise UsageError(
            "With --voices, give only the folder.", hint=f"animeds export --voices '{character}' out/"
        )
    options = VoiceOptions(given["audio"] or "default", language, given["overwrite"])
    with open_dataset(given["db"], at=given["at"]) as dataset:
        found = dataset.voices(character, options)
        n = counted(len(found.lines), "line")
        if is_dry:
            minutes = round(found.seconds / 60, 2)
            used: dict[str, object] = {"lines": len(found.lines), "minutes": minutes, "left_out": None}
            others = ({"lines": n, "minutes": None, "left_out": why} for why, n in found.left_out.items())
            print_rows([used, *others], Format(given["form"]) if given["form"] else None)
        else:
            talk(f"{n} of {character}, {found.seconds / 60:.1f} minutes")
            with bar(given["progress"] and sys.stderr.isatty()) as advance:
                report = dataset.export_voices(character, Path(words[0]), options, progress=advance)
            talk(f"{n} in {report.folder}")
            for why, count in found.left_out.items():
                talk(f"note: {counted(count, 'line')} left out: {why}")
    for note in found.notes:
        talk(f"note: {note}")


def _refuse_others(context: typer.Context) -> None:
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name not in USED and source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"{parameter.opts[0]} has no effect with --voices.", hint="Omit it.")
