"""Adapter that shows one version of a Lance table to DuckDB.

DuckDB uses only two members of a `pyarrow.dataset.Dataset`: its `schema`, and `scanner(columns, filter)`. This adapter
solves problems that a plain Lance dataset has:

- Lance refuses some filters that DuckDB pushes down (on unsigned or large types, for example), and the query would
  fail. Then pyarrow filters the stream instead, with the same result.
- DuckDB cannot scan float16 or blobs. Float16 is converted to float32; blobs are hidden.
- A join that only adds `show`, `season` and `episode` would slow down every query. Here these columns are computed
  from `source_id` when a query reads them.
- The names of tags are looked up many times faster here than in DuckDB (see tag_names.py).
- Lists of numbers that are read again and again are kept in memory (see kept_lists.py).
- A filter in Lance removes the rows of hidden sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from animeds_db.session.scans.kept_lists import KeptLists
from animeds_db.session.scans.only import Only
from animeds_db.session.scans.tag_names import KIND, NAMES, NUMBERS, TagNames
from animeds_db.store.older_tags import is_older, renewed
from animeds_db.store.store import quoted
from animeds_db.store.sure_tags import SURE_COLUMNS, SureTags

if TYPE_CHECKING:
    import lance

KEY, FRAME = "source_id", "frame_id"
_REFUSED = (ValueError, OSError, RuntimeError, NotImplementedError, TypeError, pa.ArrowException)
"""Errors of pyarrow, Substrait and Lance for a filter they cannot express."""
FEW_SOURCES = 16
"""Maximum number of sources whose rows are found by an index of frames. Those of more are found by reading a column."""


@dataclass(frozen=True)
class _Found:
    """Where the rows of some frames are in a table."""

    frames: pa.Array
    places: np.ndarray
    ids: pa.ChunkedArray
    """The frame of each of these rows."""

    def places_of(self, frames: pa.Array) -> np.ndarray:
        """Return the places of the rows of some of the frames."""
        if frames is self.frames:
            return self.places
        shown: np.ndarray = self.places[pc.is_in(self.ids, value_set=frames).to_numpy()]
        return shown


class LanceView(pads.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """A pinned Lance dataset, ready for `connection.register`.

    hidden: source ids whose rows are not shown.
    attached: a table with a `source_id` column; its other columns are looked up for each row.
    wanted: the current columns; columns that an older table does not have are null, and older tags are converted.
    sure: computes the columns of sure tags if the table is older than these.
    names: looks up the names of tags, if the table has tags.
    of_frames: this is the table of frames, to which the addresses in `only` belong.
    lists: keeps lists of numbers for the next query. None: nothing is kept.
    only: read at every scan, so that a query can be reused for other frames without planning it again.
    """

    def __init__(
        self,
        dataset: lance.LanceDataset,
        *,
        hidden: Sequence[str] = (),
        attached: pa.Table | None = None,
        wanted: pa.Schema | None = None,
        only: Only | None = None,
        sure: SureTags | None = None,
        names: TagNames | None = None,
        of_frames: bool = False,
        lists: KeptLists | None = None,
    ) -> None:
        self._dataset = dataset
        self._lists = lists
        stored = dataset.schema  # Lance builds it again at each access
        self._only = only if only and FRAME in stored.names else Only()
        self._of_frames = of_frames
        older = [f for f in wanted if f.name not in stored.names] if wanted is not None else []
        self._absent = [_readable(field) for field in older]
        # rows without a source (an example from a file, a rename) are always shown
        self._visible = pc.field(KEY).is_null() | ~pc.field(KEY).isin(list(hidden)) if hidden else None
        self._sure = sure
        self._attached = attached
        self._older = (
            {f.name: wanted.field(f.name).type for f in stored if is_older(f)} if wanted is not None else {}
        )
        fields = [
            _readable(wanted.field(field.name) if wanted is not None and field.name in self._older else field)
            for field in stored
            if not _is_blob(field)
        ]
        self._extra = [f for f in attached.schema if f.name != KEY] if attached is not None else []
        self._names = names
        self._named = [pa.field(NAMES, KIND)] if names is not None else []
        self._schema = pa.schema([*fields, *self._absent, *self._named, *self._extra])
        self._hidden = pa.array(hidden, pa.string())
        self._has_source = KEY in stored.names
        self._found: _Found | None = None
        self.pushed = self.filtered_here = 0

    @property
    def _shown(self) -> pc.Expression | None:
        """The filter for visible rows; None: all."""
        if self._only.frames is None:
            return self._visible
        return _both(pc.field(FRAME).isin(pa.array(self._only.frames(), pa.string())), self._visible)

    def _places(self) -> np.ndarray:
        """Return the places of the visible rows of many frames, int64, in the order of the table."""
        frames = self._only.many
        among = frames if self._only.among is None else self._only.among
        if self._found is None or not self._found.frames.equals(among):
            columns = [FRAME, KEY] if len(self._hidden) else [FRAME]
            rows = self._dataset.to_table(columns=columns)
            mask = pc.is_in(rows[FRAME], value_set=among)
            if len(self._hidden):
                mask = pc.and_not(mask, pc.is_in(rows[KEY], value_set=self._hidden))
            self._found = _Found(among, np.flatnonzero(mask.to_numpy()), rows[FRAME].filter(mask))
        return self._found.places_of(frames)

    def _where(self) -> str | None:
        """Return which rows are visible as a condition in Lance's SQL; None: no sources or addresses are given."""
        only = self._only
        if self._of_frames and only.rows is not None:
            return f"_rowaddr IN ({', '.join(map(str, only.rows)) or 'NULL'})"
        if only.sources is None or not self._has_source:
            return None
        hidden = set(self._hidden.to_pylist())
        sources = [source for source in only.sources if source not in hidden]
        if sources and len(sources) <= FEW_SOURCES and self._has_index:
            # the id of a frame is that of its source, "-" and a number; "." follows "-"
            return " OR ".join(
                f"({FRAME} >= {quoted(s + '-')} AND {FRAME} < {quoted(s + '.')})" for s in sources
            )
        return f"{KEY} IN ({', '.join(map(quoted, sources)) or 'NULL'})"

    @cached_property
    def _has_index(self) -> bool:
        """True if the table has an index of its frames."""
        return any(index.field_names == [FRAME] for index in self._dataset.describe_indices())

    @property
    def schema(self) -> pa.Schema:
        """The columns that DuckDB sees."""
        return self._schema

    def scanner(
        self,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002 (DuckDB uses this name)
        **_: Any,
    ) -> Any:
        """Return an object with `to_reader()`: these columns of the rows that meet `filter`."""
        names = list(columns) if columns is not None else self._schema.names
        if self._only.many is not None:
            if filter is None:
                return _Scan(self._read(names, None))
            return self._scan_and_filter(names, filter, None)
        within = self._where()
        if within is not None:
            return (
                _Scan(self._read(names, within))
                if filter is None
                else self._scan_and_filter(names, filter, within)
            )
        if filter is None:
            return _Scan(self._read(names, self._shown))
        if self._mentioned(filter, self._extra):
            return self._scan_by_source(names, filter)
        if self._mentioned(filter, [*self._absent, *self._named]):
            return self._scan_and_filter(names, filter, self._shown)
        try:
            scan = _Scan(self._read(names, _both(filter, self._shown)))
        except _REFUSED:
            return self._scan_and_filter(names, filter, self._shown)
        self.pushed += 1
        return scan

    def _scan_by_source(self, names: list[str], wanted: pc.Expression) -> Any:
        """Filter by attached columns. They depend only on the source, so the sources are found first; then Lance
        reads wide columns (vectors) of those sources only."""
        assert self._attached is not None
        stored = [f for f in self._schema if f.name not in (KEY, *(e.name for e in self._extra))]
        others = self._mentioned(wanted, stored)
        if others:
            rows = self._scan_and_filter([KEY], wanted, self._shown).to_table()
        else:
            rows = self._attached.filter(wanted)
        sources = rows[KEY].unique().to_pylist()
        if not sources:
            return _Scan(self._schema_of(names).empty_table().to_reader())
        within = _both(pc.field(KEY).isin(sources), self._shown)
        return self._scan_and_filter(names, wanted, within) if others else _Scan(self._read(names, within))

    def _scan_and_filter(
        self, names: list[str], wanted: pc.Expression, within: pc.Expression | str | None
    ) -> Any:
        """Filter the stream in pyarrow, which supports every Arrow type."""
        self.filtered_here += 1
        needed = [*names, *(n for n in self._mentioned(wanted, self._schema) if n not in names)]
        return pads.Scanner.from_batches(self._read(needed, within), filter=wanted, columns=names)

    def _mentioned(self, expression: pc.Expression, fields: Iterable[pa.Field]) -> list[str]:
        text = str(expression)  # pyarrow cannot traverse an expression; an extra name does no harm
        return [f.name for f in fields if re.search(rf"(?<!\w){re.escape(f.name)}(?!\w)", text)]

    def _schema_of(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self._schema.field(name) for name in names])

    def _read(self, names: Sequence[str], within: pc.Expression | str | None) -> pa.RecordBatchReader:
        """Read these columns of the rows that meet `within`, an expression or a condition in Lance's SQL."""
        extra = {field.name for field in self._extra}
        absent = {field.name for field in self._absent}
        named = self._names is not None and NAMES in names
        stored = [name for name in names if name not in extra | absent | {NAMES}]
        if named and NUMBERS not in (*absent, *stored):
            stored.append(NUMBERS)
        if self._sure is not None and (named or absent.intersection(names, SURE_COLUMNS)):
            stored += [name for name in self._sure.needs if name not in stored]
        if not stored and absent:
            stored = [self._dataset.schema.names[0]]  # so that rows are counted
        if extra.intersection(names) and KEY not in stored:
            stored.append(KEY)
        if self._only.many is not None:
            reader = self._dataset.take(self._places(), columns=stored).to_reader()
        elif within is None and self._lists is not None:
            reader = self._lists.reader(self._dataset, stored)
        else:
            reader = self._dataset.scanner(columns=stored, filter=within).to_reader()
        schema = self._schema_of(names)
        if reader.schema.equals(schema):
            return reader
        return pa.RecordBatchReader.from_batches(schema, self._finished(reader, schema))

    def _finished(self, reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for stored in reader:
            batch = self._renewed(stored)
            at = self._positions(batch)
            columns = [self._column(field, batch, at) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _column(self, field: pa.Field, batch: pa.RecordBatch, at: pa.Array | None) -> pa.Array:
        """Return one column of some rows. `at`: the position of each row's source."""
        if field.name in batch.schema.names:
            return _as(batch[field.name], field.type)
        if field in self._absent:
            return self._filled_in(field, batch)
        if field in self._named:
            assert self._names is not None
            return self._names(self._column(self._schema.field(NUMBERS), batch, at))
        return self._look_up(field, at)

    def _renewed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows with tags as they are stored now."""
        for place, name in enumerate(batch.schema.names):
            if name in self._older:
                kind = self._older[name]
                batch = batch.set_column(place, pa.field(name, kind), renewed(batch[name], kind))
        return batch

    def _filled_in(self, field: pa.Field, batch: pa.RecordBatch) -> pa.Array:
        """Return a column that the table does not have: null, unless it can be computed."""
        if self._sure is None or field.name not in SURE_COLUMNS:
            return pa.nulls(len(batch), field.type)
        return self._sure(batch)[SURE_COLUMNS.index(field.name)]

    def _positions(self, batch: pa.RecordBatch) -> pa.Array | None:
        """Return the position of each row's source in the attached table."""
        if self._attached is None or KEY not in batch.schema.names:
            return None
        return pc.index_in(batch[KEY], self._attached[KEY].combine_chunks())

    def _look_up(self, field: pa.Field, at: pa.Array | None) -> pa.Array:
        assert self._attached is not None
        return self._attached[field.name].combine_chunks().take(at)


class _Scan:
    """The scanner interface that DuckDB expects."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader

    def to_reader(self) -> pa.RecordBatchReader:
        return self._reader


def _both(one: pc.Expression, other: pc.Expression | None) -> pc.Expression:
    return one if other is None else one & other


def _is_blob(field: pa.Field) -> bool:
    """Return True if this is a Lance blob column of either version."""
    metadata = field.metadata or {}
    extension = (
        getattr(field.type, "extension_name", "") or metadata.get(b"ARROW:extension:name", b"").decode()
    )
    return metadata.get(b"lance-encoding:blob") == b"true" or extension.startswith("lance.blob")


def _readable(field: pa.Field) -> pa.Field:
    """Return the field with a type that DuckDB can scan, without metadata."""
    kind = field.type
    if pa.types.is_float16(kind):
        kind = pa.float32()
    elif pa.types.is_fixed_size_list(kind) and pa.types.is_float16(kind.value_type):
        kind = pa.list_(pa.float32(), kind.list_size)
    return pa.field(field.name, kind)


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    if pa.types.is_fixed_size_list(kind) and pa.types.is_float16(column.type.value_type):
        return _widened(column, kind.list_size)
    return column.cast(kind)


def _widened(column: pa.FixedSizeListArray, width: int) -> pa.Array:
    """Convert float16 vectors to float32 with numpy, which is several times faster than pyarrow."""
    start = column.offset * width
    values = column.values.slice(start, len(column) * width).to_numpy(zero_copy_only=False)
    wide = pa.array(values.astype(np.float32))
    mask = column.is_null() if column.null_count else None
    return pa.FixedSizeListArray.from_arrays(wide, width, mask=mask)
