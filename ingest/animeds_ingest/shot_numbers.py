"""Gives ingested frames the numbers of their shots, where `animeds shots` has found the shots of the video."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.store import Store
from animeds_db.store.location import read_errors

BLOCK = 2_048
"""Maximum number of frames whose rows are written at once: with vectors, about 10 MB."""


def number_frames(store: Store, source_id: str) -> int:
    """Give a video's ingested frames the numbers of its shots, if it has shots. Return how many frames changed."""
    which = pc.field("source_id") == source_id
    with read_errors(store.uri):
        shots = store.table("shots").to_table(columns=["shot", "first_pts"], filter=which)
        if not shots.num_rows:
            return 0
        frames = store.table("frames").to_table(columns=["frame_id", "pts", "shot"], filter=which)
    shots = shots.sort_by("first_pts")
    place = np.searchsorted(shots["first_pts"].to_numpy(), frames["pts"].to_numpy(), side="right") - 1
    number = shots["shot"].to_numpy()[np.maximum(place, 0)]
    changed = np.flatnonzero(number != frames["shot"].to_numpy())
    for start in range(0, len(changed), BLOCK):
        part = changed[start : start + BLOCK]
        ids = frames["frame_id"].take(part).to_pylist()
        rows = store.take("frames", ids, store.schema("frames").schema.names)
        column = rows.schema.get_field_index("shot")
        store.replace("frames", rows.set_column(column, "shot", pa.array(number[part], pa.int32())))
    return len(changed)
