"""Runs one stage on frames that are already in the database: decodes them, runs the model, writes its rows.

Only frames that the model has not done are decoded, so a run can be interrupted, resumed and repeated. Results of
other models stay until they are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db import schema
from animeds_db.errors import ModelError, SourceError, did_you_mean
from animeds_db.media import Frame, FrameKey, fetch
from animeds_db.models import Models
from animeds_db.remote.paths import present, source_path
from animeds_db.store.store import Store, quoted
from animeds_db.upkeep.optimize import tend_if_worth_it
from animeds_ingest import ledger, pipeline
from animeds_ingest.one_source import source_errors
from animeds_ingest.outcomes import Outcome, Report, Silent, Watcher
from animeds_ingest.reruns.stages import Stage, stage_of

Row = dict[str, Any]

KEYS = ["frame_id", "stream", "pts", "key_pts", "member", "content_hash"]
BLOCK = 10_000
"""Number of boxes deleted at once."""
OF_BOXES = ("identities", "box_tags", "masks")
"""Tables with results about boxes, which are deleted with them."""


@dataclass(frozen=True)
class Picture:
    """A frame on its way to the model: uint8 RGB [h,w,3], as displayed."""

    frame_id: str
    time_s: float | None
    pixels: np.ndarray


@dataclass(frozen=True)
class Redone(Outcome):
    """The outcome of one source. `stored` is the number of frames done from stored vectors."""

    stored: int = 0


def rerun(
    store: Store,
    models: Models,
    *,
    wanted: Collection[str] | None = None,
    boxes: Collection[str] | None = None,
    use: bool = False,
    watcher: Watcher | None = None,
) -> Report:
    """Run the one model in `models` on the `wanted` frames (ids; None: all) of finished sources.

    With `boxes` (ids of detections), a tagger tags these boxes instead of the frames. A detector may come with a
    character embedder for its faces. Outcomes are `done`, `skipped` (nothing was left to do) or `failed` (a file is
    missing or has changed; the others continue), and `frames` is the number of frames done now. `from_stored` returns
    how many of them needed no decoding, because the database has this tagger's vectors. With `use`, the views `frames`
    and `tags` then use the tagger's tags, or `frames` (and so search and dedup) the embedder's vectors.
    Raises StoreError if the database itself fails.
    """
    stage = stage_of(store, models, boxes)
    report = run_stage(store, stage, models.records(), wanted=wanted, watcher=watcher)
    if use:
        _choose(store, models)
    return report


def run_stage(
    store: Store,
    stage: Stage,
    records: Sequence[Row],
    *,
    wanted: Collection[str] | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Run a stage on the `wanted` frames (ids; None: all) of finished sources. `records`: rows of its models.

    Raises StoreError if the database itself fails.
    """
    watcher = watcher or Silent()
    ledger.register_models(store, records)
    sources = _sources(store, wanted)
    report = Report()
    for index, source in enumerate(sources):
        watcher.source(index, len(sources), source["title"] or source["source_id"], source["duration_s"])
        outcome = _rerun_source(stage, source, wanted, watcher)
        report.outcomes.append(outcome)
        watcher.outcome(outcome)
    tend_if_worth_it(store)
    return report


def from_stored(report: Report) -> int:
    """Return the number of frames of a rerun that were done from stored vectors."""
    return sum(outcome.stored for outcome in report.outcomes if isinstance(outcome, Redone))


def _choose(store: Store, models: Models) -> None:
    """Use the results of this tagger or image embedder in the views from now on."""
    chosen = {"tagger": models.tagger, "image": models.image}
    choices = [{"task": task, "model": model.id} for task, model in chosen.items() if model]
    store.replace("choices", pa.Table.from_pylist(choices, schema.CHOICES.schema))


def character_of(store: Store) -> str | None:
    """Return the id of the character embedder that made this database's vectors, or None if there are none."""
    rows = [row for row in store.table("models").to_table().to_pylist() if row["task"] == "character"]
    return str(min(rows, key=lambda row: row["added_at"])["model_id"]) if rows else None


def _drop_boxes(store: Store, which: str) -> None:
    """Delete detections, their identities and their tags."""
    ids = (
        store.table("detections").to_table(columns=["detection_id"], filter=which)["detection_id"].to_pylist()
    )
    for start in range(0, len(ids), BLOCK):
        listed = ", ".join(quoted(detection) for detection in ids[start : start + BLOCK])
        for name in OF_BOXES:
            store.delete(name, f"detection_id IN ({listed})")
    store.delete("detections", which)


def _drop_screen_lines(store: Store, which: str) -> None:
    """Delete the lines of sources on whose frames text was read."""
    sources = store.table("screen_texts").to_table(columns=["source_id"], filter=which)["source_id"].unique()
    if len(sources):
        listed = ", ".join(quoted(source) for source in sources.to_pylist())
        store.delete("lines", f"origin = 'ocr' AND source_id IN ({listed})")


def drop(store: Store, model: str) -> int:
    """Delete what `rerun` wrote for a model (its id or name), and return the number of frames.

    Results from the ingest stay, except the tags of boxes. Raises ModelError if the model has no results from a rerun.
    """
    ids = _results_of(store, model)
    n = 0
    for model_id in ids:
        mine = f"model = {quoted(model_id)}"
        if store.table("choices").count_rows(mine):
            store.delete("choices", mine)
        sources = store.table("detected").to_table(columns=["source_id"], filter=mine)["source_id"].unique()
        if len(sources):  # the boxes first: while their marks exist, this can be repeated
            listed = ", ".join(quoted(source) for source in sources.to_pylist())
            _drop_boxes(store, f"{mine} AND source_id IN ({listed})")
        _drop_screen_lines(store, mine)
        for name in schema.RERUNS:
            there = store.table(name).to_table(columns=["frame_id", "source_id"], filter=mine)
            n += _frames_of(store, there)
            if len(there):
                store.delete(name, mine)
        if model_id in _without_ingest(store):
            store.delete("models", f"model_id = {quoted(model_id)}")
    return n


def _frames_of(store: Store, results: pa.Table) -> int:
    """Return the number of frames that rows of results are about; a row without a frame is about its whole source."""
    whole = results.filter(pc.field("frame_id").is_null())["source_id"].unique()
    of_sources = store.table("frames").count_rows(pc.field("source_id").isin(whole)) if len(whole) else 0
    return int(pc.count_distinct(results["frame_id"]).as_py()) + of_sources


def _sources(store: Store, wanted: Collection[str] | None) -> list[Row]:
    rows: list[Row] = store.table("sources").to_table(filter="state = 'done'").to_pylist()
    if wanted is not None:
        named = {frame_id.rpartition("-")[0] for frame_id in wanted}
        rows = [row for row in rows if row["source_id"] in named]
    return sorted(rows, key=lambda row: str(row["uri"]))


def _rerun_source(stage: Stage, source: Row, wanted: Collection[str] | None, watcher: Watcher) -> Outcome:
    started = time.monotonic()
    title = source["title"] or source["source_id"]
    keys = _left(stage, source, wanted)
    if not keys:
        return Outcome(title, "skipped")
    stored = n = 0
    for rows in stage.from_stored(source["source_id"], [key.frame_id for key in keys]):
        stage.commit(rows)
        stored += len(rows)
        watcher.frames(stored, None)
    if stored:
        keys = _left(stage, source, wanted)
    try:
        with source_errors(source_path(source["uri"])):
            for rows in _chunks(stage, source, keys, watcher.frames) if keys else ():
                stage.commit(rows)
                n += len(rows)
    except SourceError as error:
        return Redone(title, "failed", stored + n, time.monotonic() - started, error=error, stored=stored)
    return Redone(title, "done", stored + n, time.monotonic() - started, stored=stored)


def _left(stage: Stage, source: Row, wanted: Collection[str] | None) -> list[FrameKey]:
    """Return the keys of the frames that the model still has to do, in time order."""
    frames = stage.store.table("frames").to_table(
        columns=[*KEYS, "tagger", "embedder"], filter=pc.field("source_id") == source["source_id"]
    )
    done = stage.done(source, frames)
    keys = (FrameKey(**row) for row in frames.select(KEYS).to_pylist())
    left = (k for k in keys if k.frame_id not in done and (wanted is None or k.frame_id in wanted))
    return sorted(left, key=lambda key: key.frame_id)


def _chunks(
    stage: Stage, source: Row, keys: list[FrameKey], advance: pipeline.Advance
) -> Iterator[list[Row]]:
    """Yield the rows of pipeline.CHUNK frames at a time, also those read before a SourceError."""
    rows: list[Row] = []
    batch: list[Picture] = []
    n = 0
    for picture in _pictures(source, keys):
        if isinstance(picture, Picture):
            batch.append(picture)
        if batch and (len(batch) == pipeline.BATCH or not isinstance(picture, Picture)):
            rows += stage.rows(source["source_id"], [p.frame_id for p in batch], [p.pixels for p in batch])
            n += len(batch)
            advance(n, batch[-1].time_s)
            batch = []
        if rows and (len(rows) >= pipeline.CHUNK or not isinstance(picture, Picture)):
            yield rows
            rows = []
        if isinstance(picture, SourceError):
            raise picture


def _pictures(source: Row, keys: list[FrameKey]) -> Iterator[Picture | SourceError | None]:
    """Yield pictures decoded ahead, then None, or the error that ended the reading."""
    frames = fetch(present(source["uri"], source["other_uris"]), source["kind"], keys)
    with closing(pipeline.overlapped(frames, _picture)) as pictures:
        try:
            yield from pictures
        except SourceError as error:
            yield error
        else:
            yield None


def _picture(item: tuple[FrameKey, Frame]) -> Picture:
    key, frame = item
    return Picture(key.frame_id, frame.time_s, frame.pixels())


def _results_of(store: Store, model: str) -> list[str]:
    """Return the ids of the models with results of a rerun that match this id or name.

    A model that an interrupted `drop` left in the table `models`, without results, is one of them.
    """
    there = _without_ingest(store)
    for name in schema.RERUNS:
        there.update(store.table(name).to_table(columns=["model"])["model"].unique().to_pylist())
    found = sorted(i for i in there if model in (i, i.partition("@")[0]))
    if not found:
        raise ModelError(
            f"{model} has no results from a rerun in this database", hint=did_you_mean(model, there)
        )
    return found


def _without_ingest(store: Store) -> set[str]:
    """Return the ids of the models that were run, but not by an ingest."""
    ingested = store.table("sources").to_table(columns=["models"])["models"].to_pylist()
    known = store.table("models").to_table(columns=["model_id"])["model_id"].to_pylist()
    return set(known).difference(*(models or [] for models in ingested))
