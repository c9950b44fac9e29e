"""Exports in the background, each a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from animeds_db.web.options import Options


class Jobs:
    """The exports of one service."""

    def __init__(self, uri: str, options: Options) -> None:
        self._uri, self._options = uri, options

    def close(self) -> None:
        """End what runs."""
