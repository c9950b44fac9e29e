"""The vectors of frames in the files that hold them, which are mapped into memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session import Session
from animeds_db.store.location import read_errors
from animeds_db.store.vector_files import vector_parts
from animeds_db.vectors.gathered import Floats, Gathered


def stored_vectors(session: Session, ids: pa.ChunkedArray) -> Gathered | None:
    """Return the vectors of these visible frames, [frames, width], in their order; rows of NaN where one is missing.

    None: another model's vectors were chosen, which only SQL can find. The session must be held, so that the ids are
    those of the tables that are read here. Raises StoreError for a damaged file.
    """
    if session.table("choices").count_rows("task = 'image'"):
        return None
    table = session.table("frames")
    blocks: list[Floats] = []
    block, place = np.full((2, len(ids)), -1, np.int64)
    with read_errors(table.uri):
        located = table.scanner(columns=["frame_id"], with_row_address=True).to_table()
        addresses = located["_rowaddr"].to_numpy()
        order = np.argsort(addresses)
        addresses = addresses[order]
        row_of = np.asarray(pc.index_in(located["frame_id"], ids).fill_null(-1), np.int64)[order]
        for part in vector_parts(table, "embedding"):
            for at, vectors in part.blocks():
                rows = row_of[np.searchsorted(addresses, at)]
                shown = rows >= 0
                block[rows[shown]], place[rows[shown]] = len(blocks), np.flatnonzero(shown)
                # What can be written to is a buffer, into which the next block is read.
                blocks.append(vectors.copy() if vectors.flags.writeable else vectors)
    return Gathered(blocks, block, place, table.schema.field("embedding").type.list_size)
