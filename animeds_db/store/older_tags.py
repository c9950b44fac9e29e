"""Tags in tables older than schema version 7, where tag ids were int16 and scores whole per cent (int8).

A table that is written to is converted once, when its database is upgraded. The past of a database (`--at`) is
converted while it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.schema import SCORE_UNIT, Table

if TYPE_CHECKING:
    import lance

TAG_COLUMNS = ("tags", "tag_scores", "sure_tags", "sure_scores")
PER_CENT = pa.int8()
"""The type of scores in per cent."""
MARK = "_renewed"
"""Ends the name of a converted column until the old one is gone."""


def is_older(stored: pa.Field) -> bool:
    """Return True if a stored column holds tags or scores of an older version."""
    narrow = {"tags": pa.int16(), "sure_tags": pa.int16(), "tag_scores": PER_CENT, "sure_scores": PER_CENT}
    kind = stored.type
    return stored.name in narrow and pa.types.is_list(kind) and kind.value_type == narrow[stored.name]


def renewed(column: pa.ListArray, wanted: pa.DataType) -> pa.ListArray:
    """Return an older column as the type that is wanted now; per cent become thousandths."""
    values = np.asarray(pc.list_flatten(column)).astype(wanted.value_type.to_pandas_dtype())
    if column.type.value_type == PER_CENT:
        values *= SCORE_UNIT // 100
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0))
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(ends), pa.array(values, wanted.value_type), mask=column.is_null()
    )


def renew(dataset: lance.LanceDataset, table: Table) -> None:
    """Replace the older columns of a table. Safe to repeat after it was interrupted anywhere."""
    import lance

    stored = dataset.schema
    wanted = {name: table.schema.field(name) for name in TAG_COLUMNS if name in table.schema.names}
    old = [name for name in wanted if name in stored.names and is_older(stored.field(name))]
    marked = [name for name in wanted if name + MARK in stored.names]
    if old and not marked:
        target = pa.schema([wanted[name].with_name(name + MARK) for name in old])

        def columns(rows: pa.RecordBatch) -> pa.RecordBatch:
            return pa.RecordBatch.from_arrays(
                [renewed(rows[name], wanted[name].type) for name in old], schema=target
            )

        dataset.add_columns(lance.batch_udf(output_schema=target)(columns), read_columns=old)
        marked = old
    if old:
        dataset.drop_columns(old)
    if marked:
        dataset.alter_columns(*({"path": name + MARK, "name": name} for name in marked))
