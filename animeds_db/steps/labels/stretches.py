"""Corrections of clips: labels about stretches of videos, which the view `clips` applies.

A label names a stretch by its source and its first and last pts. So it survives that shots are found again, and holds
for every trainer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db import schema
from animeds_db.errors import QueryError, UsageError
from animeds_db.session import Session
from animeds_db.session.scripts import sql_script
from animeds_db.steps.labels.changes import Act, Word, speak
from animeds_db.steps.labels.targets import expect_some
from animeds_db.store import Store

if TYPE_CHECKING:
    import duckdb

FIELD = "stretch"
Stretch = tuple[str, int, int]
"""source id, first pts, last pts; both frames belong to it."""


@dataclass(frozen=True)
class ClipAct(Act):
    """A change set that made a clip: also the id of that clip."""

    clip_id: str = ""


def keep(store: Store, session: Session, clip_id: str, who: str | None = None) -> ClipAct:
    """Make a stretch a clip, exactly as it is. Raises QueryError for an id that is not a clip of a measured video."""
    (stretch,) = _stretches(session, [clip_id])
    act = speak(store, [_word("keep", stretch)], who)
    return ClipAct(act.id, act.n, act.notes, schema.clip_id(*stretch))


def drop(
    store: Store,
    session: Session,
    selection: str | Sequence[str] | duckdb.DuckDBPyRelation,
    who: str | None = None,
) -> Act:
    """Drop clips: no clip touches their frames any more.

    selection: ids of clips or shots, SQL, or a relation with clip_id or shot_id. Raises UsageError if it is empty,
    QueryError.
    """
    ids = clip_ids_of(session, selection)
    expect_some(ids, "this selection")
    return speak(store, [_word("drop", stretch) for stretch in _stretches(session, ids)], who)


def trim(
    store: Store,
    session: Session,
    clip_id: str,
    first_s: float | None = None,
    last_s: float | None = None,
    who: str | None = None,
) -> ClipAct:
    """Let a clip begin or end at another frame: the nearest to first_s, last_s (seconds in the video).

    The old clip is dropped and the new one kept, in one change set. Raises UsageError if nothing would change or
    remain, QueryError for an id that is not a clip of a measured video.
    """
    (old,) = _stretches(session, [clip_id])
    source, first, last = old
    if first_s is not None:
        first = _frame_at(session, source, first_s)[2]
    if last_s is not None:
        last = _frame_at(session, source, last_s)[3]
    if (source, first, last) == old:
        raise UsageError(
            f"Clip {clip_id} would not change.", hint="Give another time for its first or its last frame."
        )
    if first > last:
        raise UsageError(f"Clip {clip_id} would end before it begins.", hint="Give an earlier first frame.")
    new = (source, first, last)
    act = speak(store, [_word("drop", old), _word("keep", new)], who)
    return ClipAct(act.id, act.n, act.notes, schema.clip_id(*new))


def split(store: Store, session: Session, shot_id: str, at_s: float, who: str | None = None) -> Act:
    """Add a cut that `animeds shots` missed: a shot begins at the frame nearest to at_s (seconds in the video).

    Raises QueryError for an unknown shot, UsageError if the frame is not within it.
    """
    ((source, _, _),) = _stretches(session, [shot_id])
    found, frame, first, _ = _frame_at(session, source, at_s)
    if found != shot_id or frame == 0:
        raise UsageError(
            f"{at_s:g} s is not within shot {shot_id}.",
            hint=f"SELECT first_s, last_s FROM shots WHERE shot_id = '{shot_id}'",
        )
    return speak(store, [_word("cut", (source, first, first))], who)


def clip_ids_of(session: Session, selection: str | Sequence[str] | duckdb.DuckDBPyRelation) -> list[str]:
    """Return the ids of clips or shots that a selection gives, each once, in order.

    selection: ids, SQL, or a relation with clip_id or shot_id. Raises QueryError for one without such a column.
    """
    if isinstance(selection, Sequence) and not isinstance(selection, str):
        return list(dict.fromkeys(str(one) for one in selection))
    relation = session.sql(selection) if isinstance(selection, str) else selection
    offered = {column.lower(): column for column in relation.columns}
    column = next((offered[name] for name in ("clip_id", "shot_id") if name in offered), None)
    if column is None:
        raise QueryError(
            f"This selection has no column clip_id or shot_id. Its columns are {', '.join(relation.columns)}.",
            hint="SELECT clip_id FROM clips …",
        )
    with session.errors():
        rows = relation.select(f'"{column}"').fetchall()
    return list(dict.fromkeys(str(row[0]) for row in rows if row[0] is not None))


def _word(value: str, stretch: Stretch) -> Word:
    source, first, last = stretch
    return Word(FIELD, "set", value, source_id=source, subject=f"{first}_{last}")


def _stretches(session: Session, ids: Sequence[str]) -> list[Stretch]:
    """Return the stretch of each clip or shot. Raises QueryError for the first id that is neither."""
    found = {one: stretch for one in ids if (stretch := schema.stretch_of_clip(one))}
    rows = session.arrow(
        "SELECT shot_id, source_id, first_pts, last_pts FROM timed_shots "
        "WHERE list_contains($ids, shot_id) OR list_contains($sources, source_id)",
        {"ids": ids, "sources": sorted({source for source, *_ in found.values()})},
    ).to_pylist()
    shots = {row["shot_id"]: (row["source_id"], row["first_pts"], row["last_pts"]) for row in rows}
    measured = {source for source, *_ in shots.values()}
    for one in ids:
        if one in found and found[one][0] not in measured:
            raise QueryError(
                f"No shots were found in source {found[one][0]} of clip {one}.", hint="Run: animeds shots"
            )
        if one not in found and one not in shots:
            raise QueryError(
                f"There is no clip or shot {one[:80]}.",
                hint="Ids look like k3f9a2qd-c1024_53248 (a clip) or k3f9a2qd-s00012 (a shot). List them with: "
                "SELECT clip_id, shot_id FROM clips",
            )
        if one in found and found[one][1] > found[one][2]:
            raise QueryError(f"Clip {one} ends before it begins.")
    return [found.get(one) or shots[one] for one in ids]


def _frame_at(session: Session, source: str, at_s: float) -> tuple[str, int, int, int]:
    """Return the shot, the number in it, and the pts (to begin with, to end with) of the frame nearest to a time."""
    moments = pa.table({"source_id": [source], "at_s": [float(at_s)]})
    rows = session.step(sql_script("steps/labels", "frames_at.sql"), {"moments": moments}).to_pylist()
    if not rows:
        raise UsageError(f"{at_s:g} s is before the first shot of source {source}.")
    return rows[0]["shot_id"], rows[0]["frame"], rows[0]["first_pts"], rows[0]["last_pts"]
