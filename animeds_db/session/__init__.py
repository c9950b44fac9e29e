"""DuckDB over a store: `Session` runs one read-only SELECT at a time over the views and macros of `sql/`."""

from animeds_db.session.session import Session

__all__ = ["Session"]
