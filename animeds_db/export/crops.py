"""Which parts of the frames become pictures. The one rule: a crop is a column that SQL adds to the selection."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db.errors import ExportError, UsageError, did_you_mean
from animeds_db.schema import DETECTION_LETTERS
from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session

CROP_KINDS = ("frame", *DETECTION_LETTERS)
TRIMS = ("borders", "subtitles")


@dataclass(frozen=True)
class CropOptions:
    """What is cut out of the frames of a selection. Raises UsageError for a value that makes no sense."""

    kinds: tuple[str, ...] = ()
    """Of CROP_KINDS; `frame` is all of it, for originals beside crops. None: as the selection says."""
    margin: float | None = None
    """Share of a box added on each side. None: the largest square for faces, a tenth for other boxes."""
    trim: tuple[str, ...] = ()
    """Of TRIMS: cut off before anything else."""
    min_faces: int = 0
    """Frames with fewer faces give no crops."""
    min_px: int = 1
    """Crops with a shorter edge below this are left out; pixels of the frame."""
    max_share: float = 0.5
    """A head, half body or person that takes more of its frame than this becomes the whole frame, 0…1."""

    def __post_init__(self) -> None:
        for what, values, known in (("crop", self.kinds, CROP_KINDS), ("trim", self.trim, TRIMS)):
            for value in values:
                if value not in known:
                    raise UsageError(f'there is no {what} "{value}"', hint=did_you_mean(value, known))
            if len(set(values)) != len(values):
                raise UsageError(f"a {what} is given twice: {', '.join(values)}")
        if self.margin is not None and not 0 <= self.margin <= 10:
            raise UsageError(f"crop-margin is {self.margin}, and must be between 0 and 10")
        if not 0 < self.max_share <= 1:
            raise UsageError(f"max-crop-share is {self.max_share}, and must be above 0 and at most 1")
        if self.min_faces < 0 or self.min_px < 1:
            raise UsageError("min-face-number is at least 0, min-crop-size at least 1")

    def record(self) -> dict[str, Any]:
        """Return what differs from the default, as JSON holds it."""
        plain = asdict(CropOptions())
        values = {name: value for name, value in asdict(self).items() if value != plain[name]}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> CropOptions:
        """Return the options of a manifest."""
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in record.items()}
        return cls(**values)


def crop_selection(session: Session, selection: pa.Table, options: CropOptions) -> pa.Table:
    """Return one row per picture of a selection (rows with `frame_id`): what export_crops.sql gives.

    Raises ExportError when crops are asked for and not one is left.
    """
    numbered = selection.append_column("selection_row", pa.array(range(selection.num_rows), pa.int64()))
    rows = session.step(
        sql_script("steps/export", "crops.sql"),
        {"selection": numbered},
        {
            "kinds": list(options.kinds),
            "trim": list(options.trim),
            "margin": options.margin,
            "min_faces": options.min_faces,
            "min_px": options.min_px,
            "max_share": options.max_share,
        },
    )
    if rows.num_rows == 0 and selection.num_rows:
        raise ExportError(
            f"no crop is left: none of the {selection.num_rows} selected frames has a box that fits "
            f"({', '.join(options.kinds) or 'as the selection names it'})",
            hint="`animeds detect --model …` finds boxes (`animeds models list`); lower --min-face-number and "
            "--min-crop-size",
        )
    return rows
