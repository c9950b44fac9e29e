"""Ingests one source, continuing where an earlier run stopped. Every engine calls this for each source.

It is safe to repeat, and safe while another run reads the same source: rows are merged by key, and the `sources`
row is written last. So an engine may run it any number of times.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from animeds_db.cores import core_count
from animeds_db.errors import AnimedsError, SourceError, StoreError
from animeds_db.media import Damage, Pictures, Video, open_media
from animeds_db.models import Models
from animeds_db.remote.paths import SourcePath
from animeds_db.store import Store
from animeds_ingest import ledger
from animeds_ingest.outcomes import Outcome
from animeds_ingest.paths import uri_of
from animeds_ingest.pipeline import Advance, Progress, Writer, process
from animeds_ingest.request import Request
from animeds_ingest.rows import Analyser
from animeds_ingest.sampling import Sampling
from animeds_ingest.shot_numbers import number_frames
from animeds_ingest.sidecars.labels import write_sidecars
from animeds_ingest.sidecars.read import Sidecars
from animeds_ingest.sources import SourceSpec, fingerprint
from animeds_ingest.text import write_text
from animeds_ingest.vocabulary import vocabulary_of

log = logging.getLogger("animeds")


def prepare(store: Store, models: Models) -> Analyser:
    """Write the models' rows and vocabulary, and return the analyser for this store.

    Raises StoreError if a model's vectors and the database's columns differ in width.
    """
    analyser = analyser_for(store, models)
    ledger.register_models(store, models.records())
    return analyser


def analyser_for(store: Store, models: Models) -> Analyser:
    """Return the analyser for this store. Adds only tags that the vocabulary lacks. Raises StoreError."""
    parts = (("image", models.image), ("character", models.character))
    for (task, model), width in zip(parts, store.widths, strict=True):
        if model and model.width != width:
            raise StoreError(
                f"{model.id} returns {task} vectors of width {model.width}, but this database has width {width}",
                hint="use the models of this database (`animeds status` lists them), or another database (--db)",
            )
    return Analyser(models, *vocabulary_of(store, models.tagger), store.widths)


def ingest_source(
    store: Store,
    spec: SourceSpec,
    request: Request,
    *,
    replace: bool = False,
    opened: Callable[[float | None], None] = lambda _s: None,
    advance: Advance = lambda _n, _s: None,
) -> Outcome:
    """Ingest one source, continuing where an earlier run stopped. An error of the source becomes its outcome.

    After Ctrl-C, complete batches are kept and the source is marked as interrupted.
    Raises AnimedsError for errors of the database or the models rather than of this source.
    """
    started = time.monotonic()
    row: ledger.Row | None = None
    try:
        with source_errors(spec.path):
            status = ledger.status_of(store, spec, request, replace=replace)
            if status.state == "skipped":
                return skipped(store, spec, status)
            with open_media(spec.path, request.hardware) as media:
                opened(media.info.duration_s)
                row = ledger.begin(store, status.row, media.info)
                sidecars = _sidecars(media)
                n = _write(store, media, row, request.analyser, status.earlier, advance)
                if sidecars:
                    write_sidecars(store, row["source_id"], sidecars.found)
                notes = (*status.notes, *media.warnings, *(sidecars.warnings if sidecars else ()))
                damage = media.damage
            notes = conclude(store, spec, row, n, notes, damage)
    except SourceError as error:
        if row:
            ledger.fail(store, row, error)
        return Outcome(spec.name.title, "failed", seconds=time.monotonic() - started, error=error)
    except KeyboardInterrupt:
        if row:
            ledger.interrupt(store, row)
        raise
    seconds = time.monotonic() - started
    return Outcome(spec.name.title, status.state, n, seconds, notes, source_id=row["source_id"])


@contextmanager
def source_errors(path: SourcePath) -> Iterator[None]:
    """Turn other errors into a SourceError for this path, so that a bad file does not stop the others."""
    try:
        yield
    except AnimedsError:
        raise
    except Exception as error:
        log.debug("%s", path, exc_info=error)
        raise SourceError(
            f"{path}: reading it failed with {type(error).__name__}: {error}",
            hint="the file may be damaged or unusual; run `animeds --debug ingest` to see where it failed",
        ) from error


def skipped(store: Store, spec: SourceSpec, status: ledger.Status) -> Outcome:
    """Return the outcome of a source that is already done. Only the sidecars of its pictures are read again."""
    row = status.row
    _read_sidecars_again(store, spec, row)
    frames = int(row["n_frames"] or 0)
    return Outcome(spec.name.title, "skipped", frames, notes=status.notes, source_id=row["source_id"])


def conclude(
    store: Store, spec: SourceSpec, row: ledger.Row, n_frames: int, notes: Sequence[str], damage: Damage
) -> tuple[str, ...]:
    """Write a video's subtitles and chapters, and mark the source as done after all frames were committed.

    If the shots of the video are known, its frames get their numbers.

    Returns all notes. Raises SourceError if the source has no frames, or has changed.
    """
    if not n_frames:
        raise SourceError(
            f"no frames were found in {spec.path}" + (f" ({'; '.join(notes)})" if notes else ""),
            hint="check --start and --end, and whether a player can show the file",
        )
    notes = (*notes, *_text_notes(store, spec, row))
    number_frames(store, row["source_id"])
    _refuse_changed(spec, row)
    ledger.finish(store, row, n_frames, notes, damage)
    return notes


def _text_notes(store: Store, spec: SourceSpec, row: ledger.Row) -> Sequence[str]:
    """Write a video's subtitles and chapters, and return notes about them. Frames without them are still useful."""
    if spec.kind != "video":
        return ()
    try:
        with source_errors(spec.path):
            return write_text(store, row["source_id"], spec.path).notes
    except SourceError as error:
        return (f"its subtitles and chapters were not read: {error.headline}",)


def _refuse_changed(spec: SourceSpec, row: ledger.Row) -> None:
    """Raise SourceError if the file changed while it was read, because its frames may be mixed. Folders may grow."""
    if spec.kind in ("video", "archive") and fingerprint(spec) != row["fingerprint"]:
        raise SourceError(
            f"{spec.path} changed while it was read",
            hint="wait until it is complete, then ingest it again",
        )


def _sidecars(media: Video | Pictures) -> Sidecars | None:
    """Return the sidecars of pictures, whose captions are then set on the frames."""
    if not isinstance(media, Pictures):
        return None
    sidecars = Sidecars(media)
    media.add_captions(sidecars.texts)
    return sidecars


def _read_sidecars_again(store: Store, spec: SourceSpec, row: ledger.Row) -> None:
    """Update the labels from sidecars, which may have been edited while their pictures stayed the same."""
    if row["uri"] == uri_of(spec) and spec.kind in ("images", "imagefolder"):
        with Pictures(spec.path) as pictures:
            write_sidecars(store, row["source_id"], Sidecars(pictures).found)


def _write(
    store: Store,
    media: Video | Pictures,
    row: ledger.Row,
    analyser: Analyser,
    earlier: Progress,
    advance: Advance,
) -> int:
    """Commit the rest of a source and return the number of frames it has now."""
    workers = core_count() - 1  # one core is for the decoder
    sampling = Sampling.parse(row["sampling"])
    work = process(
        media, row["source_id"], sampling, analyser, earlier=earlier, advance=advance, workers=workers
    )
    with closing(work) as chunks, Writer(store, row["source_id"]) as writer:
        for chunk in chunks:
            writer.put(chunk)
    return committed(store, row["source_id"])


def committed(store: Store, source_id: str) -> int:
    """Return the number of a source's frames in the database."""
    return int(store.table("frames").count_rows(f"source_id = '{source_id}'"))
