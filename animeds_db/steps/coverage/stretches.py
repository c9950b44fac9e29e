"""Stretches of videos near a character of which no frame is in the database, and the commands that ingest them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from animeds_db.media.reader import clock
from animeds_db.printable import counted, printable
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script

LEAST_S = 2.0
"""Minimum length of a stretch, in seconds. A shorter one hardly differs from the frames beside it."""


@dataclass(frozen=True)
class Stretches:
    """Stretches of which no frame is in the database, the most promising first.

    rows: source_id, title, episode, uri, start_s, end_s, appearance (of the character beside it), n_sides (2: the
    character is on the frames before and after it; 1: on one of them).
    """

    rows: pa.Table

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def of(self, appearances: set[str | None]) -> Stretches:
        """Return those beside one of these appearances, and those where it is not known. None: all of them."""
        if None in appearances:
            return self
        wanted = pa.array(sorted(one for one in appearances if one is not None), pa.string())
        mine = pc.or_(pc.is_null(self.rows["appearance"]), pc.is_in(self.rows["appearance"], wanted))
        return Stretches(self.rows.filter(mine))

    def commands(self) -> list[str]:
        """Return one command per video that ingests it again with every change, the most promising first."""
        paths = dict.fromkeys(self.rows["uri"].to_pylist())
        return [f"animeds ingest {shlex.quote(path)} --sample changes --replace" for path in paths]

    def __str__(self) -> str:
        if not len(self):
            return "no stretch near the character is without frames"
        first = self.rows.slice(0, 1).to_pylist()[0]
        seconds = pc.sum(pc.subtract(self.rows["end_s"], self.rows["start_s"])).as_py()
        span = f"{clock(first['start_s'])} to {clock(first['end_s'])} of {printable(first['title'] or first['uri'])}"
        videos = counted(pc.count_distinct(self.rows["source_id"]).as_py(), "video")
        number = "1 stretch" if len(self) == 1 else f"{len(self)} stretches"
        return f"{number} of {videos} ({clock(seconds)}) were not ingested, such as {span}"


def find_stretches(session: Session, character: str) -> Stretches:
    """Return the stretches of at least LEAST_S seconds beside a frame of the character."""
    values = {"character": character, "least_s": LEAST_S}
    return Stretches(session.arrow(sql_script("steps/coverage", "stretches.sql"), values))
