"""What a table is, and the kinds of columns that tables share."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 7
VERSION_KEY = b"animeds_schema_version"
PRIMARY_KEY = {b"lance-schema:unenforced-primary-key": b"true"}


@dataclass(frozen=True)
class Table:
    """A table's name, its key column and its Arrow schema."""

    name: str
    key: str
    schema: pa.Schema


def key_column(name: str) -> pa.Field:
    """Return the column with the key of a table."""
    return pa.field(name, pa.string(), nullable=False, metadata=PRIMARY_KEY)


def vector(name: str, width: int) -> pa.Field:
    """Return a column of vectors: float32 [width]."""
    return pa.field(name, pa.list_(pa.float32(), width))


def arrow_schema(*fields: pa.Field) -> pa.Schema:
    """Return the columns of a table, with the version of the schema as metadata."""
    return pa.schema(list(fields), metadata={VERSION_KEY: str(SCHEMA_VERSION).encode()})


TIME = pa.timestamp("us")
"""The type of times: naive UTC."""
DEFAULT_WIDTH = 512
"""Vector width in a database that was created without that model. Every vector is then null."""
