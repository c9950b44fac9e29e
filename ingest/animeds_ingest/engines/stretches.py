"""One video shared out among several workers: its frames are numbered by one, then analysed stretch by stretch.

    numbering: decode, count shots, hash ──► stretch 0, stretch 1, … ──► each: decode again, measure, models, commit

Its one rule: the rows are those of one machine. A stretch is a chunk of the pipeline, so models see the same
batches; its frames are found again by their hashes; and it may be done any number of times, in any order.

Decoding twice costs little beside models. Without models, and for pictures, a source is the work of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from animeds_db.cores import core_count
from animeds_db.errors import SourceError
from animeds_db.media import Damage, FrameKey, Video, fetch
from animeds_db.store import Store
from animeds_ingest import ledger
from animeds_ingest.one_source import committed, conclude, skipped, source_errors
from animeds_ingest.outcomes import Outcome
from animeds_ingest.pipeline import CHUNK, Advance, Numbered, Progress, Writer, chunks, numbered, overlapped
from animeds_ingest.request import Request
from animeds_ingest.rows import Analyser
from animeds_ingest.sampling import Sampling
from animeds_ingest.sources import SourceSpec


@dataclass(frozen=True)
class Place:
    """A frame's place in its video, and its numbers."""

    key: FrameKey
    ordinal: int
    shot: int


Stretch = tuple[Place, ...]


@dataclass(frozen=True)
class Numbering:
    """A video whose frames have their numbers: its row, which is `running`, and the stretches that are left to do."""

    row: ledger.Row
    state: str
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...]
    damage: Damage


def number(store: Store, spec: SourceSpec, request: Request, *, replace: bool = False) -> Numbering | Outcome:
    """Number a video's frames and begin its row; an outcome when it is done already, or cannot be read."""
    row: ledger.Row | None = None
    try:
        with source_errors(spec.path):
            stand = ledger.standing(store, spec, request, replace=replace)
            if stand.state == "skipped":
                return skipped(store, spec, stand)
            with Video(spec.path) as video:
                row = ledger.begin(store, stand.row, video.info)
                sampling = Sampling.parse(row["sampling"])
                places = _places(video, row["source_id"], sampling, stand.earlier)
                left = [place for place in places if place.key.frame_id not in stand.earlier.ids]
                notes = (*stand.notes, *video.warnings)
    except SourceError as error:
        if row:
            ledger.fail(store, row, error)
        return Outcome(spec.name.title, "failed", error=error)
    stretches = tuple(tuple(left[low : low + CHUNK]) for low in range(0, len(left), CHUNK))
    return Numbering(row, stand.state, stretches, notes, video.damage)


def _places(video: Video, source_id: str, sampling: Sampling, earlier: Progress) -> list[Place]:
    def place(item: Numbered) -> Place:
        frame, frame_id, ordinal, shot = item
        key = FrameKey(frame_id, frame.stream, frame.pts, frame.key_pts, None, frame.content_hash())
        return Place(key, ordinal, shot)

    with closing(overlapped(numbered(video, source_id, sampling, earlier), place, _measurers())) as places:
        return list(places)


def ingest_stretch(
    store: Store, spec: SourceSpec, source_id: str, stretch: Stretch, analyser: Analyser, advance: Advance
) -> SourceError | None:
    """Analyse the frames of a stretch and commit them. Returns the error of a file that is gone or has changed."""
    rows = chunks(_found(spec, stretch), source_id, analyser, advance=advance, workers=_measurers())
    try:
        with source_errors(spec.path), closing(rows) as parts, Writer(store, source_id) as writer:
            for chunk in parts:
                writer.put(chunk)
    except SourceError as error:
        return error
    return None


def _found(spec: SourceSpec, stretch: Stretch) -> Iterator[Numbered]:
    places = {place.key.frame_id: place for place in stretch}
    for key, frame in fetch(str(spec.path), spec.kind, [place.key for place in stretch]):
        yield frame, key.frame_id, places[key.frame_id].ordinal, places[key.frame_id].shot


def finish(
    store: Store, spec: SourceSpec, video: Numbering, errors: Sequence[SourceError], seconds: float
) -> Outcome:
    """End the row of a video whose stretches have all been tried: it is done, or has failed with the first error."""
    n = committed(store, video.row["source_id"])
    try:
        if errors:
            raise errors[0]
        conclude(store, spec, video.row, n, video.notes, video.damage)
    except SourceError as error:
        ledger.fail(store, video.row, error)
        return Outcome(spec.name.title, "failed", seconds=seconds, error=error)
    return Outcome(spec.name.title, video.state, n, seconds, video.notes, source_id=video.row["source_id"])


def _measurers() -> int:
    return core_count() - 1  # the decoder has one
