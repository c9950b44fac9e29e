"""Coverage of a character: what its pictures show, and what is missing. Writes no table.

Angles, framings, expressions and settings follow from tags and boxes, for each appearance by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from animeds_db.errors import QueryError, UsageError
from animeds_db.notebook import as_html
from animeds_db.session import Session
from animeds_db.session.queries.values import check_known
from animeds_db.session.scripts import sql_script
from animeds_db.steps.coverage.stretches import Stretches, find_stretches

KINDS = {
    ("angle", "front"): "from the front",
    ("angle", "side"): "from the side",
    ("angle", "behind"): "from behind",
    ("framing", "close-up"): "as a close-up",
    ("framing", "portrait"): "as a portrait",
    ("framing", "upper_body"): "of the upper body",
    ("framing", "cowboy_shot"): "down to the thighs",
    ("framing", "full_body"): "of the whole body",
    ("framing", "wide_shot"): "from far away",
    ("expression", "neutral"): "with a neutral face",
    ("expression", "smiling"): "with a smile",
    ("expression", "sad"): "with a sad face",
    ("expression", "angry"): "with an angry face",
    ("expression", "surprised"): "with a surprised face",
    ("expression", "crying"): "in tears",
    ("expression", "asleep"): "asleep",
    ("setting", "indoors"): "indoors",
    ("setting", "outdoors"): "outdoors",
    ("setting", "plain"): "with a plain background",
}
"""The kinds of pictures as (aspect, value), and how a sentence says them."""


@dataclass(frozen=True)
class Gap:
    """A kind of picture with fewer than the wanted number of chosen frames.

    best: frames that would fill it: not chosen, the best first, near-duplicates last.
    """

    aspect: str
    value: str
    appearance: str | None
    n: int
    best: tuple[str, ...] = ()

    def __str__(self) -> str:
        number = {0: "no picture", 1: "only 1 picture"}.get(self.n, f"only {self.n} pictures")
        outfit = "" if self.appearance is None else f" in the {self.appearance} outfit"
        return f"{number} {KINDS[self.aspect, self.value]}{outfit}"


@dataclass(frozen=True)
class Coverage:
    """What the chosen frames of a character show.

    rows: one row per aspect, value and appearance: aspect, value, appearance, n (chosen frames), n_more (others), best.
    least: a kind with fewer chosen frames is a gap. near: stretches beside the character that were not ingested.
    """

    character: str
    n_chosen: int
    n_more: int
    least: int
    rows: pa.Table
    near: Stretches

    @property
    def gaps(self) -> list[Gap]:
        """The gaps, those that a frame could fill first."""
        found = [
            Gap(row["aspect"], row["value"], row["appearance"], row["n"], tuple(row["best"]))
            for row in self.rows.to_pylist()
            if row["n"] < self.least
        ]
        return sorted(found, key=lambda gap: not gap.best)

    @property
    def stretches(self) -> Stretches:
        """The stretches that were not ingested and could fill a gap: beside the character in an outfit that has one."""
        return self.near.of({gap.appearance for gap in self.gaps})

    def _lines(self) -> Iterator[str]:
        yield f"{self.character}: {self.n_chosen} pictures, {self.n_more} more in the database"
        for gap in self.gaps:
            yield f"{gap}: {', '.join(gap.best) if gap.best else 'nothing in the database would fill it'}"
        if len(self.stretches):
            yield f"{self.stretches}. They could fill gaps:"
            yield from self.stretches.commands()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return f"Coverage({self.character}: {self.n_chosen} pictures, {len(self.gaps)} gaps)"

    def _repr_html_(self) -> str:
        """Return the gaps, a line each, which notebooks display."""
        return as_html(self._lines())


def coverage(
    session: Session, character: str, selection: pa.Table | None = None, *, least: int = 1, most: int = 3
) -> Coverage:
    """Return what the frames of a selection (rows with frame_id) show of a character. None: all kept frames.

    least: a kind of picture with fewer frames is a gap. most: maximum number of frames named for a gap.
    Raises QueryError for a character that is not in the database or on no frame, UsageError for a number below 1.
    """
    for name, value in (("least", least), ("most", most)):
        if value < 1:
            raise UsageError(f"{name} is {value}. It must be at least 1.")
    check_known(session, [("character", character)])
    chosen = session.arrow("SELECT frame_id FROM kept") if selection is None else selection
    pictures = session.step(
        sql_script("steps/coverage", "pictures.sql"), {"selection": chosen}, {"character": character}
    )
    if not pictures.num_rows:
        raise QueryError(f"No frame shows {character}.", hint="animeds characters classify")
    kinds = [{"place": n, "aspect": a, "value": v} for n, (a, v) in enumerate(KINDS)]
    rows = session.step(
        sql_script("steps/coverage", "counts.sql"),
        {"pictures": pictures, "kinds": pa.Table.from_pylist(kinds)},
        {"most": most},
    )
    total = {chosen: _frames(pictures, chosen=chosen) for chosen in (True, False)}
    return Coverage(character, total[True], total[False], least, rows, find_stretches(session, character))


def _frames(pictures: pa.Table, *, chosen: bool) -> int:
    rows: Any = pictures.filter(pa.compute.equal(pictures["chosen"], chosen))["frame_id"]
    return len(rows.unique())
