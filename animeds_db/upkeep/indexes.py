"""Indexes that pay. Its one rule: with them or without, a question has the same answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from animeds_db.store import Store


def tend(store: Store, name: str) -> str | None:
    """Make or bring up to date the indexes of a table that pay; return what was done, in words."""
    return None
