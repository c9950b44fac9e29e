"""The options of `animeds export --clips`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animeds_db.cli.output import Format, print_rows, talk
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.dataset.exporting_clips import ClipPreview

CLIPS = "Clips"
"""Panel of `animeds export --help`."""

ClipsOption = Annotated[
    bool,
    typer.Option(
        "--clips",
        help="Export clips for video trainers instead of pictures. QUERY or --sql gives clip_id or shot_id.",
        rich_help_panel=CLIPS,
    ),
]
FpsOption = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="NUMBER|source",
        help="Frames per second; source: as in the videos. Default: 16.",
        rich_help_panel=CLIPS,
    ),
]
FramesOption = Annotated[
    str | None,
    typer.Option(
        "--frames",
        metavar="RULE",
        help="Numbers of frames that the trainer accepts: 4n+1, 8n+1, a list such as 34,68,102, or any. Default: 4n+1.",
        rich_help_panel=CLIPS,
    ),
]
MaxFramesOption = Annotated[
    int | None,
    typer.Option("--max-frames", help="Maximum number of frames. Default: 81.", rich_help_panel=CLIPS),
]
AudioOption = Annotated[
    str | None,
    typer.Option(
        "--audio",
        metavar="TRACK",
        help="Add sound, or choose it with --voices: default, the number of a track from 1, its language such as "
        "jpn, or a part of its title.",
        rich_help_panel=CLIPS,
    ),
]
WavOption = Annotated[
    bool,
    typer.Option("--wav", help="Write the sound as .wav beside the clip.", rich_help_panel=CLIPS),
]
DialogueOption = Annotated[
    bool,
    typer.Option("--dialogue", help="Add what is said, and by whom, to the captions.", rich_help_panel=CLIPS),
]
FirstFrameOption = Annotated[
    bool,
    typer.Option(
        "--first-frame",
        help="Write the first frame beside the clip, for image-to-video.",
        rich_help_panel=CLIPS,
    ),
]
FrameFoldersOption = Annotated[
    bool,
    typer.Option(
        "--frame-folders",
        help="Write a folder of pictures for each clip instead of an mp4.",
        rich_help_panel=CLIPS,
    ),
]
LosslessOption = Annotated[
    bool, typer.Option("--lossless", help="Store the frames without a loss.", rich_help_panel=CLIPS)
]
CrfOption = Annotated[
    int | None,
    typer.Option("--crf", help="Quality of H.264, 0 (best) … 51. Default: 12.", rich_help_panel=CLIPS),
]
DeinterlaceOption = Annotated[
    bool,
    typer.Option("--deinterlace", help="Make the frames of interlaced videos whole.", rich_help_panel=CLIPS),
]


def moving(clips: bool, *, fps: str | None, **options: Any) -> dict[str, Any]:
    """Return the options of clips that were given. Raises UsageError if there are some without --clips."""
    values = {name: value for name, value in options.items() if value is not None and value is not False}
    if fps is not None:
        values["fps"] = None if fps == "source" else _number(fps)
    if values and not clips:
        name = next(iter(values)).replace("_", "-").replace("sound", "audio")
        raise UsageError(f"--{name} is for clips.", hint="Add --clips.")
    return values


def _number(fps: str) -> float:
    try:
        return float(fps)
    except ValueError as error:
        raise UsageError(f'--fps is "{fps}". It must be a number, or source.') from error


def proposals(conditions: Mapping[str, Any], limit: int | None, options: Mapping[str, Any]) -> str:
    """Return SQL for the clips that suit these options and conditions. Raises UsageError for another condition."""
    from animeds_db.export import ClipOptions
    from animeds_db.session.statements import literal

    given = {name: options[name] for name in ("fps", "frames", "max_frames") if name in options}
    trainer = ClipOptions(**given)
    fps = trainer.fps or 24.0
    terms = []
    for name, values in conditions.items():
        if name in ("characters", "appearances"):
            terms.append(f"list_has_any({name}, [{', '.join(map(literal, values))}])")
        elif name == "shows":
            terms.append(f'"show" IN ({", ".join(map(literal, values))})')
        elif name == "where":
            terms.append(f"({values})")
        else:
            raise UsageError(
                f"--{name.rstrip('s')} cannot choose clips.",
                hint="Use --where with the columns of the view clips, or --sql.",
            )
    most = "" if trainer.max_frames is None else f", max_s := {trainer.max_frames / fps!r}"
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    count = "" if limit is None else f" LIMIT {limit}"
    return (
        f"SELECT clip_id FROM clips(fps := {fps!r}, frames := {literal(trainer.frames)}{most}){where} "
        f'ORDER BY "show", season, episode, source_id, first_pts{count}'
    )


def print_buckets(preview: ClipPreview, form: Format | None) -> None:
    """Print the buckets of a dry run, the clips that are left out, and the notes."""
    if preview.buckets:
        print_rows(preview.buckets, form)
    for clip in preview.dropped:
        talk(f"left out: {clip['clip_id']}, {clip['seconds']} s, {clip['frames']} frames: {clip['why']}")
    for note in preview.notes:
        talk(f"note: {note}")
    talk(f"{counted(sum(bucket['clips'] for bucket in preview.buckets), 'clip')}. Nothing was written.")
