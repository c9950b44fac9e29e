"""Frames that match a selection but are not exported: near-duplicates, and frames that a person dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.session.scripts import sql_script

if TYPE_CHECKING:
    from animeds_db.session import Session

_NO_FRAMES = pa.schema([("frame_id", pa.string())]).empty_table()


@dataclass(frozen=True)
class LeftOut:
    """The number of frames that match a selection, and the number of them that are left out."""

    n_matching: int = 0
    """All frames that match, including those that are left out."""
    n_copies: int = 0
    """Near-duplicates that are left out."""
    n_dropped: int = 0
    """Frames left out because a person dropped them."""
    notes: tuple[str, ...] = ()
    """What else is left out or missing, and what is done about it, one sentence each."""

    @property
    def n_exported(self) -> int:
        """Frames that match and are not left out."""
        return self.n_matching - self.n_copies - self.n_dropped

    def __str__(self) -> str:
        """Return the numbers as a sentence; "" if nothing is left out."""
        parts = []
        if self.n_copies:
            parts.append(f"{self.n_copies} near-duplicate{'s' * (self.n_copies != 1)}")
        if self.n_dropped:
            parts.append(f"{self.n_dropped} dropped")
        return f"{self.n_matching} match, {' and '.join(parts)} left out" if parts else ""


def leave_out(
    session: Session,
    selection: pa.Table,
    *,
    wider: pa.Table | None = None,
    copies: bool = True,
    dropped: bool = False,
) -> tuple[pa.Table, LeftOut]:
    """Return the rows of a selection (with `frame_id`) that are exported, and the number of frames left out.

    wider: the frames of the selection's query with near-duplicates and dropped frames included; they are counted but
    never exported. copies, dropped: True to export such frames of the selection.
    """
    rows = session.step(
        sql_script("steps/export", "left_out.sql"),
        {"selection": _frames(selection), "wider": _NO_FRAMES if wider is None else _frames(wider)},
        {"copies": copies, "dropped": dropped},
    )
    out = rows.filter(pc.is_valid(rows["why"]))
    n_dropped = pc.sum(pc.equal(out["why"], "dropped")).as_py() or 0
    counts = LeftOut(rows.num_rows, out.num_rows - n_dropped, n_dropped)
    if not out.num_rows:
        return selection, counts
    is_out = pc.is_in(_frames(selection)["frame_id"], value_set=out["frame_id"].combine_chunks())
    return selection.filter(pc.invert(is_out)), counts


def _frames(rows: pa.Table) -> pa.Table:
    name = next(name for name in rows.column_names if name.lower() == "frame_id")
    return pa.table({"frame_id": rows[name].cast(pa.string())})
