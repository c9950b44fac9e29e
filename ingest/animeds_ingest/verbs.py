"""Everything the ingest can do to a database, one call each: ingest, read_text, shots, tag, detect, embed, …"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from animeds_db import settings
from animeds_db.errors import ModelError
from animeds_db.models import Models
from animeds_db.store import Store
from animeds_db.store.remembered import remember, remembered
from animeds_db.workers import Ray
from animeds_ingest.choice import Choice, Load, hardware_here, load_models
from animeds_ingest.engines import local
from animeds_ingest.engines import ray as ray_engine
from animeds_ingest.engines.shots import shots as shots  # the same for every caller
from animeds_ingest.logos import mask_logos as mask_logos  # the same for every caller
from animeds_ingest.outcomes import Report, Watcher
from animeds_ingest.reruns.describing import describe as describe  # the same for every caller
from animeds_ingest.reruns.masking import SegmentStage
from animeds_ingest.reruns.running import character_of, drop, rerun, run_stage
from animeds_ingest.reruns.screen_text import (
    read_screen_text as read_screen_text,  # the same for every caller
)
from animeds_ingest.sources import SourceSpec, discover
from animeds_ingest.text import read_text as read_text  # the same for every caller


def ingest(
    store: Store,
    paths: Sequence[str | Path] | Sequence[SourceSpec],
    choice: Choice | None = None,
    *,
    replace: bool = False,
    load: Load = load_models,
    on: Ray | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """Decode frames of these sources, measure them, run the models and write rows; finished sources are skipped.

    `paths` are episodes, folders, pictures, archives or URIs; or what `discover` returned for them. `replace`
    ingests finished sources again from the start. `on` hands the work to workers on Ray.

    A source that cannot be read is an outcome `failed` in the report; the others go on. Raises SourceError when
    nothing is found at a path, ModelError, and StoreError when the database itself fails.
    """
    specs = _specs(paths)
    choice = choice or Choice()
    chosen = choice.over(remembered(store))

    def loaded() -> Models:
        models = chosen.load(load)
        remember(store, chosen.to_remember())
        return models

    if on is None:
        return local.ingest(
            store,
            specs,
            chosen.sampling,
            loaded,
            asked=choice.names,
            replace=replace,
            watcher=watcher,
            hardware=hardware_here(chosen.hwaccel),
        )
    return ray_engine.ingest(
        store,
        specs,
        chosen.sampling,
        loaded(),
        chosen.loader(),
        on,
        asked=choice.names,
        replace=replace,
        watcher=watcher,
        hwaccel=chosen.hwaccel,
    )


def tag(
    store: Store,
    model: str,
    *,
    frames: Collection[str] | None = None,
    boxes: Collection[str] | None = None,
    use: bool = False,
    device: str | None = None,
    load: Load = load_models,
    watcher: Watcher | None = None,
) -> Report:
    """Tag frames of the database with another tagger. Frames that it has tagged already are skipped.

    `frames` are ids; None means all. With `boxes` (ids of detections), these boxes are tagged one by one instead,
    each cut out of its frame with a margin. With `use`, the views `frames` and `tags` use its tags from now on.
    Raises ModelError, StoreError.
    """
    return _rerun(store, {"tagger": model}, frames, use, device, load, watcher, boxes=boxes)


def detect(
    store: Store,
    model: str,
    *,
    frames: Collection[str] | None = None,
    character: str | None = None,
    device: str | None = None,
    load: Load = load_models,
    watcher: Watcher | None = None,
) -> Report:
    """Detect faces, heads or persons with another detector. Frames that it has processed already are skipped.

    `character` names the model that gives faces their vectors, or "none"; by default the one that this database
    already uses. Raises ModelError if another revision of that model is installed, StoreError.
    """
    known = character_of(store) if character is None else None
    vectors = character or (known.partition("@")[0] if known else None)
    parts = {"detector": model, **({"character": vectors} if vectors else {})}
    return _rerun(store, parts, frames, False, device, load, watcher, known)


def embed(
    store: Store,
    model: str,
    *,
    frames: Collection[str] | None = None,
    use: bool = False,
    device: str | None = None,
    load: Load = load_models,
    watcher: Watcher | None = None,
) -> Report:
    """Compute vectors with another image embedder for frames of the database. Frames with such a vector are skipped.

    With `use`, search and dedup use these vectors from now on. Raises ModelError, StoreError.
    """
    return _rerun(store, {"image": model}, frames, use, device, load, watcher)


def segment(
    store: Store,
    model: str,
    *,
    frames: Collection[str] | None = None,
    boxes: Collection[str] = (),
    device: str | None = None,
    load: Load = load_models,
    watcher: Watcher | None = None,
) -> Report:
    """Make the masks of frames with a segmenter. Frames that it has processed already are skipped.

    `frames` are ids; None means all. `boxes` are ids of detections, whose content gets a mask of its own.
    Raises ModelError, StoreError.
    """
    models = load("none", settings.resolve("device", device).value, {"segmenter": model})
    if models.segmenter is None:
        raise ModelError("no segmenter was chosen", hint="`animeds models list` shows them")
    stage = SegmentStage(store, models.segmenter, boxes)
    return run_stage(store, stage, models.records(), wanted=frames, watcher=watcher)


def classify_frames(
    store: Store,
    model: str,
    *,
    frames: Collection[str] | None = None,
    device: str | None = None,
    load: Load = load_models,
    watcher: Watcher | None = None,
) -> Report:
    """Classify frames of the database: style, rating, aesthetic … Frames with an answer of this model are skipped.

    Raises ModelError, StoreError.
    """
    return _rerun(store, {"classifier": model}, frames, False, device, load, watcher)


def drop_model(store: Store, model: str) -> int:
    """Delete what `tag`, `detect`, `embed`, `segment` or `classify_frames` wrote; return the number of frames.

    `model` is a name or an id (name@revision). Results from the ingest are kept, except the
    tags of boxes. Raises ModelError if the model was not run with one of these.
    """
    return drop(store, model)


def _specs(paths: Sequence[str | Path] | Sequence[SourceSpec]) -> Sequence[SourceSpec]:
    specs = [path for path in paths if isinstance(path, SourceSpec)]
    return specs if specs else discover([str(path) for path in paths])


def _rerun(
    store: Store,
    parts: Mapping[str, str],
    frames: Collection[str] | None,
    use: bool,
    device: str | None,
    load: Load,
    watcher: Watcher | None,
    known_character: str | None = None,
    boxes: Collection[str] | None = None,
) -> Report:
    models = load("none", settings.resolve("device", device).value, parts)
    loaded = models.character.id if models.character else None
    if known_character and loaded != known_character:
        raise ModelError(
            f"the character vectors of this database were made by {known_character}, but the model here is {loaded}",
            hint=f"Pull that revision, or use --character none, or --character {known_character.partition('@')[0]} "
            "to mix the two.",
        )
    return rerun(store, models, wanted=frames, boxes=boxes, use=use, watcher=watcher)
