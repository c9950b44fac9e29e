"""Finds the shots of videos in the database and writes them to the table `shots`; frames get the shots' numbers.

A video is decoded once, from start to end. Its shots are written in one commit, so a source has either all of its
shots or none, and an interrupted run continues with the next source.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import SourceError
from animeds_db.media import PROCESSOR, Hardware, Video
from animeds_db.media.shots import Shot, SmallFrame, find_shots, small_frames
from animeds_db.remote.paths import source_path
from animeds_db.store import Store
from animeds_ingest import ledger
from animeds_ingest.one_source import source_errors
from animeds_ingest.outcomes import Outcome
from animeds_ingest.pipeline import Advance
from animeds_ingest.shot_numbers import number_frames

Row = dict[str, Any]

TOLD_EVERY = 240
"""Number of frames between two reports of progress."""


@dataclass(frozen=True)
class ShotsFound(Outcome):
    """The outcome of one video: `done`, `skipped` or `failed`; `frames` counts all of its frames."""

    shots: int = 0


def shots_of_source(
    store: Store,
    row: Row,
    *,
    again: bool = False,
    advance: Advance = lambda _n, _s: None,
    hardware: Hardware = PROCESSOR,
) -> ShotsFound:
    """Find the shots of one video and write them, unless it has some. Raises StoreError only.

    row: of the table `sources`. With `again`, they are found again. `hardware` decodes the video. An
    error of the video becomes the outcome.
    """
    started = time.monotonic()
    source, title = row["source_id"], row["title"] or row["source_id"]
    there = store.table("shots").count_rows(pc.field("source_id") == source)
    if there and not again:
        return ShotsFound(title, "skipped", source_id=source, shots=int(there))
    path = source_path(row["uri"])
    try:
        with source_errors(path):
            path = ledger.unchanged(row)
            with Video(path, hardware=hardware) as video:
                found = list(find_shots(_reported(small_frames(video), advance)))
                notes = tuple(video.warnings)
    except SourceError as error:
        seconds = time.monotonic() - started
        return ShotsFound(title, "failed", seconds=seconds, error=error, source_id=source)
    store.replace("shots", shot_rows(source, found), where_source=source)
    number_frames(store, source)
    frames = sum(shot.n_frames for shot in found)
    return ShotsFound(
        title, "done", frames, time.monotonic() - started, notes, source_id=source, shots=len(found)
    )


def shot_rows(source_id: str, shots: Sequence[Shot]) -> pa.Table:
    """Return the rows of the table `shots`."""
    rows = [
        {
            **asdict(shot),
            "shot_id": schema.shot_id(source_id, shot.number),
            "source_id": source_id,
            "shot": shot.number,
            "first_s": shot.start_s,
            "frames": shot.n_frames,
        }
        for shot in shots
    ]
    return pa.Table.from_pylist(rows, schema.SHOTS.schema)


def _reported(frames: Iterator[SmallFrame], advance: Advance) -> Iterator[SmallFrame]:
    for n, frame in zip(count(1), frames, strict=False):
        if n % TOLD_EVERY == 0:
            advance(n, frame.time_s)
        yield frame
