"""Frames in the order of shows and times, found source by source: a page reads only the sources that it shows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session import Session


def page(session: Session, sql: str, groups: Sequence[Sequence[str]], skip: int, rows: int) -> pa.Table:
    """Return frames `skip` to `skip + rows` of a selection: the column frame_id.

    sql: a SELECT of frame_id and source_id. groups: the sources in order, in groups that are read one after the other
    until there are enough frames. The schema's metadata has what is known then, as JSON under the key `facts`:
    `counts`, the number of frames of each source that was read.
    """
    counts: dict[str, int] = {}
    found: list[pa.Array] = []
    seen, end = 0, skip + rows
    reading = session.by_source(sql, groups)
    for sources, frames in zip(groups, reading, strict=False):
        numbers = counts_of(frames, sources)
        counts |= numbers
        for source, number in numbers.items():
            if number and seen < end and seen + number > skip:
                mine = frames["frame_id"].filter(pc.equal(frames["source_id"], source)).combine_chunks()
                found.append(mine.take(pc.array_sort_indices(mine))[max(skip - seen, 0) : end - seen])
            seen += number
        if seen >= end:
            break
    reading.close()
    ids = pa.chunked_array(found, pa.string())
    return pa.table({"frame_id": ids}).replace_schema_metadata({"facts": json.dumps({"counts": counts})})


def counts_of(frames: pa.Table, sources: Sequence[str]) -> dict[str, int]:
    """Return how many of these frames each of the sources has, in the order of the sources."""
    counted = pc.value_counts(frames["source_id"])
    numbers = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    return {source: numbers.get(source, 0) for source in sources}
