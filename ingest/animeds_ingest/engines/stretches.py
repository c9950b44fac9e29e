"""Divides one video among several workers: one numbers its frames, then all analyse stretches of it.

    numbering: decode, count shots, hash ──► stretch 0, stretch 1, … ──► each: decode again, measure, models, commit

The rows are the same as on one machine. A stretch is a chunk of the pipeline, so models get the same batches. Its
frames are found again by their hashes. A stretch may be done any number of times, in any order.

Decoding twice takes little time compared with models. Without models, and for pictures, one worker does a whole
source.
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
class StretchFrame:
    """A frame of a stretch: its position in the video, its ordinal and its shot."""

    key: FrameKey
    ordinal: int
    shot: int


Stretch = tuple[StretchFrame, ...]


@dataclass(frozen=True)
class Numbering:
    """A video whose frames are numbered: its row, in state `running`, and the stretches left to do."""

    row: ledger.Row
    state: str
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...]
    damage: Damage


def number(store: Store, spec: SourceSpec, request: Request, *, replace: bool = False) -> Numbering | Outcome:
    """Number a video's frames and write its row. Return an outcome if it is already done or cannot be read."""
    row: ledger.Row | None = None
    try:
        with source_errors(spec.path):
            status = ledger.status_of(store, spec, request, replace=replace)
            if status.state == "skipped":
                return skipped(store, spec, status)
            with Video(spec.path, hardware=request.hardware) as video:
                row = ledger.begin(store, status.row, video.info)
                sampling = Sampling.parse(row["sampling"])
                frames = _frames_of(video, row["source_id"], sampling, status.earlier)
                left = [item for item in frames if item.key.frame_id not in status.earlier.ids]
                notes = (*status.notes, *video.warnings)
    except SourceError as error:
        if row:
            ledger.fail(store, row, error)
        return Outcome(spec.name.title, "failed", error=error)
    stretches = tuple(tuple(left[low : low + CHUNK]) for low in range(0, len(left), CHUNK))
    return Numbering(row, status.state, stretches, notes, video.damage)


def _frames_of(video: Video, source_id: str, sampling: Sampling, earlier: Progress) -> list[StretchFrame]:
    def described(item: Numbered) -> StretchFrame:
        frame, frame_id, ordinal, shot = item
        key = FrameKey(frame_id, frame.stream, frame.pts, frame.key_pts, None, frame.content_hash())
        return StretchFrame(key, ordinal, shot)

    with closing(
        overlapped(numbered(video, source_id, sampling, earlier), described, _measurers())
    ) as frames:
        return list(frames)


def ingest_stretch(
    store: Store, spec: SourceSpec, source_id: str, stretch: Stretch, analyser: Analyser, advance: Advance
) -> SourceError | None:
    """Analyse the frames of a stretch and commit them. Return an error if the file is missing or has changed."""
    rows = chunks(_found(spec, stretch), source_id, analyser, advance=advance, workers=_measurers())
    try:
        with source_errors(spec.path), closing(rows) as parts, Writer(store, source_id) as writer:
            for chunk in parts:
                writer.put(chunk)
    except SourceError as error:
        return error
    return None


def _found(spec: SourceSpec, stretch: Stretch) -> Iterator[Numbered]:
    frames = {item.key.frame_id: item for item in stretch}
    for key, frame in fetch(str(spec.path), spec.kind, [item.key for item in stretch]):
        yield frame, key.frame_id, frames[key.frame_id].ordinal, frames[key.frame_id].shot


def finish(
    store: Store, spec: SourceSpec, video: Numbering, errors: Sequence[SourceError], seconds: float
) -> Outcome:
    """Complete the row of a video after all stretches were tried: done, or failed with the first error."""
    n = committed(store, video.row["source_id"])
    try:
        if errors:
            raise errors[0]
        notes = conclude(store, spec, video.row, n, video.notes, video.damage)
    except SourceError as error:
        ledger.fail(store, video.row, error)
        return Outcome(spec.name.title, "failed", seconds=seconds, error=error)
    return Outcome(spec.name.title, video.state, n, seconds, notes, source_id=video.row["source_id"])


def _measurers() -> int:
    return core_count() - 1  # one core is for the decoder
