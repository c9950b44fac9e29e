"""The names of tags, as a column beside their numbers.

A table stores the numbers of tags. DuckDB can look the names up, but takes several times as long as it needs for the
rest of a query. As a dictionary of Arrow (the numbers, and one list of names), they cost almost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NUMBERS, NAMES = "sure_tags", "sure_names"
"""The column with the numbers of tags, and the one with their names, which no table stores."""
KIND = pa.list_(pa.dictionary(pa.int32(), pa.string()))
"""The type of the names. DuckDB reads it as VARCHAR[]."""


class TagNames:
    """Looks up the names of tags. `vocabulary` returns the rows of that table; it is called when names are needed."""

    def __init__(self, vocabulary: Callable[[], pa.Table]) -> None:
        self._read = vocabulary

    def __call__(self, numbers: pa.ListArray) -> pa.ListArray:
        """Return the names for lists of tag numbers (int32). A number that is not in the vocabulary has none."""
        values = numbers.values
        try:
            names = pa.DictionaryArray.from_arrays(values, self._by_number)
        except (pa.ArrowException, IndexError):  # a number of a tag that was lost
            known = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(self._by_number)))
            names = pa.DictionaryArray.from_arrays(pc.if_else(known, values, None), self._by_number)
        return pa.Array.from_buffers(
            KIND, len(numbers), numbers.buffers()[:2], offset=numbers.offset, children=[names]
        )

    @cached_property
    def _by_number(self) -> pa.Array:
        """The name of each number from 0."""
        rows = self._read().combine_chunks()
        numbers = rows["tag_id"].to_numpy()
        places = np.full(int(numbers.max(initial=0)) + 1, -1, np.int64)
        places[numbers] = np.arange(len(numbers))
        return rows["tag"].combine_chunks().take(pa.array(places, mask=places < 0))
