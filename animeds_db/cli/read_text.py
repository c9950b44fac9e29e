"""`animeds read-text`: read the subtitles and chapters of videos in the database."""

from __future__ import annotations

from typing import Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.output import talk
from animeds_db.cli.progress import PARTLY_FAILED, report_failures, watcher
from animeds_db.cli.rerun import DeviceOption, ProgressOption
from animeds_db.errors import UsageError
from animeds_db.printable import counted


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("read-text")(read_text)


def read_text(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Ids of videos. Default: all.", metavar="SOURCE…")
    ] = None,
    ocr: Annotated[
        bool,
        typer.Option("--ocr", help="Read the text that is burned into the pictures instead (extra [ocr])."),
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(
            help="With --ocr: read the frames that meet this SQL condition. Default: those on which the ingest "
            "measured something that may be text."
        ),
    ] = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Read the subtitles and chapters of videos in the database, without decoding a picture.

    An ingest does this, too. Use it for databases of earlier releases, or after you put subtitle files beside
    the videos. It can be run again at any time.

    With --ocr, text in the pictures is read: burned-in subtitles, credits and signs. The view `screen_texts` has the
    text on each frame, and `lines` has it as subtitles. Frames with text are then found by these boxes, not by the
    measure of the ingest. Frames that were read before are skipped. It takes about a second per frame without a GPU.

    animeds read-text
    animeds read-text --ocr
    animeds read-text --ocr --where "episode = 3"
    """
    if ocr:
        if sources:
            raise UsageError("--ocr reads frames, not whole videos.", hint="Choose frames with --where.")
        _read_screen(db, where, device, progress)
        return
    if where:
        raise UsageError("--where chooses frames for --ocr.", hint="Add --ocr, or name videos by their ids.")
    with open_dataset(db) as dataset:
        results = dataset.read_text(sources or None)
    failed = [result for result in results if result.error is not None]
    for result in results:
        if result.error is not None:
            talk(f"failed: {result.title}: {result.error.headline}")
            if result.error.hint:
                talk(f"hint: {result.error.hint}")
            continue
        talk(f"{result.title}: {counted(result.lines, 'line')}, {counted(result.chapters, 'chapter')}")
        for note in result.notes:
            talk(f"note: {result.title}: {note}")
    if failed:
        raise typer.Exit(PARTLY_FAILED if len(failed) < len(results) else 1)


def _read_screen(db: str | None, where: str | None, device: str | None, progress: bool) -> None:
    with open_dataset(db) as dataset, watcher(progress) as watching:
        report = dataset.read_screen_text(where=where, device=device, progress=watching)
        n = dataset.sql("SELECT count(*) FROM lines WHERE origin = 'ocr'").fetchall()[0][0]
    frames = sum(outcome.frames for outcome in report.outcomes)
    talk(f"{counted(frames, 'frame')} read; the database now has {counted(n, 'line')} of burned-in text")
    raise typer.Exit(report_failures(report))
