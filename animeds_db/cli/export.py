"""`animeds export` and `animeds rebuild`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from animeds_db.cli.choosing import (
    DEFAULT_QUERY,
    CharacterOption,
    CountOption,
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
from animeds_db.cli.clip_options import (
    AudioOption,
    ClipsOption,
    CrfOption,
    DeinterlaceOption,
    DialogueOption,
    FirstFrameOption,
    FpsOption,
    FrameFoldersOption,
    FramesOption,
    LosslessOption,
    MaxFramesOption,
    WavOption,
    moving,
    print_buckets,
    proposals,
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
from animeds_db.cli.mask_options import (
    BackgroundOption,
    MaskFormatOption,
    MaskOption,
    MaskOutOption,
    mask_options,
)
from animeds_db.cli.output import FormatOption, talk
from animeds_db.cli.picture_options import (
    BucketOption,
    CropMarginOption,
    CropOption,
    ImageOption,
    MaxCropShareOption,
    MaxSizeOption,
    MinCropSizeOption,
    MinFacesOption,
    QualityOption,
    ShortEdgeOption,
    TrimOption,
    UpscaleOption,
)
from animeds_db.cli.pushing import PublicOption, PushOption, check_push, push_folder
from animeds_db.cli.shaping import (
    ArrangeOption,
    BalanceOption,
    CharacterTagsOption,
    ControlOption,
    FaceStepOption,
    KeepStructureOption,
    MaxCharactersOption,
    MaxRepeatsOption,
    MinImagesOption,
    MinRepeatsOption,
    NoCaptionsOption,
    ProfileOption,
    SeedOption,
    TagOption,
    ThresholdOption,
    UnderscoresOption,
    VariantsOption,
    WeightsOption,
    check_captions,
    print_folders,
)
from animeds_db.cli.voice_options import LanguageOption, VoicesOption, export_voices
from animeds_db.errors import UsageError
from animeds_db.printable import counted
from animeds_db.remote.storage import is_remote

if TYPE_CHECKING:
    from animeds_db.export import ExportReport

TRAINER = "Layouts"
"""Panel of `animeds export --help`."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("export", cls=ListsInHelp)(export)
    app.command("rebuild")(rebuild)


def export(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A named query and the output folder. With --sql, --character and the like: only the folder.",
            metavar="[QUERY] OUT",
        ),
    ] = None,
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
    limit: CountOption = None,
    per: PerOption = None,
    no_text: NoTextOption = False,
    good: GoodOption = False,
    include_dropped: IncludeDroppedOption = False,
    db: DbOption = None,
    at: AtOption = None,
    captions: ProfileOption = None,
    no_captions: NoCaptionsOption = False,
    tag: TagOption = None,
    threshold: ThresholdOption = None,
    character_tags: CharacterTagsOption = False,
    underscores: UnderscoresOption = False,
    variants: VariantsOption = None,
    seed: SeedOption = None,
    arrange: ArrangeOption = None,
    max_character_number: MaxCharactersOption = 6,
    min_images_per_combination: MinImagesOption = 1,
    face_ratio_step: FaceStepOption = 25,
    keep_source_structure: KeepStructureOption = False,
    balance: BalanceOption = False,
    weights: WeightsOption = None,
    min_repeats: MinRepeatsOption = 1,
    max_repeats: MaxRepeatsOption = 100,
    image: ImageOption = "png",
    quality: QualityOption = 95,
    max_size: MaxSizeOption = None,
    short_edge: ShortEdgeOption = None,
    bucket: BucketOption = None,
    upscale: UpscaleOption = False,
    crop: CropOption = None,
    trim: TrimOption = None,
    crop_margin: CropMarginOption = None,
    min_face_number: MinFacesOption = 0,
    min_crop_size: MinCropSizeOption = 1,
    max_crop_share: MaxCropShareOption = 0.5,
    control: ControlOption = None,
    mask: MaskOption = None,
    mask_format: MaskFormatOption = None,
    background: BackgroundOption = "keep",
    mask_out: MaskOutOption = None,
    layout: Annotated[
        list[str] | None,
        typer.Option(
            help="Format of the folder: {layouts}. Can be repeated: one folder for each.",
            rich_help_panel=TRAINER,
        ),
    ] = None,
    sidecar: Annotated[
        list[str] | None,
        typer.Option(
            help="Metadata file beside each picture: json, tags, waifuc, bbox, nl or variants. Can be repeated.",
            rich_help_panel=TRAINER,
        ),
    ] = None,
    clips: ClipsOption = False,
    fps: FpsOption = None,
    frames: FramesOption = None,
    max_frames: MaxFramesOption = None,
    audio: AudioOption = None,
    wav: WavOption = False,
    dialogue: DialogueOption = False,
    first_frame: FirstFrameOption = False,
    frame_folders: FrameFoldersOption = False,
    lossless: LosslessOption = False,
    crf: CrfOption = None,
    deinterlace: DeinterlaceOption = False,
    voices: VoicesOption = None,
    language: LanguageOption = None,
    trainer_root: Annotated[
        str, typer.Option(help="Path at which the trainer will find the folder.", rich_help_panel=TRAINER)
    ] = "",
    resolution: Annotated[
        int | None,
        typer.Option(help="Training resolution in the configuration files.", rich_help_panel=TRAINER),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing. Print the folders with their pictures and repeats."),
    ] = False,
    form: FormatOption = None,
    overwrite: Annotated[
        bool, typer.Option(help="Replace a folder that an export made and that has not been changed since.")
    ] = False,
    push: PushOption = None,
    public: PublicOption = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Write the pictures and captions of a selection to a folder. With --clips: clips for video trainers.

    With --voices: what a character says.

    animeds export --character Emi --limit 40 --per appearance --no-text --layout kohya --tag emi out/
    animeds export by_tags -p has=1girl,red_hair -p has_none=1boy --tag waifu out/
    animeds export --clips --character Emi --fps 16 --frames 4n+1 --max-size 640 --layout musubi out/
    """
    from animeds_db.captions import DEFAULT_PROFILE, load_profile
    from animeds_db.export import Arrangement, Balance, ClipOptions, CropOptions, ExportOptions

    if voices is not None or language is not None:
        export_voices(context, voices, language, bar=_bar)
        return
    values = moving(
        clips,
        fps=fps,
        frames=frames,
        max_frames=max_frames,
        sound=audio,
        wav=wav,
        dialogue=dialogue,
        first_frame=first_frame,
        frame_folders=frame_folders,
        lossless=lossless,
        crf=crf,
        deinterlace=deinterlace,
    )
    check_captions(no_captions, captions=captions, variants=variants, seed=seed)
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
    params: dict[str, Any] = dict(parse_params(param))
    if clips and sql is None and len(words or []) < 2:
        sql = proposals(choice, limit, values)
        choice, limit = {}, None
    by_options = bool(choice) or limit is not None
    query, out = _query_and_folder(words or [], sql, dry_run=dry_run, by_options=by_options)
    check_push(push, out, public=public)
    query, params = chosen(query, sql, params, choice, limit)
    kind = ClipOptions if clips else ExportOptions
    options = kind(
        **values,
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
        controls=tuple(control or ()),
        masks=mask_options(mask, mask_format, background, mask_out),
        layouts=tuple(layout or ("plain",)),
        sidecars=tuple(sidecar or ()),
        trainer_root=trainer_root,
        resolution=resolution,
        captions=not no_captions,
        profile=load_profile(captions or DEFAULT_PROFILE).with_flags(
            activation_tag=tag,
            threshold=threshold,
            character_tags=character_tags,
            underscores=underscores,
            variants=variants,
            seed=seed,
        ),
        arrangement=Arrangement(
            form=arrange or "",
            max_characters=max_character_number,
            min_pictures=min_images_per_combination,
            face_step=face_ratio_step,
            keep_source_structure=keep_source_structure,
        ),
        balance=Balance(weights, max_repeats, min_repeats) if balance or weights is not None else None,
        overwrite=overwrite,
    )
    with open_dataset(db, at=at) as dataset:
        if dry_run and isinstance(options, ClipOptions):
            print_buckets(
                dataset.preview_clips(
                    query, sql=sql, params=params, options=options, include_dropped=include_dropped
                ),
                form,
            )
            return
        if dry_run:
            preview = dataset.preview_export(
                query,
                sql=sql,
                params=params,
                options=options,
                include_dropped=include_dropped,
            )
            print_folders(preview.folders, form)
            for note in preview.notes:
                talk(f"note: {note}")
            return
        with _bar(progress and sys.stderr.isatty()) as advance:
            given: dict[str, Any] = {"sql": sql, "params": params, "include_dropped": include_dropped}
            report = (
                dataset.export_clips(query, out, options=options, progress=advance, **given)
                if isinstance(options, ClipOptions)
                else dataset.export(query, out, options=options, progress=advance, **given)
            )
    _tell(report)
    if push is not None:
        with _bar(progress and sys.stderr.isatty()) as advance:
            push_folder(report.folder, push, public=public, progress=advance)


def rebuild(
    manifest: Annotated[Path, typer.Argument(help="An exported folder, or its animeds-export.json.")],
    out: Annotated[Path, typer.Argument(help="The folder to write.")],
    overwrite: Annotated[
        bool, typer.Option(help="Replace a folder that an export made and that has not been changed since.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show a progress bar on a terminal.")] = True,
) -> None:
    """Build an exported folder again from its manifest. It needs the episodes, but not the database."""
    from animeds_db.export import rebuild as build

    with _bar(progress and sys.stderr.isatty()) as advance:
        report = build(manifest, out, overwrite=overwrite, progress=advance)
    _tell(report)
    for path in report.differing:
        talk(f"note: {path} differs from the first export, because an encoder has another version now")


def _tell(report: ExportReport) -> None:
    talk(f"{counted(report.n_pictures, report.noun)} in {report.folder}")
    for note in report.notes:
        talk(f"note: {note}")


def _query_and_folder(
    words: list[str], sql: str | None, *, dry_run: bool, by_options: bool
) -> tuple[str | None, str | Path]:
    """Return the query and the folder. A dry run does not need a folder, and options that choose frames no query."""
    if by_options and sql is None and (not words or (len(words) == 1 and not _is_query(words[0]))):
        words = [DEFAULT_QUERY, *words]
    names = 0 if sql is not None else 1
    if dry_run and len(words) == names:
        words = [*words, "."]
    if len(words) != names + 1:
        if sql is not None:
            raise UsageError("With --sql, give only the folder.", hint='animeds export --sql "SELECT …" out/')
        raise UsageError(
            "Give a query and a folder, or --sql and a folder.",
            hint="animeds export --character NAME out/, or animeds export by_tags -p has=1girl out/; "
            "`animeds queries` lists the queries",
        )
    if names:
        _refuse_swapped(words[0], words[1])
    out = words[-1] if is_remote(words[-1]) else Path(words[-1])
    return (words[0] if names else None), out


def _is_query(word: str) -> bool:
    from animeds_db.session.queries.named import list_queries

    return word in {one.name for one in list_queries()}


def _refuse_swapped(query: str, out: str) -> None:
    """Raise UsageError if the folder comes first and the query second."""
    if not _is_query(query) and _is_query(out):
        raise UsageError(
            f"{query} is not a query, but {out} is. The query comes first, then the folder.",
            hint=f"animeds export {out} {query}",
        )


@contextmanager
def _bar(shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("exporting", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
