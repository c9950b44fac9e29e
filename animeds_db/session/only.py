"""Which rows a session shows for the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass
class Only:
    """The frames whose rows are currently visible: a function that returns their ids; None: all.

    rows: their addresses in the table of frames, if these are known. Lance finds rows faster by them than by ids.
    """

    frames: Callable[[], Sequence[str]] | None = None
    rows: Sequence[int] | None = None
