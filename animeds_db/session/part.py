"""Rows of a caller that change while they keep their name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads


class Part(pads.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """Rows that statements read by one name. They are exchanged between two statements."""

    def __init__(self, schema: pa.Schema) -> None:
        self.rows = schema.empty_table()

    @property
    def schema(self) -> pa.Schema:
        """The columns of the rows."""
        return self.rows.schema

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002 (DuckDB uses this name)
        **_: Any,
    ) -> pads.Scanner:
        """Return these columns of the rows that meet `filter`."""
        return pads.Scanner.from_batches(self.rows.to_reader(), columns=columns, filter=filter)
