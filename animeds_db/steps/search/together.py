"""One search for everything: a description in words, a picture, a frame, what is said, a character, and a condition.

A description is looked for in the pictures (by vectors), in the tags and in the descriptions of frames. The results
are joined by reciprocal rank fusion: 1 / (60 + rank) of a frame in each of them is added up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from animeds_db.errors import UsageError
from animeds_db.session import Session
from animeds_db.session.queries.values import check_known
from animeds_db.session.scripts import sql_script, with_texts
from animeds_db.session.statements import literal
from animeds_db.steps.search.frames import MOST_BY_INDEX, among, has_vectors, search, vector_of
from animeds_db.steps.search.said import MOST_FILTERING, search_said
from animeds_db.steps.search.words import LONGEST, Asked, matching
from animeds_db.store.store import Store

DEEPER = 10
MIN_RANKED = 100
"""Each way ranks DEEPER times as many frames as are wanted, and at least MIN_RANKED."""
MOST_WORDS = 4
"""Maximum number of words in a tag that a description can name."""
MOST_TAGS = 16
"""Maximum number of tags that a description can name."""
MOST_DESCRIBED = 20_000
"""Maximum number of descriptions with the words whose frames are compared with a condition."""
SMALL_WORDS = frozenset(
    "a an and are as at by for from in is it its of on or the their this to with".split()  # noqa: SIM905
)
"""Words that need not be in a description."""
_WORDS = re.compile(r"[\w'()+-]+")


@dataclass(frozen=True)
class Asking:
    """What to search for. `said`, `character` and `where` limit the frames; the others sort them."""

    text: str | None = None
    image: Path | None = None
    frame_id: str | None = None
    said: str | None = None
    character: str | None = None
    where: str | None = None
    tower: str | None = None
    k: int = 20
    exact: bool = False

    @property
    def ways(self) -> int:
        """How many things the frames are sorted by."""
        return sum(part is not None for part in (self.text, self.image, self.frame_id))


def find(session: Session, store: Store, asking: Asking) -> duckdb.DuckDBPyRelation:
    """Return the best k frames. With `said` alone, its columns are those of `search_said`; see Dataset.search."""
    with session.held():
        return _found(session, store, asking)


def _found(session: Session, store: Store, asking: Asking) -> duckdb.DuckDBPyRelation:
    where = _limits(session, asking)
    if asking.said is not None and not asking.ways:
        return search_said(session, store, asking.said, k=asking.k, where=where)
    if asking.said is not None:
        lines = search_said(session, store, asking.said, k=MOST_FILTERING, where=where)
        where = among(sorted({str(row[0]) for row in lines.select("frame_id").fetchall()}))
    if asking.ways == 1 and asking.text is not None:
        return _described(session, store, asking, where)
    vector = vector_of(
        session,
        text=asking.text,
        image=asking.image,
        frame_id=asking.frame_id,
        where=where,
        tower=asking.tower,
    )
    return search(session, vector, k=asking.k, where=where, store=None if asking.exact else store)


def _limits(session: Session, asking: Asking) -> str | None:
    """Return the condition that `where` and `character` are together; None: there is none."""
    if asking.character is None:
        return asking.where
    check_known(session, [("character", asking.character)])
    named = f"frame_id IN (SELECT frame_id FROM named WHERE character = {literal(asking.character)})"
    return named if asking.where is None else f"{named} AND (\n{asking.where}\n)"


def _described(session: Session, store: Store, asking: Asking, where: str | None) -> duckdb.DuckDBPyRelation:
    """Search by a text: in the pictures, the tags and the descriptions."""
    assert asking.text is not None
    if asking.k < 1:
        raise UsageError(f"-k is {asking.k}. It must be at least 1.")
    if len(asking.text) > LONGEST:
        raise UsageError(f"The text to search for is longer than {LONGEST} characters.")
    most = max(MIN_RANKED, asking.k, min(DEEPER * asking.k, MOST_BY_INDEX))
    ranked = [
        _by_tags(session, asking.text, where, most),
        _by_descriptions(session, store, asking.text, where, most),
    ]
    vector = None
    if has_vectors(session) or not any(len(rows) for rows in ranked):
        vector = vector_of(session, text=asking.text, where=where, tower=asking.tower)
        near = search(session, vector, k=most, where=where, store=None if asking.exact else store)
        ranked.append(_ranked("picture", near.select("frame_id").to_arrow_table()["frame_id"]))
    script = sql_script("steps/search", "together.sql")
    sql = with_texts(script, width=1 if vector is None else len(vector))
    params = {"vector": None if vector is None else vector.tolist(), "k": asking.k}
    return session.sql(sql, params, file="search", tables={"ranked": pa.concat_tables(ranked)})


def _by_tags(session: Session, text: str, where: str | None, most: int) -> pa.Table:
    """Rank the frames that have tags which the text names: first those with more of them."""
    words = _WORDS.findall(text.lower())[:200]
    names = {
        "_".join(words[first:last])
        for first in range(len(words))
        for last in range(first + 1, min(len(words), first + MOST_WORDS) + 1)
    }
    known = session.sql(
        "SELECT tag FROM vocabulary WHERE list_contains($names, tag) ORDER BY len(tag) DESC, tag",
        {"names": sorted(names) or [""]},
    ).fetchall()
    tags = _longest([str(row[0]) for row in known])[:MOST_TAGS]
    if not tags:
        return _ranked("tags", pa.array([], pa.string()))
    sql = with_texts(sql_script("steps/search", "tagged.sql"), where=f"(\n{where or 'true'}\n)")
    rows = session.sql(sql, {"tags": tags, "most": most}, file="search").to_arrow_table()
    return _ranked("tags", rows["frame_id"], rows["place"])


def _longest(tags: list[str]) -> list[str]:
    """Return tags without those that are a part of a longer one: `red_hair`, but not `hair`. The longest come first."""
    kept: list[str] = []
    for tag in tags:
        if not any(f"_{tag}_" in f"_{longer}_" for longer in kept):
            kept.append(tag)
    return kept


def _by_descriptions(session: Session, store: Store, text: str, where: str | None, most: int) -> pa.Table:
    """Rank the frames whose description, or that of a box in it, has all of the words (without SMALL_WORDS)."""
    words = re.findall(r"\w+", text.lower())
    words = [word for word in words if word not in SMALL_WORDS] or words
    if not words:
        return _ranked("description", pa.array([], pa.string()))
    columns = ("frame_id", "detection_id", "text")
    asked = Asked(" ".join(words), (), ())
    found = matching(store, "descriptions", asked, columns, most if where is None else MOST_DESCRIBED)
    sql = with_texts(sql_script("steps/search", "described.sql"), where=f"(\n{where or 'true'}\n)")
    rows = session.sql(sql, {"words": words, "most": most}, file="search", tables={"found": found})
    return _ranked("description", rows.to_arrow_table()["frame_id"])


def _ranked(way: str, frames: Any, places: Any = None) -> pa.Table:
    """Return frames as rows of `ranked`: way, frame_id, and its place, from 1."""
    n = len(frames)
    return pa.table(
        {
            "way": pa.array([way] * n, pa.string()),
            "frame_id": pa.chunked_array([frames]) if isinstance(frames, pa.Array) else frames,
            "place": pa.array(np.arange(1, n + 1)) if places is None else places.cast(pa.int64()),
        }
    )
