"""Lists of numbers that stay in memory, because Lance takes longer to decode them than a query takes to use them.

The tags of 100,000 frames: 15 ms to decode, 4 ms to find one of them in all lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import lance

MOST_BYTES = 128 << 20
"""Maximum size of all lists that are kept together. The tags of a million frames take 104 MB."""
BATCH = 8192
"""Number of rows per batch."""
Key = tuple[str, str]
"""The table's address, and a column."""


@dataclass(frozen=True)
class _Kept:
    version: int
    lists: pa.ChunkedArray


class KeptLists:
    """Columns with lists of numbers, each of one version of a table. A session has one of these for all its tables.

    A column is kept when all of its rows are read for the second time, so a command that reads it once needs no memory
    for it. It is kept if there is room, and until another version of its table is read. most_bytes: the maximum size of
    all lists (default: MOST_BYTES); 0: none is kept.
    """

    def __init__(self, most_bytes: int | None = None) -> None:
        self._most_bytes = MOST_BYTES if most_bytes is None else most_bytes
        self._kept: dict[Key, _Kept] = {}
        self._read: dict[Key, int] = {}

    def reader(self, table: lance.LanceDataset, columns: Sequence[str]) -> pa.RecordBatchReader:
        """Return these columns of all rows of a table, in its order."""
        schema, version = table.schema, int(table.version)
        kept, new = {}, []
        for name in columns:
            key = (table.uri, name)
            if not _are_numbers(schema.field(name).type):
                continue
            if key in self._kept and self._kept[key].version == version:
                kept[name] = self._kept[key].lists
            elif self._read.get(key) == version:
                new.append(name)
            else:
                self._kept.pop(key, None)
                self._read[key] = version
        if kept and len(kept) == len(columns):
            return pa.table(kept).to_reader(max_chunksize=BATCH)
        stored = table.scanner(columns=[name for name in columns if name not in kept]).to_reader()
        if not kept and not new:
            return stored
        wanted = pa.schema([schema.field(name) for name in columns])
        batches = _with_kept(self._kept_from(stored, new, table.uri, version), kept, wanted)
        return pa.RecordBatchReader.from_batches(wanted, batches)

    def _kept_from(
        self, batches: pa.RecordBatchReader, names: Sequence[str], uri: str, version: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the batches, and keep these columns of them when all have been read and there is room."""
        chunks: dict[str, list[pa.Array]] = {name: [] for name in names}
        sizes = dict.fromkeys(names, 0)
        room = self._most_bytes - sum(one.lists.get_total_buffer_size() for one in [*self._kept.values()])
        for batch in batches:
            for name in [*chunks]:
                chunks[name].append(batch[name])
                sizes[name] += batch[name].get_total_buffer_size()
                if sum(sizes.values()) > room:
                    del chunks[name], sizes[name]
            yield batch
        for name, arrays in chunks.items():
            self._kept[uri, name] = _Kept(version, pa.chunked_array(arrays, batches.schema.field(name).type))


def _with_kept(
    batches: Iterator[pa.RecordBatch], kept: dict[str, pa.ChunkedArray], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the batches with the columns of a schema, of which some are kept."""
    first = 0
    for batch in batches:
        columns = [
            _slice(kept[name], first, len(batch)) if name in kept else batch[name] for name in schema.names
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        first += len(batch)


def _slice(lists: pa.ChunkedArray, first: int, count: int) -> pa.Array:
    part = lists.slice(first, count)
    return part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()


def _are_numbers(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_integer(kind.value_type))
