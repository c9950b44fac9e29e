"""Profiles: the models for each task, loaded and ready. A model is never silently replaced by another."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from animeds_db.errors import ModelError, did_you_mean
from animeds_db.models.files import Files, Progress, locate
from animeds_db.models.manifest import Entry, Manifest, Profile, box_kinds, checked_boxes, load_manifest
from animeds_db.models.named import named_entry, remember_used
from animeds_db.models.runners.classifier import Classifier
from animeds_db.models.runners.detector import Detector
from animeds_db.models.runners.embedder import Embedder, TaggerVectors
from animeds_db.models.runners.segmenter import Segmenter
from animeds_db.models.runners.tagger import Tagger
from animeds_db.models.runtime import Device, choose_device

log = logging.getLogger("animeds")

NOBODY = "none"
PARTS = ("tagger", "detector", "character", "image", "segmenter", "classifier", "boxes")


Runner: TypeAlias = Tagger | Detector | Embedder | Segmenter | Classifier


@dataclass(frozen=True)
class Models:
    """The models of one run. `notes` are messages for users: where models run, and why."""

    tagger: Tagger | None = None
    detectors: tuple[Detector, ...] = ()
    character: Embedder | None = None
    image: Embedder | None = None
    segmenter: Segmenter | None = None
    classifier: Classifier | None = None
    boxes: tuple[str, ...] = ()
    """Kinds of boxes that the tagger also tags, one by one."""
    profile: str = NOBODY
    provider: str = ""  # cuda | cpu | "" without models
    notes: tuple[str, ...] = ()

    def records(self) -> list[dict[str, object]]:
        """Return the rows of these models for the table `models` (all columns but added_at)."""
        rows = [_record(runner) for runner in self.runners()]
        return list(
            {row["model_id"]: row for row in rows}.values()
        )  # a tagger may also be the image embedder

    def tags_and_vectors(self, images: Sequence[np.ndarray]) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the tagger's scores [n, labels] and the image vectors [n, width] of pictures; None without a model.

        A network that returns both runs once.
        """
        tagger, image = self.tagger, self.image
        if tagger and image and image.is_part_of(tagger):
            scores, raw = tagger.with_output(images, image.output)
            return scores, image.finished(raw)
        return tagger(images) if tagger else None, image(images) if image else None

    def runners(self) -> list[Runner]:
        """Return every model of this run, in the order tagger, detectors, character, image, segmenter, classifier."""
        parts = (self.tagger, *self.detectors, self.character, self.image, self.segmenter, self.classifier)
        return [part for part in parts if part is not None]


def load_profile(
    name: str = "anime",
    *,
    device: str = "auto",
    overrides: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    named_by_database: bool = False,
) -> Models:
    """Load the models of a profile. Models that are not on this disk are pulled first.

    With `named_by_database`, the names come from a database and not from the user: see models.named.

    `overrides` maps a part (tagger, detector, character, image, segmenter, classifier) to a model's name, "none" for no
    model, and `boxes` to kinds of boxes; several detectors or kinds are separated by commas. `device` is auto, cpu or
    cuda.
    Raises ModelError for an unknown name, or a model that cannot be loaded or returns invalid results.
    """
    manifest = load_manifest()
    given = Profile(NOBODY) if name == NOBODY else manifest.profile(name)
    profile = _overridden(given, overrides or {}, manifest)
    others = (profile.character, profile.image, profile.segmenter, profile.classifier)
    parts = (profile.tagger, *profile.detectors, *others)
    wanted = [n for n in parts if n]
    if not wanted:
        return Models(profile=name, notes=("no models: frames are measured only",))
    if named_by_database:
        for model in wanted:
            named_entry(model, manifest)
    if profile.boxes and not profile.tagger:
        raise ModelError("boxes can be tagged only with a tagger", hint="choose a tagger, or no boxes")
    _tasks_fit(profile, manifest)
    files = {model: _present(manifest, model, progress) for model in wanted}
    where = choose_device(device)
    models = _loaded(profile, files, where)
    remember_used(wanted)
    ran_on = {runner.provider for runner in models.runners()}
    if ran_on != {where.name}:
        where = Device("cpu", "some models run on the CPU, because onnxruntime could not start CUDA for them")
    return replace(models, profile=name, provider=where.name, notes=(where.reason,))


def _loaded(profile: Profile, files: Mapping[str, Files], device: Device) -> Models:
    tagger = Tagger(files[profile.tagger], device) if profile.tagger else None
    return Models(
        tagger=tagger,
        detectors=tuple(Detector(files[name], device) for name in profile.detectors),
        character=Embedder(files[profile.character], device) if profile.character else None,
        image=image_embedder(files[profile.image], device, tagger) if profile.image else None,
        segmenter=Segmenter(files[profile.segmenter], device) if profile.segmenter else None,
        classifier=Classifier(files[profile.classifier], device) if profile.classifier else None,
        boxes=profile.boxes,
    )


def image_embedder(files: Files, device: Device, beside: Tagger | None = None) -> Embedder:
    """Load an image embedder of either engine, or a tagger for its vectors. See `Embedder` for `beside`."""
    if files.entry.task == "tagger":
        return TaggerVectors(files, device, beside)
    if files.entry.engine == "onnx":
        return Embedder(files, device, beside)
    from animeds_db.models.runners.torch_clip import OpenClipEmbedder

    return OpenClipEmbedder(files, device)


def _present(manifest: Manifest, name: str, progress: Progress | None) -> Files:
    entry = manifest.entry(name)
    found = locate(entry)
    if found is not None:
        return found
    from animeds_db.models.hub import pull

    return pull(entry, progress)


def _overridden(profile: Profile, overrides: Mapping[str, str], manifest: Manifest) -> Profile:
    for part, value in overrides.items():
        if part not in PARTS:
            raise ModelError(f'a profile has no part "{part}"', hint=did_you_mean(part, PARTS))
        names = tuple(n.strip() for n in value.split(",") if n.strip() and n.strip() != NOBODY)
        if part == "detector":
            profile = replace(profile, detectors=names)
        elif part == "boxes":
            profile = replace(
                profile, boxes=checked_boxes(names, "boxes", box_kinds(manifest.entries.values()))
            )
        elif len(names) > 1:
            raise ModelError(f"only one {part} model can be used at a time, not {value}")
        else:
            single: dict[str, Any] = {part: names[0] if names else None}
            profile = replace(profile, **single)
    return profile


COMMANDS = {
    "classifier": "`animeds classify-frames --model …` runs classifiers",
    "segmenter": "`animeds segment --model …` runs segmenters",
    "captioner": "`animeds describe --model …` runs captioners",
}
"""Hints for models of tasks that have a command of their own."""


def _tasks_fit(profile: Profile, manifest: Manifest) -> None:
    chosen: Sequence[tuple[str, str | None]] = [
        ("tagger", profile.tagger),
        *(("detector", name) for name in profile.detectors),
        ("character", profile.character),
        ("image", profile.image),
        ("segmenter", profile.segmenter),
        ("classifier", profile.classifier),
    ]
    for part, name in chosen:
        if name and not _fits(manifest.entry(name), part):
            same = [e.name for e in manifest.entries.values() if e.task == part]
            raise ModelError(
                f"{name} is a model for the task {manifest.entry(name).task}, not {part}",
                hint=COMMANDS.get(
                    manifest.entry(name).task, f"models for {part}: " + ", ".join(sorted(same))
                ),
            )


def _fits(entry: Entry, part: str) -> bool:
    """Return True if a model fits this part. A tagger with vectors fits as image."""
    if part == "image" and entry.task == "tagger":
        return entry.output.vector is not None
    return entry.task == part


def _record(runner: Runner) -> dict[str, object]:
    entry = runner.entry
    return {
        "model_id": runner.id,
        "name": entry.name,
        "task": entry.task,
        "repo": entry.repo or entry.origin_kind,
        "revision": runner.files.revision,
        "sha256": runner.files.sha256,
        "width": None if isinstance(runner, Detector | Segmenter) else runner.width,
        "thresholds": json.dumps(dict(entry.thresholds), sort_keys=True),
        "licence": entry.licence,
    }
