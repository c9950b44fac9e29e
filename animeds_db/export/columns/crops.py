"""Which parts of the frames become pictures. SQL adds a column `crop` to the selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from animeds_db.errors import ExportError, UsageError, did_you_mean
from animeds_db.export.columns.schema import BOX_IDS
from animeds_db.schema import BOX_KIND, DETECTION_LETTERS
from animeds_db.session.box_kinds import expect_kinds
from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session

CROP_KINDS = ("frame", *DETECTION_LETTERS)
TRIMS = ("borders", "subtitles")


@dataclass(frozen=True)
class CropOptions:
    """The crops of a selection. Raises UsageError for a value that is not valid."""

    kinds: tuple[str, ...] = ()
    """Names from CROP_KINDS, or other kinds of boxes in the database (eye, hand). `frame` adds the whole frames.
    (): crops come from the columns of the selection."""
    margin: float | None = None
    """Margin added on each side, as a share of the box. None: the largest square for faces, 0.1 for other boxes."""
    trim: tuple[str, ...] = ()
    """Names from TRIMS: what is removed before cropping."""
    min_faces: int = 0
    """Minimum number of faces for a frame to be cropped."""
    min_px: int = 1
    """Minimum shorter edge of a crop, in pixels of the frame. Smaller crops are left out."""
    max_share: float = 0.5
    """A head, half body or person that covers more than this share of its frame, 0…1, is replaced by the whole
    frame."""

    def __post_init__(self) -> None:
        for value in self.kinds:
            if not BOX_KIND.fullmatch(value):
                raise UsageError(f'There is no crop "{value}".', hint=did_you_mean(value, CROP_KINDS))
        for value in self.trim:
            if value not in TRIMS:
                raise UsageError(f'There is no trim "{value}".', hint=did_you_mean(value, TRIMS))
        for what, values in (("crop", self.kinds), ("trim", self.trim)):
            if len(set(values)) != len(values):
                raise UsageError(f"A {what} is given twice: {', '.join(values)}.")
        if self.margin is not None and not 0 <= self.margin <= 10:
            raise UsageError(f"crop-margin is {self.margin}. It must be between 0 and 10.")
        if not 0 < self.max_share <= 1:
            raise UsageError(f"max-crop-share is {self.max_share}. It must be above 0 and at most 1.")
        if self.min_faces < 0 or self.min_px < 1:
            raise UsageError("min-face-number must be at least 0, and min-crop-size at least 1.")


def crop_selection(
    session: Session, selection: pa.Table, options: CropOptions, frame_ids: pa.Array
) -> pa.Table:
    """Return one row per picture of a selection (rows with `frame_id`): the result of export/crops.sql.

    frame_ids: the frames of the selection, each once. Raises ExportError if no crop is left, and UsageError for a kind
    of box that does not exist.
    """
    expect_kinds(session, [kind for kind in options.kinds if kind != "frame"])
    numbered = selection.append_column("selection_row", pa.array(range(selection.num_rows), pa.int64()))
    names_boxes = any(name.lower() in BOX_IDS for name in selection.column_names)
    script = "whole_frames.sql"
    params: dict[str, Any] = {"trim": list(options.trim)}
    if names_boxes or options.kinds:
        script = "crops.sql"
        params |= {
            "kinds": list(options.kinds),
            "margin": options.margin,
            "min_faces": options.min_faces,
            "min_px": options.min_px,
            "max_share": options.max_share,
        }
    rows = session.of_frames(sql_script("steps/export", script), frame_ids, {"selection": numbered}, params)
    if rows.num_rows == 0 and selection.num_rows:
        raise ExportError(
            f"No crop is left: none of the {selection.num_rows} selected frames has a matching box "
            f"({', '.join(options.kinds) or 'named by the selection'}).",
            hint="`animeds detect --model …` finds boxes (`animeds models list` shows detectors). Or lower "
            "--min-face-number and --min-crop-size.",
        )
    return rows
