"""One source into the store, from wherever an earlier run left it: what every engine does with each source.

Its one rule: it is safe to repeat, and safe beside another run of the same source (rows are merged by their
key, and the `sources` row is written last), so that an engine may run it as often as it likes.
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
from animeds_ingest.sidecars.labels import write_sidecars
from animeds_ingest.sidecars.read import Sidecars
from animeds_ingest.sources import SourceSpec, fingerprint
from animeds_ingest.vocabulary import vocabulary_of

log = logging.getLogger("animeds")


def prepare(store: Store, models: Models) -> Analyser:
    """Write the models' rows and vocabulary, and return the analyser for this store.

    Raises StoreError when a model's vectors are not as wide as the database's columns.
    """
    analyser = analyser_for(store, models)
    ledger.register_models(store, models.records())
    return analyser


def analyser_for(store: Store, models: Models) -> Analyser:
    """Return the analyser for this store; writes only what the vocabulary lacks. Raises StoreError."""
    parts = (("image", models.image), ("character", models.character))
    for (task, model), width in zip(parts, store.widths, strict=True):
        if model and model.width != width:
            raise StoreError(
                f"{model.id} gives {task} vectors of width {model.width}; this database holds width {width}",
                hint="use the models the database was made with (`animeds status` lists them), or another --db",
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
    """Bring one source into the store, from wherever an earlier run left it. An error of the source is its outcome.

    Stopped by Ctrl-C, it keeps the batches that are complete and marks the source as interrupted.
    Raises AnimedsError for what is wrong with the database or the models rather than with this source.
    """
    started = time.monotonic()
    row: ledger.Row | None = None
    try:
        with source_errors(spec.path):
            stand = ledger.standing(store, spec, request, replace=replace)
            if stand.state == "skipped":
                return skipped(store, spec, stand)
            with open_media(spec.path) as media:
                opened(media.info.duration_s)
                row = ledger.begin(store, stand.row, media.info)
                sidecars = _sidecars(media)
                n = _write(store, media, row, request.analyser, stand.earlier, advance)
                if sidecars:
                    write_sidecars(store, row["source_id"], sidecars.found)
                notes = (*stand.notes, *media.warnings, *(sidecars.warnings if sidecars else ()))
                damage = media.damage
            conclude(store, spec, row, n, notes, damage)
    except SourceError as error:
        if row:
            ledger.fail(store, row, error)
        return Outcome(spec.name.title, "failed", seconds=time.monotonic() - started, error=error)
    except KeyboardInterrupt:
        if row:
            ledger.interrupt(store, row)
        raise
    seconds = time.monotonic() - started
    return Outcome(spec.name.title, stand.state, n, seconds, notes, source_id=row["source_id"])


@contextmanager
def source_errors(path: SourcePath) -> Iterator[None]:
    """Turn every error but ours into a SourceError about this path: a bad file must not stop the others."""
    try:
        yield
    except AnimedsError:
        raise
    except Exception as error:
        log.debug("%s", path, exc_info=error)
        raise SourceError(
            f"{path}: reading it failed with {type(error).__name__}: {error}",
            hint="the file is damaged or unusual; `animeds --debug ingest` shows where it failed",
        ) from error


def skipped(store: Store, spec: SourceSpec, stand: ledger.Standing) -> Outcome:
    """Return the outcome of a source that is done already; only what lies beside its pictures is read again."""
    row = stand.row
    _read_sidecars_again(store, spec, row)
    frames = int(row["n_frames"] or 0)
    return Outcome(spec.name.title, "skipped", frames, notes=stand.notes, source_id=row["source_id"])


def conclude(
    store: Store, spec: SourceSpec, row: ledger.Row, n_frames: int, notes: Sequence[str], damage: Damage
) -> None:
    """Make a source whose frames are all committed visible. Raises SourceError when there are none, or it changed."""
    if not n_frames:
        raise SourceError(
            f"{spec.path} gave no frames" + (f" ({'; '.join(notes)})" if notes else ""),
            hint="check --start and --end, or that the file plays",
        )
    _refuse_changed(spec, row)
    ledger.finish(store, row, n_frames, notes, damage)


def _refuse_changed(spec: SourceSpec, row: ledger.Row) -> None:
    """A file that was written to meanwhile is neither what it was nor what it is; folders just grow."""
    if spec.kind in ("video", "archive") and fingerprint(spec) != row["fingerprint"]:
        raise SourceError(
            f"{spec.path} changed while it was read",
            hint="wait until it is complete, and run it again",
        )


def _sidecars(media: Video | Pictures) -> Sidecars | None:
    """Read what lies beside pictures; their captions travel with the frames."""
    if not isinstance(media, Pictures):
        return None
    sidecars = Sidecars(media)
    media.add_captions(sidecars.texts)
    return sidecars


def _read_sidecars_again(store: Store, spec: SourceSpec, row: ledger.Row) -> None:
    """Sidecars are edited while their pictures stay as they are: bring their words up to date."""
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
    """Commit what is left of a source and return how many frames it has now."""
    workers = core_count() - 1  # the decoder has one
    sampling = Sampling.parse(row["sampling"])
    work = process(
        media, row["source_id"], sampling, analyser, earlier=earlier, advance=advance, workers=workers
    )
    with closing(work) as chunks, Writer(store, row["source_id"]) as writer:
        for chunk in chunks:
            writer.put(chunk)
    return committed(store, row["source_id"])


def committed(store: Store, source_id: str) -> int:
    """Return how many frames of a source are in the database."""
    return int(store.table("frames").count_rows(f"source_id = '{source_id}'"))
