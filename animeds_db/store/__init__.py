"""The Lance tables of one database. `Store` reads, upserts and commits them."""

from animeds_db.store.store import Store

__all__ = ["Store"]
