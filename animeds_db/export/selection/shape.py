"""From a plan to the same plan, arranged, captioned and balanced. The one rule: each adds a column, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db.captions import CaptionProfile
from animeds_db.errors import UsageError
from animeds_db.export.selection.arrange import Arrangement, arranged, wanted_columns
from animeds_db.export.selection.balance import Balance, balance_table, balanced
from animeds_db.export.selection.captioning import captioned

if TYPE_CHECKING:
    from animeds_db.export import ExportOptions
    from animeds_db.session import Session


@dataclass(frozen=True)
class Shape:
    """Folders, captions and repeats of an export."""

    captions: CaptionProfile | None = field(default_factory=CaptionProfile)
    """None: pictures have only the captions of the selection."""
    threshold: float | None = None
    """Score from which a tag counts people in folder names, 0…1. None: that of the captions, else the tagger's own."""
    arrangement: Arrangement = field(default_factory=Arrangement)
    balance: Balance | None = None
    """None: repeats as the selection says."""

    def record(self) -> dict[str, Any]:
        """Return what a manifest tells of it: the form of its folders, and its captions where they differ."""
        captions = {} if self.captions is None else self.captions.record()
        told = {"arrangement": self.arrangement.form, "captions": captions}
        return {name: value for name, value in told.items() if value}

    def without_captions(self) -> Shape:
        """Return the same folders and repeats, for a look at them."""
        return replace(self, captions=None, threshold=self._people_threshold())

    def columns(self, known: Sequence[str]) -> list[str]:
        """Return the columns of a selection that this needs. Raises UsageError for one that is not there."""
        return wanted_columns(self.arrangement.form, known)

    def apply(self, session: Session, plan: pa.Table, selection: pa.Table) -> pa.Table:
        """Return the plan (export.PLAN) with its folders, captions and repeats."""
        if plan.num_rows == 0:
            return plan
        plan = arranged(session, plan, selection, self.arrangement, threshold=self._people_threshold())
        plan = _with_safe_folders(plan)
        if self.captions is not None:
            plan = captioned(session, plan, self.captions)
        return plan if self.balance is None else balanced(plan, self.balance)

    def _people_threshold(self) -> float | None:
        if self.threshold is not None:
            return self.threshold
        thresholds = {} if self.captions is None else self.captions.thresholds
        return thresholds.get("general")


def default_shape(options: ExportOptions | None) -> Shape:
    """Return what an export does unless a Shape says otherwise: the captions that its options name."""
    if options is None:
        return Shape()
    if not options.captions:
        return Shape(captions=None, threshold=options.threshold)
    return Shape(adjusted(CaptionProfile(), options))


_DROPOUT = "let the trainer do it: caption_dropout_rate"


def agreed(options: ExportOptions | None, shape: Shape | None) -> tuple[ExportOptions, Shape]:
    """Return options and shape, each filled in by the other.

    Raises UsageError for captions that the reader of a layout would not understand.
    """
    from animeds_db.export import LAYOUTS, ExportOptions

    shape = shape or default_shape(options)
    options = options or ExportOptions()
    profile = shape.captions
    if profile is None or not options.captions:
        return options, shape
    for wrong, reads, what, hint in (
        (profile.variants > 1, "reads_lines", "one caption per picture, and variants give several", ""),
        (
            bool(profile.keep_tokens_separator),
            "reads_separator",
            f'no keep_tokens_separator, and would train on "{profile.keep_tokens_separator}"',
            "choose other --captions",
        ),
        (profile.dropout > 0, "reads_empty", "no empty caption, and dropout makes some empty", _DROPOUT),
    ):
        names = [layout.name for layout in options.chosen if not getattr(layout, reads)]
        if wrong and names:
            others = ", ".join(layout.name for layout in LAYOUTS.values() if getattr(layout, reads))
            raise UsageError(f"{', '.join(names)} reads {what}", hint=hint or f"layouts that can: {others}")
    separator = profile.keep_tokens_separator or options.keep_tokens_separator
    return replace(options, keep_tokens_separator=separator), shape


def adjusted(
    profile: CaptionProfile, options: ExportOptions, *, threshold: float | None = None
) -> CaptionProfile:
    """Return a profile with what an export's options say about captions; what they leave open stays."""
    if options.activation_tag:
        profile = replace(profile, activation_tag=options.activation_tag)
    if options.keep_character_tags:
        profile = replace(profile, categories=tuple(dict.fromkeys((*profile.categories, "character"))))
    if options.keep_underscores:
        profile = replace(profile, underscores=True)
    if threshold is None:
        threshold = options.threshold
    return profile if threshold is None else profile.with_threshold(threshold)


def _with_safe_folders(plan: pa.Table) -> pa.Table:
    """Return a plan with folders as they will be called on disk, for what a balance counts are those."""
    from animeds_db.export.names import safe_folder

    names = {folder: safe_folder(folder) for folder in plan["folder"].unique().to_pylist() if folder}
    folders = pa.array([names.get(folder, folder) for folder in plan["folder"].to_pylist()], pa.string())
    return plan.set_column(plan.column_names.index("folder"), plan.schema.field("folder"), folders)


def folders_of(plan: pa.Table, balance: Balance | None) -> list[dict[str, Any]]:
    """Return per folder: pictures, repeats, samples (pictures × repeats), probability of being drawn (0…1).

    With a balance also weight, target (the probability that the weights ask for) and multiply (the repeats that
    EveryDream2 and OneTrainer get, with two decimals).
    """
    folders = [folder or "" for folder in plan["folder"].to_pylist()]
    repeats = [1 if r is None else r for r in plan["repeats"].to_pylist()]
    pictures, samples = Counter(folders), Counter[str]()
    for folder, count in zip(folders, repeats, strict=True):
        samples[folder] += count
    total = sum(samples.values())
    rows = [
        {
            "folder": folder or ".",
            "pictures": n,
            "repeats": round(samples[folder] / n, 2),
            "samples": samples[folder],
            "probability": round(samples[folder] / total, 4),
        }
        for folder, n in sorted(pictures.items())
    ]
    if balance is None:
        return rows
    table = balance_table(folders, balance)
    for row, asked in zip(rows, table.to_pylist(), strict=True):
        row |= {
            "weight": asked["weight"],
            "target": round(asked["probability"], 4),
            "multiply": asked["multiply"],
        }
    return rows
