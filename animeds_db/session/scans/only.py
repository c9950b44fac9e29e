"""Which rows a session shows for the moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

FEW = 1000
"""Maximum number of frames that Lance looks for one by one. The rows of more frames are found by reading all ids."""


@dataclass
class Only:
    """The frames whose rows are currently visible: a function that returns their ids; None: all.

    rows: their addresses in the table of frames, if these are known. Lance finds rows faster by them than by ids.
    many: the ids of more than FEW frames.
    sources: the sources whose frames these are, instead of `frames`.
    among: frames of which more and more subsets will be visible; their rows are looked for once. None: no others.
    """

    frames: Callable[[], Sequence[str]] | None = None
    rows: Sequence[int] | None = None
    many: pa.Array | None = None
    sources: Sequence[str] | None = None
    among: pa.Array | None = None

    @classmethod
    def of(cls, frames: Sequence[str] | pa.Array, among: pa.Array | None = None) -> Only:
        """Return these frames, which are some of `among`."""
        ids = frames if isinstance(frames, pa.Array) else pa.array(frames, pa.string())
        return cls(partial(pa.Array.to_pylist, ids), many=ids if len(ids) > FEW else None, among=among)

    def show(self, other: Only) -> None:
        """Show from now on what another one shows."""
        vars(self).update(vars(other))
