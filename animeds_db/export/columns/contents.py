"""What the pictures of a plan show: their tags and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session


def with_contents(session: Session, plan: pa.Table, *, is_everything: bool = False) -> pa.Table:
    """Return a plan (export.PLAN) with the tags and boxes of its crops; is_everything: of all its pictures.

    Captions look up the tags of whole frames, but those of a crop are computed.
    """
    numbers = np.arange(plan.num_rows)
    if not is_everything:
        numbers = numbers[pc.is_valid(plan["crop_kind"]).to_numpy(zero_copy_only=False)]
    if not len(numbers):
        return plan
    pictures = plan.select(["frame_id", "crop", "crop_kind", "face_id"]).take(pa.array(numbers))
    pictures = pictures.append_column("picture", pa.array(numbers))
    rows = pa.concat_tables(
        session.in_parts(sql_script("steps/export", "contents.sql"), "pictures", pictures)
    )
    if len(numbers) < plan.num_rows:
        places = np.full(plan.num_rows, -1)
        places[numbers] = np.arange(len(numbers))
        rows = rows.take(pa.array(places, mask=places < 0))
    for name in ("tags", "boxes"):
        field = plan.schema.field(name)
        plan = plan.set_column(plan.column_names.index(name), field, rows[name].cast(field.type))
    return plan
