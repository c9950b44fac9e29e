"""`animeds export`: a selection becomes a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, ParamOption, open_dataset, parse_params
from animeds_db.cli.output import talk
from animeds_db.errors import UsageError

if TYPE_CHECKING:
    from animeds_db.export import ExportReport

SIZE, CROP, TRAINER = "Size", "Crops", "Layouts"
"""Panels of `animeds export --help`."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("export")(export)
    app.command("rebuild")(rebuild)


def export(
    words: Annotated[
        list[str],
        typer.Argument(
            help="A named query and the folder; only the folder with --sql.", metavar="[QUERY] OUT"
        ),
    ],
    sql: Annotated[
        str | None, typer.Option(help="A SELECT with a frame_id column, instead of a query.")
    ] = None,
    param: ParamOption = None,
    db: DbOption = None,
    tag: Annotated[str | None, typer.Option(help="Activation tag: stands first in every caption.")] = None,
    threshold: Annotated[
        float, typer.Option(help="Tags below this score stay out of captions.", min=0, max=1)
    ] = 0.35,
    character_tags: Annotated[bool, typer.Option(help="Also put character tags into captions.")] = False,
    image: Annotated[str, typer.Option(help="png, webp or jpg.")] = "png",
    quality: Annotated[int, typer.Option(help="Of WebP and JPEG, 1…100.")] = 95,
    max_size: Annotated[
        int | None,
        typer.Option(help="Longer edge in pixels; larger pictures are scaled down.", rich_help_panel=SIZE),
    ] = None,
    short_edge: Annotated[
        int | None, typer.Option(help="Shorter edge in pixels, likewise.", rich_help_panel=SIZE)
    ] = None,
    bucket: Annotated[
        int | None,
        typer.Option(
            help="Edges in multiples of 64, area about that of a square of this side.", rich_help_panel=SIZE
        ),
    ] = None,
    upscale: Annotated[
        bool, typer.Option("--upscale", help="Enlarge smaller pictures too.", rich_help_panel=SIZE)
    ] = False,
    crop: Annotated[
        list[str] | None,
        typer.Option(
            help="frame, face (largest square), head, halfbody, person. Repeat: frame for originals beside crops.",
            rich_help_panel=CROP,
        ),
    ] = None,
    trim: Annotated[
        list[str] | None, typer.Option(help="Cut off first: borders, subtitles.", rich_help_panel=CROP)
    ] = None,
    crop_margin: Annotated[
        float | None,
        typer.Option(help="Share of a box added on each side; faces: a close square.", rich_help_panel=CROP),
    ] = None,
    min_face_number: Annotated[
        int, typer.Option(help="Frames with fewer faces give no crops.", rich_help_panel=CROP)
    ] = 0,
    min_crop_size: Annotated[
        int, typer.Option(help="Least shorter edge of a crop, pixels of the frame.", rich_help_panel=CROP)
    ] = 1,
    max_crop_share: Annotated[
        float,
        typer.Option(
            help="A body crop with more of its frame than this becomes the whole frame.", rich_help_panel=CROP
        ),
    ] = 0.5,
    layout: Annotated[
        list[str] | None,
        typer.Option(
            help="plain, kohya, kohya-toml, everydream, onetrainer, ai-toolkit, diffusion-pipe, simpletuner, "
            "musubi, imagefolder, webdataset, zip. Repeat: one folder each, pictures stored once.",
            rich_help_panel=TRAINER,
        ),
    ] = None,
    sidecar: Annotated[
        list[str] | None,
        typer.Option(help="Files beside each picture: json, tags, waifuc.", rich_help_panel=TRAINER),
    ] = None,
    trainer_root: Annotated[
        str, typer.Option(help="Where the trainer will find the folder.", rich_help_panel=TRAINER)
    ] = "",
    resolution: Annotated[
        int | None, typer.Option(help="Training size in configuration files.", rich_help_panel=TRAINER)
    ] = None,
    captions: Annotated[bool, typer.Option(help="Write a .txt beside each picture.")] = True,
    underscores: Annotated[bool, typer.Option(help="Leave underscores in tags.")] = False,
    overwrite: Annotated[
        bool, typer.Option(help="Replace a folder that an export made and nobody changed.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Write the pictures of a selection with their captions.

    animeds export by_tags -p has=1girl,red_hair -p has_none=1boy --tag waifu out/
    """
    from animeds_db.export import CropOptions, ExportOptions

    query, out = _query_and_folder(words, sql)
    options = ExportOptions(
        image_format=image,
        quality=quality,
        max_size=max_size,
        short_edge=short_edge,
        bucket=bucket,
        upscale=upscale,
        crops=CropOptions(
            kinds=tuple(crop or ()),
            margin=crop_margin,
            trim=tuple(trim or ()),
            min_faces=min_face_number,
            min_px=min_crop_size,
            max_share=max_crop_share,
        ),
        layouts=tuple(layout or ("plain",)),
        sidecars=tuple(sidecar or ()),
        trainer_root=trainer_root,
        resolution=resolution,
        captions=captions,
        keep_underscores=underscores,
        activation_tag=tag,
        threshold=threshold,
        keep_character_tags=character_tags,
        overwrite=overwrite,
    )
    with open_dataset(db) as dataset, _bar(progress and sys.stderr.isatty()) as advance:
        report = dataset.export(
            query, out, sql=sql, params=parse_params(param), options=options, progress=advance
        )
    _tell(report)


def rebuild(
    manifest: Annotated[Path, typer.Argument(help="An exported folder, or its animeds-export.json.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
    overwrite: Annotated[
        bool, typer.Option(help="Replace a folder that an export made and nobody changed.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Build an exported folder again from its manifest, byte for byte; needs the episodes, not the database."""
    from animeds_db.export import rebuild as build

    with _bar(progress and sys.stderr.isatty()) as advance:
        report = build(manifest, out, overwrite=overwrite, progress=advance)
    _tell(report)
    for path in report.differing:
        talk(f"note: {path} has other bytes than the first time (another version of an encoder)")


def _tell(report: ExportReport) -> None:
    talk(f"{report.n_pictures} pictures in {report.folder}")
    for note in report.notes:
        talk(f"note: {note}")


def _query_and_folder(words: list[str], sql: str | None) -> tuple[str | None, Path]:
    if sql is not None:
        if len(words) != 1:
            raise UsageError("with --sql, give just the folder", hint='animeds export --sql "SELECT …" out/')
        return None, Path(words[0])
    if len(words) != 2:
        raise UsageError(
            "give a query and a folder, or --sql and a folder",
            hint="animeds export by_tags -p has=1girl out/; `animeds queries` lists the queries",
        )
    return words[0], Path(words[1])


@contextmanager
def _bar(shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
