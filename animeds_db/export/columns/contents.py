"""What the pictures of a plan show: their tags and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session


def with_contents(
    session: Session, plan: pa.Table, frames: pa.Array, *, is_everything: bool = False
) -> pa.Table:
    """Return a plan (export.PLAN) with the tags and boxes of its crops; is_everything: of all its pictures.

    Captions look up the tags of whole frames, but those of a crop are computed. frames: those of the plan, each once.
    """
    numbers = np.arange(plan.num_rows)
    if not is_everything:
        numbers = numbers[pc.is_valid(plan["crop_kind"]).to_numpy(zero_copy_only=False)]
    if not len(numbers):
        return plan
    pictures = plan.select(["frame_id", "crop", "crop_kind", "face_id"]).take(pa.array(numbers))
    rows = session.of_frames(
        sql_script("steps/export", "contents.sql"),
        frames,
        {"pictures": pictures.append_column("picture", pa.array(numbers))},
    )
    places = np.full(plan.num_rows, -1)
    places[numbers] = np.arange(len(numbers))
    rows = rows.take(pa.array(places, mask=places < 0))
    for name in ("tags", "boxes"):
        field = plan.schema.field(name)
        plan = plan.set_column(plan.column_names.index(name), field, rows[name].cast(field.type))
    return plan
