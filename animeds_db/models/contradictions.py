"""Refuses manifest entries that say two things at once, or something that their task cannot use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from animeds_db.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    from animeds_db.models.manifest import Entry

ROLES = ("model", "data", "tags", "labels", "tokenizer", "weights", "preprocess", "thresholds", "samples")
"""What a file of a model is for. `data`: weights outside the ONNX file. `preprocess` and `thresholds` are the model's
own; `samples`: see classifier.py."""
PREPARED = ("size", "divide", "mean", "std", "fit", "fill", "filter", "multiple")
"""Keys of `input` about which a file `preprocess` decides."""
ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "kinds": ("detector", "segmenter"),
    "decode": ("detector", "segmenter"),
    "vector": ("tagger",),
    "rename": ("tagger",),
    "about": ("classifier",),
    "ranked": ("classifier",),
    "cuts": ("classifier",),
}
"""Keys of `output` that only these tasks have."""


def check_entry(entry: Entry, own: Mapping[str, Any], where: str) -> None:
    """Raise ModelError, naming `where`, for an entry that contradicts itself. `own`: its table, without `like`."""
    for role in entry.files:
        if role not in ROLES and entry.engine == "onnx":
            raise ModelError(f'{where}: there is no role "{role}" for a file', hint=did_you_mean(role, ROLES))
    _expect(
        set(entry.sha256) <= set(entry.files),
        f"{where} has a checksum of {', '.join(sorted(set(entry.sha256) - set(entry.files)))}, but no such file",
        "name the file in files, or remove the checksum",
    )
    _expect(
        "boxes" not in own or (entry.task == "character" and set(entry.boxes) <= {"face", "head", "person"}),
        f"{where}: boxes is {list(entry.boxes)}, but only character models have it, for face, head and person",
        None,
    )
    _check_input(entry, own, where)
    _check_output(entry, where)
    for name, value in entry.thresholds.items():
        _expect(
            isinstance(value, int | float) and 0 <= value <= 1,
            f"{where}: the threshold of {name} is {value!r}",
            "a threshold must be between 0 and 1",
        )


def _check_input(entry: Entry, own: Mapping[str, Any], where: str) -> None:
    how = entry.input
    both = (
        [key for key in PREPARED if key in own.get("input", {})]
        if "preprocess" in own.get("files", {})
        else []
    )
    _expect(
        not both,
        f"{where}: files.preprocess and input.{both[0] if both else ''} both say how pictures are prepared",
        "keep one of the two",
    )
    _expect(min(how.size) > 0, f"{where}: input.size is {list(how.size)}", "sides must be above 0")
    for name, values in (("mean", how.mean), ("std", how.std)):
        _expect(
            len(values) == 3, f"{where}: input.{name} has {len(values)} values", "give one for each colour"
        )
    _expect(how.divide != 0 and all(how.std), f"{where}: input.divide and input.std must not be 0", None)
    _expect(
        how.fit != "keep" or entry.task in ("detector", "segmenter"),
        f'{where}: input.fit is "keep", but a {entry.task} needs pictures of one size',
        "use pad, letterbox, stretch or crop",
    )


def _check_output(entry: Entry, where: str) -> None:
    output = entry.output
    for key, tasks in ONLY_FOR.items():
        value = getattr(output, key)
        _expect(
            not value or value == "auto" or entry.task in tasks,
            f"{where}: output.{key} is for a {' or '.join(tasks)}, but this is a {entry.task}",
            f"remove output.{key}, or change the task",
        )
    listed = [role for role in ("tags", "labels") if role in entry.files]
    _expect(
        not (listed and output.labels),
        f"{where}: the labels are in files.{listed[0] if listed else ''} and in output.labels",
        "keep one of the two",
    )
    strange = sorted(set(output.cuts) - set(output.ranked))
    _expect(
        not strange,
        f"{where}: output.cuts has {', '.join(strange)}, which output.ranked does not have",
        "both must have the same labels",
    )
    _expect(
        not output.cuts or "samples" in entry.files,
        f"{where}: output.cuts needs a file of samples, because its values are percentiles",
        'files = { samples = "samples.npz" }',
    )


def _expect(holds: bool, message: str, hint: str | None) -> None:
    if not holds:
        raise ModelError(message, hint=hint)
